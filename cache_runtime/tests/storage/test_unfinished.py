"""The room of an unfinished blob: taken at once where the volume can, and no less well written where it cannot."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from doubles.files import FailingFiles
from doubles.volume import digest_of
from dtr_content_cache.storage import Files, Store, UnfinishedBlob
from dtr_content_cache.storage.main_memory import make_folder, remove_folder
from dtr_content_cache.values.failures import StorageBroken

MIB = 1 << 20


def _store(root: Path, files: Files | None = None) -> Store:
    store = Store(str(root / "volume"), files)
    (root / "volume").mkdir(exist_ok=True)
    store.prepare()
    return store


def _gives_room(folder: Path) -> bool:
    """Can this machine's volume give a file its room?"""
    fd = os.open(folder / "tried", os.O_RDWR | os.O_CREAT)
    try:
        Files().allocate(fd, 8 * MIB)
        return os.fstat(fd).st_blocks * 512 >= 8 * MIB and not Files().is_in_main_memory(fd)
    except OSError:
        return False
    finally:
        os.close(fd)


def test_claimed_room_is_the_files_own_and_its_length_stays(tmp_path: Path) -> None:
    if not _gives_room(tmp_path):
        pytest.skip("this machine's volume cannot give a file its room")
    unfinished = _store(tmp_path).begin(digest_of(b"x"))
    claimed, found = unfinished.claim(8 * MIB), os.fstat(unfinished.fd)
    unfinished.close()

    assert (claimed, found.st_size, found.st_blocks * 512 >= 8 * MIB) == (True, 0, True)


class _FailsOnADisk(FailingFiles):
    def is_in_main_memory(self, fd: int) -> bool:
        super().is_in_main_memory(fd)
        return False


class _Asked(_FailsOnADisk):
    def allocate(self, fd: int, size: int) -> None:
        self.asked = (fd, size)


def test_the_room_of_all_bytes_is_asked_for_at_once(tmp_path: Path) -> None:
    files = _Asked()
    unfinished = _store(tmp_path, files).begin(digest_of(b"x"))
    unfinished.claim(8 * MIB)

    assert files.asked == (unfinished.fd, 8 * MIB)
    unfinished.close()


def test_in_main_memory_no_room_is_claimed() -> None:
    root = make_folder()
    try:
        store = Store(root)
        store.prepare()
        unfinished = store.begin(digest_of(b"x"))
        claimed, found = unfinished.claim(8 * MIB), os.fstat(unfinished.fd)
        unfinished.close()
    finally:
        remove_folder(root)

    assert (claimed, found.st_blocks) == (False, 0), "to take it is to write it, while all others wait for room"


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("error", [errno.EOPNOTSUPP, errno.ENOSPC, errno.EINTR])
def test_a_claim_that_fails_is_said_and_writing_goes_on(tmp_path: Path, error: int, call: int) -> None:
    files = _FailsOnADisk()
    unfinished = _store(tmp_path, files).begin(digest_of(b"x"))
    files.nth, files.error = files.calls + call, error

    assert not unfinished.claim(MIB)
    unfinished.write(memoryview(b"bytes"), 0)
    back = memoryview(bytearray(5))
    assert (unfinished.read_into(back, 0), bytes(back)) == (5, b"bytes")
    unfinished.close()


class _OnADisk(Files):
    """Wherever the tests run."""

    def is_in_main_memory(self, fd: int) -> bool:
        return False


