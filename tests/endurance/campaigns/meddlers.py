"""Somebody works on the volume behind the cache's back while a blob is on its way to a client that reads slowly."""

from __future__ import annotations

import http.client
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

from doubles.running_cache import eventually

from ..campaign import Found
from ..traffic import target
from .one_cache import OneCache

_SIZE = 12_000_000  # more than the buffers between the cache and its client hold
_LAST_BYTES = 1 << 20  # what leaves in one go at the end


def _write_into(path: Path, chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.seek(chance.randrange(_SIZE - _LAST_BYTES))
        file.write(chance.randbytes(64))


def _append(path: Path, chance: random.Random) -> None:
    with path.open("ab") as file:
        file.write(chance.randbytes(64))


def _truncate(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(_SIZE // 2))


def _replace(path: Path, chance: random.Random) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(chance.randbytes(1000))
    beside.rename(path)


def _rename(path: Path, chance: random.Random) -> None:
    path.rename(path.with_name("elsewhere"))


# By what was done: may the answer end?
KINDS: dict[str, tuple[Callable[[Path, random.Random], None], bool]] = {
    "written into": (_write_into, False),
    "appended to": (_append, False),
    "truncated": (_truncate, False),
    "removed": (lambda path, chance: path.unlink(), True),
    "replaced": (_replace, True),
    "renamed": (_rename, True),
}


class Meddlers(OneCache):
    name = "meddlers"
    promise = (
        "Whoever writes into a stored blob's file while it is sent to a slow client makes the answer break off before "
        "its end, and the next pull heals the blob; a file that is removed, renamed or replaced is sent to its end"
    )
    unit = "blob meddled with while it is sent"
    ci, full = 6, 2_000
    options = {"maxsize": "200MB"}  # noqa: RUF012

    def begin(self) -> None:
        super().begin()
        blob = random.Random(self.name).randbytes(_SIZE)
        self.digests = [self.upstream.add(blob)]
        self.begin_life()

    def cycle(self, seed: str) -> Found:
        chance, found = random.Random(seed), Found()
        kind = list(KINDS)[int(seed.rpartition(":")[2]) % len(KINDS)]
        meddle, may_end = KINDS[kind]
        eventually(lambda: self._is_stored(kind, found), 20)
        path = self.cache.stored(self.digests[0])
        first = chance.randrange(_SIZE // 4) if chance.random() < 0.3 else 0
        body, whole = self._pull_slowly(first, lambda: meddle(path, chance))
        right = body == self.upstream.blobs[self.digests[0]][first : first + len(body)]
        found.count(f"{kind}: answers that ended", whole)
        found.count(f"{kind}: answers that were cut", not whole)
        if may_end:
            found.expect(whole and right, f"{kind}: {len(body)} bytes, {'whole' if whole else 'cut'}, right: {right}")
        else:
            found.expect(not whole, f"{kind}: the answer ended whole, its bytes right: {right}")
        self._pull_whole(kind, found)
        found.expect(self.cache.tracebacks() == 0, f"{kind}: a traceback: {self.cache.said(40)}")
        return found

    def _pull_slowly(self, first: int, meddle: Callable[[], None]) -> tuple[bytes, bool]:
        """(what came, whether the answer ended as it had said): half a megabyte is read, then it is meddled with."""
        connection = http.client.HTTPConnection("127.0.0.1", self.cache.port, timeout=20)
        connection.connect()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        headers = {"Range": f"bytes={first}-"} if first else {}
        try:
            connection.request("GET", target(self.upstream, self.digests[0]), headers=headers)
            answer = connection.getresponse()
            body = answer.read(500_000)
            meddle()
            return body + answer.read(), True
        except http.client.IncompleteRead as cut:
            return body + cut.partial, False
        except OSError:
            return body, False
        finally:
            connection.close()

    def _is_stored(self, kind: str, found: Found) -> bool:
        """It is served from the volume, judged: whoever follows a fill reads a file that the cache itself writes."""
        self._pull_whole(kind, found)
        said = self.cache.log.read_text(encoding="utf-8", errors="replace")
        return said.rfind("fill started") < said.rfind("fill ended") and self.cache.stored(self.digests[0]).exists()

    def _pull_whole(self, kind: str, found: Found) -> None:
        """As clients do: what breaks off, or says that it could not, is asked for once more."""
        digest = self.digests[0]
        for _ in range(2):
            try:
                status, body = self.cache.ask(target(self.upstream, digest))
            except OSError:
                continue
            if status == 200:
                found.expect(body == self.upstream.blobs[digest], f"{kind}: wrong bytes completed afterwards")
                found.count("whole pulls before and after")
                return
        found.broken.append(f"{kind}: no service within two requests")
