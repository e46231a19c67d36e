"""A deployment that is disturbed again and again, beginning from the same state, and where an undisturbed one leads.

Owns the two courses: the first deployment of an office, and the change of one that runs. Does not own the disturbance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..campaign import Found
from .office import REGION, DisturbedOffice, differing

_TTLS = ("24h", "25h")


class Course:
    """`results`: how many task results an undisturbed deployment has, after `learn`. A change goes to and fro."""

    def __init__(self, place: Path, *, anew: bool) -> None:
        place.mkdir()
        self.name = "a first deployment" if anew else "a changed one"
        self.office = DisturbedOffice(place)
        self.office.world.set(REGION, cache_host_steady_for=1)
        self._anew = anew
        self._lost = False  # whether the office is not where a course begins
        self._ttl = _TTLS[0]
        self._ends: dict[str, dict[str, Any]] = {}
        self._pid: int | None = None  # of the cache that runs when a course begins
        self._tried: set[str] = set()
        self.results = 0

    def learn(self) -> Course:
        """Deploy undisturbed, to every state that a course ends in. An assertion error if that fails."""
        for ttl in _TTLS[: 1 if self._anew else 2]:
            self._want(ttl)
            run = self.office.world.play("deploy-caches.yml").succeeded()
            self.results = len(run.events)
            self._ends[ttl] = self.office.state()
        return self

    def prepare(self) -> None:
        """As before the deployment, with the inventory that it is to bring about."""
        if self._anew:
            self.office.begin_anew()
            return
        if self._lost:
            self.office.begin_anew()
            self.office.world.play("deploy-caches.yml").succeeded()
            self._lost = False
        self._pid = self.office.world.pid(REGION)
        self._want(self._other())

    def _other(self) -> str:
        return _TTLS[1] if self._ttl == _TTLS[0] else _TTLS[0]

    def _want(self, ttl: str) -> None:
        self._ttl = ttl
        self.office.world.set(REGION, cache_host_blob_ttl=ttl)

    def is_new(self) -> bool:
        """Whether no disturbance before left just this: the next deployment finds nothing new in an equal beginning. A
        change goes on without it only from where it begins and ends."""
        state = self.office.state()
        blobs = sorted(str(path) for path in self.office.volume.rglob("*"))
        left = json.dumps([self._ttl, state, blobs, self.office.world.pid(REGION) == self._pid])
        if left not in self._tried:
            self._tried.add(left)
            return True
        if self._anew:
            return False
        if state == self._ends[self._other()]:
            self._want(self._other())
            return False
        return bool(state != self._ends[self._ttl])

    def deploy(self, found: Found, case: str) -> None:
        """The next deployment, undisturbed."""
        run = self.office.world.play("deploy-caches.yml")
        found.expect(run.code == 0, f"{case}: the next deployment failed: {run.end[-1500:]}")

    def look(self, found: Found, case: str) -> None:
        """Everything is as an undisturbed deployment leaves it."""
        state = self.office.state()
        for name, wanted in self._ends[self._ttl].items():
            found.expect(state[name] == wanted, f"{case}: {name}: {differing(wanted, state[name])}")
        found.expect(self.office.answers(), f"{case}: the cache does not answer")
        found.count("end states compared")
        self._lost = bool(found.broken)

    def lose(self) -> None:
        """Nobody knows how it stands: the next course makes its beginning anew."""
        self._lost = True

    def close(self) -> None:
        self.office.close()
