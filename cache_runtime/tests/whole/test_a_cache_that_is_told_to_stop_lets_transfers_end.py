"""SIGTERM: nobody new comes in, who is being served is served to the end, and the program ends with 0."""

from __future__ import annotations

import random
import signal
import socket
import time
from pathlib import Path

import pytest
import requests
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, hold_after

BLOB = random.Random(11).randbytes(3_000_000)


def refuses(cache: RunningCache) -> bool:
    host, _, port = cache.config["http"]["addr"].partition(":")
    try:
        socket.create_connection((host, int(port)), 2).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_transfer_under_way_completes_idle_connections_end_and_new_ones_are_refused(
    tmp_path: Path, sent: signal.Signals
) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], http={"draintimeout": "30s"}) as cache:
        digest = upstream.add(BLOB)
        upstream.faults = [hold_after(1_000_000)]
        transfer = cache.get(digest, upstream.grant(digest), stream=True)
        idle = socket.create_connection(("127.0.0.1", int(cache.url.rpartition(":")[2])), 5)

        cache.process.send_signal(sent)
        eventually(lambda: refuses(cache))
        assert idle.recv(1) == b""
        upstream.release.set()

        assert transfer.content == BLOB
        assert cache.process.wait(10) == 0
        assert "every transfer ended" in cache.said
        assert cache.is_stored(digest)
        assert cache.unfinished() == []


def test_what_does_not_end_within_draintimeout_is_cut_and_never_looks_complete(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], http={"draintimeout": "1s"}) as cache:
        digest = upstream.add(BLOB)
        upstream.faults = [hold_after(1_000_000)]
        transfer = cache.get(digest, upstream.grant(digest), stream=True)
        began = time.monotonic()
        cache.process.send_signal(signal.SIGTERM)

        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _ = transfer.content

        assert cache.process.wait(10) == 0
        assert 0.9 < time.monotonic() - began < 6
        eventually(lambda: "connections cut: 1" in cache.said)
        assert not cache.is_stored(digest)


def test_a_hanging_upstream_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], http={"draintimeout": "300ms"}) as cache:
        digest = upstream.add(BLOB)
        upstream.always = hold_after(0)
        with pytest.raises(requests.exceptions.Timeout):
            cache.get(digest, upstream.grant(digest), timeout=0.5)
        cache.process.send_signal(signal.SIGTERM)

        assert cache.process.wait(8) == 0


def test_a_signal_during_the_start_is_heard(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        cache.process.send_signal(signal.SIGHUP)
        cache.process.send_signal(signal.SIGTERM)

        assert cache.process.wait(10) == 0
        assert "Traceback" not in cache.said
