"""The status document of a whole cache: what is under way, what was served, who was refused; and never a secret."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.ports import free_port
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Answering, Upstream

SMALL = random.Random(71).randbytes(100_000)
LARGE = random.Random(72).randbytes(3_000_000)
HALF = 2_000_000


class Debug:
    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.http = {"debug": {"addr": self.address}}

    def ask(self, path: str = "/debug/status.json") -> requests.Response:
        return requests.get(f"http://{self.address}{path}", timeout=5)

    def told(self) -> Any:
        return self.ask().json()


@contextmanager
def shown_cache(folder: Path, upstreams: list[str], debug: Debug, **more: Any) -> Iterator[RunningCache]:
    with running_cache(folder, upstreams, http=debug.http, **more) as cache:
        eventually(lambda: debug.ask("/debug/ready").status_code == 200)
        yield cache


def stop_halfway(answering: Answering) -> None:
    answering.head("200 OK", Content_Length=len(answering.blob))
    answering.body(answering.blob[:HALF])
    answering.upstream.release.wait(30)
    answering.body(answering.blob[HALF:])


def test_a_blob_on_its_way_is_shown_with_its_bytes_and_readers_until_it_is_here(tmp_path: Path) -> None:
    debug = Debug()
    with Upstream() as upstream, shown_cache(tmp_path, [upstream.url], debug) as cache:
        assert debug.told()["fills"] == []
        upstream.always = stop_halfway
        digest = upstream.add(LARGE)
        pulls = [threading.Thread(target=cache.get, args=(digest, upstream.grant(digest))) for _ in range(2)]
        for pull in pulls:
            pull.start()
        wanted = {"bytes": HALF, "readers": 2}
        fill = eventually(lambda: next((one for one in debug.told()["fills"] if wanted.items() <= one.items()), None))
        assert (fill["blob"], fill["of_bytes"], fill["state"]) == (digest[7:19], len(LARGE), "filling")
        assert fill["upstream"] == upstream.url
        upstream.release.set()
        for pull in pulls:
            pull.join(20)
        eventually(lambda: debug.told()["fills"] == [])


def test_hits_and_refusals_are_counted_and_survive_a_restart_as_days(tmp_path: Path) -> None:
    debug = Debug()
    with Upstream() as upstream:
        digest = upstream.add(SMALL)
        with shown_cache(tmp_path, [upstream.url], debug) as cache:
            for _ in range(4):
                assert cache.get(digest, upstream.grant(digest)).status_code == 200
            assert cache.get(digest, upstream.grant(digest, repository="org/other")).status_code == 403
            told = eventually(lambda: (found := debug.told())["since_start"]["requests"] == 4 and found)
            assert told["days"] == [told["since_start"] | {"day": told["days"][0]["day"]}]
            assert told["since_start"]["hits"] >= 2
            assert [(one["reason"], one["count"], one["network"]) for one in told["refusals"]] == [
                ("wrong-repository", 1, "127.0.0.0/24")
            ]
            assert cache.stop() == 0
        with shown_cache(tmp_path, [upstream.url], debug) as cache:
            again = eventually(lambda: (found := debug.told())["days"] and found)
            assert again["days"] == told["days"]
            assert again["since_start"]["requests"] == 0
            assert [one["bytes"] for one in eventually(lambda: debug.told()["space"]["next"])] == [len(SMALL)]


def test_an_upstream_that_is_away_is_shown_with_its_last_words(tmp_path: Path) -> None:
    debug, away = Debug(), f"http://127.0.0.1:{free_port()}"
    with Upstream() as upstream, shown_cache(tmp_path, [upstream.url, away], debug) as cache:
        for number in range(2):
            digest = upstream.add(SMALL + bytes([number]))
            assert cache.get(digest, upstream.grant(digest)).status_code == 200
        by_url = {one["url"]: one for one in debug.told()["upstreams"]}
        assert by_url[upstream.url]["healthy"]
        assert by_url[upstream.url]["answered_within_s"] < 10
        assert not by_url[away]["healthy"]
        assert "refused" in by_url[away]["last_failure"]["words"]


def test_every_check_is_named_with_its_reason_and_a_path_by_its_last_part_only(tmp_path: Path) -> None:
    debug, switch = Debug(), tmp_path / "canary-of-a-folder" / "closed"
    switch.parent.mkdir()
    volume = {"enabled": True, "interval": "50ms"}
    health = {"health": {"file": [{"file": str(switch), "interval": "50ms"}], "storagedriver": volume}}
    with Upstream() as upstream, shown_cache(tmp_path, [upstream.url], debug, sections=health):
        assert debug.told()["health"]["state"] == "well"
        switch.touch()
        told = eventually(lambda: (found := debug.told())["health"]["state"] == "sick" and found)
        checks = {check["name"]: check["reason"] for check in told["health"]["checks"]}
        assert checks["…/closed"] == "file exists"
        assert checks["storagedriver_filesystem"] is None
        assert "canary" not in debug.ask().text


@pytest.mark.parametrize("path", ["/debug/status.json", "/debug/status"])
def test_no_secret_is_on_it_whatever_happened(tmp_path: Path, path: str) -> None:
    debug = Debug()
    proxy = {"http_proxy": f"http://canary-user:canary-password@127.0.0.1:{free_port()}", "no_proxy": "127.0.0.1"}
    away = f"http://localhost:{free_port()}"
    with Upstream() as upstream, shown_cache(tmp_path, [upstream.url, away], debug, environ=proxy) as cache:
        digest = upstream.add(SMALL)
        grant = upstream.grant(digest, account="canary-account", repository="canary/repository")
        for repository in ("canary/repository", "org/app"):
            cache.get(digest, grant, repository=repository, headers={"Authorization": "Bearer canary-token"})
        cache.get(digest, "canary-grant", repository="canary/repository")
        upstream.add(SMALL + b"x")
        eventually(lambda: len(debug.told()["refusals"]) == 2)
        text = debug.ask(path).text
        for secret in ("canary", grant, grant.split(".")[2], digest, digest[7:], str(tmp_path), "127.0.0.1/32"):
            assert secret not in text


def test_it_is_not_on_the_clients_side(tmp_path: Path) -> None:
    debug = Debug()
    with Upstream() as upstream, shown_cache(tmp_path, [upstream.url], debug) as cache:
        assert cache.session.get(f"{cache.url}/debug/status.json", timeout=5).status_code == 404
        assert debug.ask("/").url.endswith("/debug/status")
