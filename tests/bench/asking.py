"""Runs one sample of the client in its own process, and checks before measuring that a server tells the truth."""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .blobs import Blob
from .field import Field
from .matrix import KIB
from .refused import Refused
from .servers.place import Running
from .targets import warming

_TESTS = Path(__file__).parents[1]
_PIECE_BYTES = 1 << 20
_READY_WITHIN_S = 10.0


def ask(
    field: Field, running: Running, scheme: str, targets: Sequence[str], *, pinned: bool, **spec: Any
) -> dict[str, Any]:
    """The client's figures (client/pulls.py). `pinned`: on the client's processors, away from the server's.

    `spec`: pull, clients, and what that pull needs. Raise Refused with what went wrong.
    """
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write("\n".join(targets))
        file.flush()
        whole = {
            **spec,
            "host": "127.0.0.1",
            "port": running.port,
            "ca": str(field.certificate.ca) if scheme == "https" else "",
            "targets": file.name,
            "server": running.process.pids,
        }
        on = field.processors.client if pinned else field.processors.every
        listed = ",".join(str(number) for number in sorted(on))
        done = subprocess.run(
            ["taskset", "-c", listed, sys.executable, "-m", "bench.client"],
            input=json.dumps(whole), capture_output=True, text=True, cwd=_TESTS, check=False,
        )  # fmt: skip
    if done.returncode:
        raise Refused(f"{running.name} over {scheme}: {done.stderr.strip()[-300:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def warm_target(field: Field, server: str) -> str:
    """A small blob that `server` has: what each connection asks for before it counts."""
    return warming(server, field.library.blobs(4 * KIB, 1), field.signer)[0][0]


def verify(field: Field, running: Running, scheme: str, asked: Sequence[tuple[str, Blob]]) -> None:
    """Pull each target whole and hash it, which warms the server, too. Raise Refused for one wrong byte."""
    tls = ssl.create_default_context(cafile=str(field.certificate.ca))
    connection = (
        http.client.HTTPSConnection("127.0.0.1", running.port, context=tls)
        if scheme == "https"
        else http.client.HTTPConnection("127.0.0.1", running.port)
    )
    for target, blob in asked:
        deadline = time.monotonic() + _READY_WITHIN_S
        status, found = _pull(connection, target)
        while status == 503 and time.monotonic() < deadline:  # listening, but not yet ready to serve
            time.sleep(0.005)
            status, found = _pull(connection, target)
        if status != 200 or found != blob.hex:
            said = running.process.last_words()
            raise Refused(
                f"{running.name} over {scheme}: status {status}, or other bytes than the blob's. It said:\n{said}"
            )
    connection.close()


def _pull(connection: http.client.HTTPConnection, target: str) -> tuple[int, str]:
    """(status, SHA-256 of the body); status 0 where there was no whole answer."""
    seen = hashlib.sha256()
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        while piece := answer.read(_PIECE_BYTES):
            seen.update(piece)
    except (OSError, http.client.HTTPException):
        return 0, ""
    return answer.status, seen.hexdigest()
