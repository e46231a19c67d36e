"""Lines of the application log in the registry's three formats."""

from __future__ import annotations

import json
import shlex

import pytest
from dtr_content_cache.observation.formatting import format_line
from hypothesis import given
from hypothesis import strategies as st

NOW_S = 1_795_492_586.1239
TIME = "2026-11-24T03:56:26.123Z"


def test_text_is_what_logrus_writes() -> None:
    line = format_line("text", NOW_S, "warn", "upstream failed", {"upstream": "https://dtr:443", "rests": "2s", "n": 3})
    assert line == f'time="{TIME}" level=warning msg="upstream failed" upstream="https://dtr:443" rests=2s n=3'


def test_json_and_logstash_are_objects_with_the_registrys_member_names() -> None:
    assert json.loads(format_line("json", NOW_S, "info", "hello", {"n": 3, "well": True})) == {
        "level": "info", "msg": "hello", "time": TIME, "n": 3, "well": True,
    }  # fmt: skip
    assert json.loads(format_line("logstash", NOW_S, "error", "hello", {"s": 0.5})) == {
        "@timestamp": TIME, "@version": "1", "level": "error", "message": "hello", "s": 0.5,
    }  # fmt: skip


def test_a_field_of_one_of_our_names_replaces_nothing() -> None:
    line = format_line("json", NOW_S, "info", "hello", {"level": "x", "msg": "y", "time": "z"})
    assert json.loads(line) == {
        "level": "info", "msg": "hello", "time": TIME, "fields.level": "x", "fields.msg": "y", "fields.time": "z",
    }  # fmt: skip


@given(st.sampled_from(["text", "json", "logstash"]), st.text(), st.dictionaries(st.text(min_size=1), st.text()))
def test_whatever_is_said_is_one_line_of_visible_characters(formatter: str, message: str, fields: dict) -> None:
    line = format_line(formatter, NOW_S, "info", message, fields)
    assert line.isprintable()
    line.encode("utf-8")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).filter(lambda text: "=" not in text))
def test_a_text_value_can_be_read_back_by_its_quotes(value: str) -> None:
    words = shlex.split(format_line("text", NOW_S, "info", "m", {"key": value}))
    assert words[:3] == [f"time={TIME}", "level=info", "msg=m"]
    if "$" not in value and "`" not in value:
        assert words[3] == f"key={value}"


@pytest.mark.parametrize("formatter", ["text", "json", "logstash"])
@pytest.mark.parametrize(
    "secret",
    [
        "https://dtr/v2/a/blobs/b?grant=canary.canary.canary&ns=x",
        "eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOjF9.canary-canary",
        "eyJhbGciOiJFZERTQSJ9.canary",
        "Bearer canarycanary",
        "Basic canarycanary==",
        "password=canary token=canary",
    ],
)
def test_secrets_are_hidden_wherever_they_stand(formatter: str, secret: str) -> None:
    line = format_line(
        formatter, NOW_S, "error", f"it said {secret}", {"reason": secret, "traceback": f"x\n{secret}\n"}
    )
    assert "canary" not in line
    assert line.count("[hidden]") >= 3


def test_a_traceback_stays_on_its_line_and_can_be_long() -> None:
    traceback = "Traceback:\n" + "  File x\n" * 1000
    line = format_line("text", NOW_S, "error", "fault", {"traceback": traceback})
    assert r"Traceback:\n  File x\n" in line
    assert len(line) > 9_000
