"""Which system calls a cache makes on its volume, and which of them the storage room's seam knows: the proof by strace.

Owns the marks and the reading of a trace. `python -m endurance.seam CONFIG [WITHOUT]` is the whole program with each
call of `Files` between two marks, which are calls that the kernel refuses and that strace sees, thread by thread.
Whatever touches the volume outside of marks went past the seam. Rule for editors: a mark changes nothing but the trace.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from doubles.files import CALLS
from dtr_content_cache import __main__ as program
from dtr_content_cache.storage.files import Files

_MARK = "/the-storage-seam"
_BEGAN = re.compile(r"(\d+) +(\w+)\((.*)")
_MARKED = re.compile(rf'"{_MARK}/(begin|end)/(\w+)"')
# The room that sends reads what storage has opened for it: from the open descriptor, never by a name.
SENDING = frozenset({"sendfile", "pread64", "preadv", "preadv2", "fstat"})


@dataclass
class Seen:
    """`inside`: calls of the seam by its methods; `outside`: system calls on the volume beside it, by name."""

    inside: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)


def read_trace(lines: Iterable[str], volume: str) -> Seen:
    """`lines` of `strace -f -y`; pure. A call on `volume` is one that names it, by path or by a descriptor's path."""
    seen, within = Seen(), Counter[str]()
    on_volume = re.compile(rf'[<"]{re.escape(volume)}[/>"\\(]')
    for line in lines:
        match = _BEGAN.match(line)
        if match is None:
            continue  # the end of a call whose begin has been read, a signal, an exit
        thread, call, arguments = match.groups()
        mark = _MARKED.search(arguments)
        if mark is not None:
            within[thread] += 1 if mark[1] == "begin" else -1
            seen.inside[mark[2]] += mark[1] == "begin"
        elif on_volume.search(arguments) and not within[thread]:
            call = "fstat" if call == "newfstatat" and ', "",' in arguments else call
            seen.outside[call] += 1
            seen.examples.setdefault(call, line.strip()[:200])
    return seen


def _marked(name: str) -> Callable[..., Any]:
    real = getattr(Files, name)

    def call(self: Files, *args: Any) -> Any:
        os.access(f"{_MARK}/begin/{name}", os.F_OK)
        try:
            result = real(self, *args)
            return iter(list(result)) if name == "scandir" else result
        finally:
            os.access(f"{_MARK}/end/{name}", os.F_OK)

    return call


def mark_the_seam() -> None:
    """In this process, from now on."""
    for name in (*CALLS, "close"):
        setattr(Files, name, _marked(name))


if __name__ == "__main__":
    from .cripples import CRIPPLES

    mark_the_seam()
    if sys.argv[2:]:
        CRIPPLES[sys.argv[2]]()
    sys.exit(program.main([sys.argv[1]]))
