"""Optional traces: whether the environment asks for them, and what the rest of the program sees of them.

OpenTelemetry's own variables decide, as in the registry, and nothing else. Rule for editors: nothing of OpenTelemetry
is imported before it is asked for: a cache without traces neither needs nor loads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from ..values.events import Event, RequestServed
from ..values.failures import ConfigurationRefused

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN = "http/protobuf"


class Span(Protocol):
    """The time in which one request is answered. `headers` tell an upstream whose part its own work is."""

    headers: tuple[tuple[str, str], ...]

    def end(self, event: RequestServed) -> None: ...


class Traces(Protocol):
    def begin(self, method: str, path: str, headers: Mapping[str, str], handler: str) -> Span:
        """`headers` by lower-case name: a `traceparent` among them makes the span a part of the client's trace."""

    def hear(self, event: Event) -> None: ...

    def close(self) -> None:
        """Send what is left; blocks for a few seconds where nobody takes it."""


def open_traces(environ: Mapping[str, str], version: str) -> Traces | None:
    """None where the environment asks for none. Raise ConfigurationRefused where it asks for what cannot be had."""
    if not _are_wanted(environ):
        return None
    try:
        from .open_telemetry import OpenTelemetry
    except ModuleNotFoundError as missing:
        if not (missing.name or "").startswith("opentelemetry"):
            raise
        found = "that traces are asked for, and OpenTelemetry not installed"
        wanted = "the extra dtr-content-cache[traces] installed, or OTEL_TRACES_EXPORTER=none"
        raise _refused("OTEL_TRACES_EXPORTER", found, wanted) from None
    return OpenTelemetry(environ, version)


def _are_wanted(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    if exporter == "none" or (not exporter and not any(environ.get(name) for name in _ENDPOINTS)):
        return False
    if exporter not in ("", "otlp"):
        raise _refused("OTEL_TRACES_EXPORTER", f"'{exporter[:40]}'", "otlp or none")
    protocol_name, protocol = _first(environ, _PROTOCOLS)
    if protocol not in ("", _SPOKEN):
        raise _refused(protocol_name, f"'{protocol[:40]}'", f"{_SPOKEN}, the only protocol of this cache")
    endpoint_name, endpoint = _first(environ, _ENDPOINTS)
    if endpoint and not _is_url(endpoint):
        # Not shown: it may hold credentials.
        raise _refused(endpoint_name, "no such URL", "a URL such as http://collector.example.com:4318")
    return True


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    return next(((name, environ[name].strip()) for name in names if environ.get(name)), (names[-1], ""))


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _refused(variable: str, found: str, wanted: str) -> ConfigurationRefused:
    return ConfigurationRefused((f"{variable}: found {found}, wanted {wanted}",))
