"""A campaign of deployments that fail, on one of two places: where nothing was deployed yet, and where caches run.

Owns the two places, that each is put back after its cycle, and what every such run says. What fails and what must stand
then are the campaigns' own.
"""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ..campaign import Campaign, Found
from .failure import Failure


class Closable(Protocol):
    def close(self) -> None: ...


Place = TypeVar("Place", bound=Closable)


class Disturbing(Campaign, Generic[Place]):
    teeth_in_ci = False

    def begin(self) -> None:
        self._places: dict[bool, Place] = {}

    @abstractmethod
    def made(self, folder: Path, *, fresh: bool) -> Place:
        """A place; `fresh`: nothing was deployed there."""

    @abstractmethod
    def is_root(self, place: Place) -> bool: ...

    @abstractmethod
    def disturb(self, found: Found, case: str, place: Place, failure: Failure, fresh: bool, ttl: str) -> None:
        """Let a deployment that would give the caches this `blobttl` fail, look, and deploy again."""

    def go(self, found: Found, case: str, failure: Failure, fresh: bool, number: int) -> Found:
        """One cycle."""
        case += f", {'where nothing was deployed' if fresh else 'where caches run'}"
        if failure.needs_root and not self.is_root(self._place(fresh)):
            found.count("not tried, for want of root")
            return found
        try:
            self.disturb(found, case, self._place(fresh), failure, fresh, f"{25 + number % 900}h")
        except AssertionError as shown:  # a traceback or a secret in the output of a run
            found.broken.append(f"{case}: {str(shown)[:1500]}")
        if fresh or found.broken:
            self._places.pop(fresh).close()
        return found

    def _place(self, fresh: bool) -> Place:
        if fresh not in self._places:
            folder = Path(tempfile.mkdtemp(prefix="fresh-" if fresh else "running-", dir=self.place))
            self._places[fresh] = self.made(folder, fresh=fresh)
        return self._places[fresh]

    def end(self) -> None:
        for place in self._places.values():
            place.close()
