"""What an upstream last said to whom, for the time when it says nothing: `offline: serve`.

A yes is bound to the registry and its upstreams, to the identical credentials, to the repository and to what was asked;
it ends with `offlinelimit`, or with the token that it was given to if that says when it ends. A refusal takes it back:
401 and 403 take back all that these credentials were allowed in the repository, 404 what was asked. Credentials are
kept as keyed hashes only, passwords as slow ones. Rule for editors: when in doubt, forget; nothing here opens anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import secrets
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from ..values.clock import Clock

NOTED_EVERY_S = 60.0  # the same answer is written at most this often: the most by which it is forgotten too early
NOTES_LIMIT = 100_000
_SWEPT_EVERY_NOTES = 1000
_KNOWN_PASSWORDS = 4096
_KNOWN_FOLDERS = 10_000
_CHALLENGE = "challenge"


class Notes(Protocol):
    """Where notes are kept: storage's, or a test's."""

    def secret(self) -> bytes: ...
    def read(self, folder: str, name: str) -> bytes | None: ...
    def write(self, folder: str, name: str, content: bytes) -> None: ...
    def remove(self, folder: str, name: str | None = None) -> None: ...
    def sweep(self, older_than_s: float, limit: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Question:
    """`registry` names it and its upstreams when it is asked: another upstream's answers are nobody's here.
    `authorization` and `query` are the client's own; `repository` is empty for `/v2/`; `what` is all the rest that the
    answer may depend on."""

    registry: str
    authorization: str
    query: str
    repository: str
    what: str

    @property
    def anonymous(self) -> bool:
        return not self.authorization

    @property
    def for_its_challenge(self) -> Question:
        """What the upstream asks of those who come to the repository without credentials."""
        return replace(self, authorization="", query="", what=_CHALLENGE)


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """A yes: `digest` and `content_type` of a manifest, empty for others. Or the `challenge` of a 401. `said_s` and
    `until_s` are seconds since the epoch."""

    said_s: float
    until_s: float
    digest: str = ""
    content_type: str = ""
    challenge: str = ""


class LastAnswers:
    """Blocking; any thread, but `note` and `forget` in the order of the answers."""

    def __init__(self, notes: Notes, clock: Clock, limit_s: float) -> None:
        self._notes = notes
        self._clock = clock
        self._limit_s = limit_s
        self._secret = b""
        self._own_secret = secrets.token_bytes(32)
        self._slow: OrderedDict[bytes, bytes] = OrderedDict()
        self._noted_s: OrderedDict[str, dict[tuple[str, str], float]] = OrderedDict()  # by folder
        self._until_sweep = 0
        self._taken_back: set[tuple[str, str | None]] = set()  # though the volume may still say otherwise

    def note(self, question: Question, digest: str = "", content_type: str = "", challenge: str = "") -> None:
        """Raise StorageBroken or NoSpace, nothing noted."""
        now_s, steady_s = self._clock.wall(), self._clock.steady()
        folder, name = self._place(question)
        noted_s, key = self._noted_s.setdefault(folder, {}), (name, digest + challenge)
        if steady_s - noted_s.get(key, -math.inf) < NOTED_EVERY_S:
            return
        until_s = min(now_s + self._limit_s, expires_s(question.authorization))
        answer = LastAnswer(now_s, until_s, digest, content_type, challenge)
        self._notes.write(folder, name, json.dumps(asdict(answer)).encode())
        self._taken_back.discard((folder, name))
        noted_s[key] = steady_s
        if len(self._noted_s) > _KNOWN_FOLDERS:
            self._noted_s.popitem(last=False)
        self._sweep_now_and_then(now_s)

    def recall(self, question: Question) -> LastAnswer | None:
        """Raise StorageBroken or NoSpace."""
        folder, name = self._place(question)
        if self._taken_back & {(folder, None), (folder, name)}:
            return None
        try:
            answer = LastAnswer(**json.loads(self._notes.read(folder, name) or b""))
            until_s = min(answer.until_s, answer.said_s + self._limit_s)  # the limit may have been lowered since
            # One that was said in the future was said under another clock: how old it is nobody knows.
            counts = answer.said_s - NOTED_EVERY_S <= self._clock.wall() < until_s
        except (ValueError, TypeError, RecursionError):
            return None
        return answer if counts and _in_print(answer.digest, answer.content_type, answer.challenge) else None

    def forget(self, question: Question, *, all_of_repository: bool) -> None:
        """Raise StorageBroken or NoSpace."""
        folder, name = self._place(question)
        self._noted_s.pop(folder, None)  # what is still there is written again, if it is said again
        taken_back = folder, None if all_of_repository else name
        self._taken_back.add(taken_back)
        self._notes.remove(*taken_back)
        self._taken_back.discard(taken_back)

    def _sweep_now_and_then(self, now_s: float) -> None:
        if self._until_sweep == 0:
            self._notes.sweep(now_s - self._limit_s, NOTES_LIMIT)
        self._until_sweep = (self._until_sweep or _SWEPT_EVERY_NOTES) - 1

    def _place(self, question: Question) -> tuple[str, str]:
        """(folder: who in which repository, name: what)."""
        self._secret = self._secret or self._notes.secret()
        who = (question.registry.encode(), self._hidden(question.authorization), question.repository.encode())
        what = (question.what.encode(), question.query.encode())
        return self._hash(*who), self._hash(*what)

    def _hash(self, *parts: bytes) -> str:
        # Lengths first, so that no two different lists of parts write the same bytes.
        text = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        return hashlib.blake2b(text, key=self._secret, digest_size=16).hexdigest()

    def _hidden(self, authorization: str) -> bytes:
        """A token has more entropy than anybody can try; a password may have little, so trying it is made dear."""
        written = authorization.encode()
        if not authorization.lower().startswith("basic "):
            return written
        key = hashlib.blake2b(written, key=self._own_secret).digest()
        hidden = self._slow.get(key)
        if hidden is None:
            hidden = self._slow[key] = hashlib.scrypt(written, salt=self._secret, n=2**13, r=8, p=1, dklen=32)
            if len(self._slow) > _KNOWN_PASSWORDS:
                self._slow.popitem(last=False)
        return hidden


def _in_print(*said: object) -> bool:
    """Is each a text that may stand in a header's line? What lies on a volume may have rotted."""
    return all(isinstance(one, str) and one.isascii() and one.isprintable() for one in said)


def expires_s(authorization: str) -> float:
    """When the token of a bearer says that it ends; infinity where it does not say so readably.

    Nothing is verified: the upstream has just accepted these very bytes.
    """
    parts = authorization.partition(" ")[2].split(".")
    if len(parts) != 3 or not authorization.lower().startswith("bearer "):
        return math.inf
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return math.inf
