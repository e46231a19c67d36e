"""Who connects, one after the other: the loop that every double with a listener of its own needs."""

from __future__ import annotations

import socket
from collections.abc import Iterator


def accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """The clients of `listener` until it is closed."""
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        yield sock
