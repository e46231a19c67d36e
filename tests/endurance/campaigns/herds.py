"""Everybody comes at once for a blob that is not there yet: the line carries it once."""

from __future__ import annotations

import asyncio
import random

from ..campaign import Found
from ..traffic import target
from .one_cache import OneCache

_CLIENTS = 1000
_SIZE = 300_000
_PATIENCE_S = 60


class Herds(OneCache):
    name = "herds"
    promise = f"{_CLIENTS} clients that ask at once for a cold blob cost the upstream exactly one transfer"
    unit = f"herd of {_CLIENTS}"
    ci, full = 3, 1_000
    options = {"maxsize": "20MB"}  # noqa: RUF012

    def begin(self) -> None:
        super().begin()
        self.begin_life()

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        blob = chance.randbytes(_SIZE)
        self.upstream.asked.clear()
        digest = self.upstream.add(blob)
        right, said = asyncio.run(self._herd(target(self.upstream, digest), blob))
        asked = self.upstream.blob_requests()
        found.count("clients served", right)
        found.expect(right == _CLIENTS, f"{_CLIENTS - right} of {_CLIENTS} clients did not get the blob: {said}")
        found.expect(len(asked) == 1, f"{len(asked)} upstream transfers of one blob")
        del self.upstream.blobs[digest]
        return found

    async def _herd(self, path: str, blob: bytes) -> tuple[int, set[str]]:
        answers = await asyncio.gather(*(self._pull(path) for _ in range(_CLIENTS)), return_exceptions=True)
        said = {
            repr(answer) if isinstance(answer, BaseException) else "other bytes" for answer in answers if answer != blob
        }
        return sum(answer == blob for answer in answers), said

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
