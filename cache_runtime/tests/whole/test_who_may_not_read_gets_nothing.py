"""Access is checked on a hit as on a miss: a blob cached for one repository is never readable through another."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, hold_after

HOT = random.Random(21).randbytes(300_000)
COLD = random.Random(22).randbytes(300_000)
OTHER = random.Random(23).randbytes(300_000)


@dataclass
class Office:
    upstream: Upstream
    cache: RunningCache
    digests: dict[str, str]

    def status(self, place: str, query: str, repository: str = "org/app", method: str = "GET") -> int:
        """By a client that sends the query as it is."""
        connection = http.client.HTTPConnection(self.cache.url.removeprefix("http://"), timeout=10)
        connection.request(method, f"/v2/{repository}/blobs/{self.digests[place]}{query}")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status == 403:
            assert method == "HEAD" or json.loads(body)["errors"][0]["code"] == "DENIED"
            assert len(body) < 400
            assert answer.getheader("Docker-Content-Digest") is None
        return answer.status


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Upstream() as upstream, running_cache(tmp_path_factory.mktemp("office"), [upstream.url]) as cache:
        digests = {"hit": upstream.add(HOT), "miss": upstream.add(COLD), "other": upstream.add(OTHER)}
        assert cache.get(digests["hit"], upstream.grant(digests["hit"])).content == HOT
        eventually(lambda: cache.is_stored(digests["hit"]))
        yield Office(upstream, cache, digests)


def queries(upstream: Upstream, digest: str, other: str) -> dict[str, str]:
    now_s = int(time.time())
    good = upstream.grant(digest)
    stranger = Upstream(origin=upstream.origin)
    return {
        "no grant": "",
        "empty grant": "?grant=",
        "a word": "?grant=please",
        "another repository": "?grant=" + upstream.grant(digest, repository="org/secret"),
        "another digest": "?grant=" + upstream.grant(other),
        "expired": "?grant=" + upstream.grant(digest, iat=now_s - 600, exp=now_s - 60),
        "not yet valid": "?grant=" + upstream.grant(digest, iat=now_s + 600, exp=now_s + 900),
        "longer than an hour": "?grant=" + upstream.grant(digest, iat=now_s, exp=now_s + 7200),
        "another action": "?grant=" + upstream.grant(digest, act="push"),
        "another origin": "?grant=" + upstream.grant(digest, iss="https://evil.example.com"),
        "another key": "?grant=" + stranger.grant(digest),
        "two grants": f"?grant={good}&grant={good}",
        "a good one after a bad one": f"?grant=x&grant={good}",
        "in upper case": f"?GRANT={good}",
        "encoded": f"?%67rant={good}",
        "by semicolon": f"?a=b;grant={good}",
        "a changed signature": "?grant=" + good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "too long": "?grant=" + good + "A" * 4096,
    }


NAMES = list(queries(Upstream(origin="http://x"), "sha256:" + "0" * 64, "sha256:" + "1" * 64))


@pytest.mark.parametrize("place", ["hit", "miss"])
@pytest.mark.parametrize("name", NAMES)
def test_without_the_right_grant_nothing_is_served_and_nobody_is_asked(office: Office, name: str, place: str) -> None:
    query = queries(office.upstream, office.digests[place], office.digests["other"])[name]
    before = len(office.upstream.blob_requests()) + len(office.upstream.blob_requests("HEAD"))

    for method in ("GET", "HEAD"):
        assert office.status(place, query, method=method) == 403

    assert len(office.upstream.blob_requests()) + len(office.upstream.blob_requests("HEAD")) == before


def test_a_blob_cached_for_one_repository_is_not_readable_through_another(office: Office) -> None:
    """As a reader of org/open, ask for the blob that a reader of org/app made the cache hold (CVE-2024-39897)."""
    digest = office.digests["hit"]
    own = office.upstream.grant(digest, account="mallory", repository="org/open")

    assert office.status("hit", f"?grant={own}", "org/app") == 403
    # Where DTR says that org/open has this blob too, its reader reads it: the right is DTR's to give.
    assert office.status("hit", f"?grant={own}", "org/open") == 200


def test_a_grant_that_ends_during_the_transfer_does_not_cut_it(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], clockskew="1ms") as cache:
        digest = upstream.add(HOT * 10)
        upstream.faults = [hold_after(100_000)]
        now_s = int(time.time())
        grant = upstream.grant(digest, iat=now_s - 10, exp=now_s + 2)
        transfer = cache.get(digest, grant, stream=True)
        assert transfer.status_code == 200
        eventually(lambda: cache.get(digest, grant, method="HEAD").status_code == 403)
        upstream.release.set()

        assert transfer.content == HOT * 10
        assert cache.get(digest, grant).status_code == 403
