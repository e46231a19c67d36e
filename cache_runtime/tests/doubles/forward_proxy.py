"""A forward proxy of an office: tunnels and plain requests, to one place whatever the name; with notes."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from .accepting import accepted


@dataclass
class ForwardProxy:
    """`with ForwardProxy(port) as proxy:` leads everything to that port of this machine. `credentials`: "user:password"
    that it wants, or none. `refuses`: the status line that it answers everything with."""

    leads_to: int
    credentials: str = ""
    refuses: str = ""
    asked: list[str] = field(default_factory=list)  # first lines
    heads: list[str] = field(default_factory=list)

    def __enter__(self) -> ForwardProxy:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.place = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def _accept(self) -> None:
        for sock in accepted(self._listener):
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            head = b""
            while b"\r\n\r\n" not in head:
                data = sock.recv(65536)
                if not data:
                    return
                head += data
            self._note(head)
            wanted = f"Proxy-Authorization: Basic {base64.b64encode(self.credentials.encode()).decode()}\r\n"
            if self.refuses:
                sock.sendall(f"HTTP/1.1 {self.refuses}\r\nContent-Length: 0\r\n\r\n".encode())
            elif self.credentials and wanted.encode() not in head:
                sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            else:
                self._lead(sock, head)

    def _note(self, head: bytes) -> None:
        self.heads.append(head.decode("latin-1"))
        self.asked.append(self.heads[-1].split("\r\n")[0])

    def _lead(self, sock: socket.socket, head: bytes) -> None:
        with socket.create_connection(("127.0.0.1", self.leads_to)) as onward:
            tunnel = head.startswith(b"CONNECT ")
            if tunnel:
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                onward.sendall(_in_origin_form(head))
            back = threading.Thread(target=_copy, args=(onward, sock), daemon=True)
            back.start()
            _copy(sock, onward, (lambda data: data) if tunnel else self._again)
            back.join()

    def _again(self, head: bytes) -> bytes:
        """The next request on a kept connection, which comes in one piece."""
        self._note(head)
        return _in_origin_form(head)


def _in_origin_form(head: bytes) -> bytes:
    """As a proxy passes it on: the target without its authority, no fields that are meant for the proxy."""
    first, _, rest = head.partition(b"\r\n")
    method, target, version = first.split(b" ")
    path = b"/" + target.split(b"/", 3)[3]
    kept = [line for line in rest.split(b"\r\n") if not line.lower().startswith(b"proxy-")]
    return b" ".join((method, path, version)) + b"\r\n" + b"\r\n".join(kept)


def _copy(
    source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes] = lambda data: data
) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(change(data))
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
