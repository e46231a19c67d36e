"""`dtr-simulator`: argv in, exit code out.

Owns: turning refusals into sentences and an exit code. Rule: a user never sees a traceback for what he typed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from .options import read_options
from .refusals import Refused
from .server import serve


def main(argv: Sequence[str] | None = None) -> int:
    try:
        asyncio.run(serve(read_options(sys.argv[1:] if argv is None else argv)))
    except Refused as refused:
        for mistake in refused.mistakes:
            print(f"dtr-simulator: {mistake}", file=sys.stderr)
        return 1
    # Transfers under way are not waited for: the process ends at once.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
