"""What becomes of a segment that brings nothing: its stretch comes by the main leg, and nobody waits for it again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from doubles.clock import HandMovedClock
from doubles.flights import bring
from dtr_content_cache.delivery.attempts import HopDenied, HopUnknown
from dtr_content_cache.delivery.leaps import Leaps, asked_to_the_end
from dtr_content_cache.delivery.leg import IgnoresRange, Leg
from dtr_content_cache.delivery.limits import FAR_BYTES, WORTH_A_CONNECTION_BYTES
from dtr_content_cache.upstream.response_head import HopFailed
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.events import Fault, UpstreamFailed, UpstreamRecovered
from dtr_content_cache.values.failures import NoSpace

MIB = 1 << 20
TOTAL = 8 * MIB
DATA = random.Random(91).randbytes(TOTAL)


class Sky:
    """A flight's file of which the first bytes are on their way, and its leaps; `fly` is what a segment does."""

    def __init__(self, hangar: Any, fly: Callable[..., Awaitable[None]]) -> None:
        self.hangar = hangar
        self.digest = hangar.upstream.add(DATA)
        self.filling = hangar.filling(self.digest, TOTAL)
        self.main = Leg(0, None, main=True)
        self.advanced = 0
        self.leaps = Leaps(hangar.means, fly, self.advance)

    def advance(self) -> None:
        self.advanced += 1

    def reach(self, position: int, end: int) -> list[tuple[int, int | None]]:
        """The segments under way after a reader asked for that stretch."""
        self.leaps.reach(self.filling, position, end, self.main, ())
        return sorted((leg.start, leg.end) for leg in self.leaps.segments)

    async def flown(self) -> None:
        while self.leaps.segments:
            await asyncio.sleep(0)


def _failing(failure: Exception) -> Callable[..., Awaitable[None]]:
    async def fly(leg: Leg, hop: Any, begin: Any) -> None:
        raise failure

    return fly


async def _for_ever(leg: Leg, hop: Any, begin: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (IgnoresRange("whole"), []),
        (HopFailed("status 500"), [UpstreamFailed]),
        (HopUnknown(), []),
        (HopDenied(), []),
        (NoSpace("full"), []),
        (ZeroDivisionError(), [Fault]),
    ],
)
def test_a_segment_that_fails_ends_alone_and_its_upstream_is_not_leapt_to_again(
    hangar: Any, failure: Exception, told: list[type]
) -> None:
    async def work() -> None:
        sky = Sky(hangar, _failing(failure))
        assert sky.reach(6 * MIB, 7 * MIB) == [(6 * MIB, 7 * MIB)]
        await sky.flown()

        assert sky.advanced == 1
        assert [type(event) for event in hangar.events] == told
        assert [event.where for event in hangar.events if isinstance(event, Fault)] == ["segment"] * told.count(Fault)
        assert sky.reach(6 * MIB, 7 * MIB) == []

    hangar.run(work)


def test_an_upstream_that_brought_its_segment_is_leapt_to_again(hangar: Any) -> None:
    async def brings(leg: Leg, hop: Any, begin: Any) -> None:
        assert begin(TOTAL) is not None

    async def work() -> None:
        sky = Sky(hangar, brings)
        for _ in range(2):
            assert sky.reach(6 * MIB, 7 * MIB) == [(6 * MIB, 7 * MIB)]
            await sky.flown()
        assert sky.advanced == 2

    hangar.run(work)


def test_a_segment_of_a_blob_of_another_length_writes_nothing(hangar: Any) -> None:
    said: list[str] = []

    async def longer(leg: Leg, hop: Any, begin: Any) -> None:
        try:
            begin(TOTAL + 1)
        except IgnoresRange as refusal:
            said.append(str(refusal))
            raise

    async def work() -> None:
        sky = Sky(hangar, longer)
        sky.reach(6 * MIB, 7 * MIB)
        await sky.flown()

    hangar.run(work)
    assert said == [f"it says the blob has {TOTAL + 1} bytes, another said {TOTAL}"]
    assert hangar.events == []


