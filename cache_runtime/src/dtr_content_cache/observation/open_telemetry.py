"""Traces by OpenTelemetry's own SDK: a span for each request, and below it one for the fill that it started.

Owns what a span is called and what is written on it. Imported by `tracing`, and only where traces are wanted. Rule for
editors: no grant, token, account, path or digest goes on a span (the request's id leads to the access log, which has
what may be had); a collector that is slow or gone costs the requests nothing. Event loop only.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ..values.events import Event, FillEnded, FillResumed, FillStarted, RequestServed

_NAME = "dtr-content-cache"
_METHODS = frozenset(("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"))
_ROUTES = {"blob": "/v2/{name}/blobs/{digest}"}
_PROPAGATOR = TraceContextTextMapPropagator()
_BAD_FILLS = ("failed", "wrong-bytes")


class RequestSpan:
    def __init__(self, span: trace.Span, digest: str, over: dict[str, RequestSpan]) -> None:
        self.span = span
        self._digest, self._open = digest, over
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
        self.headers = tuple(carrier.items())

    def end(self, event: RequestServed) -> None:
        if self._open.get(self._digest) is self:
            del self._open[self._digest]
        self.span.set_attributes(
            {
                "http.response.status_code": event.status,
                "http.response.body.size": event.body_bytes,
                "network.protocol.version": f"1.{event.minor}",
                "dtr_cache.request_id": event.request_id,
            }
        )
        for name, value in (("dtr_cache.cache_status", event.cache), ("dtr_cache.upstream", event.upstream)):
            if value:
                self.span.set_attribute(name, value)
        if event.status >= 500 or not event.complete:
            self.span.set_attribute("error.type", str(event.status) if event.status >= 500 else "broken_off")
            self.span.set_status(StatusCode.ERROR)
        self.span.end()


class OpenTelemetry:
    """`exporter` in place of the one that the environment describes."""

    def __init__(self, environ: Mapping[str, str], version: str, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create({"service.version": version} | _service_name(environ))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(_NAME, version)
        # By digest: a fill tells its digest, and is a part of the oldest request for it that is still open.
        self._open: dict[str, RequestSpan] = {}
        self._fills: dict[str, trace.Span] = {}
        # That a collector is gone is for the operator to know, and no failure of this program.
        logging.getLogger("opentelemetry").addFilter(_as_warning)

    def begin(self, method: str, path: str, headers: Mapping[str, str], handler: str) -> RequestSpan:
        method, route = method if method in _METHODS else "_OTHER", _ROUTES.get(handler)
        attributes = {"http.request.method": method} | ({"http.route": route} if route else {})
        client = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        span = self._tracer.start_span(
            f"{method} {route}" if route else method,
            _PROPAGATOR.extract(client),
            kind=SpanKind.SERVER,
            attributes=attributes,
        )
        digest = path.rpartition("/")[2] if handler == "blob" and method == "GET" else ""
        begun = RequestSpan(span, digest, self._open)
        if digest:
            self._open.setdefault(digest, begun)
        return begun

    def hear(self, event: Event) -> None:
        match event:
            case FillStarted() if event.digest not in self._fills:
                self._fills[event.digest] = self._fill(event)
            case FillResumed() if event.digest in self._fills:
                resumed: dict[str, str | int] = {"dtr_cache.upstream": event.upstream, "dtr_cache.offset": event.offset}
                self._fills[event.digest].add_event("resumed", resumed)
            case FillEnded() if event.digest in self._fills:
                span = self._fills.pop(event.digest)
                span.set_attributes({"dtr_cache.outcome": event.outcome, "dtr_cache.bytes": event.upstream_bytes})
                if event.outcome in _BAD_FILLS:
                    span.set_attribute("error.type", event.outcome)
                    span.set_status(StatusCode.ERROR)
                span.end()

    def _fill(self, event: FillStarted) -> trace.Span:
        request = self._open.get(event.digest)
        parent = trace.set_span_in_context(request.span) if request else None
        attributes: dict[str, str | int] = {"dtr_cache.upstream": event.upstream}
        if event.total_bytes is not None:
            attributes["dtr_cache.total_bytes"] = event.total_bytes
        return self._tracer.start_span("fill", parent, kind=SpanKind.CLIENT, attributes=attributes)

    def close(self) -> None:
        for span in self._fills.values():
            span.end()
        self._provider.shutdown()


def _service_name(environ: Mapping[str, str]) -> dict[str, str]:
    named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return {} if named else {"service.name": _NAME}


def _as_warning(record: logging.LogRecord) -> bool:
    if record.levelno > logging.WARNING:
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True
