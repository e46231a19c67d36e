"""A stream past the volume, brought by a relay that a test writes: who is waited for, who may join, what goes away."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from dtr_content_cache.delivery import bypass, streams
from dtr_content_cache.delivery.bypass import Bypass
from dtr_content_cache.delivery.means import Passage
from dtr_content_cache.delivery.streams import FellBehind, Stream, Streams
from dtr_content_cache.values.byte_range import ByteRange
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import Event, Fault
from dtr_content_cache.values.failures import UpstreamUnavailable

DIGEST, OTHER = Digest("1" * 64), Digest("2" * 64)
TOTAL = 100


class _Relay:
    """Brings what is put into `coming`, until None; raises what is put there as an exception."""

    total = TOTAL

    def __init__(self) -> None:
        self.coming: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.lent: list[Passage] = []
        self.ended = False

    def lend(self, passage: Passage) -> None:
        self.lent.append(passage)

    async def pieces(self) -> AsyncGenerator[bytes]:
        try:
            while (piece := await self.coming.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.ended = True


class _Scene:
    def __init__(self) -> None:
        self.streams, self.relay = Streams(), _Relay()
        self.events: list[Event] = []
        self.stream = self.streams.begin(DIGEST, self.relay, 0, self.events.append)  # type: ignore[arg-type]

    async def bring(self, *pieces: bytes | Exception | None) -> None:
        for piece in pieces:
            self.relay.coming.put_nowait(piece)
        for _ in range(10):
            await asyncio.sleep(0)


def _on_loop(work: Callable[[_Scene], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        scene = _Scene()
        try:
            await work(scene)
        finally:
            scene.stream._pump.cancel()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_two_readers_get_what_each_wants_of_the_same_pieces() -> None:
    async def work(scene: _Scene) -> None:
        first, second = scene.stream.pieces(0, 8), scene.stream.pieces(2, 20)
        await scene.bring(b"0123", b"456789")
        assert [await anext(first), await anext(first)] == [b"0123", b"4567"]
        with pytest.raises(StopAsyncIteration):
            await anext(first)
        assert [await anext(second), await anext(second)] == [b"23", b"456789"]
        await second.aclose()

    _on_loop(work)


def test_a_reader_that_the_window_has_left_is_told_where_it_is() -> None:
    async def work(scene: _Scene) -> None:
        scene.stream.base = scene.stream.position = 10
        with pytest.raises(FellBehind) as raised:
            await anext(scene.stream.pieces(9, 20))
        assert raised.value.position == 9

    _on_loop(work)


def test_only_the_last_reader_to_leave_ends_the_transfer_and_then_at_once() -> None:
    async def work(scene: _Scene) -> None:
        await scene.bring(b"0123")
        first, second = scene.stream.pieces(0, 20), scene.stream.pieces(0, 20)
        await anext(first)
        await anext(second)
        await first.aclose()
        assert scene.streams.reaching(DIGEST, 0) is scene.stream
        assert scene.stream in scene.streams._held
        await second.aclose()
        assert not scene.stream.reaches(0), "nobody may join what ends"
        assert (scene.streams.reaching(DIGEST, 0), scene.streams._held) == (None, set())
        await asyncio.gather(scene.stream._pump, return_exceptions=True)
        assert scene.relay.ended

    _on_loop(work)


@pytest.mark.parametrize(
    ("end", "raised", "told"),
    [(UpstreamUnavailable("away"), "away", []), (ZeroDivisionError(), "internal error", [Fault])],
)
def test_what_ends_a_transfer_is_told_to_its_readers_behind_what_had_come(
    end: Exception, raised: str, told: list[type]
) -> None:
    async def work(scene: _Scene) -> None:
        reading = scene.stream.pieces(0, 20)
        await scene.bring(b"0123", end)
        assert await anext(reading) == b"0123"
        with pytest.raises(UpstreamUnavailable, match=raised):
            await anext(reading)
        assert [type(event) for event in scene.events] == told

    _on_loop(work)


def test_a_reader_that_waits_is_woken_by_the_end() -> None:
    async def work(scene: _Scene) -> None:
        waiting = asyncio.ensure_future(anext(scene.stream.pieces(0, 20)))
        await scene.bring()
        assert not waiting.done()
        await scene.bring(UpstreamUnavailable("away"))
        with pytest.raises(UpstreamUnavailable):
            await waiting

    _on_loop(work)


def test_a_transfer_that_is_complete_is_joined_by_nobody_and_read_to_its_end_by_its_readers() -> None:
    async def work(scene: _Scene) -> None:
        reading = scene.stream.pieces(0, 8)
        await scene.bring(b"0123")
        assert await anext(reading) == b"0123"
        await scene.bring(b"4567", None)
        assert scene.streams.reaching(DIGEST, 0) is None
        assert await anext(reading) == b"4567"
        await reading.aclose()

    _on_loop(work)


def test_who_waits_for_more_than_a_transfer_had_is_told_that_it_is_over() -> None:
    async def work(scene: _Scene) -> None:
        reading = scene.stream.pieces(0, 9)
        await scene.bring(b"01234567", None)
        assert await anext(reading) == b"01234567"
        with pytest.raises(UpstreamUnavailable, match="over"):
            await anext(reading)

    _on_loop(work)


@pytest.mark.parametrize(("total", "follows"), [(None, True), (TOTAL, True), (TOTAL - 1, False), (TOTAL + 1, False)])
def test_a_stream_is_followed_by_those_who_were_told_its_own_length(total: int | None, follows: bool) -> None:
    async def work(scene: _Scene) -> None:
        assert scene.streams.reaching(DIGEST, 0, total) is (scene.stream if follows else None)

    _on_loop(work)


@pytest.mark.parametrize(
    ("ahead", "window_bytes", "waits"),
    [(1_048_575, 4 << 20, False), (1_048_576, 4 << 20, True), (4, 10, False), (5, 10, True)],
)
def test_the_transfer_waits_for_its_fastest_reader(ahead: int, window_bytes: int, waits: bool) -> None:
    async def work(scene: _Scene) -> None:
        stream = Stream.__new__(Stream)
        stream._progress, stream._streams = scene.stream._progress, SimpleNamespace(window_bytes=window_bytes)  # type: ignore[assignment]
        stream.position, stream._readers = 2000 + ahead, {object(): 0, object(): 2000}
        waiting = asyncio.create_task(stream._until_wanted())
        await asyncio.sleep(0)
        assert waiting.done() is not waits
        waiting.cancel()

    _on_loop(work)


def test_a_reader_that_goes_on_lets_the_transfer_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "AHEAD_BYTES", 4)

    async def work(scene: _Scene) -> None:
        reading = scene.stream.pieces(0, 20)
        await scene.bring(b"0123", b"4567")
        assert scene.stream.position == 4, "nobody reads yet"
        assert await anext(reading) == b"0123"
        await scene.bring()
        assert scene.stream.position == 4, "it may still be sending that"
        going_on = asyncio.ensure_future(anext(reading))
        await scene.bring()
        assert (scene.stream.position, await going_on) == (8, b"4567")
        await reading.aclose()

    _on_loop(work)


def test_a_new_stream_makes_all_others_hold_less() -> None:
    async def work(scene: _Scene) -> None:
        shrunk: list[int] = []
        scene.stream.shrink = lambda: shrunk.append(scene.streams.window_bytes)  # type: ignore[method-assign]
        newer = scene.streams.begin(OTHER, _Relay(), 5, scene.events.append)  # type: ignore[arg-type]
        assert shrunk == [32 << 20]
        assert (newer.base, newer.position) == (5, 5)
        assert scene.streams.reaching(OTHER, 5) is newer
        newer._pump.cancel()

    _on_loop(work)


def test_a_window_is_cut_as_pieces_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WINDOW_LEAST_BYTES", 8)
    monkeypatch.setattr(streams, "WINDOWS_BYTES", 8)

    async def work(scene: _Scene) -> None:
        scene.stream._readers[object()] = 100  # somebody far ahead, who holds nothing up
        await scene.bring(b"0123", b"4567", b"89ab")
        assert (scene.stream.base, b"".join(scene.stream._pieces)) == (4, b"456789ab")

    _on_loop(work)


def _bypass(scene: _Scene, prefix: int, passage: Passage | None = None) -> Bypass:
    means: Any = SimpleNamespace(emit=scene.events.append)
    passage = passage or Passage("/v2/x", 0.0)
    return Bypass(means, scene.streams, OTHER, passage, TOTAL, prefix, hashlib.sha256())


@pytest.mark.parametrize(
    ("start", "end", "begins"),
    [(10, TOTAL, True), (9, TOTAL, False), (11, TOTAL, False), (10, TOTAL - 1, False)],
)
def test_a_stream_is_begun_by_who_wants_all_the_rest_from_where_knowledge_ends(
    monkeypatch: pytest.MonkeyPatch, start: int, end: int, begins: bool
) -> None:
    async def work(scene: _Scene) -> None:
        desk = _bypass(scene, 10)
        monkeypatch.setattr(desk, "_relay", lambda *what: _Relay())
        stream = desk._stream(ByteRange(start, end))
        assert (stream is not None, scene.streams.reaching(OTHER, 10)) == (begins, stream)
        if stream is not None:
            assert desk._stream(ByteRange(start, end)) is stream, "the next one follows it"
            assert desk._stream(ByteRange(20, 30)) is stream
            stream._pump.cancel()

    _on_loop(work)


def test_who_follows_a_stream_lends_it_its_passage_and_leaves_it_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(scene: _Scene) -> None:
        passage = Passage("/v2/x?grant=longer", 500.0)
        desk = _bypass(scene, 0, passage)
        monkeypatch.setattr(desk, "_stream", lambda rest: scene.stream)
        pieces = desk.pieces(ByteRange(0, 6), judged=True)
        await scene.bring(b"0123", b"456789")
        assert [piece async for piece in pieces] == [b"0123", b"45"]
        assert scene.relay.lent == [passage]

    _on_loop(work)


@pytest.mark.parametrize(
    ("prefix", "judged", "wanted"),
    [
        (0, True, (4, 8, 4, hashlib.sha256(b"0123").digest())),  # by the hash of what it has
        (0, False, (4, 8, False)),
        (3, True, (4, 8, True)),  # what it has is not known
    ],
)
def test_who_falls_behind_goes_on_alone_from_where_it_is(
    monkeypatch: pytest.MonkeyPatch, prefix: int, judged: bool, wanted: tuple[object, ...]
) -> None:
    async def work(scene: _Scene) -> None:
        desk, alone, asked = _bypass(scene, prefix), _Relay(), []
        monkeypatch.setattr(desk, "_stream", lambda rest: scene.stream)
        monkeypatch.setattr(desk, "_alone", lambda *what, judged: asked.append((*what, judged)) or alone)
        monkeypatch.setattr(desk, "_relay", lambda *what: asked.append((*what[:3], what[3].digest())) or alone)
        pieces = desk.pieces(ByteRange(0, 8), judged=judged)
        await scene.bring(b"0123")
        assert await anext(pieces) == b"0123"
        scene.stream.base = scene.stream.position = 50
        for piece in (b"4567", None):
            alone.coming.put_nowait(piece)
        assert [piece async for piece in pieces] == [b"4567"]
        assert asked == [wanted]

    _on_loop(work)


@pytest.mark.parametrize(
    ("start", "prefix", "trail_at", "judged", "begin"),
    [
        (50, 40, 0, True, 40),
        (50, 50, 0, True, 50),
        (50, 51, 0, True, 0),
        (50, 30, 40, True, 40),
        (50, 40, 40, True, 40),
        (50, 40, 0, False, None),
        (90, 20, 0, True, None),
        (80, 20, 0, True, 20),
    ],
)
def test_a_relay_alone_begins_at_the_last_place_that_is_known_if_that_is_near(
    monkeypatch: pytest.MonkeyPatch, start: int, prefix: int, trail_at: int, judged: bool, begin: int | None
) -> None:
    monkeypatch.setattr(bypass, "JUDGED_AHEAD_BYTES", 60)

    async def work(scene: _Scene) -> None:
        if trail_at:
            monkeypatch.setattr("dtr_content_cache.delivery.trail.TRAIL_STEP_BYTES", 1)
            scene.streams.trail(OTHER).mark(trail_at, hashlib.sha256(b"trail"))
        relay = _bypass(scene, prefix)._alone(start, TOTAL, judged=judged)
        assert (relay._start, relay._end, relay._position) == (start, TOTAL, start if begin is None else begin)
        assert (relay.seen is None) is (begin is None)
        assert (relay.trail is scene.streams.trail(OTHER)) is (begin is not None)

    _on_loop(work)
