"""A volume of the registry or the vendor's cache is taken as it is: its blobs served, everything else left alone."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest
from doubles.volume import NOW_S, digest_of, files_below, put, read
from dtr_content_cache.storage import Store

LAYER = b"a layer that the vendor's cache stored"


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """As Distribution lays it out: links below repositories/, state of its scheduler and of uploads."""
    digest = digest_of(LAYER).hex
    registry = tmp_path / "docker/registry/v2"
    files = {
        registry / f"blobs/sha256/{digest[:2]}/{digest}/data": LAYER,
        registry / f"repositories/org/app/_layers/sha256/{digest}/link": f"sha256:{digest}".encode(),
        registry / "repositories/org/app/_uploads/6b1d9a3e/startedat": b"2026-01-01T00:00:00Z",
        tmp_path / "scheduler-state.json": json.dumps({f"org/app@sha256:{digest}": {"EntryType": 0}}).encode(),
    }
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def picture(root: Path) -> dict[str, bytes]:
    found = files_below(root).items()
    return {str(path.relative_to(root)): data for path, data in found if "content-cache" not in path.parts}


def test_its_blobs_are_there_at_once(volume: Path) -> None:
    store = Store(str(volume))
    store.prepare()

    assert read(store, digest_of(LAYER)) == LAYER
    assert [blob.size for blob in store.walk()] == [len(LAYER)]


def test_nothing_of_it_is_changed_by_running_on_it(volume: Path) -> None:
    before = picture(volume)
    store = Store(str(volume))
    store.prepare()
    store.probe()
    store.remember(b"{}")
    store.note_pull(digest_of(LAYER), NOW_S)
    store.sweep_leftovers(time.time() + 90 * 86400, 0)

    assert picture(volume) == before


def test_evicting_a_blob_takes_its_data_and_leaves_the_links(volume: Path) -> None:
    before = picture(volume)
    store = Store(str(volume))
    store.prepare()
    store.remove(digest_of(LAYER))

    gone = set(before) - set(picture(volume))

    assert gone == {name for name in before if name.endswith("/data")}


def test_what_we_store_lies_where_a_registry_looks_for_it(volume: Path) -> None:
    store = Store(str(volume))
    store.prepare()
    digest = put(store, b"another layer")

    path = volume / f"docker/registry/v2/blobs/sha256/{digest.hex[:2]}/{digest.hex}/data"

    assert path.read_bytes() == b"another layer"


def test_a_read_only_volume_keeps_its_times_and_even_its_rotten_blobs(volume: Path) -> None:
    store = Store(str(volume), read_only=True)
    digest = digest_of(LAYER)
    pulled_s = store.pulled_s(digest)

    store.note_pull(digest, NOW_S)
    store.quarantine(digest)

    assert store.pulled_s(digest) == pulled_s
    assert read(store, digest) == LAYER


def test_what_is_moved_aside_is_found_by_its_digest(volume: Path) -> None:
    store = Store(str(volume))
    store.prepare()
    digest = digest_of(LAYER)

    store.quarantine(digest)

    [aside] = os.listdir(store.layout.quarantine)
    assert re.fullmatch(rf"{digest.hex}\.[0-9a-f]{{8}}", aside)
