"""A flight of a blob of six MiB, begun by one reader, for tests that look into it."""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
from typing import Any

from dtr_content_cache.delivery.filling import Filling
from dtr_content_cache.delivery.flight import Flight

MIB = 1 << 20
DATA = random.Random(71).randbytes(6 * MIB)
DIGEST = "sha256:" + hashlib.sha256(DATA).hexdigest()


def flight_of(hangar: Any, data: bytes = DATA, expires_s: float = math.inf) -> Flight:
    digest = hangar.upstream.add(data)
    passage = hangar.passage(digest, expires_s)
    flight = Flight(hangar.means, hangar.address(digest), passage, None)
    flight.join(passage)
    return flight


def bring(filling: Filling, data: bytes | bytearray, offset: int = 0) -> None:
    """Write a piece and hash it, as a leg does."""
    view = memoryview(data)
    filling.hash(view, offset, filling.add(view, offset))


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0.005)
