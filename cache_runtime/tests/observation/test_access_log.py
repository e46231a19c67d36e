"""The access log as a parser of Apache's combined format, and as a reader of JSON, sees it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from doubles.sample_events import TARGET, served
from dtr_content_cache.observation.access_log import access_line, combined_line
from hypothesis import given
from hypothesis import strategies as st

NOW_S = 1_795_492_586.5
COMBINED = re.compile(
    r"(?P<client>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<time>[^\]]+)\] "
    r'"(?P<method>(?:[^"\\]|\\.)*?) (?P<target>(?:[^"\\]|\\.)*) (?P<protocol>HTTP/1\.1)" '
    r"(?P<status>\d+) (?P<bytes>\d+) "
    r'"(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)"(?P<ours>.*)'
)


def test_the_line_is_the_registrys_with_our_fields_after_it() -> None:
    assert combined_line(served(), NOW_S) == (
        '10.1.2.3 - alice [24/Nov/2026:03:56:26 +0000] "GET ' + TARGET + ' HTTP/1.1" 200 1048576 "" "docker/20.10.24"'
        " cache=hit upstream=- seconds=0.003 account=alice id=3f2a9c1e-1"
    )


def test_the_protocol_is_the_clients_own() -> None:
    assert f'"GET {TARGET} HTTP/1.0" 200' in combined_line(served(minor=0), NOW_S)
    assert json.loads(access_line(served(minor=0), NOW_S, "json"))["protocol"] == "HTTP/1.0"


def test_what_there_is_not_is_a_dash() -> None:
    line = combined_line(served(account="", cache="", upstream="", user_agent=""), NOW_S)
    assert line.startswith("10.1.2.3 - - [")
    assert line.endswith('"" "" cache=- upstream=- seconds=0.003 account=- id=3f2a9c1e-1')


def test_a_miss_names_its_upstream_and_an_answer_that_was_broken_off_says_so() -> None:
    line = combined_line(served(cache="miss", upstream="https://dtr.example.com", complete=False), NOW_S)
    assert "cache=miss upstream=https://dtr.example.com" in line
    assert line.endswith(" complete=no")


@pytest.mark.parametrize("formatter", ["json", "logstash"])
def test_the_json_line_has_named_members_and_the_operators_fields(formatter: str) -> None:
    assert json.loads(access_line(served(), NOW_S, formatter, (("region", "us"), ("status", "mine")))) == {
        "region": "us", "time": "2026-11-24T03:56:26.500Z", "client": "10.1.2.3", "account": "alice", "method": "GET",
        "target": TARGET, "protocol": "HTTP/1.1", "status": 200, "bytes": 1048576, "seconds": 0.0034,
        "cache": "hit", "upstream": "", "user_agent": "docker/20.10.24", "complete": True,
        "handler": "blob", "id": "3f2a9c1e-1",
    }  # fmt: skip


@pytest.mark.parametrize("formatter", ["text", "json"])
@pytest.mark.parametrize("field", ["target", "user_agent", "method", "account", "client"])
def test_nobody_can_write_a_second_line_or_a_control_into_the_log(formatter: str, field: str) -> None:
    evil = 'x"\r\n10.9.9.9 - root [now] "GET / HTTP/1.1" 200\x1b[2J\u2028\u202e\x00\udcff'
    line = access_line(served(**{field: evil}), NOW_S, formatter)
    assert line.isprintable()
    assert line.isascii() or formatter == "text"
    if formatter == "json":
        assert json.loads(line)[field].endswith("\udcff")
    else:
        found = COMBINED.fullmatch(line)
        assert found is not None
        assert found["status"] == "200"
        assert found["bytes"] == "1048576"


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=30))
def test_any_text_leaves_the_combined_format_parseable(target: str, agent: str, account: str) -> None:
    found = COMBINED.fullmatch(combined_line(served(target=target, user_agent=agent, account=account), NOW_S))
    assert found is not None
    assert (found["status"], found["bytes"], found["referer"]) == ("200", "1048576", "")
    assert found["ours"].count(" cache=hit upstream=- seconds=0.003 account=") == 1


@pytest.mark.parametrize("formatter", ["text", "json"])
@pytest.mark.parametrize(
    "changes",
    [
        {"target": TARGET + "?grant=eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOjF9.canary"},
        {"target": "/v2/x?token=canary"},
        {"target": "/v2/eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOjF9.canary/blobs"},
        {"target": "/v2/grant=canary"},
        {"user_agent": "curl eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOjF9.canary"},
        {"user_agent": "Authorization: Bearer canary-canary-canary"},
        {"user_agent": "authorization: basic canary+/canary=="},
        {"user_agent": "x?grant=canary&y=1"},
    ],
)
def test_no_grant_token_or_credential_gets_into_the_log(formatter: str, changes: dict[str, Any]) -> None:
    line = access_line(served(**changes), NOW_S, formatter)
    assert "canary" not in line
    assert "eyJjYW5hcnkiOjF9" not in line


def test_a_very_long_user_agent_is_cut() -> None:
    assert len(combined_line(served(user_agent="x" * 30_000, target="/" + "y" * 30_000), NOW_S)) < 3_000
