"""A reload names other upstreams: from then on they decide, and nothing counts that the old ones have said."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.ports import free_port
from doubles.registry import Asked, Registry
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream

ALICE = "Basic " + base64.b64encode(b"alice:correct horse").decode()
LAYER = b"a layer" * 20_000


@pytest.fixture
def old() -> Iterator[Registry]:
    with Registry({ALICE}) as registry:
        registry.push("1.0", LAYER)
        yield registry


@pytest.fixture
def new() -> Iterator[Registry]:
    """It has the same image, and does not know Alice."""
    with Registry({"Basic nobody"}) as registry:
        registry.push("1.0", LAYER)
        yield registry


@contextmanager
def cache_before(folder: Path, old: Registry, **options: Any) -> Iterator[RunningCache]:
    with running_cache(folder, [old.url], authorization="upstream", **options) as cache:
        yield cache


def ask(cache: RunningCache, registry: Registry) -> int:
    """As Alice, for the layer that every registry here has."""
    _, layer = registry.push("1.0", LAYER)
    return requests.get(
        f"{cache.url}/v2/org/app/blobs/{layer}", headers={"Authorization": ALICE}, timeout=30
    ).status_code


def take_up(cache: RunningCache, url: str) -> None:
    cache.config["middleware"]["registry"][0]["options"]["upstreams"] = [url]
    cache.write_config()
    before = cache.said.count("configuration reloaded")
    cache.hang_up()
    eventually(lambda: cache.said.count("configuration reloaded") > before)


def noted(cache: RunningCache) -> bool:
    return any((cache.root / "content-cache/answers").glob("*/*"))


def test_a_yes_that_is_remembered_opens_nothing_any_more(tmp_path: Path, old: Registry, new: Registry) -> None:
    with cache_before(tmp_path, old, verdictttl="300s") as cache:
        assert ask(cache, old) == 200

        take_up(cache, new.url)

        assert ask(cache, old) == 401
        assert new.asked


def test_a_yes_that_comes_after_the_reload_is_not_remembered(tmp_path: Path, old: Registry, new: Registry) -> None:
    release, heard = threading.Event(), threading.Event()

    def slow(asked: Asked) -> None:
        if "/blobs/" in asked.target:
            heard.set()
            release.wait(20)

    old.before = slow
    with cache_before(tmp_path, old, verdictttl="300s") as cache:
        waiting = threading.Thread(target=ask, args=(cache, old))
        waiting.start()
        assert heard.wait(10)
        take_up(cache, new.url)
        release.set()
        waiting.join(20)

        assert ask(cache, old) == 401


def test_what_it_last_said_is_nobodys_word_while_the_new_one_is_away(tmp_path: Path, old: Registry) -> None:
    with cache_before(tmp_path, old, verdictttl="0s", offline="serve", stalltimeout="2s") as cache:
        assert ask(cache, old) == 200
        old_url = old.url
        eventually(lambda: noted(cache))

        take_up(cache, f"http://127.0.0.1:{free_port()}")
        assert ask(cache, old) == 503

        # It is kept for the old one's own return, and for that alone.
        old.stop()
        take_up(cache, old_url)
        try:
            assert ask(cache, old) == 200
        finally:
            old.start()


def test_what_the_new_one_says_is_noted_as_its_own(tmp_path: Path, old: Registry, new: Registry) -> None:
    old.readers, new.readers = {"Basic nobody"}, {ALICE}
    with cache_before(tmp_path, old, verdictttl="0s", offline="serve", stalltimeout="2s") as cache:
        assert ask(cache, old) == 401
        take_up(cache, new.url)
        assert ask(cache, new) == 200
        eventually(lambda: noted(cache))
        new_url = new.url
        new.stop()
        try:
            assert ask(cache, new) == 200

            take_up(cache, f"http://127.0.0.1:{free_port()}")
            assert ask(cache, new) == 503
            take_up(cache, new_url)
            assert ask(cache, new) == 200
        finally:
            new.start()


def test_its_keys_are_good_no_longer_when_the_new_one_is_away(tmp_path: Path) -> None:
    with Upstream() as old, running_cache(tmp_path, [old.url]) as cache:
        digest = old.add(LAYER)
        assert cache.get(digest, old.grant(digest)).status_code == 200

        take_up(cache, f"http://127.0.0.1:{free_port()}")
        eventually(lambda: cache.get(digest, old.grant(digest)).status_code == 503)

        cache.stop()
        cache.start()
        assert cache.get(digest, old.grant(digest)).status_code == 503
