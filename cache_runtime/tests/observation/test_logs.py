"""Which event is told in which log, at which level, in which words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import get_args

import pytest
from doubles.clock import HandMovedClock
from doubles.sample_events import DIGEST, SAMPLES, TARGET, UPSTREAM, served
from dtr_content_cache.observation.logs import Logs
from dtr_content_cache.observation.outlet import Outlet
from dtr_content_cache.observation.sentences import sentence
from dtr_content_cache.settings.model import Log
from dtr_content_cache.values import events

Lines = Callable[[], list[str]]


def test_there_is_a_sample_of_every_event() -> None:
    assert {type(sample) for sample in SAMPLES} == set(get_args(events.Event))


@pytest.fixture
def heard() -> Iterator[Callable[..., tuple[Logs, Lines, Lines]]]:
    """A log with the given settings, and what came out of stderr and stdout since the last look."""
    opened: list[int] = []

    def make(level: str = "debug", formatter: str = "text", fields=(), access_log: bool = True):
        ends = [os.pipe() for _ in range(2)]
        opened.extend(end for pair in ends for end in pair)
        (app_out, app_in), (access_out, access_in) = ends

        def lines(descriptor: int) -> list[str]:
            os.set_blocking(descriptor, False)
            try:
                return os.read(descriptor, 1 << 16).decode().splitlines()
            except BlockingIOError:
                return []

        logs = Logs(Log(level, formatter, fields, access_log), HandMovedClock(), Outlet(app_in), Outlet(access_in))
        return logs, lambda: lines(app_out), lambda: lines(access_out)

    yield make
    for descriptor in opened:
        os.close(descriptor)


def test_answers_are_in_the_access_log_and_everything_else_in_the_other(heard) -> None:
    logs, app, access = heard()
    for sample in SAMPLES:
        logs.hear(sample)
    assert len(access()) == 1
    assert len(app()) == len(SAMPLES) - 1


def test_the_access_log_can_be_switched_off(heard) -> None:
    logs, app, access = heard(access_log=False)
    logs.hear(served())
    assert (app(), access()) == ([], [])


@pytest.mark.parametrize(
    ("level", "kept"),
    [("error", {"error"}), ("warn", {"error", "warn"}), ("info", {"error", "warn", "info"}),
     ("debug", {"error", "warn", "info", "debug"})],
)  # fmt: skip
def test_the_level_decides_what_is_said(heard, level: str, kept: set[str]) -> None:
    logs, app, _ = heard(level)
    for one in ("error", "warn", "info", "debug"):
        logs.say(one, one)
    assert {line.split("msg=")[1].strip('"') for line in app()} == kept


@pytest.mark.parametrize(
    ("event", "level", "words"),
    [
        (
            events.AccessRefused("id-1", "10.1.2.3", TARGET, "expired"),
            "info",
            ["access refused", "reason=expired", "id-1"],
        ),
        (events.TlsFailed("10.1.2.3", "http request"), "info", ["no TLS", 'reason="http request"', "client=10.1.2.3"]),
        (events.FillEnded(DIGEST, "stored", 10, 1.0), "debug", ["fill ended: stored", "upstream_bytes=10"]),
        (events.FillEnded(DIGEST, "not-stored", 10, 1.0, "no space"), "info", ['reason="no space"']),
        (events.FillEnded(DIGEST, "failed", 10, 1.0, "all down"), "warn", ["fill ended: failed", DIGEST]),
        (events.FillEnded(DIGEST, "wrong-bytes", 10, 1.0), "error", ["fill ended: wrong-bytes"]),
        (events.FillResumed(DIGEST, UPSTREAM, 5, "cut"), "warn", ["offset=5", "reason=cut", UPSTREAM]),
        (
            events.UpstreamFailed(UPSTREAM, "its certificate has expired", 2.0, "/certs/ca.pem"),
            "warn",
            [f'upstream="{UPSTREAM}"', "rests=2s", "judged_by=/certs/ca.pem", 'reason="its certificate has expired"'],
        ),
        (events.UpstreamRecovered(UPSTREAM), "info", ["upstream recovered"]),
        (events.BlobEvicted(DIGEST, 10, 90061, "ttl"), "debug", ["reason=ttl", 'not_pulled_for="1d 1h"']),
        (events.BlobQuarantined(DIGEST, "bits rot"), "error", ["damaged and set aside", DIGEST]),
        (events.StorageTrouble("writing", "ENOSPC"), "error", ["operation=writing", "reason=ENOSPC"]),
        (events.DiscoveryRefreshed(UPSTREAM, 2), "debug", ["keys=2"]),
        (events.DiscoveryRefreshed(UPSTREAM, 2, recalled=True), "info", ["of the last run"]),
        (events.DiscoveryRefreshed(UPSTREAM, 2, "the origin changed"), "warn", ["discovery: the origin changed"]),
        (events.Reloaded("certificate"), "info", ["certificate reloaded"]),
        (events.Reloaded("certificate", "x: bad"), "error", ["certificate: x: bad"]),
        (events.Lifecycle("draining", "3 connections"), "info", ["3 connections", "moment=draining"]),
        (events.Fault("blob", "Traceback\nKeyError"), "error", ["where=blob", r"Traceback\nKeyError"]),
    ],
)
def test_each_event_is_told_at_the_level_of_who_must_act(heard, event, level: str, words: list[str]) -> None:
    said = sentence(event)
    assert said is not None
    assert said.level == level
    logs, app, _ = heard()
    logs.hear(event)
    (line,) = app()
    assert [word for word in words if word not in line] == []


def test_the_operators_fields_are_on_every_line_of_both_logs(heard) -> None:
    logs, app, access = heard(formatter="json", fields=(("region", "us"), ("reason", "overridden")))
    for sample in SAMPLES:
        logs.hear(sample)
    told = [json.loads(line) for line in (*app(), *access())]
    assert {line["region"] for line in told} == {"us"}
    assert [line["reason"] for line in told if line.get("msg") == "access refused"] == ["expired"]


@pytest.mark.parametrize("formatter", ["json", "logstash"])
def test_every_line_of_every_event_is_an_object(heard, formatter: str) -> None:
    logs, app, access = heard(formatter=formatter)
    for sample in SAMPLES:
        logs.hear(sample)
    for line in (*app(), *access()):
        assert isinstance(json.loads(line), dict)


def test_a_reload_changes_level_and_format_at_once(heard) -> None:
    logs, app, _ = heard("error")
    logs.say("info", "too quiet")
    logs.use(Log("info", "json", (), True))
    logs.say("info", "loud enough")
    (line,) = app()
    assert json.loads(line)["msg"] == "loud enough"


def test_dropped_lines_are_told_in_the_logs_own_format(heard) -> None:
    logs, app, _ = heard(formatter="json")
    outlet = logs._app
    outlet._limit_bytes = 10
    logs.say("info", "this does not fit")
    outlet._limit_bytes = 10_000
    outlet.flush()
    told = json.loads(app()[0])
    assert (told["level"], told["lines"]) == ("warning", 1)