def test_an_upstream_that_asked_to_be_left_alone_is_not_leapt_to(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        hangar.means.attempts.turns.failed(hangar.hop, 60.0, limited=True)
        assert sky.reach(6 * MIB, 7 * MIB) == []

    hangar.run(work)


def test_what_the_main_leg_brings_soon_is_waited_for_and_what_is_far_is_leapt_to(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        assert sky.reach(FAR_BYTES, TOTAL) == []
        assert sky.reach(FAR_BYTES + 1, TOTAL) == [(FAR_BYTES + 1, TOTAL)]
        assert sky.main.end == FAR_BYTES + 1, "so that each byte is fetched once"
        assert sky.reach(FAR_BYTES, TOTAL) == [(FAR_BYTES + 1, TOTAL)]
        sky.leaps.abort()

    hangar.run(work)


@pytest.mark.parametrize(
    ("length", "shortens"), [(WORTH_A_CONNECTION_BYTES, True), (WORTH_A_CONNECTION_BYTES - 1, False)]
)
def test_only_a_stretch_that_is_worth_a_connection_shortens_the_main_leg(
    hangar: Any, length: int, shortens: bool
) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        assert sky.reach(4 * MIB, 4 * MIB + length) == [(4 * MIB, 4 * MIB + length)]
        assert sky.main.end == (4 * MIB if shortens else None)
        sky.leaps.abort()

    hangar.run(work)


def test_a_segment_ends_where_the_next_bytes_are_here_or_coming(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        bring(sky.filling, DATA[5 * MIB : 5 * MIB + 10], 5 * MIB)
        assert sky.reach(4 * MIB, TOTAL) == [(4 * MIB, 5 * MIB)]
        assert sky.reach(2 * MIB, TOTAL) == [(2 * MIB, 4 * MIB), (4 * MIB, 5 * MIB)]
        assert sky.main.end == 2 * MIB
        sky.leaps.abort()

    hangar.run(work)


def test_the_main_leg_goes_on_at_the_first_gap_that_no_segment_fills(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        bring(sky.filling, DATA[:MIB])
        assert sky.leaps.first_gap(sky.filling) == (MIB, TOTAL)
        sky.main.position = MIB
        sky.reach(3 * MIB, 5 * MIB)
        assert sky.leaps.first_gap(sky.filling) == (MIB, 3 * MIB)
        bring(sky.filling, DATA[MIB : 3 * MIB], MIB)
        assert sky.leaps.first_gap(sky.filling) == (5 * MIB, TOTAL)
        bring(sky.filling, DATA[5 * MIB :], 5 * MIB)
        assert sky.leaps.first_gap(sky.filling) is None
        sky.leaps.abort()

    hangar.run(work)


def test_what_a_segment_says_it_has_brought_and_is_not_here_is_a_gap_like_any_other(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        bring(sky.filling, DATA[: 2 * MIB])
        sky.reach(4 * MIB, 5 * MIB)
        [segment] = sky.leaps.segments
        bring(sky.filling, DATA[2 * MIB : 4 * MIB], 2 * MIB)
        segment.position = 5 * MIB
        assert sky.leaps.first_gap(sky.filling) == (4 * MIB, TOTAL)
        sky.leaps.abort()

    hangar.run(work)


def test_between_two_legs_nobody_leaps(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        sky.leaps.reach(sky.filling, 6 * MIB, TOTAL, None, ())
        assert sky.leaps.segments == ()

    hangar.run(work)


def test_segments_that_are_given_up_are_aborted_and_end_by_themselves(hangar: Any) -> None:
    end = asyncio.Event()

    async def fly(leg: Leg, hop: Any, begin: Any) -> None:
        await end.wait()
        raise HopFailed("given up")

    async def work() -> None:
        sky = Sky(hangar, fly)
        sky.reach(6 * MIB, 7 * MIB)
        [leg] = sky.leaps.segments
        sky.leaps.abort()
        assert (leg.aborted, sky.leaps.segments, len(sky.leaps._ending)) == (True, (), 1)
        end.set()
        while sky.leaps._ending:
            await asyncio.sleep(0)
        assert sky.advanced == 1

    hangar.run(work)


def test_a_reader_far_into_a_segment_gets_the_rest_of_that_and_no_more(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        sky.reach(2 * MIB, 5 * MIB)
        far = 2 * MIB + FAR_BYTES + 1
        assert sky.reach(far, TOTAL) == [(2 * MIB, far), (far, 5 * MIB)]
        sky.leaps.abort()

    hangar.run(work)


def test_an_upstream_that_brings_a_segment_after_a_failure_has_recovered(hangar: Any) -> None:
    async def brings(leg: Leg, hop: Any, begin: Any) -> None:
        pass

    async def work() -> None:
        sky = Sky(hangar, brings)
        hangar.means.attempts.failed(hangar.hop, HopFailed("status 500"))
        sky.reach(6 * MIB, 7 * MIB)
        await sky.flown()

    hangar.run(work)
    assert [type(event) for event in hangar.events] == [UpstreamFailed, UpstreamRecovered]


def test_who_led_astray_is_leapt_to_after_all_others_and_who_failed_not_at_all(hangar: Any) -> None:
    asked: list[Any] = []

    async def fails(leg: Leg, hop: Any, begin: Any) -> None:
        asked.append(hop)
        raise HopUnknown

    async def work() -> None:
        other = replace(hangar.hop, host="other")
        hangar.means.attempts.turns = Turns([hangar.hop, other], HandMovedClock())
        for astray, then in ((hangar.hop, other), (other, hangar.hop)):
            sky = Sky(hangar, fails)
            for _ in range(3):
                sky.leaps.reach(sky.filling, 6 * MIB, 7 * MIB, sky.main, (astray,))
                await sky.flown()
            assert asked == [then, astray]
            asked.clear()

    hangar.run(work)


def test_while_only_a_segment_flies_a_far_reader_gets_another(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        sky.reach(2 * MIB, 3 * MIB)
        sky.main = None  # type: ignore[assignment]
        assert sky.reach(6 * MIB, 7 * MIB) == [(2 * MIB, 3 * MIB), (6 * MIB, 7 * MIB)]
        sky.leaps.abort()

    hangar.run(work)


def test_no_more_than_four_segments_fly(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        for count in (1, 2, 3, 4, 4):
            at = TOTAL - count * MIB
            assert len(sky.reach(at, at + MIB // 2)) == count
        assert sky.reach(2 * MIB, 3 * MIB)[0][0] == TOTAL - 4 * MIB
        sky.leaps.abort()

    hangar.run(work)


def test_a_segment_is_no_main_leg_and_goes_into_the_file_that_it_was_started_for(hangar: Any) -> None:
    flown: list[tuple[bool, Any]] = []

    async def fly(leg: Leg, hop: Any, begin: Any) -> None:
        flown.append((leg.main, begin(TOTAL)))

    async def work() -> None:
        sky = Sky(hangar, fly)
        sky.reach(6 * MIB, 7 * MIB)
        await sky.flown()
        assert flown == [(False, sky.filling)]

    hangar.run(work)


def test_the_first_gap_may_be_the_very_last_byte(hangar: Any) -> None:
    async def work() -> None:
        sky = Sky(hangar, _for_ever)
        bring(sky.filling, DATA[: TOTAL - 1])
        assert sky.leaps.first_gap(sky.filling) == (TOTAL - 1, TOTAL)
        bring(sky.filling, DATA[TOTAL - 1 :], TOTAL - 1)
        assert sky.leaps.first_gap(sky.filling) is None

    hangar.run(work)


@pytest.mark.parametrize(
    ("end", "main", "all_behind_is_here", "to_the_end"),
    [
        (None, True, False, True),
        (TOTAL, False, False, True),
        (MIB, True, False, True),
        (MIB, True, True, False),
        (MIB, False, False, False),
    ],
)
def test_a_main_leg_is_asked_for_all_while_anything_behind_it_is_missing(
    hangar: Any, end: int | None, main: bool, all_behind_is_here: bool, to_the_end: bool
) -> None:
    filling = hangar.filling(hangar.upstream.add(DATA), TOTAL)
    bring(filling, DATA[MIB : None if all_behind_is_here else -1], MIB)

    assert asked_to_the_end(Leg(0, end, main=main), filling) is to_the_end
