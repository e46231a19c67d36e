"""Large blobs pass through without being held, and a client that leaves is noticed."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dtr_simulator.image import write_image
from dtr_simulator.running import RunningSimulator, running_simulator

BLOB_BYTES = 300 << 20
MEMORY_LIMIT_KIB = 110 << 10
DIGEST = "sha256:" + "b" * 64


def peak_kib(simulator: RunningSimulator) -> int:
    lines = Path(f"/proc/{simulator.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, client: Any) -> Iterator[Any]:
    """A client of a simulator without TLS that serves one large blob of holes; it does not care what is in it."""
    folder = tmp_path_factory.mktemp("large")
    write_image(folder, "1.0", layers=1, layer_size=10)
    with open(folder / "blobs/sha256" / DIGEST.removeprefix("sha256:"), "wb") as file:
        file.truncate(BLOB_BYTES)
    with running_simulator(layouts={"org/app": folder}, plain_http=True) as simulator:
        yield type(client)(simulator)


def test_a_large_blob_is_sent_without_holding_it(large: Any) -> None:
    answer = large.pull("GET", f"/v2/org/app/blobs/{DIGEST}", "alice", stream=True)
    assert sum(len(chunk) for chunk in answer.iter_content(1 << 20)) == BLOB_BYTES
    assert peak_kib(large.simulator) < MEMORY_LIMIT_KIB


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited 10 s in vain"
        threading.Event().wait(0.01)


def test_a_client_that_does_not_read_costs_no_memory_and_its_leaving_is_logged(large: Any) -> None:
    simulator = large.simulator
    grant = simulator.grant("alice", "org/app", DIGEST)
    with socket.create_connection(("127.0.0.1", int(simulator.url.rsplit(":", 1)[1]))) as idle:
        idle.sendall(f"GET /v2/org/app/blobs/{DIGEST}?grant={grant} HTTP/1.1\r\nHost: dtr\r\n\r\n".encode())
        assert idle.recv(15) == b"HTTP/1.1 200 OK"
        assert large.call("GET", "/_ping").status_code == 200
        assert peak_kib(simulator) < MEMORY_LIMIT_KIB
    wait_for(lambda: simulator.requests(via="grant", completed=False))
    record = simulator.requests(via="grant", completed=False)[0]
    assert 0 < record["bytes"] < BLOB_BYTES
    assert large.call("GET", "/_ping").status_code == 200
    known = ("listening", "20")  # the first line, and those of requests, which begin with the time
    assert [line for line in simulator.output if not line.startswith(known)] == []


def test_a_large_push_and_pull_pass_through_without_being_held(registry_url: str, accounts: dict[str, Any],
                                                       client_class: Any) -> None:
    with running_simulator(registry=registry_url, accounts=accounts, plain_http=True) as simulator:
        asking = client_class(simulator)
        headers = {"Authorization": f"Bearer {asking.token('writer', 'repository:org/app:pull,push')}"}
        location = asking.call("POST", "/v2/org/app/blobs/uploads/", headers=headers).headers["Location"]
        chunk = bytes(1 << 20)
        answer = asking.session.patch(location, data=(chunk for _ in range(150)), headers=headers, timeout=60)
        assert (answer.status_code, answer.headers["Range"]) == (202, f"0-{(150 << 20) - 1}")
        assert simulator.requests(method="PATCH")[0]["received_bytes"] == 150 << 20
        assert peak_kib(simulator) < MEMORY_LIMIT_KIB
        digest = "sha256:" + hashlib.sha256(bytes(150 << 20)).hexdigest()
        location = answer.headers["Location"]
        answer = asking.session.put(f"{location}&digest={digest}", headers=headers, timeout=60)
        assert answer.status_code == 201
        answer = asking.pull("GET", f"/v2/org/app/blobs/{digest}", "writer", stream=True)
        # The registry is done long before a client that begins to read this late.
        assert asking.call("GET", "/_ping").status_code == 200
        assert sum(len(chunk) for chunk in answer.iter_content(1 << 20)) == 150 << 20
        assert peak_kib(simulator) < MEMORY_LIMIT_KIB
        asking.pull("GET", f"/v2/org/app/blobs/{digest}", "writer", stream=True).close()
        wait_for(lambda: simulator.requests(method="GET", completed=False))
        assert asking.call("GET", "/_ping").status_code == 200
        assert "Traceback" not in "\n".join(simulator.output)


def test_a_connection_serves_many_requests(large: Any) -> None:
    with socket.create_connection(("127.0.0.1", int(large.simulator.url.rsplit(":", 1)[1]))) as kept:
        for _ in range(3):
            kept.sendall(b"GET /_ping HTTP/1.1\r\nHost: dtr\r\n\r\n")
            assert kept.recv(65536).startswith(b"HTTP/1.1 200 OK")
