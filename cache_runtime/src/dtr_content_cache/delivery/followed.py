"""What readers see of a flight: how far its file has come, whether its bytes are judged, and that it is over.

Owns the readers' questions and who still holds the file. How the file comes to be filled is the flight's business.
Rule for editors: look at the state after asking `progress.changed()`, then await; never the other way round.
"""

from __future__ import annotations

import asyncio
import time

from ..storage import Identity
from ..values.digest import Digest
from ..values.failures import Failure, WrongBytes
from .filling import Filling
from .limits import HOLD_BACK_BYTES
from .means import Passage
from .progress import Progress
from .states import TRANSITIONS, State


class Followed:
    """`total` is the blob's length once somebody has told it; `hop` the upstream that delivered last; `generation`
    counts how often the file was started over; `judged` is the file as it was when its bytes were found right;
    `began_s` is when it was asked for, by the monotonic clock. All of it on the loop."""

    def __init__(self, digest: Digest, passage: Passage, parked: Filling | None) -> None:
        self.digest = digest
        self.began_s = time.monotonic()
        self.state = State.WAITING
        self.failure: Failure | None = None
        self.generation = 0
        self.judged: Identity | None = None
        self.readers = 0
        self.hop = ""
        self.progress = Progress(asyncio.get_running_loop())
        self.filling = parked
        self.total: int | None = None
        if parked is not None:
            self.total, parked.progress = parked.total, self.progress
        self._passage = passage
        self._landed = False

    def join(self, passage: Passage) -> None:
        self.readers += 1
        if passage.expires_s > self._passage.expires_s:
            self._passage = passage

    def leave(self) -> None:
        self.readers -= 1
        if self.readers == 0 and self.state is State.FILLING:
            self._linger()
        self._let_go_if_over()

    def land(self) -> None:
        """The flight is over. Its file stays open until the last reader has left."""
        self._landed = True
        self._let_go_if_over()

    def _let_go_if_over(self) -> None:
        if self._landed and self.readers == 0 and self.filling is not None:
            self.filling.release()
            self.filling = None

    async def known_total(self) -> int:
        """The blob's length. Raise the flight's failure, except those of the volume once the length is known."""
        while self.total is None:
            changed = self.progress.changed()
            if self.total is None:
                self._raise_failure()
                await changed
        return self.total

    async def available(
        self, position: int, end: int, total: int, generation: int | None, *, judged: bool
    ) -> tuple[Filling, int]:
        """Wait until the byte at `position` may be sent; return its file and where the sendable run ends (≤ `end`).

        `total` is the length that the reader was told, `generation` the one it has sent bytes of, None before its
        first; `judged`: the last bytes wait for the verdict. Raise WrongBytes if what the reader was told or has sent
        turned out wrong, or the flight's failure.
        """
        while True:
            changed = self.progress.changed()
            if generation is not None and generation != self.generation:
                raise WrongBytes("bytes sent before did not hash to the digest")
            filling = self.filling
            if filling is not None:
                if filling.total != total:
                    raise WrongBytes("the length told before was wrong")
                run = min(filling.run_end(position), end)
                if judged and not self.verified:
                    run = min(run, max(0, total - HOLD_BACK_BYTES))
                if run > position:
                    return filling, run
            self._raise_failure()
            if filling is not None and filling.run_end(position) == position:
                self._reach(filling, position, end)
            await changed

    @property
    def verified(self) -> bool:
        return self.state in (State.VERIFIED, State.STORED)

    async def landed(self) -> None:
        """Wait until nothing more will happen to it."""
        while TRANSITIONS[self.state]:
            changed = self.progress.changed()
            if TRANSITIONS[self.state]:
                await changed

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _reach(self, filling: Filling, position: int, end: int) -> None:
        """A reader waits for `position`, which is missing, and wants what follows up to `end`."""
        raise NotImplementedError

    def _linger(self) -> None:
        """The last reader has left while the file fills."""
        raise NotImplementedError
