"""Leaping ahead: the stretches of a flight's file that are fetched beside its main leg, for readers far ahead of it.

Owns which stretch is worth a transfer of its own, and the life of these *segments*. The main leg is the flight's; a
leap only shortens it, so that each byte is fetched once, as long as somebody may ask anew (leg.py). A segment is tried
once with one upstream; what it does not bring, the main leg will. Rule for editors: a segment makes no file and writes
to none but the one it was started for.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Collection

from ..settings.model import Upstream
from ..upstream.response_head import HopFailed
from ..values.events import Fault
from ..values.failures import Failure
from .attempts import HopDenied, HopUnknown
from .filling import Filling
from .leg import IgnoresRange, Leg
from .limits import FAR_BYTES, SEGMENTS_LIMIT, WORTH_A_CONNECTION_BYTES
from .means import Means

Fetch = Callable[[Leg, Upstream, Callable[[int], Filling]], Awaitable[None]]


def asked_to_the_end(leg: Leg, filling: Filling | None) -> bool:
    """Up to the blob's end, or for its stretch alone? A main leg is asked for all while anything behind it is missing:
    by the time it gets there nobody may be let through with another question, and it has to go on."""
    if filling is None or leg.end is None or leg.end == filling.total:
        return True
    return leg.main and filling.run_end(leg.end) < filling.total


class Leaps:
    """`fetch` flies a leg with an upstream; `advance` is called when a segment has ended. On the loop."""

    def __init__(self, means: Means, fetch: Fetch, advance: Callable[[], None]) -> None:
        self._means = means
        self._fetch = fetch
        self._advance = advance
        self._segments: dict[Leg, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()  # segments of a file that was started over
        self._in_vain: set[Upstream] = set()  # those that a segment was tried with

    @property
    def segments(self) -> tuple[Leg, ...]:
        """Those under way."""
        return tuple(self._segments)

    def first_gap(self, filling: Filling) -> tuple[int, int] | None:
        """The first stretch that is missing and that no segment is about to bring; None where there is none."""
        position = 0
        while True:
            position = filling.run_end(position)
            if position >= filling.total:
                return None
            coming = [leg for leg in self._segments if leg.covers(position)]
            if not coming and filling.run_end(position) > position:
                continue  # a segment has brought it between the two questions
            if not coming:
                later = [leg.start for leg in self._segments if leg.start > position]
                return position, min([filling.gap_end(position), *later])
            position = coming[0].end or filling.total

    def reach(self, filling: Filling, position: int, end: int, main: Leg | None, last: Collection[Upstream]) -> None:
        """A reader waits for `position`: let it, if a leg is about to bring that byte; else fetch the stretch now.

        `last`: the upstreams that are asked after all others.
        """
        if main is None and not self._segments:
            return  # between two legs: the next one begins before anybody could leap
        flying = [leg for leg in (main, *self._segments) if leg is not None]
        legs = [leg for leg in flying if leg.covers(position)]
        if filling.run_end(position) > position:
            return  # it has come between the two questions
        if any(position - leg.position <= FAR_BYTES for leg in legs) or len(self._segments) >= SEGMENTS_LIMIT:
            return
        attempts = self._means.attempts
        hops = [hop for hop in attempts.order(last) if hop not in self._in_vain and not attempts.turns.held_s(hop)]
        if not hops:
            return  # tried with everybody: the main leg will bring it
        bounds = [leg.end or filling.total for leg in legs]
        bounds += [leg.start for leg in flying if leg.start > position]
        segment_end = min([filling.gap_end(position), end, *bounds])
        if segment_end - position >= WORTH_A_CONNECTION_BYTES:
            # Fetch no byte twice, unless nobody may ask for what follows when they get there. For less than that, a
            # second transfer costs less than a third connection.
            for leg in legs:
                leg.end = position
        segment = Leg(position, segment_end, main=False)
        self._segments[segment] = asyncio.get_running_loop().create_task(self._fly(segment, hops[0], filling))

    async def _fly(self, segment: Leg, hop: Upstream, filling: Filling) -> None:
        def begin(total: int) -> Filling:
            if total != filling.total:
                raise IgnoresRange(f"it says the blob has {total} bytes, another said {filling.total}")
            return filling

        try:
            await self._fetch(segment, hop, begin)
        except IgnoresRange:
            self._in_vain.add(hop)
        except HopFailed as failure:
            self._in_vain.add(hop)
            self._means.attempts.failed(hop, failure)
        except (Failure, HopUnknown, HopDenied):
            self._in_vain.add(hop)
        except Exception:
            self._in_vain.add(hop)
            self._means.emit(Fault("segment", traceback.format_exc()))
        else:
            self._means.attempts.succeeded(hop)
        finally:
            self._segments.pop(segment, None)
            self._advance()

    def abort(self) -> None:
        """Whatever a segment still brings is brought to nobody."""
        for leg, task in self._segments.items():
            leg.abort()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        self._segments = {}
