"""An answer that began in the readable callback and did not end there: it goes on at the client's pace, by callbacks.

Rule for editors: whatever happens to the client, `over` becomes true exactly once, and with it the blob is let go and
the answer told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tornado.iostream import StreamClosedError

from ..values.blob_address import BlobAddress
from .connection import Connection
from .parcel import FileFailed, Pushed
from .quick_hit import Hit
from .served import Served

First = Pushed | StreamClosedError | FileFailed


def first_push(hit: Hit, connection: Connection) -> First:
    """Send what the client takes now; how far that came, or why it did not."""
    try:
        return connection.stream.push(hit.parcel)
    except (StreamClosedError, FileFailed) as error:
        return error


class BegunAnswer:
    """`tell` hears of the answer when it is over; `distrust` is called where its file did not give its bytes."""

    __slots__ = ("_connection", "_distrust", "_ended", "_hit", "_served", "_tell", "over")

    def __init__(
        self,
        hit: Hit,
        connection: Connection,
        served: Served,
        tell: Callable[[Served], None],
        distrust: Callable[[BlobAddress], None],
    ) -> None:
        self._hit = hit
        self._connection = connection
        self._ended: asyncio.Future[None] | None = None
        self._served = served
        self._tell = tell
        self._distrust = distrust
        self.over = False
        served.status, served.account, served.cache = hit.status, hit.account, "hit"

    def follow(self, first: First) -> None:
        """Go on after `first_push`, however that went."""
        if isinstance(first, FileFailed):
            self._break_off()
        elif first is Pushed.ALL or isinstance(first, StreamClosedError):
            self.end(complete=first is Pushed.ALL)
        else:
            self._connection.stream.push_on(self._hit.parcel, self._is_gone)

    def _is_gone(self, error: Exception | None) -> None:
        if error is None or isinstance(error, StreamClosedError):
            self.end(complete=error is None)
        else:
            self._break_off()
        self._connection.begun_ended()

    async def ended(self) -> None:
        """Wait until it is over, however it ends."""
        if not self.over:
            self._ended = asyncio.get_running_loop().create_future()
            await self._ended

    def _break_off(self) -> None:
        self._connection.cut()
        self._distrust(self._hit.address)
        self.end()

    def end(self, *, complete: bool = False) -> None:
        if self.over:
            return
        self.over = True
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        hit, served = self._hit, self._served
        if hit.stored is not None:
            hit.stored.close()
        served.complete = complete
        served.body_bytes = max(0, hit.size - hit.parcel.length - len(hit.parcel.data))
        self._tell(served)


class _AtOnce:
    """An answer that ended where it began."""

    over = True

    async def ended(self) -> None:
        pass

    def end(self) -> None:
        pass


AT_ONCE = _AtOnce()
