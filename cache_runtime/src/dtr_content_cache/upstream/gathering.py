"""One large piece of many arrivals: what comes right behind the bytes that have just been received.

What is done with a piece (write it, hash it, tell the readers) costs the more for each byte the smaller it is, and most
where pieces do not begin and end with the file's pages. So where much comes at once, a few milliseconds' patience pays;
on any other line, and without patience, only what is here already is taken. Rule for editors: patience is counted from
the first byte, for all that follows together, or a reader would notice.
"""

from __future__ import annotations

import math
import select
import socket
import ssl
import time

GATHERED_WITHIN_S = 0.005
FAST_BYTES = 64 * 1024  # a line that brought this much within the patience brings 13 MB/s


def gather(sock: socket.socket, view: memoryview, patience_s: float) -> tuple[int, OSError | None]:
    """(bytes received into `view`, what broke behind them). TLS gives a record of 16 KiB a call, whole ones only."""
    count, deadline_s, stall_timeout_s = 0, time.monotonic() + patience_s, sock.gettimeout()
    sock.settimeout(0)
    try:
        while count < len(view):
            try:
                more = sock.recv_into(view[count:])
            except (BlockingIOError, ssl.SSLWantReadError):
                if not _arrives(sock, deadline_s - time.monotonic()):
                    break
                continue
            if more == 0:
                break
            count += more
    except OSError as error:
        return count, error
    finally:
        sock.settimeout(stall_timeout_s)
    return count, None


def _arrives(sock: socket.socket, within_s: float) -> bool:
    """Does anything, were it the line's end?"""
    if within_s <= 0:
        return False
    arrival = select.poll()
    arrival.register(sock, select.POLLIN)
    return bool(arrival.poll(math.ceil(within_s * 1000)))
