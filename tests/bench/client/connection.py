"""One plain connection: sends a request, drops the body of the answer, says when it is complete."""

from __future__ import annotations

import socket

_HEAD_BYTES = 16 * 1024
_DROP_BYTES = 4 << 20
_head = bytearray(_HEAD_BYTES)
_dropped = bytearray(_DROP_BYTES)  # MSG_TRUNC writes nothing into it


class Broken(Exception):
    """The server answered something else than the wanted body, or left."""


class PlainConnection:
    """`body_bytes` counts what has arrived of bodies; `began` tells whether the current answer's head is here."""

    def __init__(self, host: str, port: int, receive_buffer: int = 0) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.body_bytes = 0
        self.began = False
        self._left = 0

    def ask(self, request: bytes) -> None:
        self.began = False
        if self.sock.send(request) != len(request):
            raise Broken("the request did not fit into the socket")

    def warm(self, request: bytes) -> None:
        """One whole answer before anything counts: the server has accepted, and both ends have what they keep."""
        self.sock.setblocking(True)
        self.ask(request)
        while not self.receive():
            pass
        self.sock.setblocking(False)
        self.body_bytes = 0

    def receive(self, limit: int = _DROP_BYTES) -> bool:
        """Take what has arrived, at most `limit` bytes; True at the end of the answer."""
        if self.began:
            count = self.sock.recv_into(_dropped, min(self._left, limit), socket.MSG_TRUNC)
            if count == 0:
                raise Broken("the server left in the middle of a body")
        else:
            count = self._receive_head(limit)
        self.body_bytes += count
        self._left -= count
        return self._left == 0

    def _receive_head(self, limit: int) -> int:
        count = self.sock.recv_into(_head, min(_HEAD_BYTES, limit))
        end, self._left = read_head(_head[:count])
        self.began = True
        return count - end


def read_head(data: bytes | bytearray) -> tuple[int, int]:
    """(where the body begins, its length). Raise Broken for anything but a whole 200 or 206 head."""
    end = data.find(b"\r\n\r\n")
    if end < 0 or not data.startswith((b"HTTP/1.1 200", b"HTTP/1.1 206")):
        raise Broken(f"found {bytes(data[:60])!r}, wanted the head of a 200 or 206")
    found = data.find(b"ontent-", 0, end)
    while found >= 0:
        line = data[found : data.find(b"\r\n", found)].lower()
        if line.startswith(b"ontent-length:"):
            return end + 4, int(line[14:])
        found = data.find(b"ontent-", found + 1, end)
    raise Broken("found no Content-Length")
