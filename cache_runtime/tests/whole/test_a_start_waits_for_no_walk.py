"""However many blobs there are, a cache serves at once; it counts them behind that, slowly and in little memory."""

from __future__ import annotations

import os
import re
from pathlib import Path

from doubles.running_cache import eventually, running_cache
from doubles.upstream import Upstream

BLOBS = 40_000
BLOB = b"layer" * 10_000


def _farm(volume: Path, blobs: int) -> None:
    """So many blobs' folders, all with the same file: they are counted and aged, and none of them is ever asked for."""
    shards = volume / "docker/registry/v2/blobs/sha256"
    for number in range(256):
        (shards / f"{number:02x}").mkdir(parents=True)
    one = volume / "one"
    one.write_bytes(b"x")
    for number in range(blobs):
        if number % 20_000 == 0:  # a file may have 65,000 names on some volumes
            one = one.with_name(f"one-{number}")
            one.write_bytes(b"x")
        folder = f"{shards}/{number % 256:02x}/{number % 256:02x}{number:062x}"
        os.mkdir(folder)
        os.link(one, f"{folder}/data")


def test_a_hit_and_a_miss_are_served_while_the_volume_is_being_counted(tmp_path: Path) -> None:
    _farm(tmp_path / "volume", BLOBS)
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], maxsize="100GB") as cache:
        digest = upstream.add(BLOB)

        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        assert "volume swept" not in cache.said, "the walk was over too soon to prove anything: more blobs are needed"
        swept = eventually(lambda: re.search(r'msg="volume swept".*? blobs=(\d+)', cache.said), 120)
        assert int(swept[1]) in (BLOBS, BLOBS + 1)
        assert _peak_bytes(cache.process.pid) < 160 << 20


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024
