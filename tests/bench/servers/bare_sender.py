"""`bare_sender.py PORT ROOT`: answers GET of a blob with sendfile and checks nothing. A measuring rod, no server."""

from __future__ import annotations

import os
import select
import socket
import sys

_TURN_BYTES = 1 << 20
_SMALL_BYTES = 16 * 1024
_LARGE_BYTES = 256 * 1024
_SEND_BUFFER_BYTES = 256 * 1024


class Client:
    """`left` bytes of the open file are still to be sent, from `offset`; `waits`: for the socket to take them."""

    __slots__ = ("fd", "left", "offset", "sock", "waits")

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.fd, self.offset, self.left, self.waits = sock, -1, 0, 0, False


class Sender:
    def __init__(self, port: int, root: str) -> None:
        self._blobs = f"{root}/docker/registry/v2/blobs/sha256"
        self._open: dict[bytes, tuple[int, int, bytes]] = {}
        self._clients: dict[int, Client] = {}
        self._poll = select.epoll()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._poll.register(self._listener.fileno(), select.EPOLLIN)

    def run(self) -> None:
        while True:
            for fd, events in self._poll.poll():
                if fd == self._listener.fileno():
                    self._welcome()
                elif events & select.EPOLLIN:
                    self._answer(self._clients[fd])
                else:
                    self._send(self._clients[fd])

    def _welcome(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients[sock.fileno()] = Client(sock)
        self._poll.register(sock.fileno(), select.EPOLLIN)

    def _answer(self, client: Client) -> None:
        try:
            head = client.sock.recv(8192)
        except ConnectionError:
            head = b""
        if not head:
            self._poll.unregister(client.sock.fileno())
            del self._clients[client.sock.fileno()]
            client.sock.close()
            return
        client.fd, client.left, whole = self._found(head.split(b" ", 2)[1][-64:])
        if whole and client.sock.send(whole) == len(whole):
            client.left = 0
            return
        client.offset = 0
        if client.left > _LARGE_BYTES:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        client.sock.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % client.left, socket.MSG_MORE)
        self._send(client)

    def _found(self, name: bytes) -> tuple[int, int, bytes]:
        """(descriptor, length, the whole answer of a small blob)."""
        if name not in self._open:
            text = name.decode()
            fd = os.open(f"{self._blobs}/{text[:2]}/{text}/data", os.O_RDONLY)
            size = os.fstat(fd).st_size
            small = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + os.pread(fd, size, 0)
            self._open[name] = fd, size, small if size <= _SMALL_BYTES else b""
        return self._open[name]

    def _send(self, client: Client) -> None:
        try:
            sent = os.sendfile(client.sock.fileno(), client.fd, client.offset, min(client.left, _TURN_BYTES))
        except BlockingIOError:
            sent = 0
        except ConnectionError:
            client.left = sent = 0
        client.offset, client.left = client.offset + sent, client.left - sent
        if client.waits != bool(client.left):
            client.waits = bool(client.left)
            self._poll.modify(client.sock.fileno(), select.EPOLLOUT if client.waits else select.EPOLLIN)


if __name__ == "__main__":
    Sender(int(sys.argv[1]), sys.argv[2]).run()
