"""`python -m endurance.guided NAME FOLDER [OPTION…]`: one reader, fed by what its own branches ask for (atheris).

Owns the fuzzing of one reader in a process of its own, because libFuzzer ends its process. Inputs that opened a new
branch stay in FOLDER. A law that is broken ends the run; the input is in a file FOLDER.broken-…. Rule for editors:
what is judged, and by which law, stands in parsers.py alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris


class LawBroken(Exception):
    """The reader did not keep its law."""


def main(name: str, folder: Path, options: list[str]) -> None:
    """`options` are libFuzzer's, and `--loose`, by which the campaign proves that it would see something."""
    with atheris.instrument_imports(include=["dtr_content_cache"]):
        from .fragments import FRAGMENTS
        from .parsers import PARSERS
    if "--loose" in options:
        from .cripples import with_loose_digits

        with_loose_digits()
    parser = PARSERS[name]
    folder.mkdir(parents=True, exist_ok=True)
    for number, good in enumerate(parser.good):
        (folder / f"good-{number}").write_bytes(good)
    words = folder.with_suffix(".words")
    words.write_text("".join(f'"{_escaped(fragment)}"\n' for fragment in FRAGMENTS), encoding="ascii")

    def judge(data: bytes) -> None:
        said = parser.judge(data)
        if said:
            raise LawBroken(said)

    # No look at the folder for what others found meanwhile: a run is given by its options alone.
    own = [f"-dict={words}", f"-artifact_prefix={folder}.broken-", "-timeout=2", "-max_len=4096", "-reload=0"]
    atheris.Setup([sys.argv[0], *own, *(one for one in options if one != "--loose"), str(folder)], judge)
    atheris.Fuzz()


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
