"""SIGHUP: what can change while it runs changes, what cannot is named, and a bad file changes nothing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import requests
from doubles.certificates import Authority, plain_server
from doubles.ports import free_port
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, hold_after

BLOB = random.Random(12).randbytes(2_000_000)


def options(cache: RunningCache) -> dict:
    return cache.config["middleware"]["registry"][0]["options"]


def reload(cache: RunningCache, says: str) -> None:
    before = cache.said.count(says)
    cache.write_config()
    cache.hang_up()
    eventually(lambda: cache.said.count(says) > before)


def test_a_bad_file_leaves_everything_as_it_was_and_says_every_mistake(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        options(cache).update(blobttl="soon", upstreams=["ftp://nowhere"])
        reload(cache, "the old configuration stays in use")

        line = next(line for line in cache.said.splitlines() if "stays in use" in line)
        assert "blobttl" in line
        assert "upstreams" in line
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).content == BLOB


def test_a_file_that_changes_is_taken_up_without_being_told_and_a_bad_one_is_told_once(tmp_path: Path) -> None:
    with Upstream() as old, Upstream(key=old.key, origin=old.url) as new, running_cache(tmp_path, [old.url]) as cache:
        digest = new.add(b"only the new one has it")
        cache.config_path.write_text("half a f: [")
        eventually(lambda: "the old configuration stays in use" in cache.said, 20)

        options(cache)["upstreams"] = [new.url]
        cache.write_config()

        eventually(lambda: "configuration reloaded" in cache.said, 20)
        assert cache.get(digest, old.grant(digest)).content == b"only the new one has it"
        assert cache.said.count("the old configuration stays in use") == 1
        # And what a signal has had read is not read again.
        cache.hang_up()
        eventually(lambda: cache.said.count("configuration reloaded") == 2)


def test_a_file_that_is_gone_or_no_yaml_is_a_bad_file(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        for spoil in (lambda: cache.config_path.write_text("{]"), cache.config_path.unlink):
            spoil()
            before = cache.said.count("stays in use")
            cache.hang_up()
            eventually(lambda before=before: cache.said.count("stays in use") > before)

        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).content == BLOB
        assert "Traceback" not in cache.said


def test_upstreams_ttl_and_log_level_change_while_a_transfer_goes_on(tmp_path: Path) -> None:
    with (
        Upstream() as old,
        Upstream(key=old.key, origin=old.url) as new,
        running_cache(tmp_path, [old.url]) as cache,
    ):
        digest = old.add(BLOB)
        old.faults = [hold_after(500_000)]
        transfer = cache.get(digest, old.grant(digest), stream=True)

        options(cache).update(upstreams=[new.url], blobttl="1s")
        cache.config["log"]["level"] = "error"
        cache.write_config()
        cache.hang_up()
        second = new.add(b"only the new one has it")
        eventually(lambda: cache.get(second, old.grant(second)).content == b"only the new one has it")
        old.release.set()

        assert transfer.content == BLOB
        eventually(lambda: cache.is_stored(digest))
        eventually(lambda: not cache.is_stored(digest), 8)
        quiet = len(cache.said)
        cache.get(second, "no grant at all")
        assert len(cache.said) == quiet


def test_what_waits_for_the_next_start_is_named_each_time_until_it_is_taken_back(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        address = cache.config["http"]["addr"]
        options(cache)["clockskew"] = "10s"
        cache.config["http"]["addr"] = "127.0.0.1:1"
        for _ in range(2):
            reload(cache, "these changes take effect at the next start")
        line = [line for line in cache.said.splitlines() if "next start" in line][-1]
        assert "http" in line
        assert "clockskew" in line

        options(cache).pop("clockskew")
        cache.config["http"]["addr"] = address
        before = cache.said.count("next start")
        reload(cache, "reload")
        assert cache.said.count("next start") == before


@pytest.mark.parametrize("named", [True, False], ids=["as a named registry", "as other upstreams"])
def test_a_mode_that_waits_for_the_next_start_changes_nothing_until_then(tmp_path: Path, named: bool) -> None:
    with Upstream() as upstream, Upstream() as other, running_cache(tmp_path, [upstream.url]) as cache:
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).content == BLOB

        options(cache)["authorization"] = "upstream"
        options(cache)["upstreams"] = [other.url]
        if named:
            options(cache)["registries"] = [{"name": "hub", "upstreams": options(cache).pop("upstreams")}]
        reload(cache, "these changes take effect at the next start")
        second = upstream.add(b"asked for after it")
        for blob, body in ((digest, BLOB), (second, b"asked for after it")):
            answer = cache.get(blob, upstream.grant(blob))
            assert (answer.status_code, answer.content) == (200, body)
        assert other.asked == []


def test_a_new_upstream_of_another_origin_brings_its_keys_at_once(tmp_path: Path) -> None:
    with Upstream() as old, Upstream() as new, running_cache(tmp_path, [old.url]) as cache:
        digest = old.add(b"blob")
        new.add(b"blob")
        assert cache.get(digest, old.grant(digest)).status_code == 200

        options(cache)["upstreams"] = [new.url]
        cache.write_config()
        cache.hang_up()

        eventually(lambda: cache.get(digest, new.grant(digest)).status_code == 200)
        assert cache.get(digest, old.grant(digest)).status_code == 403


def test_new_authorities_are_trusted_after_a_reload(tmp_path: Path) -> None:
    ours, theirs = Authority("ours"), Authority("theirs")
    context = plain_server(*theirs.issue(tmp_path, "127.0.0.1"))
    first, second = tmp_path / "first.pem", tmp_path / "second.pem"
    first.write_bytes(ours.pem)
    second.write_bytes(theirs.pem)
    with Upstream(context) as upstream, running_cache(tmp_path / "cache", [upstream.url], cas=[str(first)]) as cache:
        digest = upstream.add(BLOB)
        assert cache.get(digest, upstream.grant(digest)).status_code == 503

        options(cache)["cas"] = [str(second)]
        cache.write_config()
        cache.hang_up()

        eventually(lambda: cache.get(digest, upstream.grant(digest)).content == BLOB, 20)


def test_authorities_that_turn_wrong_under_a_running_cache_make_it_stale_and_leave_it_ready(tmp_path: Path) -> None:
    ours, theirs = Authority("ours"), Authority("theirs")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(theirs.pem)
    debug = f"127.0.0.1:{free_port()}"
    metrics = {"debug": {"addr": debug, "prometheus": {"enabled": True}}}
    context = plain_server(*theirs.issue(tmp_path, "127.0.0.1"))

    def ask(path: str) -> requests.Response:
        return requests.get(f"http://{debug}{path}", timeout=5)

    with (
        Upstream(context) as upstream,
        running_cache(tmp_path / "cache", [upstream.url], http=metrics, cas=[str(ca)]) as cache,
    ):
        eventually(lambda: ask("/debug/fresh").status_code == 200)
        assert "dtr_cache_discovery_fresh 1.0" in ask("/metrics").text

        ca.write_bytes(ours.pem)
        cache.hang_up()

        stale = eventually(lambda: (said := ask("/debug/fresh").json()) and "judged by" in said["discovery"] and said)
        assert str(ca) in stale["discovery"]
        assert ask("/debug/ready").json() == {}
        assert "dtr_cache_discovery_fresh 0.0" in ask("/metrics").text

        ca.write_bytes(theirs.pem)
        cache.hang_up()
        eventually(lambda: ask("/debug/fresh").status_code == 200)
