"""What is still to go out, and files that do not give what they promised."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from dtr_content_cache.storage import identity_of
from dtr_content_cache.web.parcel import FileFailed, Parcel, whole

BODY = random.Random(4).randbytes(10_000)


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "file"
    path.write_bytes(BODY)
    opened = os.open(path, os.O_RDONLY)
    yield opened
    os.close(opened)


@pytest.mark.parametrize("taken", [[8], [1, 3, 4], [1] * 8])
def test_what_was_taken_does_not_go_out_again(taken: list[int]) -> None:
    parcel = Parcel(b"8 bytes.")
    out = b""
    for count in taken:
        out += bytes(parcel.data[:count])
        parcel.took(count)

    assert (out, parcel.data) == (b"8 bytes.", b"")


def test_bytes_of_the_file_follow_those_that_wait(fd: int) -> None:
    parcel = Parcel(memoryview(b"head"), fd, 100, 500)

    parcel.load()
    assert (bytes(parcel.data), parcel.length) == (b"head" + BODY[100:600], 0)
    parcel.load()
    assert len(parcel.data) == 504


def test_what_was_copied_and_not_taken_is_copied_again_the_same(fd: int) -> None:
    parcel, piece = Parcel(b"head", fd, 100, 500), memoryview(bytearray(200))
    out = b""
    while parcel.data or parcel.length:
        first = bytes(parcel.copy_next(piece))
        assert bytes(parcel.copy_next(piece)) == first
        out += first[:150]
        parcel.took(min(150, len(first)))

    assert out == b"head" + BODY[100:600]


def test_a_file_that_is_shorter_than_promised_fails(fd: int) -> None:
    with pytest.raises(FileFailed):
        Parcel(b"", fd, 9_990, 11).load()
    with pytest.raises(FileFailed):
        Parcel(b"", fd, 9_990, 11).copy_next(memoryview(bytearray(100)))


def test_a_file_that_cannot_be_read_fails(fd: int) -> None:
    with pytest.raises(FileFailed):
        whole(-1, 0, 1)
    with pytest.raises(FileFailed):
        Parcel(b"", -1, 0, 1).copy_next(memoryview(bytearray(100)))


def test_reads_that_come_short_are_gone_on_with(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read, read_into = os.pread, os.preadv
    monkeypatch.setattr(os, "pread", lambda file, count, offset: read(file, min(count, 999), offset))
    monkeypatch.setattr(os, "preadv", lambda file, views, offset: read_into(file, [views[0][:999]], offset))

    assert whole(fd, 0, len(BODY)) == BODY
    assert Parcel(b"head", fd, 0, len(BODY)).copy_next(memoryview(bytearray(9000))) == b"head" + BODY[:8996]


def test_what_waited_for_its_client_is_not_ended_with_bytes_that_somebody_wrote_meanwhile(
    fd: int, tmp_path: Path
) -> None:
    parcel = Parcel(b"", fd, 0, 500, identity_of(os.fstat(fd)))
    parcel.waits = True
    parcel.check_last()
    with (tmp_path / "file").open("r+b") as file:
        file.write(b"meddled")

    with pytest.raises(FileFailed):
        parcel.check_last()


def test_what_was_judged_a_while_ago_is_looked_at_even_if_it_leaves_at_once(fd: int, tmp_path: Path) -> None:
    judged = identity_of(os.fstat(fd))
    Parcel(b"head", fd, 0, 500, judged, late=True).load()
    with (tmp_path / "file").open("r+b") as file:
        file.write(b"meddled")

    Parcel(b"head", fd, 0, 500, judged).load()
    with pytest.raises(FileFailed):
        Parcel(b"head", fd, 0, 500, judged, late=True).load()


def test_a_file_that_was_removed_meanwhile_is_still_the_one_that_was_judged(fd: int, tmp_path: Path) -> None:
    parcel = Parcel(b"", fd, 0, 500, identity_of(os.fstat(fd)))
    parcel.waits = True
    (tmp_path / "file").unlink()

    parcel.check_last()


def test_a_file_that_is_still_being_written_is_not_looked_at(fd: int, tmp_path: Path) -> None:
    parcel = Parcel(b"", fd, 0, 500)
    parcel.waits = True
    with (tmp_path / "file").open("ab") as file:
        file.write(b"more")

    parcel.check_last()
