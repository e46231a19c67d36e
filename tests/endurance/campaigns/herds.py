"""Everybody comes at once for a blob that is not there yet: the line carries it once."""

from __future__ import annotations

import asyncio
import random
import threading
import urllib.request

from doubles.ports import free_port
from doubles.running_cache import eventually
from doubles.upstream import Answering, Fault

from ..campaign import Found
from ..traffic import target
from .one_cache import OneCache

_CLIENTS = 1000
_SIZE = 300_000
_PATIENCE_S = 120


class Herds(OneCache):
    name = "herds"
    promise = (
        f"{_CLIENTS} clients that ask for a cold blob while the upstream holds it back, at any byte, until the last "
        "has asked cost it exactly one transfer, and all get the blob"
    )
    unit = f"herd of {_CLIENTS}"
    share = 1.5
    ci, full = 1, 1_000
    options = {"maxsize": "20MB", "stalltimeout": "10m"}  # noqa: RUF012

    def begin(self) -> None:
        super().begin()
        self._debug = f"127.0.0.1:{free_port()}"
        self.cache.config["http"]["debug"] = {"addr": self._debug, "prometheus": {"enabled": True, "path": "/metrics"}}
        self.begin_life()

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        blob, all_wait = chance.randbytes(_SIZE), threading.Event()
        self.upstream.asked.clear()
        digest = self.upstream.add(blob)
        self.upstream.always_of[digest] = _held_at(chance.randrange(_SIZE), all_wait)
        right, said = asyncio.run(self._herd(target(self.upstream, digest), blob, all_wait, found))
        asked = self.upstream.blob_requests()
        found.count("clients served", right)
        found.expect(right == _CLIENTS, f"{_CLIENTS - right} of {_CLIENTS} clients did not get the blob: {said}")
        found.expect(len(asked) == 1, f"{len(asked)} upstream transfers of one blob")
        del self.upstream.blobs[digest], self.upstream.always_of[digest]
        return found

    async def _herd(self, path: str, blob: bytes, all_wait: threading.Event, found: Found) -> tuple[int, set[str]]:
        pulls = asyncio.gather(*(self._pull(path) for _ in range(_CLIENTS)), return_exceptions=True)
        try:
            await asyncio.to_thread(eventually, lambda: self._waiting() == _CLIENTS, _PATIENCE_S / 2)
        except AssertionError:
            found.broken.append(f"{self._waiting()} of {_CLIENTS} clients wait while the blob is held back")
        finally:
            all_wait.set()
        answers = await pulls
        said = {
            repr(answer) if isinstance(answer, BaseException) else "other bytes" for answer in answers if answer != blob
        }
        return sum(answer == blob for answer in answers), said

    def _waiting(self) -> int:
        """How many blob requests the cache has read and not yet answered to the end."""
        with urllib.request.urlopen(f"http://{self._debug}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        wanted = 'registry_http_in_flight_requests{handler="blob"} '
        return sum(int(float(line.removeprefix(wanted))) for line in lines if line.startswith(wanted))

    async def _pull(self, path: str) -> bytes:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.cache.port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: cache\r\nConnection: close\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 200"):
                    raise OSError(head.split(b"\r\n")[0].decode())
                return await reader.readexactly(_SIZE)
            finally:
                writer.close()


def _held_at(count: int, let_go: threading.Event) -> Fault:
    """A right answer that stops after `count` bytes until everybody has asked."""

    def fault(answering: Answering) -> None:
        data = answering.blob
        answering.head("200 OK", Content_Length=len(data))
        answering.body(data[:count])
        let_go.wait(_PATIENCE_S)
        answering.body(data[count:])

    return fault
