"""Ports for programs that must be told theirs before they run, and ports where nobody is."""

from __future__ import annotations

import socket
from random import SystemRandom

# Below those that the kernel gives to connections and to whoever asks for any port (ip_local_port_range, 32768 on).
# One of these would be taken, now and then, between the question and the program's start: tests run side by side.
_RANGE = range(20_000, 32_000)
_random = SystemRandom()  # not the one that a test seeds: two processes would be given the same
_given: set[int] = set()


def free_port() -> int:
    """A port of this machine that nobody has and that nobody else here will be given."""
    while True:
        port = _random.choice(_RANGE)
        if port in _given:
            continue
        _given.add(port)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
