"""What clients ask for: the path and the query that makes each server say yes.

Ours: a grant, as the origin puts it in the redirect. nginx: its own signed link (secure_link).
Distribution and the limit: nothing; they check nobody, which is to their advantage.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable

from dtr_simulator import grants, jws

from .blobs import REPOSITORY, Blob

ORIGIN = "https://dtr.bench.test"
ALGORITHM = "RS256"  # the cheapest to verify, for one origin that signs and many caches that verify
SECRET = "bench"
LINK_LIFETIME_S = 86_400
NEW_OF_TEN = 1  # of ten requests, this many bring a grant that the cache has never seen
RENEWED_S = 2400  # grants live an hour; a full run may last longer
REPEATED_GRANTS = 4  # a blob, that come again and again


class Signer:
    """Mints the grants of a run; `discovery` is the document that makes a cache trust them."""

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        self._now_s = now_s
        self._key = jws.SigningKey.new(ALGORITHM)
        document = {"version": 1, "origin": ORIGIN, "jwks": {"keys": [self._key.jwk()]}}
        self.discovery = json.dumps(document)

        self._repeated: dict[Blob, tuple[float, list[str]]] = {}

    def repeated(self, blob: Blob) -> list[str]:
        """The targets with the grants of `blob` that come again and again, the same ones until they near their end."""
        minted_s, found = self._repeated.get(blob, (0.0, []))
        if self._now_s() - minted_s > RENEWED_S:
            found = [self.grant(blob) for _ in range(REPEATED_GRANTS)]
            self._repeated[blob] = self._now_s(), found
        return found

    def grant(self, blob: Blob) -> str:
        claims = grants.grant_claims(ORIGIN, "bench", REPOSITORY, f"sha256:{blob.hex}", self._now_s(), 3600)
        return f"{blob.path}?grant={grants.mint(self._key, claims)}"

    def mixed(self, blobs: list[Blob], count: int, new_of_ten: int = NEW_OF_TEN) -> list[str]:
        """`count` targets over `blobs` in turn; of each ten, `new_of_ten` carry a grant that occurs once."""
        repeated = [self.repeated(blob) for blob in blobs]
        found = []
        for number in range(count):
            index = number % len(blobs)
            # 7 and 10 share no divisor: new ones spread over each ten, and over the blobs.
            if (number * 7 + number // 10) % 10 < new_of_ten:
                found.append(self.grant(blobs[index]))
            else:
                found.append(repeated[index][number // len(blobs) % REPEATED_GRANTS])
        return found


def signed_link(blob: Blob, now_s: float) -> str:
    expires = int(now_s) + LINK_LIFETIME_S
    digest = hashlib.md5(f"{expires}{blob.path} {SECRET}".encode(), usedforsecurity=False).digest()
    return f"{blob.path}?md5={base64.urlsafe_b64encode(digest).decode().rstrip('=')}&expires={expires}"


def warming(server: str, blobs: list[Blob], signer: Signer) -> list[tuple[str, Blob]]:
    """What to ask before measuring: each blob once, or where grants are remembered with each that comes again."""
    if server == "ours":
        return [(target, blob) for blob in blobs for target in signer.repeated(blob)]
    return list(zip(targets(server, blobs, signer, len(blobs)), blobs, strict=True))


def targets(server: str, blobs: list[Blob], signer: Signer, count: int, new_of_ten: int = NEW_OF_TEN) -> list[str]:
    """What a client asks `server` for, one after the other, from the start again when it is through."""
    if server == "ours":
        return signer.mixed(blobs, count, new_of_ten)
    if server.startswith("nginx"):
        return [signed_link(blob, time.time()) for blob in blobs]
    return [blob.path for blob in blobs]
