"""One stretch of a blob on its way from one upstream into the flight's file: what a fetch thread does."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable

from ..settings.model import Upstream
from ..upstream.exchange import Ask, Exchange, Exchanges
from ..upstream.response_head import HopFailed
from .attempts import HopDenied, HopUnknown, judge_status
from .filling import Filling
from .length import told_length
from .limits import PIECE_BYTES, Throttle

_buffers = threading.local()


def piece_buffer() -> memoryview:
    """This thread's buffer of PIECE_BYTES: allocating one for each fetch would cost its page faults each time. Mapped,
    so that the first fetch, whose client waits for its first byte, faults in no more than it fills."""
    buffer = getattr(_buffers, "view", None)
    if buffer is None:
        buffer = _buffers.view = memoryview(mmap.mmap(-1, PIECE_BYTES))
    return buffer


class IgnoresRange(HopFailed):
    """It sends the whole where a part was asked: of no use for a segment, and no fault."""


class Leg:
    """The stretch [start, end) of a blob; `end` None = to the end, not known yet.

    The thread moves `position`; the loop may shorten `end` while the thread works, and `abort` it.
    """

    def __init__(self, start: int, end: int | None, *, main: bool) -> None:
        self.start = start
        self.position = start
        self.end = end
        self.main = main
        self.aborted = False
        self._exchange: Exchange | None = None

    def covers(self, position: int) -> bool:
        return self.position <= position and (self.end is None or position < self.end)

    def abort(self) -> None:
        self.aborted = True
        if self._exchange is not None:
            self._exchange.abort()

    def fetch(
        self,
        exchanges: Exchanges,
        hop: Upstream,
        passage: tuple[str, tuple[tuple[str, str], ...]],
        throttle: Throttle,
        begin: Callable[[int], Filling],
        to_the_end: bool,
    ) -> None:
        """In a fetch thread. `begin(total)` gives the file. Raise HopFailed, HopUnknown, HopDenied, NoSpace,
        StorageBroken."""
        target, headers = passage
        ask = Ask("GET", target, self.position, None if to_the_end else self.end, headers, for_blob=True)
        exchange = exchanges.open(hop, ask)
        self._exchange = exchange
        try:
            if self.aborted:
                raise HopFailed("given up")
            total, skip = self._accept(exchange, exchanges, hop, ask)
            filling = begin(total).hold()
            try:
                if self.end is None:
                    self.end = total
                self._copy(exchange, filling, throttle, skip, hop)
            finally:
                filling.release()
        finally:
            self._exchange = None
            exchange.close()

    def _accept(self, exchange: Exchange, exchanges: Exchanges, hop: Upstream, ask: Ask) -> tuple[int, int]:
        """(length of the blob, bytes of the body to pass over)."""
        head = exchange.head
        judge_status(head)
        if head.status == 206:
            piece = head.content_range()
            if not ask.is_ranged or piece is None or piece[0] != self.position:
                raise HopFailed("a partial answer (206) that does not fit the question")
            return piece[2], 0
        if self.position and not self.main:
            raise IgnoresRange("it ignores Range")
        total = head.length
        if total is None:
            try:
                total = told_length(exchanges, hop, ask.target, ask.headers)
            except (HopUnknown, HopDenied) as odd:
                raise HopFailed("it delivers the blob and does not say how long it is") from odd
        return total, self.position

    def _copy(self, exchange: Exchange, filling: Filling, throttle: Throttle, skip: int, hop: Upstream) -> None:
        view, limit = piece_buffer(), throttle.piece_bytes
        while self.position < (self.end or 0):
            if self.aborted:
                raise HopFailed("given up")
            wanted = min(limit, skip) if skip else min(limit, (self.end or 0) - self.position)
            if wanted <= 0:
                return
            count = exchange.read_into(view[:wanted])
            if count == 0:
                raise HopFailed("the body ended early")
            throttle.take(count)
            if skip:
                skip -= count
                continue
            # The loop may have shortened the leg while we waited for these bytes: a segment brings the rest.
            count = min(count, (self.end or 0) - self.position)
            if count <= 0:
                return
            filling.note_source(hop)
            filling.write(view[:count], self.position)
            self.position += count
