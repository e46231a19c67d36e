"""Who may read: forged grants, and right grants used for something else, on a cache that holds everything."""

from __future__ import annotations

import http.client
import random
import socket

from dtr_simulator import jws

from ..campaign import Found
from ..traffic import target
from .one_cache import OneCache

_HANG_S = 20.0


class HotCache(OneCache):
    """A cache that has all blobs on disk, a key of each algorithm, and one connection to ask by."""

    blobs, largest = 20, 3000

    def begin(self) -> None:
        super().begin()
        self.upstream.more_keys = [
            jws.SigningKey.new(one) for one in jws.ALGORITHMS if one != self.upstream.key.algorithm
        ]
        self.begin_life()
        for digest in self.digests:
            self.cache.ask(target(self.upstream, digest))
        self._socket: socket.socket | None = None

    @property
    def keys(self) -> list[jws.SigningKey]:
        return [self.upstream.key, *self.upstream.more_keys]

    def _status(self, path_and_query: str) -> int:
        """Of one request as it stands; 0 where the cache closed or was silent instead of answering."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.cache.port), timeout=_HANG_S)
        try:
            # http.client refuses to send odd characters in a target.
            self._socket.sendall(f"GET {path_and_query} HTTP/1.1\r\nHost: cache\r\n\r\n".encode("latin-1"))
            answer = http.client.HTTPResponse(self._socket)
            answer.begin()
            answer.read()
        except (http.client.HTTPException, OSError):
            self._let_go()
            return 0
        if answer.will_close:
            self._let_go()
        return answer.status

    def _let_go(self) -> None:
        assert self._socket is not None
        self._socket.close()
        self._socket = None


class ForgedGrants(HotCache):
    name = "forged grants"
    promise = "A grant with any single bit changed is refused in words and opens nothing, whatever algorithm signed it"
    unit = "grant of each of the three algorithms, with each of its bits flipped in turn"

    ci, full = 1, 100

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        for key in self.keys:
            self._flip_each(key, chance, found)
        return found

    def _flip_each(self, key: jws.SigningKey, chance: random.Random, found: Found) -> None:
        digest = chance.choice(self.digests)
        grant = self.upstream.grant(digest, account=f"user{chance.randrange(1000)}", key=key)
        address = f"/v2/org/app/blobs/{digest}?grant="
        found.expect(self._status(address + grant) == 200, f"the right grant was refused, by {key.algorithm}")
        for bit in range(len(grant) * 8):
            code = ord(grant[bit // 8]) ^ 1 << bit % 8
            forged = grant[: bit // 8] + chr(code) + grant[bit // 8 + 1 :]
            status = self._status(address + forged)
            found.count(f"forged grants tried, by {key.algorithm}")
            found.expect(status in (400, 403), f"bit {bit} of the grant by {key.algorithm} for {digest}: {status}")
        found.expect(
            self._status(address + grant) == 200, f"the right grant was refused at the end, by {key.algorithm}"
        )


class Leaks(HotCache):
    name = "leaks"
    promise = "A blob on disk is read by nobody but with a grant for this very repository and digest, now"
    unit = "hundred random requests"
    ci, full = 10, 1_000
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
