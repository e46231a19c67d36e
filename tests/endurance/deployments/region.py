"""A region of three hosts whose deployments are disturbed: how each of its hosts stands.

Owns what is asked of a single host. Does not own the office around it (office.py), nor what disturbs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .office import REGION, DisturbedOffice

HOSTS = ("first", "middle", "last")


class DisturbedRegion:
    """Each host is this machine with a folder and a port of its own; the region's address is that of the first."""

    def __init__(self, place: Path) -> None:
        self.office = DisturbedOffice(place)
        self.world: Any = self.office.world
        self._ports = self.world.spread(REGION, *HOSTS)
        self.world.set(REGION, cache_host_storage=None, cache_host_steady_for=1)

    def answers(self, host: str) -> bool:
        return self.office.answers_at(f"https://127.0.0.1:{self._ports[host]}")

    def runs(self, host: str) -> bool:
        return self.world.pid(host) is not None

    def configuration(self, host: str) -> str:
        """What is in force there, empty where nothing was deployed."""
        path = self.world.home / host / "current/config.yml"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def close(self) -> None:
        self.office.close()
