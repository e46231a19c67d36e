"""Whatever somebody or the disk did to a stored blob: no answer completes with it, and the next pull fetches it."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.running_cache import eventually
from doubles.upstream import Upstream
from dtr_content_cache.storage import Identity, UnfinishedBlob
from dtr_content_cache.values.clock import Clock
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import BlobQuarantined

SIZES = (40_000, 3_000_000)


def _flip(at: int) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        with path.open("r+b") as file:
            position = at if at >= 0 else path.stat().st_size + at
            file.seek(position)
            byte = file.read(1)
            file.seek(position)
            file.write(bytes([byte[0] ^ 1]))

    return flip


def _extend(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _replace_by(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        make(path)

    return replace


def _swap(one: Path, other: Path) -> None:
    """Each file under the other's name."""
    beside = one.with_name("beside")
    one.rename(beside)
    other.rename(one)
    beside.rename(other)


ROT: dict[str, Callable[[Path], None]] = {
    "first bit": _flip(0),
    "a bit inside": _flip(20_000),
    "last bit": _flip(-1),
    "empty": lambda path: os.truncate(path, 0),
    "cut": lambda path: os.truncate(path, path.stat().st_size - 1),
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "extended": _extend,
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "other bytes": lambda path: path.write_bytes(bytes(reversed(path.read_bytes()))),
    "gone": lambda path: path.unlink(),
    "a symbolic link": _replace_by(lambda path: path.symlink_to("/etc/hostname")),
    "a loop of links": _replace_by(lambda path: path.symlink_to(path)),
    "a FIFO": _replace_by(os.mkfifo),
    "a folder": _replace_by(lambda path: path.mkdir()),
    "a folder with something in it": _replace_by(lambda path: (path / "inside").mkdir(parents=True)),
    "unreadable": lambda path: path.chmod(0),
    "a device": _replace_by(lambda path: os.mknod(path, 0o20666, os.makedev(1, 5))),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Upstream, InnerCache]]:
    with Upstream() as upstream, inner_cache(tmp_path_factory.mktemp("rot"), [upstream.url]) as cache:
        yield upstream, cache


def _stored(upstream: Upstream, cache: InnerCache, size: int, seed: str) -> tuple[str, bytes]:
    blob = random.Random(f"{seed}{size}").randbytes(size)
    digest = upstream.add(blob)
    assert cache.get(digest, upstream.grant(digest)).content == blob
    eventually(lambda: cache.is_stored(digest) and cache.flights == 0)
    return digest, blob


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ROT)
def test_rot_is_never_served_whole_and_is_healed(scene: tuple[Upstream, InnerCache], kind: str, size: int) -> None:
    upstream, cache = scene
    if kind == "a device" and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    if kind == "unreadable" and os.geteuid() == 0:
        pytest.skip("root reads what nobody may")
    digest, blob = _stored(upstream, cache, size, kind)
    ROT[kind](cache.stored(digest))

    assert cache.get(digest, upstream.grant(digest)).content == blob
    eventually(lambda: cache.flights == 0 and cache.stored(digest).is_file())
    assert cache.stored(digest).read_bytes() == blob
    assert cache.get(digest, upstream.grant(digest)).headers["Cache-Status"] == "dtr-content-cache; hit"


@pytest.mark.parametrize("sizes", [(40_000, 40_000), (40_000, 3_000_000), (3_000_000, 3_000_000)])
def test_two_blobs_that_changed_places_are_each_fetched_anew(
    scene: tuple[Upstream, InnerCache], sizes: tuple[int, int]
) -> None:
    upstream, cache = scene
    blobs = dict(_stored(upstream, cache, size, f"swap {sizes} {at}") for at, size in enumerate(sizes))
    _swap(*map(cache.stored, blobs))

    for digest, blob in blobs.items():
        assert cache.get(digest, upstream.grant(digest)).content == blob
        eventually(lambda digest=digest: cache.flights == 0 and cache.stored(digest).is_file())
        assert cache.stored(digest).read_bytes() == blob


def test_the_length_that_a_head_tells_is_not_that_of_a_rotten_file(scene: tuple[Upstream, InnerCache]) -> None:
    upstream, cache = scene
    digest, blob = _stored(upstream, cache, SIZES[1], "head")
    os.truncate(cache.stored(digest), 1000)

    assert cache.get(digest, upstream.grant(digest), method="HEAD").headers["Content-Length"] == str(len(blob))


def test_rot_is_told_and_set_aside(scene: tuple[Upstream, InnerCache]) -> None:
    upstream, cache = scene
    digest, _ = _stored(upstream, cache, SIZES[0], "told")
    _flip(7)(cache.stored(digest))
    cache.get(digest, upstream.grant(digest))

    assert digest in [event.digest for event in cache.told(BlobQuarantined)]


