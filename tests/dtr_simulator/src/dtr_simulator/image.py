"""`dtr-simulator-image`: a real image in an OCI image layout, the same for the same seed.

Owns: argv. Does not own: the writing (image_writer.py), which tests call as `write_image`.
Rule: all mistakes of the command line are said before anything is written.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from . import names
from .image_writer import PLATFORM, WrittenImage, write_image
from .refusals import Refused

__all__ = ["WrittenImage", "main", "write_image"]

_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB|kB|MB|GB)?")
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1000, "MB": 10**6, "GB": 10**9}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused([f"{message} (dtr-simulator-image --help lists the options)"])


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="dtr-simulator-image", allow_abbrev=False,
                     description="Write a real image into an OCI image layout directory.")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--tag", default="1.0")
    parser.add_argument("--layers", default="3", metavar="N")
    parser.add_argument("--layer-size", default="1MiB", metavar="SIZE", help="as in 300kB, 8MiB, 1GiB")
    parser.add_argument("--seed", default="0", metavar="N", help="another seed is another content")
    parser.add_argument("--base-seed", metavar="N", help="seed of the first layer, to share it between images")
    parser.add_argument("--platform", default="linux/amd64", metavar="LIST",
                        help="os/architecture, several separated by commas make an index")
    parser.add_argument("--docker-schema2", action="store_true", help="Docker's media types in place of OCI's")
    return parser.parse_args(argv)


def _number(flag: str, text: str, least: int, most: int, mistakes: list[str]) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text[:18]) <= most:
        mistakes.append(f"{flag} {text}: wanted a number from {least} to {most}")
        return least
    return int(text)


def _size(text: str, mistakes: list[str]) -> int:
    match = _SIZE.fullmatch(text)
    if not match:
        mistakes.append(f"--layer-size {text}: wanted a size like 300kB, 8MiB or 1GiB")
        return 0
    return int(match[1]) * _UNITS[match[2] or "B"]


def _run(argv: Sequence[str]) -> WrittenImage:
    given, mistakes = _arguments(argv), list[str]()
    platforms = given.platform.split(",")
    mistakes += [f"--platform {one}: wanted os/architecture" for one in platforms if not PLATFORM.fullmatch(one)]
    if not names.is_tag(given.tag):
        mistakes.append(f"--tag {given.tag}: wanted letters, digits, '_', '.', '-' (128 at most)")
    seed = _number("--seed", given.seed, 0, 2**53, mistakes)
    base = None if given.base_seed is None else _number("--base-seed", given.base_seed, 0, 2**53, mistakes)
    layers, size = _number("--layers", given.layers, 1, 127, mistakes), _size(given.layer_size, mistakes)
    if mistakes:
        raise Refused(mistakes)
    try:
        return write_image(given.folder, given.tag, layers=layers, layer_size=size, seed=seed, platforms=platforms,
                           docker_schema2=given.docker_schema2, base_seed=base)
    except (OSError, ValueError, KeyError) as error:
        reason = getattr(error, "strerror", None) or "found an index.json that cannot be read"
        raise Refused([f"{given.folder}: {reason}, wanted a directory for an OCI image layout"]) from None


def main(argv: Sequence[str] | None = None) -> int:
    try:
        image = _run(sys.argv[1:] if argv is None else argv)
    except Refused as refused:
        for mistake in refused.mistakes:
            print(f"dtr-simulator-image: {mistake}", file=sys.stderr)
        return 1
    print(f"{image.tag} {image.digest} {len(image.blobs)} blobs {sum(image.blobs.values())} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
