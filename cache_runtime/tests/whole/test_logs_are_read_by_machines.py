"""Both logs in each format: every line parses, says who got what how, and holds no grant, token or path."""

from __future__ import annotations

import json
import random
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, cut_after

BLOB = random.Random(73).randbytes(200_000)
TOKEN = "a-bearer-token-that-nobody-may-see"
Line = dict[str, Any]
_COMBINED = re.compile(
    r"(?P<client>\S+) - (?P<account>\S+) \[(?P<time>\d\d/\w{3}/\d{4}:[\d:]{8} \+0000)\] "
    r'"(?P<method>\S+) (?P<target>\S+) '
    r'(?P<protocol>HTTP/1\.[01])" (?P<status>\d{3}) (?P<bytes>\d+) "" "(?P<user_agent>[^"]*)" (?P<ours>.+)'
)


def combined(line: str) -> Line:
    match = _COMBINED.fullmatch(line)
    assert match, line
    found = match.groupdict() | dict(pair.split("=", 1) for pair in match["ours"].split(" "))
    return found | {"status": int(found["status"]), "bytes": int(found["bytes"]), "seconds": float(found["seconds"])}


def logfmt(line: str) -> Line:
    return dict(pair.split("=", 1) for pair in shlex.split(line))


FORMATS: dict[str, tuple[Callable[[str], Line], Callable[[str], Line], str]] = {
    "text": (combined, logfmt, "msg"),
    "json": (json.loads, json.loads, "msg"),
    "logstash": (json.loads, json.loads, "message"),
}


@pytest.mark.parametrize("formatter", FORMATS)
def test_each_line_parses_and_says_who_got_what_and_how(tmp_path: Path, formatter: str) -> None:
    read_access, read_log, message = FORMATS[formatter]
    log = {"log": {"level": "debug", "formatter": formatter, "fields": {"region": "asia"}}}
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url], sections=log) as cache:
        digest = upstream.add(BLOB)
        upstream.faults = [cut_after(50_000)]
        grant = upstream.grant(digest)
        pulls(cache, digest, grant)
        cache.hang_up()
        eventually(lambda: "configuration reloaded" in cache.said)
        assert cache.stop() == 0
        eventually(lambda: "every transfer ended" in cache.said)
        accesses = [read_access(line) for line in cache.access_log.splitlines()]
        said = [read_log(line) for line in cache.said.splitlines()]

    by_status = {(line["status"], line["cache"]): line for line in accesses}
    assert {(200, "miss"), (200, "hit")} <= set(by_status)
    refused = next(line for line in accesses if line["status"] == 403)
    hit = by_status[(200, "hit")]
    assert (hit["method"], hit["target"], hit["protocol"]) == ("GET", f"/v2/org/app/blobs/{digest}", "HTTP/1.1")
    assert (hit["account"], hit["bytes"], hit["client"]) == ("alice", len(BLOB), "127.0.0.1")
    assert by_status[(200, "miss")]["upstream"] == upstream.url
    assert all(0 <= line["seconds"] < 30 for line in accesses)
    assert len({line["id"] for line in accesses}) == len(accesses)
    # The request's id leads from one log to the other, and the operator's own fields are on both where they fit.
    denied = next(line for line in said if line[message] == "access refused")
    assert denied["id"] == refused["id"]
    assert {line["region"] for line in said} == {"asia"}
    if formatter != "text":
        assert {line["region"] for line in accesses} == {"asia"}
    assert {line["level"] for line in said} <= {"debug", "info", "warning", "error"}
    for secret in (grant, "eyJ", TOKEN, str(cache.root)):
        assert secret not in cache.access_log
        assert secret not in cache.said


def pulls(cache: RunningCache, digest: str, grant: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Referer": f"https://dtr/v2/?grant={grant}"}
    assert cache.get(digest, grant, headers=headers).content == BLOB
    eventually(lambda: cache.is_stored(digest))
    eventually(lambda: cache.get(digest, grant, headers=headers).headers["Cache-Status"].endswith("hit"))
    assert cache.get(digest, grant, repository="org/other", headers=headers).status_code == 403


def test_the_access_log_can_be_turned_off_and_on_by_a_reload(tmp_path: Path) -> None:
    with Upstream() as upstream, running_cache(tmp_path, [upstream.url]) as cache:
        cache.config["log"]["accesslog"] = {"disabled": True}
        cache.write_config()
        cache.hang_up()
        eventually(lambda: "configuration reloaded" in cache.said)
        assert cache.session.get(cache.url + "/v2/", timeout=5).status_code == 200
        cache.config["log"].pop("accesslog")
        cache.write_config()
        cache.hang_up()
        eventually(lambda: cache.said.count("configuration reloaded") == 2)
        assert cache.session.get(cache.url + "/v2/_catalog", timeout=5).status_code == 200

        eventually(lambda: "/v2/_catalog" in cache.access_log)
        assert '"GET /v2/ ' not in cache.access_log
