"""One TLS 1.3 connection that decrypts only its first answer.

After that the plaintext's length is read off the records' headers (RFC 8446 §5.2: content, one byte of type, 16 of
tag): deciphering for nobody would make the client, not the server, the limit. An answer that does not end with a
record is refused, so the shortcut cannot miscount. All answers of one connection must be equally long.
"""

from __future__ import annotations

import socket
import ssl

from .connection import Broken, read_head

_TAKE_BYTES = 512 * 1024
_OVERHEAD_BYTES = 17
_HEADER_BYTES = 5
_taken = bytearray(_TAKE_BYTES)


def context(ca: str) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    return made


class TlsConnection:
    """As PlainConnection."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext, receive_buffer: int = 0) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.connect((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._shake_hands()
        self.sock.setblocking(False)
        self.body_bytes = 0
        self.began = False
        self._answer_bytes = 0  # plaintext of a whole answer, head included; 0 until the first one is complete
        self._head_bytes = 0
        self._seen = 0  # plaintext of this answer
        self._first = bytearray()
        self._left = 0  # of the first body
        self._skip = 0  # bytes of a record that have yet to arrive
        self._header = b""

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
                self.sock.sendall(self._outgoing.read())
                return
            except ssl.SSLWantReadError:
                self.sock.sendall(self._outgoing.read())
                data = self.sock.recv(_TAKE_BYTES)
                if not data:
                    raise Broken("the server left during the handshake") from None
                self._incoming.write(data)

    def ask(self, request: bytes) -> None:
        self._seen, self.began = 0, False
        self._tls.write(request)
        self.sock.sendall(self._outgoing.read())

    def receive(self, limit: int = _TAKE_BYTES) -> bool:
        count = self.sock.recv_into(_taken, min(limit, _TAKE_BYTES))
        if count == 0:
            raise Broken("the server left")
        if not self._answer_bytes:
            return self._decrypt(bytes(_taken[:count]))
        self.began = True
        before = max(self._seen, self._head_bytes)
        self._walk(memoryview(_taken)[:count])
        self.body_bytes += max(0, self._seen - before)
        if self._seen > self._answer_bytes:
            raise Broken("an answer is longer than the one before")
        return self._seen == self._answer_bytes and not self._skip and not self._header

    def _walk(self, data: memoryview) -> None:
        """Count the plaintext of records whose headers are in `data`."""
        position, end = 0, len(data)
        while position < end:
            if self._skip:
                step = min(self._skip, end - position)
                self._skip -= step
                position += step
                continue
            header = self._header + bytes(data[position : position + _HEADER_BYTES - len(self._header)])
            position += len(header) - len(self._header)
            if len(header) < _HEADER_BYTES:
                self._header = header
                return
            self._header = b""
            if header[0] != 23:
                raise Broken(f"found a TLS record of type {header[0]}, wanted application data")
            self._skip = header[3] << 8 | header[4]
            self._seen += self._skip - _OVERHEAD_BYTES

    def _decrypt(self, data: bytes) -> bool:
        self._incoming.write(data)
        while True:
            try:
                plain = self._tls.read(_TAKE_BYTES)
            except ssl.SSLWantReadError:
                break
            if not plain:
                raise Broken("the server closed the TLS connection")
            if not self.began:
                self._first += plain
                if b"\r\n\r\n" not in self._first:
                    continue
                self._head_bytes, self._left = read_head(self._first)
                plain, self.began = bytes(self._first[self._head_bytes :]), True
                self._first = bytearray()
            self._left -= len(plain)
            self.body_bytes += len(plain)
            if self._left == 0:
                self._answer_bytes = self._head_bytes + self.body_bytes
                return True
        return False
