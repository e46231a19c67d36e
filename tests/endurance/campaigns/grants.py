"""Who may read: forged grants, and right grants used for something else, on a cache that holds everything."""

from __future__ import annotations

import http.client
import random

from ..campaign import Found
from ..traffic import target
from .one_cache import OneCache


class _HotCache(OneCache):
    """A cache that has all blobs on disk, and one connection to ask by."""

    blobs, largest = 20, 3000

    def begin(self) -> None:
        super().begin()
        self.begin_life()
        for digest in self.digests:
            self.cache.ask(target(self.upstream, digest))
        self._connection = http.client.HTTPConnection("127.0.0.1", self.cache.port, timeout=20)

    def _status(self, path_and_query: str) -> int:
        """Of one request as it stands; 0 where the cache closed instead of answering."""
        try:
            self._connection.putrequest("GET", "/", skip_accept_encoding=True)
        except http.client.HTTPException:
            self._connection.close()
            self._connection.putrequest("GET", "/", skip_accept_encoding=True)
        # http.client refuses to send odd characters in a target, so the line is put in its place here.
        self._connection._buffer[0] = b"GET " + path_and_query.encode("latin-1") + b" HTTP/1.1"  # type: ignore[attr-defined]
        try:
            self._connection.endheaders()
            answer = self._connection.getresponse()
            answer.read()
            return answer.status
        except (http.client.HTTPException, OSError):
            self._connection.close()
            return 0


class ForgedGrants(_HotCache):
    name = "forged grants"
    promise = "A grant with any single bit changed opens nothing"
    unit = "grant with each of its bits flipped in turn"
    ci, full = 2, 300

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        digest = chance.choice(self.digests)
        grant = self.upstream.grant(digest, account=f"user{chance.randrange(1000)}")
        address = f"/v2/org/app/blobs/{digest}?grant="
        found.expect(self._status(address + grant) == 200, "the right grant was refused")
        for bit in range(len(grant) * 8):
            code = ord(grant[bit // 8]) ^ 1 << bit % 8
            forged = grant[: bit // 8] + chr(code) + grant[bit // 8 + 1 :]
            status = self._status(address + forged)
            found.count("forged grants tried")
            found.expect(status in (400, 403, 0), f"bit {bit} of the grant for {digest}: {status}")
        found.expect(self._status(address + grant) == 200, "the right grant was refused at the end")
        return found


class Leaks(_HotCache):
    name = "leaks"
    promise = "A blob on disk is read by nobody but with a grant for this very repository and digest, now"
    unit = "hundred random requests"
    ci, full = 20, 1_000
    _REPOSITORIES = ("org/app", "org/secret", "other/app", "org/app/part")

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        for _ in range(100):
            right_of, asked_of = chance.choice(self._REPOSITORIES), chance.choice(self._REPOSITORIES)
            right_to, asked_to = chance.choice(self.digests[:4]), chance.choice(self.digests[:4])
            claims: dict[str, object] = {}
            if chance.random() < 0.2:
                claims = chance.choice(self._off())
            account = chance.choice(("alice", "bob"))
            grant = self.upstream.grant(right_to, account=account, repository=right_of, **claims)
            allowed = not claims and (right_of, right_to) == (asked_of, asked_to)
            status = self._status(f"/v2/{asked_of}/blobs/{asked_to}?grant={grant}")
            found.count("requests that must be refused", not allowed)
            found.count("requests that must be served", allowed)
            case = f"{account} with a grant for {right_of} {right_to} {claims} asks {asked_of} {asked_to}"
            found.expect(status == (200 if allowed else 403), f"{case}: {status}")
        return found

    def _off(self) -> list[dict[str, object]]:
        return [
            {"exp": 10},
            {"iat": 4_000_000_000, "exp": 4_000_000_900},
            {"iss": "https://elsewhere.example"},
            {"act": "push"},
            {"ver": 2},
            {"ver": True},
            {"sub": 7},
        ]
