"""Parts of the program that can be taken out of a cache, one at a time: a campaign that does not notice is blind.

Owns the seeded faults, each a function that changes the program of this process. Rule for editors: a cripple stands at
a seam that outlives a redesign, and every campaign has at least one that it must notice (`TEETH` in __main__.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from typing import Any

from dtr_content_cache import sides
from dtr_content_cache.admission import admission, base64url, grant
from dtr_content_cache.admission.keys import KeySet, VerifyingKey, parse_key_set
from dtr_content_cache.admission.last_answers import LastAnswers
from dtr_content_cache.admission.verdicts import RememberedVerdicts
from dtr_content_cache.delivery import deliveries, delivery, filling
from dtr_content_cache.storage import Store
from dtr_content_cache.storage.files import Files
from dtr_content_cache.upstream import trust
from dtr_content_cache.values import size
from dtr_content_cache.values.failures import UpstreamUnavailable
from dtr_content_cache.web import connection as web_connection
from dtr_content_cache.web import listener, request_head
from dtr_content_cache.web.parcel import Parcel
from dtr_content_cache.web.quiet_stream import QuietStream


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


def with_int_for_numbers() -> Callable[[], None]:
    """In this process, until the answer is called: a grant's times are read as careless readers do, by int()."""
    strict = grant._read_claims

    def loose(claims: dict[str, Any], origin: str) -> grant.Grant:
        return strict(claims | {name: _by_int(claims.get(name)) for name in ("iat", "exp")}, origin)

    def undo() -> None:
        grant._read_claims = strict

    grant._read_claims = loose
    return undo


def _by_int(value: Any) -> Any:
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        return value


def _without_keys_of_its_own() -> None:
    """A grant is verified by the key that its header brings along, where it does."""
    strict = grant.verify

    def credulous(token: str, keys: KeySet | None) -> grant.Grant:
        try:
            header_text, claims_text, signature_text = token.split(".")
            own = json.loads(base64url.decode(header_text))["jwk"] | {"kid": "its own"}
            key = parse_key_set("", {"keys": [own]}).keys["its own"]
            right = key.verify(f"{header_text}.{claims_text}".encode(), base64url.decode(signature_text))
            claims = json.loads(base64url.decode(claims_text))
        except (ValueError, KeyError, TypeError):
            right = False
        return grant._read_claims(claims, claims["iss"]) if right else strict(token, keys)

    admission.verify = credulous


def _without_whose_verdict_it_is() -> None:
    key = RememberedVerdicts._key
    RememberedVerdicts._key = lambda self, credentials, address: key(self, "", address)  # type: ignore[method-assign]


def _without_which_registry_it_is() -> None:
    sides._named_with_upstreams = lambda registry: ""


def _without_taking_back() -> None:
    LastAnswers.forget = lambda self, question, *, all_of_repository: None  # type: ignore[method-assign]


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


def _without_closing_what_failed() -> None:
    """A client's connection that breaks costs a descriptor for ever."""
    close = QuietStream.close

    def forget(self: QuietStream, exc_info: Any = False) -> None:
        if exc_info and not self.closed():
            os.open(os.devnull, os.O_RDONLY)
        close(self, exc_info)

    QuietStream.close = forget  # type: ignore[method-assign]


def _without_an_end_to_waiting() -> None:
    web_connection.HEAD_TIMEOUT_S = 3600.0


def _without_forgetting_who_left() -> None:
    known: list[Any] = []
    ended = listener.Listener._ended

    def remember(self: Any, task: Any) -> None:
        known.append(self._connections.get(task))
        ended(self, task)

    listener.Listener._ended = remember  # type: ignore[method-assign]


def _without_letting_go() -> None:
    held: list[bytes] = []
    add = filling.Filling.add

    def hoard(self: Any, view: memoryview, offset: int) -> bool:
        held.append(bytes(view))
        return add(self, view, offset)

    filling.Filling.add = hoard  # type: ignore[method-assign]


def _without_a_second_look() -> None:
    trust.Authorities._problem = property(lambda self: "", lambda self, problem: None)  # type: ignore[assignment]


def with_loose_digits() -> Callable[[], None]:
    """In this process, until the answer is called: sizes are read as careless readers do, in anybody's digits."""
    strict = size._SIZE
    size._SIZE = re.compile(strict.pattern.replace("[0-9]", r"\d"))

    def undo() -> None:
        size._SIZE = strict

    return undo


def _without_strict_heads() -> None:
    request_head._ONCE = frozenset()
    request_head._HOST = re.compile(r".*")


def _without_a_last_look() -> None:
    Parcel.check_last = lambda self: None  # type: ignore[method-assign]


CRIPPLES: dict[str, Callable[[], None]] = {
    "flushing": _without_flushing,
    "noting pulls": _without_noting_pulls,
    "tidying": _without_tidying,
    "verdicts": _without_verdicts,
    "signatures": _without_signatures,
    "binding": _without_binding,
    "numbers that are numbers": lambda: with_int_for_numbers() and None,
    "keys of its own": _without_keys_of_its_own,
    "whose verdict it is": _without_whose_verdict_it_is,
    "which registry it is": _without_which_registry_it_is,
    "taking back": _without_taking_back,
    "joining": _without_joining,
    "seeing bodies": _without_seeing_bodies,
    "strict heads": _without_strict_heads,
    "a last look": _without_a_last_look,
    "the seam": _without_the_seam,
    "a second look": _without_a_second_look,
    "an end to waiting": _without_an_end_to_waiting,
    "forgetting who left": _without_forgetting_who_left,
    "letting go": _without_letting_go,
    "a way past the volume": _without_patience,
    "closing what failed": _without_closing_what_failed,
}
