"""One connection to one upstream: bytes out, bytes in, deadlines. Blocking, for a thread of the fetch pool.

Every wait is bounded: connecting, and each wait for the next bytes (`stall`). Nothing bounds a whole transfer, because
a 20 GiB layer on a thin line takes hours and is well as long as bytes come; a small answer may be given its time
(`ask`). On a fast line bodies are taken in large pieces (`gathering`), on any other as they arrive.
"""

from __future__ import annotations

import socket
import ssl
import time

from ..settings.model import Upstream
from .gathering import FAST_BYTES, GATHERED_WITHIN_S, gather
from .proxy import Proxy
from .response_head import HEAD_LIMIT_BYTES, HopFailed, parse_response_head

CONNECT_TIMEOUT_S = 10.0
HEAD_TIMEOUT_S = 60.0
_INTERIM_LIMIT = 10


class Connection:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._left = bytearray()  # bytes received but not asked for yet
        self._broke: OSError | None = None  # behind bytes that were handed over
        self._is_fast = False  # the line, by what it brought last
        self._whole_within: tuple[float, float] | None = None  # (until when, of how many seconds)
        self.idle_since = 0.0

    @classmethod
    def open(
        cls, upstream: Upstream, context: ssl.SSLContext, stall_timeout_s: float, proxy: Proxy | None = None
    ) -> Connection:
        """To the upstream, or to `proxy` for it. Raise HopFailed, in words, where there is no connection to be had."""
        sock = _connected(upstream, proxy)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(min(stall_timeout_s, CONNECT_TIMEOUT_S))
            if upstream.scheme == "https":
                if proxy is not None:
                    _tunnel(sock, upstream, proxy)
                sock = context.wrap_socket(sock, server_hostname=upstream.host)
            sock.settimeout(stall_timeout_s)
        except HopFailed:
            sock.close()
            raise
        except ssl.SSLCertVerificationError as error:
            sock.close()
            raise HopFailed(f"its certificate is not accepted: {error.verify_message}", tls=True) from error
        except (OSError, ValueError) as error:
            sock.close()
            raise HopFailed(f"the TLS handshake failed: {_say(error)}", tls=True) from error
        return cls(sock)

    def ask(self, data: bytes, within_s: float | None) -> None:
        """Send a question whose whole answer must come within so many seconds, or, None, as long as bytes come."""
        self._whole_within = None if within_s is None else (time.monotonic() + within_s, within_s)
        self.send(data)

    def send(self, data: bytes) -> None:
        try:
            self._sock.sendall(data)
        except OSError as error:
            raise HopFailed(f"the connection broke while asking: {_say(error)}") from error

    def read_head(self) -> bytes:
        """The next final response head without its empty line; interim (1xx) answers are passed over, a few of them."""
        self._is_fast = False  # the first bytes of a body are waited for by a client
        deadline = time.monotonic() + HEAD_TIMEOUT_S
        for _ in range(_INTERIM_LIMIT):
            head = self._read_until_empty_line(deadline)
            if not head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
                return head
        raise HopFailed(f"more than {_INTERIM_LIMIT} interim answers and no final one")

    def _read_until_empty_line(self, deadline: float) -> bytes:
        while (end := self._left.find(b"\r\n\r\n")) < 0:
            if len(self._left) > HEAD_LIMIT_BYTES:
                raise HopFailed(f"a response head of more than {HEAD_LIMIT_BYTES // 1024} KiB")
            if time.monotonic() > deadline:
                raise HopFailed(f"no complete response head within {HEAD_TIMEOUT_S:.0f}s")
            self._left += self._receive(16 * 1024)
        head = bytes(self._left[:end])
        del self._left[: end + 4]
        return head

    def read_line(self, limit: int) -> bytes:
        """The next line without its CRLF: chunk headers."""
        while (end := self._left.find(b"\r\n")) < 0:
            if len(self._left) > limit:
                raise HopFailed("an endless chunk header")
            self._left += self._receive(16 * 1024)
        line = bytes(self._left[:end])
        del self._left[: end + 2]
        return line

    def has_chunk_header(self, after: int) -> bool:
        """Has the header of one more chunk arrived, behind the next `after` bytes? Not so for the last chunk's."""
        return self._left[after : after + 1] != b"0" and self._left.find(b"\r\n", after) >= 0

    def read_into(self, view: memoryview) -> int:
        """At least one byte of what comes next, at most `len(view)`; 0 at the end of the stream."""
        if self._left:
            count = min(len(view), len(self._left))
            view[:count] = self._left[:count]
            del self._left[:count]
            return count
        count = self._receive_into(view)
        if 0 < count < len(view):
            # What breaks behind these bytes is raised by the next call: OpenSSL would not say it twice, but call it
            # the end of the stream.
            more, self._broke = gather(self._sock, view[count:], GATHERED_WITHIN_S if self._is_fast else 0)
            count += more
        self._is_fast = count >= min(FAST_BYTES, len(view))
        return count

    def _receive(self, limit: int) -> bytes:
        buffer = bytearray(limit)
        count = self._receive_into(memoryview(buffer))
        if count == 0:
            raise HopFailed("the connection was closed before the answer was complete")
        return bytes(buffer[:count])

    def _receive_into(self, view: memoryview) -> int:
        if self._whole_within is not None and time.monotonic() > self._whole_within[0]:
            raise HopFailed(f"no complete answer within {self._whole_within[1]:.0f}s")
        try:
            if self._broke is not None:
                raise self._broke
            return self._sock.recv_into(view)
        except TimeoutError as error:
            raise HopFailed(f"no byte for {self._sock.gettimeout():.0f}s") from error
        except OSError as error:
            raise HopFailed(f"the connection broke: {_say(error)}") from error

    @property
    def has_surplus(self) -> bool:
        """Bytes that nobody asked for came after the answer: this connection must not be used again."""
        return bool(self._left)

    def looks_alive(self) -> bool:
        """Nothing has arrived on the idle connection: neither its end nor bytes that belong to nobody."""
        self._sock.setblocking(False)
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        return False

    def set_stall_timeout(self, seconds: float) -> None:
        self._sock.settimeout(seconds)

    def close(self) -> None:
        try:
            self._sock.close()
        except OSError:
            pass

    def abort(self) -> None:
        """Wake a thread that waits on this connection; it sees a broken connection.

        Not by the TLS socket's own `shutdown`: that one drops the TLS layer, and the thread that is woken would take
        what has already arrived, still encrypted, for the body.
        """
        try:
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:
            pass


