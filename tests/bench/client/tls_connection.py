"""One TLS 1.3 connection that decrypts only the head of its first answer.

From then on the plaintext's length is read off the records' headers (RFC 8446 §5.2: content, one byte of type, 16 of
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
_APPLICATION_DATA = 23
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
        self._records = _Records()
        self._first = bytearray()  # plaintext, until the first head is complete
        self._head_bytes = 0
        self._answer_bytes = 0  # plaintext of a whole answer, head included; 0 until the first head is here
        self._counted = 0  # of this answer's body

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
        self._records.plain_bytes, self._counted, self.began = 0, 0, False
        self._tls.write(request)
        self.sock.sendall(self._outgoing.read())

    def warm(self, request: bytes) -> None:
        """As PlainConnection; decrypted whole, so the answers to come may have another length."""
        self.sock.setblocking(True)
        self._tls.write(request)
        self.sock.sendall(self._outgoing.read())
        seen, whole = bytearray(), 0
        while not whole or len(seen) < whole:
            self._incoming.write(self._received())
            self._decrypt_into(seen)
            if not whole and b"\r\n\r\n" in seen:
                whole = sum(read_head(seen))
        self.sock.setblocking(False)

    def _received(self) -> bytes:
        data = self.sock.recv(_TAKE_BYTES)
        if not data:
            raise Broken("the server left")
        return data

    def receive(self, limit: int = _TAKE_BYTES) -> bool:
        count = self.sock.recv_into(_taken, min(limit, _TAKE_BYTES))
        if count == 0:
            raise Broken("the server left")
        self._records.walk(memoryview(_taken)[:count])
        if not self._answer_bytes and not self._learn(bytes(_taken[:count])):
            return False
        plain = self._records.plain_bytes
        if plain > self._answer_bytes:
            raise Broken("an answer is longer than the one before")
        self.began = True
        body = max(0, plain - self._head_bytes)
        self.body_bytes += body - self._counted
        self._counted = body
        return plain == self._answer_bytes and self._records.complete

    def _learn(self, data: bytes) -> bool:
        """Decrypt until the first head is complete, to know how long answers are. Tickets before it are no answer."""
        self._incoming.write(data)
        self._decrypt_into(self._first)
        if b"\r\n\r\n" not in self._first:
            return False
        self._head_bytes, length = read_head(self._first)
        self._answer_bytes = self._head_bytes + length
        self._records.plain_bytes = len(self._first) + self._records.under_way_bytes
        self._first = bytearray()
        return True

    def _decrypt_into(self, plain: bytearray) -> None:
        """Append what can be decrypted of what has arrived."""
        while True:
            try:
                piece = self._tls.read(_TAKE_BYTES)
            except ssl.SSLWantReadError:
                return
            if not piece:
                raise Broken("the server closed the TLS connection")
            plain += piece


class _Records:
    """Counts the plaintext of the records that go by; a record counts when its header has been seen."""

    def __init__(self) -> None:
        self.plain_bytes = 0
        self._record_bytes = 0  # plaintext of the last record
        self._skip = 0  # bytes of it that have yet to arrive
        self._header = b""

    @property
    def complete(self) -> bool:
        return not self._skip and not self._header

    @property
    def under_way_bytes(self) -> int:
        """Plaintext that is counted and cannot be decrypted yet."""
        return self._record_bytes if self._skip else 0

    def walk(self, data: memoryview) -> None:
        position, end = 0, len(data)
        while position < end:
            if self._skip:
                step = min(self._skip, end - position)
                self._skip -= step
                position += step
                continue
            header = self._header + bytes(data[position : position + _HEADER_BYTES - len(self._header)])
            position += len(header) - len(self._header)
            self._header = header
            if len(header) < _HEADER_BYTES:
                return
            self._begin(header)

    def _begin(self, header: bytes) -> None:
        self._header = b""
        if header[0] != _APPLICATION_DATA:
            raise Broken(f"found a TLS record of type {header[0]}, wanted application data")
        self._skip = header[3] << 8 | header[4]
        self._record_bytes = self._skip - _OVERHEAD_BYTES
        self.plain_bytes += self._record_bytes
