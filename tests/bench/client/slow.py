"""Many readers on thin lines: the first bytes as they come, then sips."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ..processes import cpu_s
from .connection import Broken
from .pulls import Figures
from .watched import Connection, Watched

_PAGE_BYTES = 4096
_SIPS_PER_S = 10
_LOOK_EVERY_S, _LOOKS = 0.2, 50


def thin_lines(
    connections: Sequence[Connection],
    requests: Sequence[bytes],
    seconds: float,
    bytes_per_s: int,
    server: Sequence[int],
) -> Figures:
    """Every connection takes `bytes_per_s` at most, in ten sips a second, for `seconds` from the last first byte on."""
    sip, memory_before = bytes_per_s // _SIPS_PER_S, _memory_at_rest()
    cpu_before, start = cpu_s(server), time.perf_counter()
    for number, connection in enumerate(connections):
        connection.ask(requests[number % len(requests)])
    first_bytes = _first_bytes(connections, sip, start)
    due, memory = time.perf_counter(), memory_before
    end = due + seconds
    while (now := time.perf_counter()) < end:
        if now < due:
            time.sleep(due - now)
        due += 1 / _SIPS_PER_S
        for connection in connections:
            try:
                if connection.receive(sip):
                    raise Broken("a slow reader came to the end of the blob: it was not slow")
            except BlockingIOError:
                pass
        memory = max(memory, socket_memory_bytes())
    return {
        "seconds": time.perf_counter() - start,
        "body_bytes": sum(connection.body_bytes for connection in connections),
        "server_cpu_s": cpu_s(server) - cpu_before,
        "first_byte_s": first_bytes,
        "socket_memory_bytes": memory - memory_before,
    }


def _first_bytes(connections: Sequence[Connection], sip: int, start: float) -> list[float]:
    watched, found = Watched(connections), []
    while len(found) < len(connections):
        for connection in watched.first_bytes(sip):
            watched.forget(connection)
            found.append(time.perf_counter() - start)
    return found


def _memory_at_rest() -> int:
    """Once it falls no more: what others before us have closed goes bit by bit."""
    found = socket_memory_bytes()
    for _ in range(_LOOKS):
        time.sleep(_LOOK_EVERY_S)
        before, found = found, socket_memory_bytes()
        if found >= before:
            break
    return found


def socket_memory_bytes() -> int:
    """What the kernel holds for TCP, at both ends of every connection of the machine; 0 where it does not tell."""
    try:
        lines = Path("/proc/net/sockstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    tcp = next((line.split() for line in lines if line.startswith("TCP:")), [])
    return int(tcp[tcp.index("mem") + 1]) * _PAGE_BYTES if "mem" in tcp else 0
