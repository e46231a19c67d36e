"""`dtr-simulator-image` and `write_image`: a real image in an OCI image layout, the same for the same seed.

Owns: layers, configuration, manifest, index, and moving a tag. Does not own: serving it.
Rule: blobs are added beside the old ones and the index is replaced last, so that a layout being served stays whole.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import random
import re
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from . import names
from .content.layout import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, REF_NAME
from .refusals import Refused

_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB|kB|MB|GB)?")
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "kB": 1000, "MB": 10**6, "GB": 10**9}
_PLATFORM = re.compile(r"([a-z0-9]+)/([a-z0-9]+)(?:/(v[0-9]+))?")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Kinds:
    """The media types of one family of images."""

    index: str
    manifest: str
    config: str
    layer: str


OCI = Kinds(OCI_INDEX, OCI_MANIFEST, "application/vnd.oci.image.config.v1+json",
            "application/vnd.oci.image.layer.v1.tar+gzip")
DOCKER = Kinds(DOCKER_LIST, DOCKER_MANIFEST, "application/vnd.docker.container.image.v1+json",
               "application/vnd.docker.image.rootfs.diff.tar.gzip")


@dataclass(frozen=True, slots=True)
class WrittenImage:
    """What was written. `digest` is what the tag points to; `blobs` are config and layers with their bytes."""

    tag: str
    digest: str
    manifests: tuple[str, ...]  # digests of the single images, one for each platform
    blobs: dict[str, int]


def write_image(folder: Path, tag: str = "1.0", *, layers: int = 3, layer_size: int = 1 << 20, seed: int = 0,
                platforms: Sequence[str] = ("linux/amd64",), docker_schema2: bool = False,
                base_seed: int | None = None, base_layers: int = 1) -> WrittenImage:
    """Write an image of `layers` layers with about `layer_size` bytes each and point `tag` at it.

    Several `platforms` (`os/architecture[/variant]`) make an index. With `base_seed`, the first `base_layers` layers
    come from that seed, so that images of different seeds share them. Raise OSError when the folder cannot be written.
    """
    kinds = DOCKER if docker_schema2 else OCI
    store = _Store(folder)
    blobs: dict[str, int] = {}
    entries = []
    for number, platform in enumerate(platforms):
        seeds = [f"{seed if base_seed is None or layer >= base_layers else base_seed}/{number}/{layer}"
                 for layer in range(layers)]
        entries.append(_write_single(store, kinds, platform, seeds, layer_size, blobs))
    top = entries[0]
    if len(entries) > 1:
        top = store.add_json({"schemaVersion": 2, "mediaType": kinds.index, "manifests": entries}, kinds.index)
    store.point(tag, top)
    return WrittenImage(tag, top["digest"], tuple(entry["digest"] for entry in entries), blobs)


def _write_single(store: _Store, kinds: Kinds, platform: str, seeds: list[str], layer_size: int,
                  blobs: dict[str, int]) -> dict[str, Any]:
    """One image for one platform; returns its descriptor with the platform."""
    written = [store.add_layer(seed, layer_size) for seed in seeds]
    match = _PLATFORM.fullmatch(platform)
    system, architecture, variant = match.groups() if match else ("linux", "amd64", None)
    parts = {"os": system, "architecture": architecture} | ({"variant": variant} if variant else {})
    config = store.add_json(parts | {
        "created": "1970-01-01T00:00:00Z", "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, _, diff_id in written]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": f"layer {seed}"} for seed in seeds],
    }, kinds.config)
    descriptors = [{"mediaType": kinds.layer, "digest": digest, "size": size} for digest, size, _ in written]
    blobs |= {one["digest"]: one["size"] for one in (config, *descriptors)}
    manifest = {"schemaVersion": 2, "mediaType": kinds.manifest, "config": config, "layers": descriptors}
    return store.add_json(manifest, kinds.manifest) | {"platform": parts}


class _Store:
    """The layout's files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        _replace(folder / "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())

    def add_json(self, value: dict[str, Any], media_type: str) -> dict[str, Any]:
        """Store it as a blob; returns its descriptor."""
        body = json.dumps(value, indent=2).encode()
        digest = hashlib.sha256(body).hexdigest()
        _replace(self._blobs / digest, body)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(body)}

    def add_layer(self, seed: str, size: int) -> tuple[str, int, str]:
        """A gzip tar of one random file of `size` bytes and a small one; (digest, bytes, diff id)."""
        beside = self._blobs / f".layer-{os.getpid()}"
        with open(beside, "wb") as file:
            compressed, plain = _Hashing(file), None
            # Random bytes do not compress: level 1 costs least and the layer keeps the wanted size.
            with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=compressed, mtime=0) as packed:
                plain = _Hashing(packed)
                with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                    _fill(archive, seed, size)
        digest = compressed.hash.hexdigest()
        beside.replace(self._blobs / digest)
        return f"sha256:{digest}", compressed.count, f"sha256:{plain.hash.hexdigest()}"

    def point(self, tag: str, descriptor: dict[str, Any]) -> None:
        """Make `tag` name this descriptor; other tags stay."""
        path = self._folder / "index.json"
        others = json.loads(path.read_bytes())["manifests"] if path.exists() else []
        kept = [one for one in others if one.get("annotations", {}).get(REF_NAME) != tag]
        entries = [*kept, descriptor | {"annotations": {REF_NAME: tag}}]
        _replace(path, json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries},
                                  indent=2).encode())


class _Hashing(io.RawIOBase):
    """Passes writes on, and knows their SHA-256 and number."""

    def __init__(self, target: Any) -> None:
        self._target, self.hash, self.count = target, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self.count += len(data)
        self._target.write(data)
        return len(data)


class _RandomBytes(io.RawIOBase):
    """`size` bytes that depend on the seed alone, never all in memory."""

    def __init__(self, seed: str, size: int) -> None:
        self._random, self._left = random.Random(seed), size
        self._buffer = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._buffer) < size and self._left:
            # Always the same step, so that the bytes do not depend on how they are asked for.
            step = min(_CHUNK, self._left)
            self._buffer += self._random.randbytes(step)
            self._left -= step
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken


def _fill(archive: tarfile.TarFile, seed: str, size: int) -> None:
    name = seed.replace("/", "-")
    notice = f"layer {seed}\n".encode()
    for path, content, length in ((f"data/{name}.bin", _RandomBytes(seed, size), size),
                                  (f"etc/layers/{name}", io.BytesIO(notice), len(notice))):
        entry = tarfile.TarInfo(path)
        entry.size = length
        archive.addfile(entry, content)


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)


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
    mistakes += [f"--platform {one}: wanted os/architecture" for one in platforms if not _PLATFORM.fullmatch(one)]
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
