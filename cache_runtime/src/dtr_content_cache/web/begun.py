"""An answer that began in the readable callback and may end there, or at the client's pace in its connection's task.

Rule for editors: whatever happens to the client, `over` becomes true exactly once, and with it the blob is let go and
the answer told.
"""

from __future__ import annotations

from collections.abc import Callable

from tornado.iostream import StreamClosedError

from ..values.blob_address import BlobAddress
from .connection import Connection
from .parcel import FileFailed, Pushed
from .quick_hit import Hit
from .served import Served


class BegunAnswer:
    """`tell` hears of the answer when it is over; `distrust` is called where its file did not give its bytes."""

    __slots__ = ("_connection", "_distrust", "_hit", "_served", "_tell", "over")

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
        self._served = served
        self._tell = tell
        self._distrust = distrust
        self.over = False
        served.status, served.account, served.cache = 200, hit.account, "hit"

    def push(self) -> None:
        """Send what the client takes now."""
        try:
            if self._connection.stream.push(self._hit.parcel) is Pushed.ALL:
                self.end(complete=True)
        except StreamClosedError:
            self.end()
        except FileFailed:
            self._break_off()

    async def finish(self) -> None:
        """Send the rest at the client's pace. Raise StreamClosedError where the client left."""
        try:
            await self._connection.stream.ship(self._hit.parcel)
            self.end(complete=True)
        except FileFailed:
            self._break_off()
        finally:
            self.end()

    def _break_off(self) -> None:
        self._connection.cut()
        self._distrust(self._hit.address)
        self.end()

    def end(self, *, complete: bool = False) -> None:
        if self.over:
            return
        self.over = True
        hit, served = self._hit, self._served
        if hit.stored is not None:
            hit.stored.close()
        served.complete = complete
        served.body_bytes = max(0, hit.size - hit.parcel.length - len(hit.parcel.data))
        self._tell(served)
