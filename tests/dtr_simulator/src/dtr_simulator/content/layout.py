"""An OCI image layout on disk, serving one repository.

Owns: the layout's files: which tags there are, which manifest, where a blob lies. The index is read anew for each
question, so that a tag can move while the simulator runs.
Does not own: HTTP, rights. Rule: read only; every blob in the folder belongs to the repository.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import names
from ..refusals import Refused

REF_NAME = "org.opencontainers.image.ref.name"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = (OCI_INDEX, DOCKER_LIST)
MANIFEST_LIMIT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    digest: str
    media_type: str
    body: bytes

    def for_platform(self, operating_system: str, architecture: str) -> str | None:
        """The digest of an index's entry for a platform."""
        for entry in json.loads(self.body).get("manifests", ()):
            platform = entry.get("platform", {})
            if (platform.get("os"), platform.get("architecture")) == (operating_system, architecture):
                return str(entry["digest"])
        return None


class LayoutBroken(Exception):
    """The layout changed into something unreadable while the simulator runs; the text says what."""


class Layout:
    """The image layout in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tags(self) -> dict[str, str]:
        """tag → digest of its manifest or index, in the order of the index."""
        return {tag: entry["digest"] for tag, entry in self._tagged()}

    def _tagged(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for entry in self._index():
            tag = entry.get("annotations", {}).get(REF_NAME, "")
            if names.is_tag(tag):
                yield tag, entry

    def _index(self) -> list[dict[str, Any]]:
        try:
            entries = json.loads((self.folder / "index.json").read_bytes())["manifests"]
            if all(names.is_digest(entry["digest"]) for entry in entries):
                return list(entries)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LayoutBroken(f"{self.folder}/index.json: cannot be used ({type(error).__name__}), "
                               "wanted an OCI image index") from None
        raise LayoutBroken(f"{self.folder}/index.json: found an entry with a digest other than sha256:<64 hex>")

    def blob(self, digest: str) -> Path | None:
        """The file of a blob, None if this layout does not have it. `digest` is checked by the caller."""
        path = self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")
        return path if path.is_file() else None

    def manifest(self, reference: str) -> Manifest | None:
        """By tag or digest; None if there is no such manifest."""
        digest = reference if names.is_digest(reference) else self.tags().get(reference)
        path = self.blob(digest) if digest else None
        if digest is None or path is None or path.stat().st_size > MANIFEST_LIMIT_BYTES:
            return None
        body = path.read_bytes()
        media_type = self._declared_type(digest) or _own_type(body)
        return Manifest(digest, media_type, body) if media_type else None

    def _declared_type(self, digest: str) -> str | None:
        return next((entry.get("mediaType") for entry in self._index() if entry["digest"] == digest), None)


def _own_type(body: bytes) -> str | None:
    """The media type that a manifest names, or that its members show; None if it is no manifest."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if not isinstance(value, dict) or value.get("schemaVersion") != 2:
        return None
    guess = OCI_INDEX if "manifests" in value else OCI_MANIFEST if "layers" in value else None
    return value.get("mediaType") or guess


def open_layout(text: str) -> tuple[str, Layout]:
    """`NAME=DIR` as repository and layout. Raise Refused with every mistake."""
    name, sign, folder = text.partition("=")
    if not sign or not names.is_dtr_repository(name) or not folder:
        raise Refused([f"--layout {text}: wanted organisation/name=DIRECTORY"])
    layout = Layout(Path(folder).absolute())
    mistakes = list(_mistakes(layout))
    if mistakes:
        raise Refused([f"--layout {name}: {mistake}" for mistake in mistakes])
    return name, layout


def _mistakes(layout: Layout) -> Iterator[str]:
    if not layout.folder.is_dir():
        yield f"{layout.folder}: no such directory, wanted an OCI image layout (make one with dtr-simulator-image)"
        return
    try:
        version = json.loads((layout.folder / "oci-layout").read_bytes())["imageLayoutVersion"]
        if version != "1.0.0":
            yield f"{layout.folder}/oci-layout: found version {version!r}, wanted 1.0.0"
    except (OSError, ValueError, KeyError, TypeError):
        yield f"{layout.folder}/oci-layout: missing or unreadable, wanted an OCI image layout"
    try:
        for tag, digest in layout.tags().items():
            if layout.manifest(digest) is None:
                yield f"{layout.folder}: tag {tag}: {digest} is not among the blobs or is no manifest"
    except LayoutBroken as broken:
        yield str(broken)
