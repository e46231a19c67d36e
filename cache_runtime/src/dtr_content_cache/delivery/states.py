"""The states of a flight, and which may follow which."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    WAITING = "waiting for a fill slot"
    FILLING = "filling"
    VERIFIED = "verified, being stored"
    STORED = "stored"
    FAILED = "failed"


TRANSITIONS = {
    State.WAITING: {State.FILLING, State.FAILED},
    State.FILLING: {State.VERIFIED, State.FAILED},
    State.VERIFIED: {State.STORED},
    State.STORED: set(),
    State.FAILED: set(),
}
