"""No room, no descriptors, little memory: pulls go on, and when there is enough again nothing is left over."""

from __future__ import annotations

import os
import random
import resource
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream

BLOB = random.Random(51).randbytes(3_000_000)


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """A volume of 4 MiB."""
    where = tmp_path / "volume"
    where.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", where], capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def test_a_blob_without_room_is_streamed_and_hits_go_on(tmp_path: Path, small_volume: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], minfree="1B") as cache:
        first = upstream.add(BLOB)
        assert cache.get(first, upstream.grant(first)).content == BLOB
        eventually(lambda: cache.is_stored(first))
        big = random.Random(52).randbytes(8_000_000)
        second = upstream.add(big)

        assert cache.get(second, upstream.grant(second)).content == big
        assert cache.get(second, upstream.grant(second), headers={"Range": "bytes=7999990-"}).content == big[-10:]
        assert not cache.is_stored(second)
        assert cache.unfinished() == []


def test_a_volume_that_is_full_at_the_start_does_not_stop_it(tmp_path: Path, small_volume: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (small_volume / "somebody-elses").write_bytes(b"x" * (5 << 20))
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(BLOB)

        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        (small_volume / "somebody-elses").unlink()
        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        eventually(lambda: cache.is_stored(digest))
        assert "Traceback" not in cache.said


def descriptors(cache: RunningCache) -> int:
    return len(os.listdir(f"/proc/{cache.process.pid}/fd"))


def test_descriptors_that_run_out_are_waited_for_and_come_back(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        eventually(lambda: cache.is_stored(digest))
        cache.session.close()
        before = eventually(lambda: descriptors(cache))
        limit = before + 10
        resource.prlimit(cache.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        address = ("127.0.0.1", int(cache.url.rpartition(":")[2]))
        crowd = [socket.create_connection(address, 5) for _ in range(40)]
        eventually(lambda: "EMFILE" in cache.said)
        spent = cpu_s(cache)
        lines = cache.said.count("EMFILE")
        eventually(lambda: cache.said.count("EMFILE") >= lines + 3)
        assert cpu_s(cache) - spent < 0.5, "it must not spin"
        for sock in crowd:
            sock.close()

        assert eventually(lambda: answered(cache, digest, upstream)) == BLOB
        cache.session.close()
        eventually(lambda: descriptors(cache) <= before + 1)
        assert "Traceback" not in cache.said


def answered(cache: RunningCache, digest: str, upstream: Upstream) -> bytes | None:
    answer = cache.get(digest, upstream.grant(digest))
    return answer.content if answer.status_code == 200 else None


def cpu_s(cache: RunningCache) -> float:
    fields = Path(f"/proc/{cache.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(cache: RunningCache, what: str) -> int:
    for line in Path(f"/proc/{cache.process.pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(what)


def test_large_blobs_and_slow_readers_do_not_grow_its_memory(tmp_path: Path) -> None:
    big = random.Random(53).randbytes(1 << 20) * 120
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(big)
        small = upstream.add(b"x")
        assert cache.get(small, upstream.grant(small)).content == b"x"
        before = resident_bytes(cache, "VmRSS")
        slow = [cache.get(digest, upstream.grant(digest), stream=True) for _ in range(30)]
        eventually(lambda: cache.is_stored(digest), 60)
        slow += [cache.get(digest, upstream.grant(digest), stream=True) for _ in range(30)]
        for answer in slow:
            assert len(answer.raw.read(1_000_000)) == 1_000_000
        peak = resident_bytes(cache, "VmHWM")
        for answer in slow:
            answer.close()

        assert peak - before < 64 << 20
        assert len(upstream.blob_requests()) == 2
