"""What there is to tell about an answer: handlers fill it in, the site makes an event of it when it is over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..delivery.means import Passage
from ..observation.tracing import Span
from ..values.events import RequestServed
from .request_head import Request


@dataclass(slots=True)
class Served:
    """`started_s` is the loop's time; `status` 0 until the head is out; `refused` is admission's reason word; `stale`:
    no upstream could be asked, what it last said counts."""

    request: Request
    request_id: str
    client: str
    handler: str
    started_s: float
    status: int = 0
    account: str = ""
    cache: str = ""
    upstream: str = ""
    body_bytes: int = 0
    complete: bool = False
    refused: str = ""
    stale: bool = False
    span: Span | None = None

    def along(self, passage: Passage) -> Passage:
        """`passage` as a part of this answer's trace, where there is one."""
        return replace(passage, headers=(*passage.headers, *self.span.headers)) if self.span else passage

    def event(self, now_s: float) -> RequestServed:
        request = self.request
        return RequestServed(
            self.request_id,
            self.client,
            self.account,
            request.method,
            request.path,
            self.status or 499,
            self.body_bytes,
            now_s - self.started_s,
            self.cache,
            self.upstream,
            request.headers.get("user-agent", ""),
            self.complete,
            self.handler,
            request.minor,
        )
