"""Who may read where accounts decide: two registries behind one cache and on one volume, which holds everything."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from doubles.registry import Registry

from ..campaign import Campaign, Found
from ..lives import Cache, Nursery
from ..rights import Account, Side, Wish, password, token

_WINDOW_S = {"left": 3600.0, "right": 0.2}
_SERVED = {"": 200, "range": 206, "condition": 304}
_ACCOUNTS = (
    Account(""),
    Account(password("alice")),
    Account(password("bob")),
    Account("Bearer opaque-of-carol"),
    Account(token("dave", 4_000_000_000)),
    Account(token("erin", 10), outlives=False),
)
_BLOB_BYTES = 300


class LeaksByAccount(Campaign):
    """`verdictttl` is so long on the left that whatever was allowed there is remembered, however slow the machine, and
    so short on the right that a cycle can wait for its end."""

    name = "leaks by account"
    promise = (
        "Where the registry decides, nobody reads from the volume what this very registry refuses to these very "
        "credentials, now or, while it is away, by its last word; who may read is served"
    )
    unit = "rights given, taken back and outlived"
    ci, full = 2, 1_000

    def begin(self) -> None:
        self._stack = ExitStack()
        self._nursery = Nursery()
        self._stack.callback(self._nursery.close)
        self._registries = {name: self._stack.enter_context(Registry()) for name in _WINDOW_S}
        chance = random.Random(self.name)
        first = self._registries["left"]
        self._blobs = {first.push("1.0", blob)[1]: blob for blob in (chance.randbytes(_BLOB_BYTES) for _ in range(5))}
        registries = [
            {
                "name": name,
                "ns": [f"{name}.test"],
                "hosts": [f"{name}.cache.test"],
                "upstreams": [registry.url],
                "verdictttl": f"{_WINDOW_S[name]}s",
            }
            for name, registry in self._registries.items()
        ]
        options: dict[str, Any] = {"authorization": "upstream", "offline": "serve", "registries": registries}
        unnamed: Any = None  # beside one no token would be passed on by a prefix
        self._cache = Cache(self._nursery, self.place / "cache", unnamed, without=self.without, **options)
        self._cache.start()
        self._stack.callback(self._cache.kill)
        self._fill()

    def end(self) -> None:
        self._stack.close()

    def _fill(self) -> None:
        """The volume, by a repository that everybody may read."""
        side = Side("left", self._registries["left"], self._blobs, 0.0)
        side.readers, side.holds = {"filled": {""}}, {"filled": set(self._blobs)}
        self._listens()
        for digest, blob in self._blobs.items():
            if self._cache.ask(f"/v2/left/filled/blobs/{digest}") != (200, blob):
                raise RuntimeError(f"the volume was not filled: {self._cache.said()}")

    def _listens(self) -> None:
        deadline_s = time.monotonic() + 10
        while time.monotonic() < deadline_s and self._cache.alive():
            try:
                self._cache.ask("/v2/")
                return
            except OSError:
                time.sleep(0.005)
        raise RuntimeError(f"the cache did not start: {self._cache.said()}")

    def cycle(self, seed: str) -> Found:
        office = _Office(self._cache, self._registries, self._blobs, random.Random(seed))
        office.deal()
        office.ask(40)
        office.deal()
        office.ask(20)
        office.let_verdicts_end()
        office.ask(30)
        office.lose(True)
        office.ask(30)
        office.deal()  # and no cache can know
        office.ask(10)
        office.lose(False)
        office.ask(30)  # what was refused now is not to be had by an older word
        office.lose(True)
        office.ask(20)
        office.lose(False)
        if not office.found.broken:  # or answers that must be there may each take all of a client's patience
            office.without_any_line(10)
        office.found.expect(self._cache.tracebacks() == 0, f"a traceback: {self._cache.said(40)}")
        return office.found


class _Office:
    """One cycle: repositories of its own, so that no other cycle's rights count in it."""

    def __init__(
        self, cache: Cache, registries: dict[str, Registry], blobs: dict[str, bytes], chance: random.Random
    ) -> None:
        self.found = Found()
        self._cache, self._blobs, self._chance = cache, blobs, chance
        self._repositories = [f"{name}-{chance.randbytes(4).hex()}" for name in ("org/app", "org/secret", "app")]
        self._sides = [Side(name, registries[name], blobs, window_s) for name, window_s in _WINDOW_S.items()]

    def deal(self) -> None:
        for side in self._sides:
            side.deal(_ACCOUNTS, self._repositories, self._chance)

    def lose(self, away: bool) -> None:
        """Both registries, or neither, one after another; what they said last is on the volume by then."""
        if away:
            self.let_verdicts_end()
            self._settle()
        for side in self._sides:
            side.away = away
        if not away:
            self._settle()

    def let_verdicts_end(self) -> None:
        time.sleep(max(0.0, self._sides[1].remembers_for_s()) + 0.001)

    def _settle(self) -> None:
        """A refusal is answered after all that was to be noted before it, and ends a registry's rest."""
        for side in self._sides:
            self._cache.ask(f"/v2/nowhere/blobs/{next(iter(self._blobs))}?ns={side.name}.test", _sent(password("zoe")))
            side.heard(_ACCOUNTS)

    def without_any_line(self, number: int) -> None:
        """Nobody answers at the registries' addresses."""
        self.let_verdicts_end()
        self._settle()
        for side in self._sides:
            side.registry.stop()
            side.away = True
        for side in self._sides:
            for wish in sorted(side.last_words, key=repr)[:number]:
                self._ask(side, wish, "ns", "")
        for side in self._sides:
            side.registry.start()
            side.away = False
        self._settle()

    def ask(self, number: int) -> None:
        for _ in range(number):
            side, wish = self._wish()
            self._ask(side, wish, self._chance.choice(("ns", "host", "prefix")), self._chance.choice(list(_SERVED)))

    def _wish(self) -> tuple[Side, Wish]:
        """Half of them are next to what somebody was allowed: by another account, in another repository, or there."""
        side, chance = self._chance.choice(self._sides), self._chance
        wish = Wish(
            chance.choice(_ACCOUNTS).authorization, chance.choice(self._repositories), chance.choice(list(self._blobs))
        )
        allowed = [one for other in self._sides for one in other.yes_s]
        if not allowed or chance.random() < 0.5:
            return side, wish
        near = chance.choice(allowed)
        which = chance.choice(("who", "repository", "digest", "nothing"))
        return side, near if which == "nothing" else replace(near, **{which: getattr(wish, which)})

    def _ask(self, side: Side, wish: Wish, way: str, kind: str) -> None:
        if way == "prefix" and wish.who.startswith("Basic"):
            wish = replace(wish, who="")  # a password is nobody's there
            target, headers = _request(side, replace(wish, who=password("alice")), way, kind)
        else:
            target, headers = _request(side, wish, way, kind)
        asked_s = time.monotonic()
        may_be = side.may_be(wish, asked_s)
        status, body = self._cache.ask(target, headers)
        self._judge(side, wish, f"{way} {kind}", (status, body), may_be, _SERVED[kind])
        for one in self._sides:
            for heard in one.heard(_ACCOUNTS):
                self.found.expect(
                    one is side and heard == wish, f"{one.name} was asked {heard}, {side.name} was meant by {wish}"
                )

    def _judge(
        self, side: Side, wish: Wish, how: str, answer: tuple[int, bytes], may_be: Sequence[int], served: int
    ) -> None:
        (status, body), blob, found = answer, self._blobs[wish.digest], self.found
        case = f"{wish} asks {side.name}{' that is away' if side.away else ''}, by {how}"
        opened = status == served
        right = 200 if opened else status
        found.expect(right in may_be, f"{case}: {status} instead of {may_be}")
        wanted = {200: blob, 206: blob[:10], 304: b""}.get(status)
        if opened:
            found.expect(body == wanted, f"{case}: {len(body)} other bytes")
        else:
            found.expect(not any(one[:10] in body for one in self._blobs.values()), f"{case}: {status} with its bytes")
        if len(set(may_be)) > 1 and 200 in may_be:
            found.count("requests within a remembered yes")
        else:
            found.count("requests that must be served" if 200 in may_be else "requests that must be refused")


def _sent(authorization: str) -> dict[str, str]:
    return {"Authorization": authorization} if authorization else {}


def _request(side: Side, wish: Wish, way: str, kind: str) -> tuple[str, dict[str, str]]:
    """(target, headers)."""
    headers = _sent(wish.who)
    path = f"{wish.repository}/blobs/{wish.digest}"
    if kind == "range":
        headers["Range"] = "bytes=0-9"
    elif kind == "condition":
        headers["If-None-Match"] = f'"{wish.digest}"'
    if way == "prefix":
        return f"/v2/{side.name}/{path}", headers
    if way == "ns":
        return f"/v2/{path}?ns={side.name}.test", headers
    headers["Host"] = f"{side.name}.cache.test"
    return f"/v2/{path}", headers
