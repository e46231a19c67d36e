"""A volume that is full, too small, read-only or broken: the pull is streamed through, verified all the same."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from doubles.files import FailingFiles
from doubles.inner_cache import InnerCache, inner_cache
from doubles.running_cache import eventually
from doubles.upstream import Answering, Upstream, cut_after, hold_after, wrong_byte
from dtr_content_cache.delivery import attempts
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import BlobEvicted, FillEnded

MIB = 1 << 20
SMALL, LARGE = random.Random(31).randbytes(100_000), random.Random(32).randbytes(6 * MIB)
READ_ONLY = {"maintenance": {"readonly": {"enabled": True}}}
BYPASS = "dtr-content-cache; fwd=uri-miss"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """A volume of 4 MiB."""
    folder = tmp_path / "small"
    (folder / "volume").mkdir(parents=True)
    mount = shutil.which("mount")
    if os.geteuid() != 0 or not mount:
        pytest.skip("only root can mount a small volume")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder / "volume"], check=False).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield folder
    subprocess.run(["umount", folder / "volume"], check=True)


def _streams_through(cache: InnerCache, upstream: Upstream, blob: bytes) -> str:
    digest = upstream.add(blob)
    for _ in range(2):
        answer = cache.get(digest, upstream.grant(digest))
        assert (answer.status_code, answer.content == blob) == (200, True)
    assert not cache.is_stored(digest)
    return digest


def test_a_volume_that_runs_full_in_the_middle_of_a_fill(tmpfs: Path, upstream: Upstream) -> None:
    with inner_cache(tmpfs, [upstream.url], minfree="1B") as cache:
        _fill_up(cache, 3 * MIB)
        free = _free(cache.root)
        # What the keeper believes to be free is not: somebody else writes to the volume.
        cache.on_loop(lambda: setattr(cache.parts.space, "reserve", _promising(cache.parts.space.reserve)))
        _streams_through(cache, upstream, LARGE)
        eventually(lambda: _free(cache.root) > free - 16 * 1024)  # the broken fills have given back what they took
        _fill_up(cache, _free(cache.root))
        _streams_through(cache, upstream, SMALL)

        assert cache.unfinished() == []
        assert [told.outcome for told in cache.told(FillEnded)] == ["not-stored"] * 4


def _promising(reserve: Callable[[int, Digest], object]) -> Callable[[int, Digest], object]:
    return lambda size, digest: reserve(0, digest)


def _fill_up(cache: InnerCache, size: int) -> None:
    with (cache.root / "ballast").open("ab") as ballast:
        ballast.write(bytes(size))


def _free(root: Path) -> int:
    found = os.statvfs(root)
    return found.f_bavail * found.f_frsize


def test_many_clients_of_a_volume_that_runs_full_all_get_the_blob(tmpfs: Path, upstream: Upstream) -> None:
    with inner_cache(tmpfs, [upstream.url], minfree="1B") as cache:
        cache.on_loop(lambda: setattr(cache.parts.space, "reserve", _promising(cache.parts.space.reserve)))
        digest = upstream.add(LARGE)
        bodies: list[bytes] = []

        def pull() -> None:
            url = f"{cache.url}/v2/org/app/blobs/{digest}?grant={upstream.grant(digest)}"
            bodies.append(requests.get(url, timeout=30).content)

        pulls = [threading.Thread(target=pull) for _ in range(8)]
        for one in pulls:
            one.start()
        for one in pulls:
            one.join(30)

        assert [body == LARGE for body in bodies] == [True] * 8


def test_a_volume_without_its_free_space_left(tmpfs: Path, upstream: Upstream) -> None:
    with inner_cache(tmpfs, [upstream.url], minfree="3900KiB") as cache:
        _streams_through(cache, upstream, LARGE)


def test_a_blob_larger_than_maxsize(tmp_path: Path, upstream: Upstream) -> None:
    with inner_cache(tmp_path, [upstream.url], maxsize="1MiB") as cache:
        _streams_through(cache, upstream, LARGE)
        small = upstream.add(SMALL)
        assert cache.get(small, upstream.grant(small)).content == SMALL
        eventually(lambda: cache.is_stored(small))


def test_a_layer_that_no_volume_holds_costs_nobody_his_blobs(tmp_path: Path, upstream: Upstream) -> None:
    kept = [upstream.add(bytes([number]) + SMALL) for number in range(5)]
    vast = upstream.add(LARGE)

    def longer_than_any_volume(answering: Answering) -> None:
        answering.head("200 OK", Content_Length=1 << 50)
        answering.body(answering.blob)
        answering.sock.shutdown(socket.SHUT_RDWR)

    upstream.always_of = {vast: longer_than_any_volume}
    with inner_cache(tmp_path, [upstream.url]) as cache:
        for digest in kept:
            assert cache.get(digest, upstream.grant(digest)).ok
        eventually(lambda: all(map(cache.is_stored, kept)))
        with pytest.raises(requests.RequestException):
            _ = cache.get(vast, upstream.grant(vast)).content

        assert cache.told(BlobEvicted) == []
        assert all(map(cache.is_stored, kept))


def test_a_read_only_volume_serves_what_it_has_and_streams_the_rest(tmp_path: Path, upstream: Upstream) -> None:
    with inner_cache(tmp_path, [upstream.url]) as cache:
        kept = upstream.add(SMALL)
        cache.get(kept, upstream.grant(kept))
        eventually(lambda: cache.is_stored(kept))
    with inner_cache(tmp_path, [upstream.url], storage=READ_ONLY) as cache:
        before = sorted(path for path in cache.root.rglob("*"))

        assert cache.get(kept, upstream.grant(kept)).headers["Cache-Status"] == "dtr-content-cache; hit"
        _streams_through(cache, upstream, LARGE)
        assert sorted(path for path in cache.root.rglob("*")) == before


@pytest.mark.parametrize("call", ["pwrite", "open", "fsync", "rename", "pread_into"])
def test_a_volume_on_which_a_call_fails_for_good(tmp_path: Path, upstream: Upstream, call: str) -> None:
    with inner_cache(tmp_path, [upstream.url]) as cache:
        failing = FailingFiles()
        broken = FailingFiles(1, 5, forever=True)
        setattr(failing, call, getattr(broken, call))
        cache.on_loop(lambda: setattr(cache.parts.store, "files", failing))
        for blob in (LARGE, SMALL, LARGE[::-1]):
            digest = upstream.add(blob)
            assert cache.get(digest, upstream.grant(digest)).content == blob


@pytest.fixture
def bypass(tmp_path: Path, upstream: Upstream) -> Iterator[InnerCache]:
    with inner_cache(tmp_path, [upstream.url], storage=READ_ONLY) as cache:
        yield cache


def test_a_stream_through_goes_on_unseen_where_the_upstream_breaks(bypass: InnerCache, upstream: Upstream) -> None:
    digest = upstream.add(LARGE)
    upstream.faults = [None, cut_after(2_000_000), cut_after(1_000_000)]

    assert bypass.get(digest, upstream.grant(digest)).content == LARGE
    assert [asked.headers.get("range") for asked in upstream.blob_requests()[1:]] == [
        None,
        "bytes=2000000-",
        "bytes=3000000-",
    ]


@pytest.mark.parametrize("blob", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("at", [0, 50_000, -1])
def test_a_lie_never_completes_by_streaming_through(
    bypass: InnerCache, upstream: Upstream, blob: bytes, at: int
) -> None:
    digest = upstream.add(blob)
    upstream.always = wrong_byte(at)
    for headers in ({}, {"Range": "bytes=60000-"}):
        try:
            assert bypass.get(digest, upstream.grant(digest), headers=headers).status_code == 503
        except requests.RequestException:
            pass

    upstream.always = None
    assert bypass.get(digest, upstream.grant(digest)).content == blob


def test_ranges_are_streamed_through(bypass: InnerCache, upstream: Upstream) -> None:
    digest = upstream.add(LARGE)
    for asked, wanted in (
        ("0-9", LARGE[:10]),
        ("3000000-3999999", LARGE[3_000_000:4_000_000]),
        ("-10", LARGE[-10:]),
        ("5000000-", LARGE[5_000_000:]),
    ):
        answer = bypass.get(digest, upstream.grant(digest), headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.content == wanted) == (206, True)


def test_clients_that_come_together_cost_one_transfer_though_nothing_is_kept(
    bypass: InnerCache, upstream: Upstream
) -> None:
    digest = upstream.add(LARGE)
    upstream.faults = [hold_after(0), hold_after(1 * MIB)]  # the first only tells the length: there is no room
    bodies: list[bool] = []

    def pull() -> None:
        url = f"{bypass.url}/v2/org/app/blobs/{digest}?grant={upstream.grant(digest)}"
        bodies.append(requests.get(url, timeout=30).content == LARGE)

    pulls = [threading.Thread(target=pull) for _ in range(10)]
    for one in pulls:
        one.start()
    eventually(lambda: bypass.on_loop(lambda: _readers(bypass, digest)) == 10)
    upstream.release.set()
    for one in pulls:
        one.join(30)

    assert bodies == [True] * 10
    brought = [asked for asked in upstream.blob_requests() if asked.sent > MIB]
    assert len(brought) == 1


def _readers(cache: InnerCache, digest: str) -> int:
    stream = cache.parts.deliveries.streams.reaching(Digest.parse(digest), 0)
    return len(stream._readers) if stream is not None else 0


def test_more_slow_clients_than_threads_keep_nobody_waiting(bypass: InnerCache, upstream: Upstream) -> None:
    bypass.on_loop(lambda: setattr(bypass.parts.fetch_threads, "_max_workers", 4))
    large, small = upstream.add(random.Random(33).randbytes(16 * MIB)), upstream.add(SMALL)
    slow = []
    for _ in range(6):
        answer = bypass.get(large, upstream.grant(large), stream=True)
        assert answer.raw.read(1000)
        slow.append(answer)

    assert bypass.get(small, upstream.grant(small)).content == SMALL
    for answer in slow:
        answer.close()
