"""A volume in main memory, for `storage.inmemory`: a folder on the system's memory file system, gone with the program.

Rule for editors: each process has a folder of its own, which nobody else finds; what a kill leaves there goes with the
machine or the container.
"""

from __future__ import annotations

import shutil
import tempfile

from .unfinished import translated

MAIN_MEMORY = "/dev/shm"  # noqa: S108 - this is no temporary file but the one place where Linux offers memory by path


def make_folder() -> str:
    """The root of an empty volume. Raise StorageBroken or NoSpace."""
    try:
        return tempfile.mkdtemp(prefix="dtr-content-cache-", dir=MAIN_MEMORY)
    except OSError as error:
        raise translated("creating a folder", error) from error


def remove_folder(root: str) -> None:
    """With all that is in it, as far as that goes."""
    shutil.rmtree(root, ignore_errors=True)
