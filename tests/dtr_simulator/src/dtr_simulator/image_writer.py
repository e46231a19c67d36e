"""Writing an image into an OCI image layout: configuration, manifest, index, and moving a tag.

Owns: the layout's files. Does not own: the bytes of a layer (layer.py), serving it (content/layout.py).
Rule: blobs are added beside the old ones and the index is replaced last, so that a layout being served stays whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .content.layout import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, REF_NAME
from .layer import Layer, write_layer

PLATFORM = re.compile(r"([a-z0-9]+)/([a-z0-9]+)(?:/(v[0-9]+))?")


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
    match = PLATFORM.fullmatch(platform)
    system, architecture, variant = match.groups() if match else ("linux", "amd64", None)
    parts = {"os": system, "architecture": architecture} | ({"variant": variant} if variant else {})
    config = store.add_json(parts | {
        "created": "1970-01-01T00:00:00Z", "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in written]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": f"layer {seed}"} for seed in seeds],
    }, kinds.config)
    descriptors = [{"mediaType": kinds.layer, "digest": layer.digest, "size": layer.size} for layer in written]
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

    def add_layer(self, seed: str, size: int) -> Layer:
        beside = self._blobs / f".layer-{os.getpid()}"
        with open(beside, "wb") as file:
            layer = write_layer(file, seed, size)
        beside.replace(self._blobs / layer.digest.removeprefix("sha256:"))
        return layer

    def point(self, tag: str, descriptor: dict[str, Any]) -> None:
        """Make `tag` name this descriptor; other tags stay."""
        path = self._folder / "index.json"
        others = json.loads(path.read_bytes())["manifests"] if path.exists() else []
        kept = [one for one in others if one.get("annotations", {}).get(REF_NAME) != tag]
        entries = [*kept, descriptor | {"annotations": {REF_NAME: tag}}]
        _replace(path, json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries},
                                  indent=2).encode())


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(path)
