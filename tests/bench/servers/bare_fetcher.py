"""`bare_fetcher.py HOST:PORT TARGET FILE WARM`: one download, written and hashed as it comes, by one thread; its
connection has fetched WARM before. Prints JSON."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import time

_PIECE_BYTES = 1 << 20


def _asked(sock: socket.socket, address: str, target: str) -> tuple[int, bytes]:
    """(length of the body, what of it came with the head)."""
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(16 * 1024)
    head, _, body = head.partition(b"\r\n\r\n")
    return int(head.lower().partition(b"content-length:")[2].split()[0]), body


def fetch(address: str, target: str, path: str, warm: str) -> dict[str, float]:
    host, _, port = address.partition(":")
    view = memoryview(bytearray(_PIECE_BYTES))
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    with socket.create_connection((host, int(port))) as sock:
        length, body = _asked(sock, address, warm)
        while len(body) < length:
            body += sock.recv(16 * 1024)
        cpu, start, seen = time.process_time(), time.perf_counter(), hashlib.sha256()
        length, body = _asked(sock, address, target)
        first = time.perf_counter() - start
        seen.update(body)
        offset = os.pwrite(file, body, 0)
        while offset < length and (count := sock.recv_into(view, min(_PIECE_BYTES, length - offset))):
            os.pwrite(file, view[:count], offset)
            seen.update(view[:count])
            offset += count
    if not target.endswith(seen.hexdigest()) or offset != length:
        raise SystemExit("the bytes do not hash to their digest")
    return {
        "seconds": time.perf_counter() - start,
        "server_cpu_s": time.process_time() - cpu,
        "first_byte_s": first,
        "body_bytes": offset,
    }


if __name__ == "__main__":
    json.dump(fetch(*sys.argv[1:5]), sys.stdout)
