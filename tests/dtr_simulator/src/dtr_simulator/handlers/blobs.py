"""Blobs: redirected to the account's content cache, or served.

Owns: the decision who serves, the signed redirect, checking a grant, sending a file.
Does not own: uploads. Rule: a request with a grant is never redirected, or a cache that misses would be sent to itself.
"""

from __future__ import annotations

from pathlib import Path

from .. import names
from ..content.registry_behind import CHUNK_BYTES
from ..failures import registry_failure
from ..grants import GrantRefused, check_grant, grant_of_query
from .conditions import NotSatisfiable, matches_any, one_range
from .registry import RegistryRequest
from .relay import registry_of, relay


class Blobs(RegistryRequest):
    async def get(self, repository: str, digest: str) -> None:
        by_grant = self._by_grant(repository, digest)
        if not by_grant:
            self.authorize(repository, "pull")
        if not names.is_digest(digest):
            raise registry_failure("DIGEST_INVALID", {"digest": digest[:100]})
        layout = self.dtr.layouts.get(repository)
        path = layout.blob(digest) if layout else None
        if path is None and (layout or not await registry_of(self).has_blob(repository, digest)):
            raise registry_failure("BLOB_UNKNOWN", digest)
        # A grant names an account but logs nobody in, so it never leads to a redirect.
        cache = self.dtr.registrations.cache_of(self.account.name) if self.account else None
        if cache and self.account:
            self._redirect(self.dtr.redirect(self.account, cache, repository, digest))
        elif path:
            await self._send_file(path, digest)
        else:
            # The grant has done its work; the registry is not told.
            self.request.query = ""
            await relay(self, f"/v2/{repository}/blobs/{digest}")

    head = get

    async def delete(self, repository: str, digest: str) -> None:
        self.authorize(repository, "delete")
        if repository in self.dtr.layouts or not names.is_digest(digest):
            raise registry_failure("UNSUPPORTED")
        await relay(self, f"/v2/{repository}/blobs/{digest}")

    def _by_grant(self, repository: str, digest: str) -> bool:
        """Whether a grant allows this request. Raise DENIED when there is one that does not."""
        dtr = self.dtr
        try:
            token = grant_of_query(self.request.query)
            if token is None:
                return False
            claims = check_grant(token, dtr.ring.keys, dtr.url, repository, digest, dtr.clock())
        except GrantRefused as refused:
            raise registry_failure("DENIED", f"grant: {refused}") from None
        self.identify(None, "grant", name=claims["sub"])
        return True

    def _redirect(self, location: str) -> None:
        self.set_status(307)
        self.set_header("Location", location)
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Content-Type")
        self.finish()

    async def _send_file(self, path: Path, digest: str) -> None:
        size = path.stat().st_size
        self._describe(digest)
        if matches_any(self.request.headers.get("If-None-Match", ""), digest):
            self.set_status(304)
            self.clear_header("Content-Type")
            self.finish()
            return
        start, end = self._piece(digest, size)
        self.set_header("Content-Length", str(end - start))
        if self.request.method == "HEAD" or await self._send_bytes(path, start, end):
            self.finish()

    def _describe(self, digest: str) -> None:
        for name, value in (("Accept-Ranges", "bytes"), ("Cache-Control", "max-age=31536000"),
                            ("Content-Type", "application/octet-stream"), ("Docker-Content-Digest", digest),
                            ("Etag", f'"{digest}"')):
            self.set_header(name, value)

    def _piece(self, digest: str, size: int) -> tuple[int, int]:
        header = self.request.headers.get("Range")
        if self.request.headers.get("If-Range", f'"{digest}"').strip('"') != digest:
            header = None
        try:
            piece = one_range(header, size)
        except NotSatisfiable:
            raise registry_failure("RANGE_INVALID", headers={"Content-Range": f"bytes */{size}"}) from None
        if piece is None:
            return 0, size
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {piece[0]}-{piece[1] - 1}/{size}")
        return piece

    async def _send_bytes(self, path: Path, start: int, end: int) -> bool:
        """Whether all of it could be sent, up to the last part, which `finish` sends."""
        with open(path, "rb") as file:
            file.seek(start)
            while start < end:
                chunk = file.read(min(CHUNK_BYTES, end - start))
                if not chunk:
                    # The file became shorter: the answer must not look complete.
                    self.cut()
                    return False
                if not await self.stream(chunk):
                    return False
                start += len(chunk)
        return True
