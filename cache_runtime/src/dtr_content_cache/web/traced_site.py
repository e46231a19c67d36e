"""The site with a span around each answer, where the environment asks for traces; without them not even loaded."""

from __future__ import annotations

import asyncio
from typing import Any

from ..observation.tracing import Traces
from .begun import BegunAnswer, first_push
from .connection import Begun, Connection
from .quick_hit import Hit
from .request_head import Request
from .served import Served
from .site import CacheSite


class TracedSite(CacheSite):
    """`traces`, and what CacheSite takes."""

    def __init__(self, traces: Traces, *parts: Any) -> None:
        super().__init__(*parts)
        self._traces = traces

    def _served(self, request: Request, handler: str, connection: Connection) -> Served:
        served = super()._served(request, handler, connection)
        served.span = self._traces.begin(request.method, request.path, request.headers, handler)
        return served

    def _send(self, request: Request, hit: Hit, connection: Connection) -> Begun:
        served = self._served(request, "blob", connection)  # before the first byte: the span begins with it
        begun = BegunAnswer(hit, connection, served, self._tell, self._registries.distrust)
        begun.follow(first_push(hit, connection))
        return begun

    def _tell(self, served: Served) -> None:
        super()._tell(served)
        if served.span is not None:
            served.span.end(served.event(asyncio.get_running_loop().time()))
