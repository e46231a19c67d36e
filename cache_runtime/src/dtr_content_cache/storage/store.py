"""Complete blobs on the volume: open, keep, note a pull, remove, list."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from ..values.clock import Clock
from ..values.digest import Digest
from ..values.failures import NoSpace, StorageBroken
from .files import Files
from .identity import Identity, identity_of
from .last_pulls import LastPulls
from .layout import Layout, beside
from .leftovers import sweep
from .listing import StoredBlob, names, walk
from .placing import make_folder, place
from .remembered import recall, remember
from .unfinished import UnfinishedBlob, translated

_PROBE = b"probe"


@dataclass(frozen=True, slots=True)
class OpenBlob:
    """A complete blob's descriptor. It stays readable to its end whatever happens to the name; the holder closes it.

    `identity` changes when somebody replaced or rewrote the file: a verdict is remembered for an identity.
    """

    fd: int
    size: int
    identity: Identity


@dataclass(frozen=True, slots=True)
class Space:
    """The volume: `total_bytes`, and what an ordinary user may still write."""

    total_bytes: int
    free_bytes: int


class Store:
    """`read_only`: nothing on the volume is changed for a pull's sake: no time noted, nothing set aside."""

    def __init__(self, root: str, files: Files | None = None, *, read_only: bool = False) -> None:
        self.layout = Layout(root)
        self.files = files or Files()
        self._read_only = read_only
        self._pulls = LastPulls(self.files, self.layout, read_only=read_only)

    def prepare(self) -> None:
        """Make the folders. Raise StorageBroken, without a path in it, where the volume cannot be used."""
        try:
            for folder in self.layout.needed_folders():
                if not self.files.is_folder(folder):
                    make_folder(self.files, folder)
        except OSError as error:
            raise translated("creating a folder", error) from error

    def probe(self) -> None:
        """Write, read and remove a small file; raise StorageBroken or NoSpace where that fails."""
        if not self.files.is_folder(self.layout.own):
            self.prepare()  # somebody emptied the volume under us
        path = beside(self.layout.probe)
        try:
            fd = self.files.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            try:
                self.files.pwrite(fd, memoryview(_PROBE), 0)
                if self.files.pread(fd, len(_PROBE), 0) != _PROBE:
                    raise StorageBroken("probe: what was written is not what is read")
            finally:
                self.files.close(fd)
                self.files.unlink(path)
        except OSError as error:
            raise translated("probe", error) from error

    # -- reading ------------------------------------------------------------------------------------------------

    def open(self, digest: Digest) -> OpenBlob | None:
        """The blob, or None where it is not on the volume. What lies there but is no regular file is moved away."""
        try:
            fd = self.files.open(self.layout.data(digest), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EACCES, errno.ENOTDIR):
                self.quarantine(digest)
                return None
            raise translated("opening", error) from error
        try:
            found = self.files.fstat(fd)
        except OSError as error:
            self.files.close(fd)
            raise translated("opening", error) from error
        if not stat.S_ISREG(found.st_mode):
            self.files.close(fd)
            self.quarantine(digest)
            return None
        return OpenBlob(fd, found.st_size, identity_of(found))

    def identity(self, digest: Digest) -> Identity | None:
        """Of the file that lies at the blob's place now; None where there is none."""
        try:
            return identity_of(self.files.lstat(self.layout.data(digest)))
        except OSError:
            return None

    def note_pull(self, digest: Digest, now_s: float) -> None:
        self._pulls.note(digest, now_s)

    def date_anew(self, digest: Digest, now_s: float) -> None:
        self._pulls.date_anew(digest, now_s)

    def pulled_s(self, digest: Digest) -> float | None:
        """When the blob was last pulled, or None where it is gone."""
        return self._pulls.pulled_s(digest)

    # -- writing ------------------------------------------------------------------------------------------------

    def begin(self, digest: Digest) -> UnfinishedBlob:
        """A new file for the blob's bytes. Raise StorageBroken or NoSpace."""
        try:
            return UnfinishedBlob.create(self.files, self.layout, digest)
        except StorageBroken:
            if self.files.is_folder(self.layout.unfinished):
                raise
        self.prepare()  # somebody emptied the volume under us
        return UnfinishedBlob.create(self.files, self.layout, digest)

    def keep(self, unfinished: UnfinishedBlob, clock: Clock) -> Identity | None:
        """Give verified bytes their final name so that a power cut leaves all of them or none. Returns their identity,
        None where another process was first, or wrote to ours: what is there is to be judged like any that we did not
        write.

        The time is asked for when all is done: whoever joined while the disk was slow has pulled the blob as well.
        Raise StorageBroken or NoSpace, the name dropped.
        """
        digest = unfinished.digest
        try:
            placed = place(self.files, self.layout, unfinished.fd, unfinished.path, digest)
        except OSError as error:
            unfinished.drop_name()
            raise translated("storing", error) from error
        self._pulls.forget(digest)
        self.note_pull(digest, clock.steady())
        return None if placed is None else identity_of(placed)

    # -- removing -----------------------------------------------------------------------------------------------

    def remove(self, digest: Digest) -> bool:
        """Take the blob's name away; whoever has it open reads on. False where it was gone already."""
        try:
            self.files.unlink(self.layout.data(digest))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise translated("removing", error) from error
        finally:
            self._pulls.forget(digest)
            try:
                self.files.rmdir(self.layout.folder(digest))
            except OSError:
                pass  # a new copy is being put there, or somebody keeps something beside it
        return True

    def quarantine(self, digest: Digest) -> None:
        """Move whatever lies at the blob's place out of the way. Never raises: what cannot be moved is removed."""
        if self._read_only:
            return
        aside = beside(f"{self.layout.quarantine}/{digest.hex}")
        for undo in (lambda: self.files.rename(self.layout.data(digest), aside), lambda: self.remove(digest)):
            try:
                undo()
                return
            except (OSError, StorageBroken, NoSpace):
                pass

    # -- listing ------------------------------------------------------------------------------------------------

    def walk(self) -> Iterator[StoredBlob]:
        """Every complete blob, in no order, straight from the volume; what vanishes meanwhile is left out.

        Empty blob folders are removed on the way: of an eviction, or a fill, that was killed between two calls.
        """
        return walk(self.files, self.layout, tidy=not self._read_only)

    def sweep_leftovers(self, now_s: float, age_s: float) -> int:
        """Remove what dead writers left, and quarantined files older than a week. Returns how many.

        `now_s` is the machine's own time, which the files' times are in; on a volume without locks what is not written
        to for `age_s` counts as left.
        """
        folders = (self.layout.unfinished, self.layout.quarantine, self.layout.own)
        return sweep(self.files, self.layout, [names(self.files, folder) for folder in folders], now_s, age_s)

    def space(self) -> Space:
        try:
            found = self.files.statvfs(self.layout.root)
        except OSError as error:
            raise translated("asking for free space", error) from error
        return Space(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)

    # -- small documents ------------------------------------------------------------------------------------------

    def remember(self, document: bytes) -> None:
        """Keep the discovery document for the next start. Raise StorageBroken or NoSpace."""
        remember(self.files, self.layout.discovery, document)

    def recall(self) -> bytes | None:
        return recall(self.files, self.layout.discovery)

    def remember_days(self, document: bytes) -> None:
        """Keep what was served on each day. Raise StorageBroken or NoSpace."""
        remember(self.files, self.layout.days, document)

    def recall_days(self) -> bytes | None:
        return recall(self.files, self.layout.days)
