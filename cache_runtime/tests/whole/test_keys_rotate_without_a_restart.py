"""A new key of the origin is accepted when its first grant comes; a key that left the document is not any more."""

from __future__ import annotations

from pathlib import Path

from doubles.running_cache import eventually, running_cache
from doubles.upstream import Upstream
from dtr_simulator import jws

BLOB = b"a blob that stays the same while keys change" * 1000


def test_a_grant_by_a_new_key_makes_the_cache_ask_for_it_and_the_old_key_is_out(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(BLOB)
        old = upstream.grant(digest)
        assert cache.get(digest, old).content == BLOB

        upstream.key = jws.SigningKey.new()
        new = upstream.grant(digest)
        # At most one question every 10 s, whatever the clients send.
        eventually(lambda: cache.get(digest, new).status_code == 200, 15)

        assert cache.get(digest, new).content == BLOB
        assert cache.get(digest, old).status_code == 403


def test_unknown_keys_cannot_make_it_ask_more_than_once_in_ten_seconds(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).status_code == 200
        stranger = Upstream(origin=upstream.origin)

        for _ in range(20):
            assert cache.get(digest, stranger.grant(digest)).status_code == 403

        asked = [one for one in upstream.asked if one.path == "/.well-known/dtr-content-cache"]
        assert len(asked) <= 2


def test_it_starts_and_serves_while_its_upstream_is_down_by_the_keys_it_remembers(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        eventually(lambda: cache.is_stored(digest))
        cache.kill()
        upstream.stop()

        cache.start()

        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        assert cache.get("sha256:" + "0" * 64, upstream.grant("sha256:" + "0" * 64)).status_code == 503
        assert cache.session.get(f"{cache.url}/.well-known/dtr-content-cache", timeout=5).json() == upstream.discovery


def test_a_first_start_without_its_upstream_waits_for_it_and_says_so(tmp_path: Path) -> None:
    upstream = Upstream()
    with upstream:
        digest = upstream.add(BLOB)
    with running_cache(tmp_path, [upstream.url]) as cache:
        answer = cache.get(digest, upstream.grant(digest))
        assert answer.status_code == 503
        assert cache.session.get(f"{cache.url}/.well-known/dtr-content-cache", timeout=5).status_code == 503

        upstream.start()
        try:
            eventually(lambda: cache.get(digest, upstream.grant(digest)).content == BLOB, 15)
        finally:
            upstream.stop()