class _GivesSome(_OnADisk):
    """As ext4 does it: of a claim that is too large it gives what it has, and says that it is full."""

    def allocate(self, fd: int, size: int) -> None:
        super().allocate(fd, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_a_full_volume_gave_of_a_claim_is_given_back_and_no_byte_is_lost(tmp_path: Path) -> None:
    unfinished = _store(tmp_path, _GivesSome()).begin(digest_of(b"x"))
    unfinished.write(memoryview(b"bytes"), 4096)

    assert not unfinished.claim(8 * MIB)
    assert os.fstat(unfinished.fd).st_blocks * 512 < MIB
    assert os.pread(unfinished.fd, 8192, 0) == bytes(4096) + b"bytes"
    unfinished.close()


class _KeepsIt(_GivesSome):
    def truncate(self, fd: int, size: int) -> None:
        raise OSError(errno.EIO, "EIO")


def test_a_full_volume_that_does_not_take_a_claim_back_is_filled_all_the_same(tmp_path: Path) -> None:
    unfinished = _store(tmp_path, _KeepsIt()).begin(digest_of(b"x"))

    assert not unfinished.claim(8 * MIB)
    unfinished.write(memoryview(b"bytes"), 0)
    assert os.pread(unfinished.fd, 5, 0) == b"bytes"
    unfinished.close()


class _SaysYes(_OnADisk):
    def allocate(self, fd: int, size: int) -> None:
        pass


def test_a_volume_that_says_yes_and_gives_nothing_has_given_nothing(tmp_path: Path) -> None:
    unfinished = _store(tmp_path, _SaysYes()).begin(digest_of(b"x"))

    assert not unfinished.claim(8 * MIB)
    unfinished.close()


def test_a_volume_that_does_not_know_the_call_says_so_by_its_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with pytest.raises(OSError, match="Illegal seek"):
        Files().allocate(writing, MIB)
    with pytest.raises(OSError, match="Bad file descriptor"):
        Files().is_in_main_memory(-1)
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("operation", ["writing", "reading"])
def test_what_a_broken_volume_did_not_do_is_named(tmp_path: Path, operation: str) -> None:
    files = FailingFiles()
    unfinished = _store(tmp_path, files).begin(digest_of(b"x"))
    files.nth, files.error = files.calls + 1, errno.EIO
    use = unfinished.write if operation == "writing" else unfinished.read_into

    with pytest.raises(StorageBroken, match=f"^{operation}: EIO$"):
        use(memoryview(bytearray(5)), 0)
    unfinished.close()


class _Gives(_OnADisk):
    """A volume that gives a file so many blocks."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self._blocks = blocks

    def allocate(self, fd: int, size: int) -> None:
        pass

    def fstat(self, fd: int) -> Any:
        return SimpleNamespace(st_blocks=self._blocks, st_nlink=1)


@pytest.mark.parametrize(("blocks", "given"), [(2048, True), (2049, True), (2047, False), (0, False)])
def test_a_claim_is_given_where_every_byte_of_it_is(tmp_path: Path, blocks: int, given: bool) -> None:
    unfinished = _store(tmp_path, _Gives(blocks)).begin(digest_of(b"x"))

    assert unfinished.claim(MIB) is given
    unfinished.close()


class _NoLocks(Files):
    def lock(self, fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_file_that_cannot_be_locked_is_taken_away_again(tmp_path: Path) -> None:
    store = _store(tmp_path, _NoLocks())
    with pytest.raises(StorageBroken, match=r"^creating a file: EIO$"):
        store.begin(digest_of(b"x"))

    assert os.listdir(store.layout.unfinished) == []


class _Closes(Files):
    def __init__(self) -> None:
        self.closed: list[int] = []

    def close(self, fd: int) -> None:
        self.closed.append(fd)


@pytest.mark.parametrize("fd", [0, 1, 7])
def test_whatever_number_a_file_has_it_is_closed_once(fd: int) -> None:
    files = _Closes()
    unfinished = UnfinishedBlob(files, "/nowhere", fd, digest_of(b"x"))
    unfinished.close()
    unfinished.close()

    assert (files.closed, unfinished.fd) == ([fd], -1), "a program that is started without an input gets 0 for a file"


class _FailsOnce(Files):
    def __init__(self) -> None:
        self.asked = 0

    def lock(self, fd: int) -> None:
        self.asked += 1
        if self.asked == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_file_that_cannot_be_made_though_its_folder_is_there_is_not_tried_again(tmp_path: Path) -> None:
    files = _FailsOnce()
    with pytest.raises(StorageBroken, match=r"^creating a file: EIO$"):
        _store(tmp_path, files).begin(digest_of(b"x"))

    assert files.asked == 1


class _Notes(Files):
    def __init__(self) -> None:
        self.written: list[tuple[int, int]] = []

    def pwrite(self, fd: int, view: memoryview, offset: int) -> int:
        self.written.append((offset, len(view)))
        return super().pwrite(fd, view, offset)


def test_a_large_piece_is_written_in_calls_that_the_kernel_keeps_in_pages_of_a_good_size(tmp_path: Path) -> None:
    files, data = _Notes(), os.urandom(MIB + 5)
    unfinished = _store(tmp_path, files).begin(digest_of(data))
    unfinished.write(memoryview(data), 3)
    kept = os.pread(unfinished.fd, MIB + 8, 3)
    unfinished.close()

    assert files.written == [(3 + number * 64 * 1024, 64 * 1024) for number in range(16)] + [(3 + MIB, 5)]
    assert kept == data


def test_its_identity_is_that_of_the_file_and_none_where_the_volume_does_not_say(tmp_path: Path) -> None:
    files = FailingFiles()
    unfinished = _store(tmp_path, files).begin(digest_of(b"x"))
    written = unfinished.identity()
    unfinished.write(memoryview(b"x"), 0)
    longer = unfinished.identity()
    files.nth, files.error = files.calls + 1, errno.EIO
    unsaid = unfinished.identity()
    unfinished.close()

    assert (written is not None and written[2], longer is not None and longer[2], unsaid) == (0, 1, None)
