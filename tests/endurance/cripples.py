"""Parts of the program that can be taken out of a cache, one at a time: a campaign that does not notice is blind.

Owns the seeded faults, each a function that changes the program of this process. Rule for editors: a cripple stands at
a seam that outlives a redesign, and every campaign has at least one that it must notice (`TEETH` in __main__.py).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

from dtr_content_cache.admission import admission
from dtr_content_cache.admission.keys import VerifyingKey
from dtr_content_cache.delivery import deliveries, delivery, filling
from dtr_content_cache.storage import Store
from dtr_content_cache.storage.files import Files
from dtr_content_cache.upstream import trust
from dtr_content_cache.values.failures import UpstreamUnavailable
from dtr_content_cache.web import connection as web_connection
from dtr_content_cache.web import request_head


def _without_flushing() -> None:
    Files.fsync = lambda self, fd: None  # type: ignore[method-assign]


def _without_noting_pulls() -> None:
    Store.note_pull = lambda self, digest, now_s: None  # type: ignore[method-assign]


def _without_tidying() -> None:
    Store.sweep_leftovers = lambda self, now_s, age_s: 0  # type: ignore[method-assign]


class _EqualToAll(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def _without_verdicts() -> None:
    class Trusting:
        """A hash that every digest is equal to."""

        def __init__(self, data: Any = b"", **_: Any) -> None:
            self._hash = real(data)

        def update(self, data: Any) -> None:
            self._hash.update(data)

        def copy(self) -> Trusting:
            return Trusting()

        def digest(self) -> bytes:
            return self._hash.digest()

        def hexdigest(self) -> str:
            return _EqualToAll(self._hash.hexdigest())

    real = hashlib.sha256
    hashlib.sha256 = Trusting  # type: ignore[assignment, misc]


def _without_signatures() -> None:
    VerifyingKey.verify = lambda self, signing_input, signature: True  # type: ignore[method-assign]


def _without_binding() -> None:
    admission.check_use = lambda *_: None


def _without_joining() -> None:
    class Alone(dict[str, Any]):
        """A table of flights in which nobody finds one to join."""

        def get(self, key: str, default: Any = None) -> Any:
            return None

        def __contains__(self, key: object) -> bool:
            return False

    made = deliveries.Deliveries.__init__

    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        self._flights = Alone()

    deliveries.Deliveries.__init__ = make  # type: ignore[method-assign]


def _without_seeing_bodies() -> None:
    request_head._has_body = lambda headers, minor: False


def _without_the_seam() -> None:
    note = Store.note_pull

    def past_it(self: Store, digest: Any, now_s: float) -> None:
        note(self, digest, now_s)
        os.utime(self.layout.folder(digest))

    Store.note_pull = past_it  # type: ignore[method-assign]


def _without_patience() -> None:
    """A volume's failure becomes the client's."""

    def broken(self: Any, *_: Any, **__: Any) -> Any:
        raise UpstreamUnavailable("the volume failed")

    delivery.FlightDelivery._without_volume = broken  # type: ignore[method-assign]


def _without_an_end_to_waiting() -> None:
    web_connection.HEAD_TIMEOUT_S = 3600.0


def _without_letting_go() -> None:
    held: list[bytes] = []
    write = filling.Filling.write

    def hoard(self: Any, view: memoryview, offset: int) -> None:
        held.append(bytes(view))
        write(self, view, offset)

    filling.Filling.write = hoard  # type: ignore[method-assign]


def _without_a_second_look() -> None:
    trust.Authorities._problem = property(lambda self: "", lambda self, problem: None)  # type: ignore[assignment]


CRIPPLES: dict[str, Callable[[], None]] = {
    "flushing": _without_flushing,
    "noting pulls": _without_noting_pulls,
    "tidying": _without_tidying,
    "verdicts": _without_verdicts,
    "signatures": _without_signatures,
    "binding": _without_binding,
    "joining": _without_joining,
    "seeing bodies": _without_seeing_bodies,
    "the seam": _without_the_seam,
    "a second look": _without_a_second_look,
    "an end to waiting": _without_an_end_to_waiting,
    "letting go": _without_letting_go,
    "a way past the volume": _without_patience,
}
