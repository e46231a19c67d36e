"""Hashing beside fetching: while one piece of a leg is hashed, the next is received and written.

Owns the buffers that legs receive into, and the thread that hashes them in their order. On one processor nothing is
gained or lost; on two, a first pull ends a quarter sooner. Rules for editors: nobody ever waits for the hashing thread
to come: whoever needs a buffer and has none hashes the next piece itself, so a machine with no processor to spare goes
on as if there were no such thread. And buffers belong to the legs under way, not to threads: the pool gives its work to
each of them in turn, and a cache where one pull follows another would come to hold those of all.
"""

from __future__ import annotations

import mmap
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

from .limits import BESIDE_FROM_BYTES, PIECE_BYTES

_BUFFERS = 2  # one is filled while the other is hashed; a third one would be memory for nothing
_SPARE_LIMIT = 8  # pairs: a few clients who pull three layers each at once; a burst of more gives its memory back
_spare: list[list[memoryview]] = []  # those that no leg has, the latest used last


def _take_buffers() -> list[memoryview]:
    """The pair used last, where there is one: new ones would cost each leg their page faults. Mapped, so that the first
    fetch, whose client waits for its first byte, faults in no more than it fills."""
    try:
        return _spare.pop()
    except IndexError:
        return [memoryview(mmap.mmap(-1, PIECE_BYTES)) for _ in range(_BUFFERS)]


def _give_back(buffers: list[memoryview]) -> None:
    if len(_spare) < _SPARE_LIMIT:
        _spare.append(buffers)


class HashedBeside:
    """For the leg of one thread, `length` bytes long: `buffer`, fill it, `put` it, again and again, within `with`.
    Behind it the buffers are another leg's.

    `hash_piece(view, offset, all_ours)` is called for each piece put, in their order, one at a time. What it raises is
    raised by the next `buffer`, or at the end.
    """

    def __init__(self, hash_piece: Callable[[memoryview, int, bool], None], length: int) -> None:
        self._hash_piece = hash_piece
        self._free: deque[memoryview] = deque()
        self._waiting: deque[tuple[memoryview, int, int, bool]] = deque()
        self._turn = threading.Lock()
        self._work = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
        self._has_thread = False
        self._wants_thread = length >= BESIDE_FROM_BYTES
        self._over = False
        self._failure: Exception | None = None

    def __enter__(self) -> HashedBeside:
        self._free.extend(_take_buffers())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        while self._waiting:
            self._hash_next()
        self._over = True
        self._work.release()
        if self._has_thread:
            self._thread.join()
        _give_back(list(self._free))
        self._free.clear()
        if error is None:
            self._raise_failure()

    def buffer(self) -> memoryview:
        """What the next piece is to be received into: the same one until it is `put`."""
        while not self._free:
            self._hash_next()
        self._raise_failure()
        return self._free[0]

    def put(self, count: int, offset: int, *, all_ours: bool) -> None:
        """The buffer's first `count` bytes are those at `offset`. `all_ours`: nobody else had brought any of them."""
        self._waiting.append((self._free.popleft(), count, offset, all_ours))
        if self._has_thread:
            self._work.release()
            return
        self._hash_next()
        if self._wants_thread:  # not before the first piece has gone on its way
            self._begin_thread()

    def _begin_thread(self) -> None:
        self._wants_thread = False
        try:
            self._thread.start()
        except RuntimeError:
            return  # the machine has no thread to spare either: each piece is hashed where it was received
        self._has_thread = True

    def _run(self) -> None:
        while True:
            self._work.acquire()
            if self._over:
                return
            self._hash_next()

    def _hash_next(self) -> None:
        with self._turn:
            if not self._waiting:
                return  # the other one was first
            buffer, count, offset, all_ours = self._waiting.popleft()
            try:
                self._hash_piece(buffer[:count], offset, all_ours)
            except Exception as failure:
                self._failure = failure
            finally:
                self._free.append(buffer)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
