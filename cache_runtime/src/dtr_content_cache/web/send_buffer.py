"""How much of a large answer the kernel holds for one client: little more than its line can use.

Left to itself the kernel takes megabytes for each client. They wait there until they have left the processor's caches,
which makes sending three times as dear, and while a client does not read they hold memory that a container's limit
counts: a few dozen of such clients ended a cache of 128 MiB.

Of stored blobs unsent bytes are bounded on every line; what is under way is the congestion window's affair. Where the
other end is a millisecond away at most, little can be under way, and for the largest answers the buffer as a whole is
bounded, too. Who follows a fill is not bounded: he is sent what comes, when it comes.
"""

from __future__ import annotations

import math
import socket
import struct

LARGE_BYTES = 128 * 1024  # smaller answers never fill anything
UNSENT_BYTES = 128 * 1024  # a millisecond of a line of 1 Gb/s: until then we have been called again
LARGEST_BYTES = 8 << 20
BUFFER_BYTES = 256 * 1024  # the kernel takes it twice, for its own book-keeping
SHORT_LINE_S = 0.001  # some 300 MB/s leave such a buffer on a line of this round trip
_RTT_AT = 68  # of `struct tcp_info` (linux/tcp.h): tcpi_rtt, microseconds


def fit(sock: socket.socket, length: int) -> float:
    """Fit the connection to an answer of `length` bytes; until one of more than the returned length, that suffices."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return math.inf
    if length <= LARGE_BYTES:
        return LARGE_BYTES
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        if length <= LARGEST_BYTES:
            return LARGEST_BYTES
        if _round_trip_s(sock) <= SHORT_LINE_S:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    except OSError:
        pass  # the client has left, or the kernel knows no such thing: sending will tell, or goes on as it was
    return math.inf


def _round_trip_s(sock: socket.socket) -> float:
    told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT_AT + 4)
    return struct.unpack_from("I", told, _RTT_AT)[0] / 1e6 if len(told) == _RTT_AT + 4 else math.inf
