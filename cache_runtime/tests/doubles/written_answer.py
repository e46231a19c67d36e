"""An exchange whose answer is written in the test, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dtr_content_cache.upstream.ask import Ask
from dtr_content_cache.upstream.response_head import ResponseHead


class WrittenAnswer:
    """`before_each(view)` is called with each buffer that is to be filled; `reads`, `ends` and `asked` are what was
    done with it."""

    def __init__(self, head: ResponseHead, body: bytes, *, at_hand: bool = False) -> None:
        self.head, self._body = head, body
        self.has_body_at_hand = at_hand
        self.before_each: Callable[[memoryview], None] = lambda view: None
        self.reads: list[int] = []
        self.ends: list[str] = []
        self.asked: list[Ask] = []

    def open(self, hop: Any, ask: Ask) -> WrittenAnswer:
        self.asked.append(ask)
        return self

    def read_into(self, view: memoryview) -> int:
        self.before_each(view)
        self.reads.append(len(view))
        piece, self._body = self._body[: len(view)], self._body[len(view) :]
        view[: len(piece)] = piece
        return len(piece)

    def abort(self) -> None:
        self.ends.append("abort")

    def close(self) -> None:
        self.ends.append("close")
