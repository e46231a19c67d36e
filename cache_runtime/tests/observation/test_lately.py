"""What is kept for the status page, and that it stays bounded."""

from __future__ import annotations

import dataclasses

from doubles.clock import HandMovedClock
from doubles.sample_events import SAMPLES
from dtr_content_cache.observation.lately import TROUBLES_LIMIT, Lately
from dtr_content_cache.observation.sentences import sentence
from dtr_content_cache.values import events


def told(*happened: events.Event, clock: HandMovedClock | None = None) -> Lately:
    lately = Lately(clock or HandMovedClock())
    for event in happened:
        lately.hear(event, sentence(event))
    return lately


def refused(reason: str, client: str = "10.1.2.3") -> events.AccessRefused:
    return events.AccessRefused("id", client, "/v2/org/secret-app/blobs/x", reason)


def test_refusals_are_counted_by_reason_with_the_last_ones_time_and_network() -> None:
    clock = HandMovedClock()
    lately = told(refused("expired"), clock=clock)
    clock.advance(60)
    lately.hear(refused("expired", "10.9.9.9"), None)
    found = lately.refusals["expired"]
    assert (found.count, found.last_s, found.network) == (2, clock.wall(), "10.9.9.0/24")


def test_an_upstream_has_its_last_failure_only() -> None:
    hop = "https://dtr.example.com"
    lately = told(*(events.UpstreamFailed(hop, reason, 1.0) for reason in ("first", "judged by /etc/certs/ca.pem")))
    assert lately.upstream_failures[hop].words == "judged by …/ca.pem"


def test_a_fault_shows_nothing_of_its_traceback() -> None:
    lately = told(events.Fault("flight", 'File "/opt/x.py", line 1\nKeyError: canary'))
    assert len(lately.troubles) == 1
    assert "canary" not in lately.troubles[0].words


def test_what_is_normal_is_no_trouble() -> None:
    normal = [event for event in SAMPLES if (said := sentence(event)) and said.level in ("info", "debug")]
    assert len(normal) > 5
    assert not told(*normal).troubles


def test_however_much_happens_it_stays_small() -> None:
    many = [refused(f"reason-{number}") for number in range(500)]
    failures = [events.UpstreamFailed(f"https://hop-{number}", "word " * 500, 1.0) for number in range(500)]
    lately = told(*many, *failures)
    assert len(lately.refusals) <= 64
    assert len(lately.upstream_failures) <= 64
    assert len(lately.troubles) == TROUBLES_LIMIT
    assert all(len(trouble.words) <= 400 for trouble in lately.troubles)


def test_the_last_sweep_is_kept_whole() -> None:
    sweep = next(event for event in SAMPLES if isinstance(event, events.SweepDone))
    assert told(dataclasses.replace(sweep, blobs=1), sweep).sweep == sweep