def _connected(upstream: Upstream, proxy: Proxy | None) -> socket.socket:
    place, where = (upstream, "") if proxy is None else (proxy, f"the proxy {proxy.url}: ")
    try:
        return socket.create_connection((place.host, place.port), CONNECT_TIMEOUT_S)
    except socket.gaierror as error:
        raise HopFailed(f"{where}the name cannot be resolved ({error.strerror})") from error
    except TimeoutError as error:
        raise HopFailed(f"{where}no connection within {CONNECT_TIMEOUT_S:.0f}s") from error
    except OSError as error:
        raise HopFailed(f"{where}no connection: {error.strerror or error}") from error


def _tunnel(sock: socket.socket, upstream: Upstream, proxy: Proxy) -> None:
    """Ask `proxy` for a way through to the upstream."""
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    place = f"{host}:{upstream.port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *(f"{name}: {value}" for name, value in proxy.headers)]
    asking = Connection(sock)
    try:
        asking.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        status = parse_response_head(asking.read_head(), bodiless=True).status
    except HopFailed as failure:
        raise HopFailed(f"the proxy {proxy.url}: {failure}") from failure
    if not 200 <= status <= 299:
        raise HopFailed(f"the proxy {proxy.url} lets nobody through to {place}: status {status}")
    if asking.has_surplus:
        raise HopFailed(f"the proxy {proxy.url} speaks where the upstream should")


def _say(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS error").lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)
