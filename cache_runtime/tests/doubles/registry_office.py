"""A cache in front of a registry that holds one image: what tests of mode `upstream` begin with."""

from __future__ import annotations

from dataclasses import dataclass

from .inner_cache import InnerCache
from .registry import Registry


@dataclass
class RegistryOffice:
    """`manifest` and `layer` are digests in org/app, as Registry.push gives them."""

    registry: Registry
    cache: InnerCache
    manifest: str
    layer: str

    @property
    def blob(self) -> str:
        return f"/v2/org/app/blobs/{self.layer}"
