"""`python -m bench.floor [FOLDER]`: what the parts of a first pull cost at least on this machine, without a cache.

Receive, hash, write, sync, send: each alone, as large pieces as a cache takes, the least of several rounds, in CPU
seconds for a GB. No cache that hashes and syncs can be below their sum, nor, with origin and client on the same
processors, faster than all of it spread over them evenly. FOLDER is the volume that is written to.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from dtr_content_cache.storage.files import Files

SIZE = 64 << 20
PIECE = 1 << 20
_ROUNDS = 7
_files = Files()
_buffer = memoryview(bytearray(os.urandom(PIECE)))


def _cpu_s(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _hash() -> None:
    seen = hashlib.sha256()
    for _ in range(SIZE // PIECE):
        seen.update(_buffer)


def _write(fd: int) -> None:
    try:
        _files.allocate(fd, SIZE)
    except OSError:
        pass  # a volume that cannot: its pieces take their room one by one
    for offset in range(0, SIZE, PIECE):
        _files.pwrite(fd, _buffer, offset)


def _send(fd: int, to: socket.socket) -> None:
    offset = 0
    while offset < SIZE:
        offset += os.sendfile(to.fileno(), fd, offset, PIECE)


def _receive(sock: socket.socket, flags: int) -> None:
    left = SIZE
    while left:
        left -= sock.recv_into(_buffer, min(PIECE, left), flags)


def _carried(fd: int, flags: int) -> tuple[float, float]:
    """(to send the file through a loopback connection, to receive it)."""
    sent: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _ = server.accept()
        with theirs:
            sender = threading.Thread(target=lambda: sent.append(_cpu_s(lambda: _send(fd, theirs))))
            sender.start()
            received = _cpu_s(lambda: _receive(ours, flags))
            sender.join()
    return sent[0], received


def _round(folder: Path) -> dict[str, float]:
    fd = os.open(folder, os.O_RDWR | os.O_TMPFILE, 0o600)
    found = {"hash": _cpu_s(_hash), "write": _cpu_s(lambda: _write(fd)), "sync": _cpu_s(lambda: os.fsync(fd))}
    found["send (an origin's is as much)"], found["receive"] = _carried(fd, 0)
    _, found["receive and drop, as the client"] = _carried(fd, socket.MSG_TRUNC)
    os.close(fd)
    return found


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir())
    rounds = [_round(folder) for _ in range(_ROUNDS)]
    least = {part: min(found[part] for found in rounds) / SIZE * 1e9 for part in rounds[0]}
    for part, seconds in least.items():
        print(f"{part:<34} {seconds:6.3f} CPU s/GB")
    send, drop = (seconds for part, seconds in least.items() if part.startswith("send") or "drop" in part)
    cache = sum(least.values()) - drop
    processors = len(os.sched_getaffinity(0))
    before_the_end = (cache - least["sync"] + send + drop) / processors
    print(f"{'a cache that hashes and syncs':<34} {cache:6.3f} CPU s/GB at least")
    print(f"{'without the hash and the sync':<34} {cache - least['hash'] - least['sync']:6.3f} CPU s/GB at least")
    print(f"{f'64 MiB on {processors} processors':<34} {before_the_end * SIZE / 1e9:6.3f} s at least, spread evenly")


if __name__ == "__main__":
    main()
