"""One stretch of a blob on its way from one upstream into the flight's file: what a fetch thread does."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..settings.model import Upstream
from ..upstream.ask import Ask
from ..upstream.exchange import Exchange, Exchanges
from ..upstream.response_head import HopFailed
from .attempts import HopDenied, HopUnknown, judge_status
from .beside import HashedBeside
from .filling import Filling
from .length import told_length
from .limits import FIRST_PIECE_BYTES, Throttle


class IgnoresRange(HopFailed):
    """It sends the whole where a part was asked: of no use for a segment, and no fault."""


class Leg:
    """The stretch [start, end) of a blob; `end` None = to the end, not known yet.

    The thread moves `position` and sets `asked` when its question has left; the loop may shorten `end` while the thread
    works, and `abort` it. A leg that was shortened stops there only as long as somebody may ask for what lies behind;
    afterwards the transfer that is open is the only one that can bring it, and the leg goes on.
    """

    def __init__(self, start: int, end: int | None, *, main: bool) -> None:
        self.start = start
        self.position = start
        self.end = end
        self.main = main
        self.aborted = False
        self.asked = threading.Event()
        self._sent_to = 0  # where that ends which its upstream sends
        self._exchange: Exchange | None = None
        self._ending = threading.Lock()  # while its exchange is broken off or taken away

    def covers(self, position: int) -> bool:
        return self.position <= position and (self.end is None or position < self.end)

    def abort(self) -> None:
        self.aborted = True
        with self._ending:  # once its thread has given the connection back, another may be asking by it
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
        may_ask: Callable[[], bool],
    ) -> None:
        """In a fetch thread. `begin(total)` gives the file; `may_ask`: would another question be let through now? Raise
        HopFailed, HopUnknown, HopDenied, NoSpace, StorageBroken."""
        target, headers = passage
        end = None if to_the_end else self.end
        ask = Ask("GET", target, self.position, end, headers, for_blob=True, sent=self.asked.set)
        exchange = exchanges.open(hop, ask)
        self._exchange = exchange
        try:
            if self.aborted:
                raise HopFailed("given up")
            total, skip = self._accept(exchange, exchanges, hop, ask)
            filling = begin(total).hold()
            try:
                if not exchange.has_body_at_hand:
                    filling.announce()  # mostly the first bytes are here, too: one word for both
                if self.end is None:
                    self.end = total
                self._sent_to = total if end is None else end
                with HashedBeside(filling.hash, self._left()) as pieces:
                    self._copy(exchange, filling, throttle, skip, hop, pieces, may_ask)
            finally:
                filling.release()
        finally:
            with self._ending:
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

    def _left(self) -> int:
        """Bytes of the stretch that are still to come, by now; none before its length is known."""
        return 0 if self.end is None else self.end - self.position

    def _to_take(self, filling: Filling, may_ask: Callable[[], bool]) -> int:
        """Bytes to take from here on, none at its end: past an end that it was shortened to, up to the end of the next
        gap, where nobody may ask for that any more. What lies before the gap and is here comes a second time."""
        left = self._left()
        if left > 0 or may_ask():
            return left
        gaps = filling.missing(self.position, self._sent_to)
        if gaps:
            self.end = gaps[0][1]
        return self._left()

    def _copy(
        self,
        exchange: Exchange,
        filling: Filling,
        throttle: Throttle,
        skip: int,
        hop: Upstream,
        pieces: HashedBeside,
        may_ask: Callable[[], bool],
    ) -> None:
        while (left := self._to_take(filling, may_ask)) > 0:
            if self.aborted:
                raise HopFailed("given up")
            limit = throttle.piece_bytes  # a reload may set another at any time
            most = FIRST_PIECE_BYTES if filling.is_new else _to_boundary(self.position, limit)
            wanted = min(limit, skip) if skip else min(most, limit, left)
            view = pieces.buffer()
            count = exchange.read_into(view[:wanted])
            if count == 0:
                raise HopFailed("the body ended early")
            throttle.take(count, lambda: self.aborted)
            if skip:
                skip -= count
                continue
            # All of them, even if it was shortened while we waited for them: they are here, and it may have to go on.
            filling.note_source(hop)
            all_ours = filling.add(view[:count], self.position)
            pieces.put(count, self.position, all_ours=all_ours)
            self.position += count


def _to_boundary(position: int, limit: int) -> int:
    """How many bytes to take at `position`, `limit` at most: up to where a piece of that length would begin. The kernel
    keeps what is written in large pages, and pieces that share none cost a fifth less to write."""
    return limit - position % limit
