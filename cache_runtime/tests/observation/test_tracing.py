"""When the environment asks for traces, and what it is told where it asks for what cannot be had."""

from __future__ import annotations

import sys

import pytest
from dtr_content_cache.observation.tracing import open_traces
from dtr_content_cache.values.failures import ConfigurationRefused

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_TRACES_EXPORTER": ""},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "none", **ENDPOINT},
        {"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "otlp", **ENDPOINT},
        {"OTEL_SERVICE_NAME": "cache", "OTEL_TRACES_SAMPLER": "always_on"},
    ],
)
def test_without_being_asked_nothing_is_made_or_loaded(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "dtr_content_cache.observation.open_telemetry", raising=False)
    assert open_traces(environ, "1") is None
    assert "dtr_content_cache.observation.open_telemetry" not in sys.modules


@pytest.mark.parametrize("environ", [{"OTEL_TRACES_EXPORTER": "otlp"}, ENDPOINT])
def test_an_exporter_or_an_endpoint_asks_for_them(environ: dict[str, str]) -> None:
    traces = open_traces(environ, "1")
    assert traces is not None
    traces.close()


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: found 'zipkin', wanted otlp or none"),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", **ENDPOINT},
            "OTEL_EXPORTER_OTLP_PROTOCOL: found 'grpc', wanted http/protobuf, the only protocol of this cache",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "user:hunter2@collector:4318"},
            "OTEL_EXPORTER_OTLP_ENDPOINT: found no such URL, wanted a URL such as http://collector.example.com:4318",
        ),
    ],
)
def test_what_cannot_be_had_is_one_sentence_without_the_secret(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        open_traces(environ, "1")
    assert refused.value.mistakes == (sentence,)


def test_traces_without_the_extra_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "dtr_content_cache.observation.open_telemetry", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationRefused) as refused:
        open_traces(ENDPOINT, "1")
    assert refused.value.mistakes == (
        "OTEL_TRACES_EXPORTER: found that traces are asked for, and OpenTelemetry not installed, "
        "wanted the extra dtr-content-cache[traces] installed, or OTEL_TRACES_EXPORTER=none",
    )
