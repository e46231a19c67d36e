"""Crafted confusions: each is signed by the true key, or nearly, and means something else than it says.

The tables are those of the room that reads grants; here they meet a whole cache that has the blob at hand. Rule for
editors: a case is wrong in one thing and right in all else, now, for this cache, so that it opens where that is let by.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import chain
from typing import Any

from doubles.confusions import QUERIES, RAW_OBJECTS, SHAPES, claims_beside, headers_beside
from doubles.signing import b64, b64json
from doubles.upstream import Upstream
from dtr_simulator import grants, jws

from ..campaign import Found
from ..forgeries import forgeries
from ..traffic import target
from .grants import HotCache

_ESCAPES = ("%{:02x}", "%{:02X}", "%25{:02x}")


class ConfusedGrants(HotCache):
    name = "confused grants"
    promise = (
        "No grant that is written in a second way, twice, encoded, with other numbers, headers, claims or times, for "
        "another path, or that brings its own key or none opens anything; nobody follows what it names"
    )
    unit = "table of crafted confusions"
    ci, full = 1, 200

    def begin(self) -> None:
        super().begin()
        strange_keys = [jws.SigningKey.new(key.algorithm) for key in self.keys]
        self._strangers = [Upstream(origin=self.upstream.origin, key=key).__enter__() for key in strange_keys]

    def end(self) -> None:
        for stranger in getattr(self, "_strangers", ()):
            stranger.__exit__()
        super().end()

    def cycle(self, seed: str) -> Found:
        found = Found()
        digest = self.digests[int(seed.rpartition(":")[2]) % len(self.digests)]
        grant = self.upstream.grant(digest)
        for query in _spellings(grant):
            self._refused(f"/v2/org/app/blobs/{digest}?{query}", query, found)
        for name, confused in chain(self._claims(digest), self._headers(digest), self._forged(digest)):
            self._refused(f"/v2/org/app/blobs/{digest}?grant={confused}", name, found)
        for path in _paths(digest):
            self._refused(f"{path}?grant={grant}", path, found)
        asked = [one.path for stranger in self._strangers for one in stranger.asked]
        found.expect(not asked, f"a grant's own address was followed: {asked}")
        found.expect(self._status(target(self.upstream, digest)) == 200, "the right grant was refused at the end")
        found.expect(self.cache.tracebacks() == 0, f"a traceback: {self.cache.said(40)}")
        return found

    def _refused(self, target: str, name: str, found: Found) -> None:
        line = target.replace("\n", "%0A").encode("utf-8", "surrogatepass").decode("latin-1")
        status = self._status(line)
        found.count("confusions tried")
        found.expect(status in (400, 403, 404), f"{status} for {name[-600:]!r}")

    def _claims(self, digest: str) -> Iterator[tuple[str, str]]:
        """Signed by the true key, wrong in one claim; the times at their very edges among them."""
        now_s, right = int(time.time()), self._right(digest)
        right |= {"iat": now_s - 10, "exp": now_s + 290}
        beside = claims_beside(now_s, self.upstream.origin, digest)
        for changes in chain((changes for changes, _ in beside), _edges()):
            yield f"claims {changes}", grants.mint(self.upstream.key, right | changes)
        for raw in (*RAW_OBJECTS, *self._twice(digest)):
            yield f"claims {raw!r}", self._signed(self._header(), raw)

    def _twice(self, digest: str) -> Iterator[bytes]:
        """Right by the first of two claims of a name, or by the last."""
        right = self._right(digest)
        good = json.dumps(right)
        for name in right:
            for wrong in ("org/secret", 0):
                yield f'{{"{name}": {json.dumps(wrong)}, {good[1:]}'.encode()
                yield f'{good[:-1]}, "{name}": {json.dumps(wrong)}}}'.encode()

    def _headers(self, digest: str) -> Iterator[tuple[str, str]]:
        """Of the true key, whose header says something else, or that two readers read otherwise."""
        kid = self.upstream.key.kid
        for changes, _ in headers_beside(kid):
            yield f"header {changes}", grants.mint(self.upstream.key, self._right(digest), changes)
        right = json.dumps(self._right(digest)).encode()
        for raw in RAW_OBJECTS:
            yield f"header {raw!r}", self._signed(raw.replace(b"key-1", kid.encode()), right)

    def _forged(self, digest: str) -> Iterator[tuple[str, str]]:
        for key, stranger in zip(self.keys, self._strangers, strict=True):
            jku = f"{stranger.url}/.well-known/dtr-content-cache"
            for name, forged in forgeries(self._right(digest), key, stranger.key, jku):
                yield f"{key.algorithm}: {name}", forged

    def _header(self) -> bytes:
        return json.dumps({"alg": self.upstream.key.algorithm, "kid": self.upstream.key.kid}).encode()

    def _signed(self, header: bytes, claims: bytes) -> str:
        """By the true key, whatever they are."""
        signing_input = f"{b64json(header)}.{b64json(claims)}"
        return f"{signing_input}.{b64(self.upstream.key.sign(signing_input.encode()))}"

    def _right(self, digest: str) -> dict[str, Any]:
        """As `claims_beside` wants it: of ten seconds ago, for five minutes."""
        return grants.grant_claims(self.upstream.origin, "alice", "org/app", digest, time.time() - 10, 300)


def _spellings(grant: str) -> Iterator[str]:
    yield from (query.replace("{t}", grant) for query, _ in QUERIES)
    yield from ("grant=" + shape(*grant.split(".")) for shape in SHAPES)
    for at in (0, len(grant) // 2, len(grant) - 1):
        for escape in _ESCAPES:
            yield f"grant={grant[:at]}{escape.format(ord(grant[at]))}{grant[at + 1 :]}"


def _edges() -> Iterator[dict[str, object]]:
    """Just outside of what the skew of 30 seconds allows, or longer than an hour."""
    now = int(time.time())
    yield {"iat": now + 40, "exp": now + 900}
    yield {"iat": now - 900, "exp": now - 30}
    yield {"iat": now, "exp": now + 3601}
    yield {"iat": now, "exp": now}
    yield {"iat": now + 10, "exp": now + 9}


def _paths(digest: str) -> Iterator[str]:
    """Other ways to write the path that the grant is for, and its neighbours."""
    value = digest.removeprefix("sha256:")
    for name in (
        "org/secret",
        "org",
        "org/app/x",
        "org%2Fapp",
        "org//app",
        "org/./app",
        "x/../org/app",
        "ORG/app",
        "org/app%00",
    ):
        yield f"/v2/{name}/blobs/{digest}"
    for other in (
        f"sha256:{value.upper()}",
        f"sha256%3A{value}",
        f"sha512:{value}",
        value,
        f"{digest}/",
        f"{digest}%00",
    ):
        yield f"/v2/org/app/blobs/{other}"
    for path in ("/v2/org/app/blobs/../blobs/", "//v2/org/app/blobs/", "/v2//org/app/blobs/", "/V2/org/app/blobs/"):
        yield path + digest
    yield f"/v2/org/app/manifests/{digest}"
