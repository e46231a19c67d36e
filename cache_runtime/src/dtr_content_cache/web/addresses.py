"""What a path asks for. Pure: the path is parsed here, once, into a value; nothing is decoded, cleaned or guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ..values.blob_address import BlobAddress, is_repository_name
from ..values.digest import Digest

_BLOB = re.compile(r"/v2/(.{1,255})/blobs/([^/]*)")
_MANIFEST = re.compile(r"/v2/(.{1,255})/(?:manifests|referrers)/[^/]*|/v2/(.{1,255})/tags/list")
_REMEMBERED_CHARACTERS = 512
_LOOKS_LIKE_DIGEST = re.compile(r"[A-Za-z0-9_+.-]+:[0-9A-Za-z]*")


@dataclass(frozen=True, slots=True)
class BadDigest:
    """A blob path whose digest is none: the answer is 400 DIGEST_INVALID."""


@dataclass(frozen=True, slots=True)
class BadName:
    """A registry path whose repository name is none: 400 NAME_INVALID."""


@dataclass(frozen=True, slots=True)
class ManifestAddress:
    """Manifests and tags: DTR's, never ours."""


Named = BlobAddress | ManifestAddress | BadDigest | BadName


def parse_registry_path(path: str) -> Named | None:
    """What a path below `/v2/` names; None for no path of the registry's API."""
    return _remembered(path) if len(path) <= _REMEMBERED_CHARACTERS else _parse(path)


def _parse(path: str) -> Named | None:
    if blob := _BLOB.fullmatch(path):
        if not is_repository_name(blob[1]):
            return BadName()
        try:
            return BlobAddress(blob[1], Digest.parse(blob[2]))
        except ValueError:
            return BadDigest() if _LOOKS_LIKE_DIGEST.fullmatch(blob[2]) else None
    if manifest := _MANIFEST.fullmatch(path):
        return ManifestAddress() if is_repository_name(manifest[1] or manifest[2]) else BadName()
    return None


_remembered = lru_cache(maxsize=1024)(_parse)
