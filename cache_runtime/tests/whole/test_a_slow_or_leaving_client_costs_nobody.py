"""A client that reads slowly, or leaves, takes neither memory nor descriptors nor speed from the others."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.inner_cache import inner_cache
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, hold_after
from dtr_content_cache.delivery import flight
from dtr_content_cache.values.events import FillEnded

MIB = 1 << 20


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


def _ask(cache: RunningCache, digest: str, grant: str) -> socket.socket:
    """A client with a tiny window that has asked and read nothing."""
    host, _, port = cache.url.removeprefix("http://").rpartition(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((host, int(port)))
    sock.sendall(f"GET /v2/org/app/blobs/{digest}?grant={grant} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return sock


def _resident_bytes(cache: RunningCache) -> int:
    status = Path(f"/proc/{cache.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024


def _descriptors(cache: RunningCache) -> list[str]:
    folder = f"/proc/{cache.process.pid}/fd"
    found = []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            pass
    return found


def test_forty_clients_that_do_not_read_cost_no_memory_and_the_next_client_no_time(
    tmp_path: Path, upstream: Upstream
) -> None:
    with running_cache(tmp_path, [upstream.url]) as cache:
        cold, other = upstream.add(random.Random(1).randbytes(24 * MIB)), upstream.add(b"small" * 1000)
        warm_up = upstream.add(random.Random(2).randbytes(24 * MIB))
        assert cache.get(warm_up, upstream.grant(warm_up)).status_code == 200
        before = _resident_bytes(cache)
        slow = [_ask(cache, cold, upstream.grant(cold)) for _ in range(40)]
        eventually(lambda: cache.is_stored(cold))

        assert cache.get(other, upstream.grant(other)).content == b"small" * 1000
        assert cache.get(cold, upstream.grant(cold)).status_code == 200
        assert _resident_bytes(cache) - before < 32 * MIB
        assert len([asked for asked in upstream.blob_requests() if cold in asked.path]) == 1
        for sock in slow:
            sock.close()


def test_two_hundred_pulls_that_are_broken_off_leave_no_descriptor_and_no_file(
    tmp_path: Path, upstream: Upstream
) -> None:
    with running_cache(tmp_path, [upstream.url]) as cache:
        chance = random.Random(3)
        digests = [upstream.add(chance.randbytes(600_000)) for _ in range(10)]
        first = upstream.add(b"first")
        cache.get(first, upstream.grant(first))
        before = len(_descriptors(cache))
        for number in range(200):
            sock = _ask(cache, digests[number % 10], upstream.grant(digests[number % 10]))
            if number % 3:
                sock.recv(chance.randrange(1, 4000))
            sock.close()

        eventually(lambda: all(cache.is_stored(digest) for digest in digests), 30)
        eventually(lambda: not [path for path in _descriptors(cache) if "/volume/" in path])
        idle_upstream_connections = 8
        eventually(lambda: len(_descriptors(cache)) <= before + idle_upstream_connections)
        assert cache.unfinished() == []
        assert cache.wrong_blobs() == []
        assert "Traceback" not in cache.said


def test_a_large_fill_that_nobody_waits_for_any_more_is_given_up(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight, "LINGER_S", 0.05)
    monkeypatch.setattr(flight, "LINGER_WHOLE_BYTES", 1000)
    with inner_cache(tmp_path, [upstream.url]) as cache:
        blob = random.Random(4).randbytes(3 * MIB)
        digest = upstream.add(blob)
        upstream.faults = [hold_after(500_000)]
        leaver = cache.get(digest, upstream.grant(digest), stream=True)
        assert leaver.raw.read(1000) == blob[:1000]
        leaver.close()

        [ended] = eventually(lambda: cache.told(FillEnded))
        assert (ended.outcome, ended.reason) == ("failed", "no reader left")
        assert cache.get(digest, upstream.grant(digest)).content == blob
        assert upstream.blob_requests()[-1].headers["range"].startswith("bytes=5")


def test_a_fill_whose_only_client_left_while_it_waited_for_its_turn_is_given_up_too(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight, "LINGER_S", 0.05)
    monkeypatch.setattr(flight, "LINGER_WHOLE_BYTES", 1000)
    with inner_cache(tmp_path, [upstream.url], maxfills=1) as cache:
        first, second = (upstream.add(random.Random(seed).randbytes(3 * MIB)) for seed in (5, 6))
        upstream.faults = [hold_after(500_000), hold_after(500_000)]
        stays = cache.get(first, upstream.grant(first), stream=True)
        leaver = _ask(cache, second, upstream.grant(second))  # type: ignore[arg-type]
        eventually(lambda: cache.flights == 2)
        leaver.close()
        eventually(lambda: min(found.readers for found in cache.on_loop(lambda: cache.parts.deliveries.flights)) == 0)
        upstream.always = hold_after(500_000)
        upstream.release.set()

        assert stays.content
        eventually(lambda: cache.flights == 0)
