"""`storage: inmemory`: hits like from a disk, and nothing of it is left when the cache ends."""

from __future__ import annotations

import random
from pathlib import Path

from doubles.running_cache import RunningCache, eventually, simple_config
from doubles.upstream import Upstream
from dtr_content_cache.storage.main_memory import MAIN_MEMORY

BLOB = random.Random(77).randbytes(300_000)


def folders() -> set[Path]:
    return set(Path(MAIN_MEMORY).glob("dtr-content-cache-*"))


def test_blobs_in_main_memory_are_hits_and_gone_at_the_end(tmp_path: Path) -> None:
    before = folders()
    with Upstream() as upstream:
        cache = RunningCache(tmp_path, simple_config(tmp_path / "nowhere", [upstream.url]), {})
        cache.config["storage"] = {"delete": {"enabled": True}, "inmemory": None}
        cache.write_config()
        cache.start()
        try:
            assert "storage.inmemory keeps blobs in main memory" in cache.said
            digest = upstream.add(BLOB)
            assert cache.get(digest, upstream.grant(digest)).content == BLOB
            ask = lambda: cache.get(digest, upstream.grant(digest))  # noqa: E731
            hit = eventually(lambda: (answer := ask()).headers["Cache-Status"].endswith("hit") and answer)
            assert hit.content == BLOB
            assert len(upstream.blob_requests()) == 1
            (made,) = folders() - before
            assert cache.stop() == 0
        finally:
            cache.kill()

    assert not made.exists()
    assert not (tmp_path / "nowhere").exists()
