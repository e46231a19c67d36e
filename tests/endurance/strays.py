"""What lies on a volume and should not: all but what storage's Layout says.

Rule for editors: a pattern here is a line of storage/layout.py; nothing passes because a campaign happens to leave it.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from dtr_content_cache.storage.files import Files
from dtr_content_cache.storage.layout import Layout
from dtr_content_cache.storage.leftovers import BESIDE_S, sweep

UNFINISHED = "content-cache/unfinished/"
_BLOB_FOLDER = re.compile(r"docker/registry/v2/blobs/sha256/([0-9a-f]{2})/\1[0-9a-f]{62}")
_FOLDERS = re.compile(
    r"docker(/registry(/v2(/blobs(/sha256(/[0-9a-f]{2})?)?)?)?)?|content-cache(/(unfinished|quarantine))?"
)
_FILES = re.compile(r"content-cache/(discovery\.json|days\.json)")


def strays(volume: Path) -> set[str]:
    """The paths below `volume` that have no place there; a blob's folder without a blob is one."""
    found: set[str] = set()
    for place, folders, files in os.walk(volume):
        below = place[len(str(volume)) + 1 :]
        if _BLOB_FOLDER.fullmatch(below):
            found.update(f"{below}/{name}" for name in (*folders, *files) if name != "data")
            found.update({below} if not folders and not files else ())
            continue
        paths = [f"{below}/{name}".lstrip("/") for name in folders]
        found.update(path for path in paths if not _FOLDERS.fullmatch(path) and not _BLOB_FOLDER.fullmatch(path))
        found.update(path for name in files if not _FILES.fullmatch(path := f"{below}/{name}".lstrip("/")))
    return found


def remaining(volume: Path, before: set[str]) -> set[str]:
    """Of the strays of `before` those that are there still."""
    return {path for path in before if os.path.lexists(volume / path)}


def sweep_an_hour_later(volume: Path) -> int:
    """What lies beside its name is told from what is being written by its age alone: that it has got. Returns how many
    the sweep took; everything else waits for the cache."""
    layout = Layout(str(volume))
    if not os.path.isdir(layout.own):
        return 0
    return sweep(Files(), layout, [[], [], os.listdir(layout.own)], time.time() + BESIDE_S + 1, 0)
