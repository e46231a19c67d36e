"""Where things lie below `rootdirectory`.

    docker/registry/v2/blobs/sha256/<2 hex>/<64 hex>/data      the registry's layout: complete, verified blobs
                                            <64 hex>/           its modification time is the time of the last pull
    content-cache/unfinished/<64 hex>.<random>                  bytes without a verdict, locked while someone fills them
    content-cache/quarantine/<64 hex>.<random>                  bytes that were found rotten
    content-cache/discovery.json                                the last good discovery document
    content-cache/answers/<32 hex>/<32 hex>                     an upstream's last answers, for `offline: serve`
    content-cache/answers.secret                                what their names are made with
    content-cache/days.json                                     what was served on each of the last days

The last pull is kept on the *folder* so that the data file's own times change only when its bytes do. Rule for editors:
whoever writes a file beside its name takes the name from `beside`; in our own folder that name is one of `_REPLACED`.
"""

from __future__ import annotations

import re
import secrets

from ..values.digest import Digest

_SHARD = re.compile(r"[0-9a-f]{2}")
_HEX = re.compile(r"[0-9a-f]{64}")
_BESIDE = re.compile(r"(?P<name>.+)\.[0-9a-f]{8}")
_REPLACED = ("discovery.json", "answers.secret", "days.json", "probe")


class Layout:
    def __init__(self, root: str) -> None:
        self.root = root
        self.blobs = f"{root}/docker/registry/v2/blobs/sha256"
        self.own = f"{root}/content-cache"
        self.unfinished = f"{self.own}/unfinished"
        self.quarantine = f"{self.own}/quarantine"
        self.notes = f"{self.own}/answers"
        self.discovery, self.notes_secret, self.days, self.probe = (f"{self.own}/{name}" for name in _REPLACED)

    def shard(self, digest: Digest) -> str:
        return f"{self.blobs}/{digest.hex[:2]}"

    def folder(self, digest: Digest) -> str:
        return f"{self.blobs}/{digest.hex[:2]}/{digest.hex}"

    def data(self, digest: Digest) -> str:
        return f"{self.blobs}/{digest.hex[:2]}/{digest.hex}/data"

    def needed_folders(self) -> tuple[str, ...]:
        """Parents first, from the root folder's own down."""
        parts = self.root.strip("/").split("/")
        to_root = ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]
        registry = [f"{self.root}/docker", f"{self.root}/docker/registry", f"{self.root}/docker/registry/v2"]
        own = [self.own, self.unfinished, self.quarantine]
        return (*to_root, *registry, f"{self.root}/docker/registry/v2/blobs", self.blobs, *own)


def beside(path: str) -> str:
    """A name of its own next to `path`, for bytes that are renamed to it or removed again."""
    return f"{path}.{secrets.token_hex(4)}"


def is_beside(name: str) -> bool:
    """Is it, in our own folder, one of those that `beside` gave?"""
    found = _BESIDE.fullmatch(name)
    return found is not None and found["name"] in _REPLACED


def is_shard(name: str) -> bool:
    return _SHARD.fullmatch(name) is not None


def is_blob_folder(name: str, shard: str) -> bool:
    return _HEX.fullmatch(name) is not None and name.startswith(shard)
