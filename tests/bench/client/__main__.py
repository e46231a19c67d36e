"""`python -m bench.client < spec.json`: one sample; prints its figures, or one line of what went wrong (exit 1).

spec: {"pull": "loop|once|slow", "host", "port", "ca": path or "", "clients", "seconds", "targets": path of a file with
one target a line (a tab and a Range may follow; with "once" every client gets an equal part of the lines), "server":
[pid…], "bytes_per_s", "warm": a target that each connection asks for before anything counts, or absent,
"warm_once": targets that one of them asks for then, or absent, "spins": true
where the client has a processor to itself}.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from .connection import Broken, PlainConnection
from .pulls import Figures, closed_loop, once_each
from .slow import thin_lines
from .tls_connection import TlsConnection, context
from .watched import Connection

_SLOW_RECEIVE_BUFFER = 32 * 1024


def _requests(path: str, host: str) -> list[bytes]:
    return [_request(line, host) for line in Path(path).read_text(encoding="ascii").splitlines()]


def _request(line: str, host: str) -> bytes:
    target, _, piece = line.partition("\t")
    ranged = f"Range: {piece}\r\n" if piece else ""
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: docker/26.1.0 go/go1.21.9\r\n"
        f"Accept-Encoding: identity\r\n{ranged}\r\n"
    ).encode("ascii")


def _connections(spec: dict[str, Any]) -> list[Connection]:
    small = _SLOW_RECEIVE_BUFFER if spec["pull"] == "slow" else 0
    if spec["ca"]:
        tls = context(spec["ca"])
        return [TlsConnection(spec["host"], spec["port"], tls, small) for _ in range(spec["clients"])]
    return [PlainConnection(spec["host"], spec["port"], small) for _ in range(spec["clients"])]


def _pull(spec: dict[str, Any]) -> Figures:
    requests = _requests(spec["targets"], f"{spec['host']}:{spec['port']}")
    connections = _connections(spec)
    if spec.get("warm"):
        for connection in connections:
            connection.warm(_request(spec["warm"], f"{spec['host']}:{spec['port']}"))
    for target in spec.get("warm_once", ()):
        connections[0].warm(_request(target, f"{spec['host']}:{spec['port']}"))
    if spec["pull"] == "loop":
        return closed_loop(connections, requests, spec["seconds"], spec["server"], spins=spec.get("spins", False))
    if spec["pull"] == "once":
        each = len(requests) // len(connections)
        lists = [requests[number * each : (number + 1) * each] for number in range(len(connections))]
        return once_each(connections, lists, spec["server"])
    return thin_lines(connections, requests, spec["seconds"], spec["bytes_per_s"], spec["server"])


def main() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        figures = _pull(json.load(sys.stdin))
    except (Broken, OSError) as error:
        print(f"client: {error}", file=sys.stderr)
        return 1
    json.dump(figures, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
