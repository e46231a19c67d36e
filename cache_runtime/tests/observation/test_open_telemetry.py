"""What is written on a span, and whose part it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from doubles.sample_events import DIGEST, TARGET, UPSTREAM, served
from dtr_content_cache.observation.open_telemetry import OpenTelemetry
from dtr_content_cache.values.events import FillEnded, FillResumed, FillStarted
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

CLIENTS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STARTED = FillStarted(DIGEST, "org/app", UPSTREAM, 1048576)


class Told:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.traces = OpenTelemetry({}, "1.2.3", self.exporter)

    def spans(self) -> dict[str, ReadableSpan]:
        self.traces.close()
        return {span.name: span for span in self.exporter.get_finished_spans()}


@pytest.fixture
def told() -> Iterator[Told]:
    told = Told()
    yield told
    told.traces.close()


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_an_answer_is_a_span_with_route_status_cache_bytes_and_the_requests_id(told: Told) -> None:
    told.traces.begin("GET", TARGET, {}, "blob").end(served(cache="miss", upstream=UPSTREAM))

    (span,) = told.spans().values()
    assert span.name == "GET /v2/{name}/blobs/{digest}"
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/v2/{name}/blobs/{digest}",
        "http.response.status_code": 200,
        "http.response.body.size": 1048576,
        "network.protocol.version": "1.1",
        "dtr_cache.request_id": "3f2a9c1e-1",
        "dtr_cache.cache_status": "miss",
        "dtr_cache.upstream": UPSTREAM,
    }
    assert span.resource.attributes["service.name"] == "dtr-content-cache"
    assert span.resource.attributes["service.version"] == "1.2.3"


def test_a_method_that_a_client_invents_makes_no_name_of_its_own(told: Told) -> None:
    told.traces.begin("BREW", "/pot", {}, "base").end(served(method="BREW", status=405))
    assert list(told.spans()) == ["_OTHER"]


@pytest.mark.parametrize(
    ("changes", "error"), [({"status": 503}, "503"), ({"complete": False}, "broken_off"), ({"status": 403}, None)]
)
def test_what_failed_or_broke_off_is_an_error_and_what_was_refused_is_none(
    told: Told, changes: dict[str, object], error: str | None
) -> None:
    told.traces.begin("GET", TARGET, {}, "blob").end(served(**changes))
    (span,) = told.spans().values()
    assert attributes(span).get("error.type") == error
    assert span.status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)


def test_the_clients_trace_goes_on_and_upstreams_are_told_of_it(told: Told) -> None:
    begun = told.traces.begin("GET", TARGET, {"traceparent": CLIENTS, "tracestate": "office=asia"}, "blob")
    headers = dict(begun.headers)
    begun.end(served())

    (span,) = told.spans().values()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert headers["traceparent"] == f"00-4bf92f3577b34da6a3ce929d0e0e4736-{span.context.span_id:016x}-01"
    assert headers["tracestate"] == "office=asia"


@pytest.mark.parametrize("broken", ["nonsense", "00-0-0-0", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 5000])
def test_a_broken_traceparent_begins_a_trace_of_its_own(told: Told, broken: str) -> None:
    told.traces.begin("GET", TARGET, {"traceparent": broken}, "blob").end(served())
    (span,) = told.spans().values()
    assert span.parent is None


def test_a_fill_is_a_part_of_the_request_that_began_it_and_tells_what_came_of_it(told: Told) -> None:
    first, second = (told.traces.begin("GET", TARGET, {}, "blob") for _ in range(2))
    told.traces.hear(STARTED)
    told.traces.hear(FillResumed(DIGEST, "https://asia.example.com", 5, "broke"))
    second.end(served(cache="collapsed"))
    first.end(served(cache="miss"))
    told.traces.hear(FillEnded(DIGEST, "stored", 1048576, 1.5))

    fill = told.spans()["fill"]
    assert fill.parent is not None
    assert fill.parent.span_id == first.span.get_span_context().span_id
    assert attributes(fill) == {
        "dtr_cache.upstream": UPSTREAM,
        "dtr_cache.total_bytes": 1048576,
        "dtr_cache.outcome": "stored",
        "dtr_cache.bytes": 1048576,
    }
    (resumed,) = fill.events
    assert dict(resumed.attributes or {})["dtr_cache.upstream"] == "https://asia.example.com"


@pytest.mark.parametrize("outcome", ["failed", "wrong-bytes"])
def test_a_fill_that_came_to_nothing_is_an_error(told: Told, outcome: str) -> None:
    told.traces.hear(STARTED)
    told.traces.hear(FillEnded(DIGEST, outcome, 10, 1.5, "reason"))
    assert told.spans()["fill"].status.status_code is StatusCode.ERROR


def test_a_fill_that_ended_before_it_began_is_nobodys(told: Told) -> None:
    told.traces.hear(FillEnded(DIGEST, "failed", 0, 1.5))
    told.traces.hear(FillResumed(DIGEST, UPSTREAM, 0, "broke"))
    assert told.spans() == {}
