"""Manifests: always from DTR, so that a moved tag is seen at once.

Owns: lookup by tag and digest, `Accept`, conditional requests; PUT and DELETE towards the registry behind.
Does not own: blobs. Rule: a client never gets a media type that it did not say it takes.
"""

from __future__ import annotations

from .. import names
from ..content.layout import DOCKER_MANIFEST, INDEXES, OCI_INDEX, OCI_MANIFEST, Layout, Manifest
from ..failures import registry_failure
from .api import media_types
from .conditions import matches_any
from .registry import RegistryRequest
from .relay import registry_of, relay


def choose(found: Manifest, layout: Layout, accepted: list[str], by_tag: bool) -> Manifest | None:
    """The manifest that a client with this `Accept` gets; None if nothing fits.

    A client that takes no index gets the linux/amd64 entry of a tag, as registries do for old clients.
    """
    if not accepted or "*/*" in accepted or "application/*" in accepted or found.media_type in accepted:
        return found
    if not by_tag or found.media_type not in INDEXES:
        return None
    digest = found.for_platform("linux", "amd64")
    single = layout.manifest(digest) if digest else None
    return single if single and single.media_type in accepted else None


class Manifests(RegistryRequest):
    async def get(self, repository: str, reference: str) -> None:
        self.authorize(repository, "pull")
        layout = self.dtr.layouts.get(repository)
        if layout is None:
            registry_of(self)
            await relay(self, f"/v2/{repository}/manifests/{self._checked(reference)}")
            return
        found = layout.manifest(self._checked(reference))
        if found is None:
            raise registry_failure("MANIFEST_UNKNOWN", {"reference": reference})
        accepted = media_types(",".join(self.request.headers.get_list("Accept")))
        chosen = choose(found, layout, accepted, not names.is_digest(reference))
        if chosen is None:
            kind = {OCI_INDEX: "OCI index", OCI_MANIFEST: "OCI manifest", DOCKER_MANIFEST: "schema 2 manifest"}
            what = kind.get(found.media_type, found.media_type)
            raise registry_failure("MANIFEST_UNKNOWN", message=f"{what} found, but the Accept header does not take it")
        self._send(chosen)

    head = get

    def _send(self, manifest: Manifest) -> None:
        self.set_header("Docker-Content-Digest", manifest.digest)
        self.set_header("Etag", f'"{manifest.digest}"')
        if matches_any(self.request.headers.get("If-None-Match", ""), manifest.digest):
            self.set_status(304)
            self.finish()
            return
        self.set_header("Content-Type", manifest.media_type)
        self.set_header("Content-Length", str(len(manifest.body)))
        self.finish(manifest.body)

    async def put(self, repository: str, reference: str) -> None:
        self.authorize(repository, "pull", "push")
        await self._change(repository, reference)

    async def delete(self, repository: str, reference: str) -> None:
        self.authorize(repository, "delete")
        await self._change(repository, reference)

    async def _change(self, repository: str, reference: str) -> None:
        if repository in self.dtr.layouts or self.dtr.registry is None:
            raise registry_failure("UNSUPPORTED", message="this repository is served from an image layout: read only")
        await relay(self, f"/v2/{repository}/manifests/{self._checked(reference)}", self.request.body)

    def _checked(self, reference: str) -> str:
        """The reference, if it is a tag or a digest; raise if it is neither."""
        if names.is_digest(reference) or names.is_tag(reference):
            return reference
        raise registry_failure("DIGEST_INVALID" if ":" in reference else "TAG_INVALID", {"reference": reference[:100]})
