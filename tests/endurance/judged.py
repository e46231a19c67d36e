"""`python -m endurance.judged NAME FILE…`: one reader, given what stands in each file; 1 where it breaks its law.

An input that a fuzzer found (build/endurance/broken-inputs) is looked at by this, again and again until it is mended.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .parsers import PARSERS


def main(name: str, files: list[str]) -> int:
    said = [(file, PARSERS[name].judge(Path(file).read_bytes())) for file in files]
    for file, broken in said:
        print(f"{file}: {broken or 'the law is kept'}")
    return int(any(broken for _, broken in said))


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in PARSERS:
        sys.exit(f"usage: python -m endurance.judged NAME FILE…, one of: {', '.join(PARSERS)}")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
