"""What lies beside the blobs hides none of them, in whatever order the volume lists it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from doubles.volume import digest_of, put
from dtr_content_cache.storage import Store
from dtr_content_cache.storage.files import Files
from dtr_content_cache.values.failures import StorageBroken

BLOBS = (b"a layer", b"another layer", b"a third one")


def _beside_the_shards(blobs: Path) -> None:
    (blobs / "lost+found").mkdir()


def _beside_the_blobs(blobs: Path) -> None:
    for shard in list(blobs.iterdir()):
        (shard / ("0" * 64)).mkdir()  # of another shard, unless it is this one: then it has no data


def _without_data(blobs: Path) -> None:
    for shard in list(blobs.iterdir()):
        (shard / (shard.name + "0" * 62)).mkdir()


@pytest.mark.parametrize("last_first", [False, True])
@pytest.mark.parametrize("strange", [_beside_the_shards, _beside_the_blobs, _without_data])
def test_whatever_lies_beside_the_blobs_all_of_them_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strange: Callable[[Path], None], last_first: bool
) -> None:
    files = Files()
    store = Store(str(tmp_path), files)
    digests = {put(store, data) for data in BLOBS}
    strange(tmp_path / "docker/registry/v2/blobs/sha256")
    listed = files.scandir
    monkeypatch.setattr(
        files, "scandir", lambda folder: sorted(listed(folder), key=lambda entry: entry.name, reverse=last_first)
    )

    assert {blob.digest for blob in store.walk()} == digests


@pytest.mark.parametrize("part", ["", "/{digest.hex[0]}{digest.hex[1]}"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_folder_that_is_there_and_cannot_be_listed_is_a_failure_without_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, number: int
) -> None:
    files = Files()
    store = Store(str(tmp_path), files)
    shut = store.layout.blobs + part.format(digest=put(store, BLOBS[0]))
    listed = files.scandir

    def scandir(folder: str) -> Iterator[os.DirEntry[str]]:
        if folder == shut:
            raise OSError(number, os.strerror(number), folder)
        return listed(folder)

    monkeypatch.setattr(files, "scandir", scandir)
    with pytest.raises(StorageBroken, match=f"^listing: {errno.errorcode[number]}$"):
        list(store.walk())


@pytest.mark.parametrize("nth", [0, 1])
def test_a_blob_that_cannot_be_looked_at_hides_no_other_of_its_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    files = Files()
    store = Store(str(tmp_path), files)
    shard = digest_of(b"0").hex[:2]
    alike = [data for data in (b"%d" % number for number in range(5000)) if digest_of(data).hex[:2] == shard]
    of_one = [put(store, data) for data in alike[:2]]
    looked_at = files.lstat

    def lstat(path: str) -> os.stat_result:
        if of_one[nth].hex in path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return looked_at(path)

    monkeypatch.setattr(files, "lstat", lstat)
    assert {blob.digest for blob in store.walk()} == {of_one[1 - nth]}


def test_of_a_blob_that_was_removed_not_even_its_folder_is_left(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    digest = put(store, BLOBS[0])

    assert (store.remove(digest), os.path.lexists(store.layout.folder(digest))) == (True, False)
    assert store.remove(digest) is False


@pytest.mark.parametrize("read_only", [False, True])
def test_a_blobs_folder_that_a_kill_left_empty_is_removed_unless_the_volume_is_read_only(
    tmp_path: Path, read_only: bool
) -> None:
    store = Store(str(tmp_path))
    digest = put(store, BLOBS[0])
    folder = Path(store.layout.folder(digest))
    (folder / "data").unlink()  # and killed before the next call of an eviction

    assert list(Store(str(tmp_path), read_only=read_only).walk()) == []
    assert folder.exists() is read_only
