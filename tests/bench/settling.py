"""When is a server through with what it was asked? When its processors and its upstream stand still."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_LOOK_EVERY_S = 0.2
_STILL_LOOKS = 2  # in a row
_STILL_CPU_S = 0.01  # a look: timers that tick on their own
_AT_MOST_S = 15.0


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU seconds of the server, bytes that its upstream has sent; both only grow."""

    cpu_s: float
    sent_bytes: int


def when_still(
    read: Callable[[], Reading],
    pause: Callable[[float], None] = time.sleep,
    at_most_s: float = _AT_MOST_S,
) -> Reading:
    """The first reading after which nothing moved, or the last one after `at_most_s`.

    A proxy that goes on downloading for itself when its client has everything is at work all the same, and its
    upstream logs a request only when that ends: so both are watched.
    """
    found, still = read(), 0
    for _ in range(int(at_most_s / _LOOK_EVERY_S)):
        pause(_LOOK_EVERY_S)
        before, found = found, read()
        moved = found.sent_bytes != before.sent_bytes or found.cpu_s - before.cpu_s > _STILL_CPU_S
        still = 0 if moved else still + 1
        if still == _STILL_LOOKS:
            break
    return found