def test_rot_that_no_upstream_can_heal_is_a_failure_not_a_blob(tmp_path: Path) -> None:
    with Upstream() as upstream, inner_cache(tmp_path, [upstream.url]) as cache:
        digest, _ = _stored(upstream, cache, SIZES[0], "alone")
        _flip(7)(cache.stored(digest))
        upstream.stop()

        assert cache.get(digest, upstream.grant(digest)).status_code == 503


def test_rot_in_the_middle_of_sending_breaks_the_answer_off(scene: tuple[Upstream, InnerCache]) -> None:
    upstream, cache = scene
    digest, blob = _stored(upstream, cache, 40_000_000, "sending")
    answer = cache.get(digest, upstream.grant(digest), stream=True)
    assert answer.raw.read(1000) == blob[:1000]
    os.truncate(cache.stored(digest), 1_000_000)

    with pytest.raises(requests.RequestException):
        _ = answer.content
    assert cache.get(digest, upstream.grant(digest)).content == blob


@pytest.mark.parametrize("hashed_before", [True, False])
@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=0-9,20-39999999"}], ids=["whole", "parts"])
def test_what_is_written_to_a_blob_after_it_was_hashed_reaches_no_slow_client_as_a_whole(
    scene: tuple[Upstream, InnerCache], asked: dict[str, str], hashed_before: bool
) -> None:
    upstream, cache = scene
    digest, blob = _stored(upstream, cache, 40_000_000, f"written to {hashed_before} {asked}")
    if not hashed_before:
        cache.on_loop(lambda: cache.parts.deliveries.verdicts.distrust(Digest.parse(digest)))
    answer = cache.get(digest, upstream.grant(digest), headers=asked, stream=True)
    assert answer.raw.read(1000)
    _flip(-1)(cache.stored(digest))

    with pytest.raises(requests.RequestException):
        _ = answer.content
    assert cache.get(digest, upstream.grant(digest)).content == blob


def test_what_is_written_to_a_blob_while_it_is_stored_completes_no_slow_answer(
    scene: tuple[Upstream, InnerCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream, cache = scene
    blob = random.Random("being stored").randbytes(40_000_000)
    digest, synced = upstream.add(blob), threading.Event()
    monkeypatch.setattr(cache.parts.deliveries.means.store.files, "fsync", lambda fd: synced.wait(20))
    assert cache.get(digest, upstream.grant(digest)).content == blob
    answer = cache.get(digest, upstream.grant(digest), stream=True)
    assert answer.raw.read(1000)
    (unfinished,) = (Path(cache.root) / "content-cache/unfinished").iterdir()
    _flip(-1)(unfinished)

    with pytest.raises(requests.RequestException):
        _ = answer.content
    synced.set()
    assert cache.get(digest, upstream.grant(digest)).content == blob


def test_what_is_written_to_a_blob_between_verdict_and_storing_is_judged_anew(
    scene: tuple[Upstream, InnerCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream, cache = scene
    blob = random.Random("before it is stored").randbytes(200_000)  # no small one: those are hashed once more
    digest, store = upstream.add(blob), cache.parts.deliveries.means.store
    keep, served = store.keep, threading.Event()

    def written_to(unfinished: UnfinishedBlob, clock: Clock) -> Identity | None:
        served.wait(20)
        _flip(-1)(Path(unfinished.path))
        return keep(unfinished, clock)

    monkeypatch.setattr(store, "keep", written_to)
    assert cache.get(digest, upstream.grant(digest)).content == blob
    served.set()
    eventually(lambda: cache.is_stored(digest))
    monkeypatch.setattr(store, "keep", keep)

    assert cache.get(digest, upstream.grant(digest)).content == blob


@pytest.mark.parametrize("size", SIZES)
def test_rot_that_no_client_has_met_is_found_by_the_scrub_and_fetched_anew(
    scene: tuple[Upstream, InnerCache], size: int
) -> None:
    upstream, cache = scene
    digest, blob = _stored(upstream, cache, size, "scrub")
    sound, _ = _stored(upstream, cache, size, "sound")
    _flip(size // 2)(cache.stored(digest))

    cache.parts.scrubber.scrub()

    assert not cache.is_stored(digest)
    assert cache.is_stored(sound)
    assert digest in [told.digest for told in cache.told(BlobQuarantined)]
    assert cache.get(digest, upstream.grant(digest)).content == blob
    eventually(lambda: cache.is_stored(digest))
