"""How long a blob is, by an upstream's word, without its bytes. Blocking, for a thread of the fetch pool."""

from __future__ import annotations

from ..settings.model import Upstream
from ..upstream.exchange import Ask, Exchanges
from ..upstream.response_head import HopFailed, ResponseHead
from .attempts import judge_status

_NO_HEAD_HERE = (400, 401, 405, 501)  # 401: some registries say so to HEAD, and something else to GET


def told_length(exchanges: Exchanges, hop: Upstream, target: str, headers: tuple[tuple[str, str], ...]) -> int:
    """By HEAD, or by asking for the first byte where HEAD is not answered or leaves the length out.

    Raise HopFailed, HopUnknown or HopDenied.
    """
    head = _head(exchanges, hop, Ask("HEAD", target, headers=headers, for_blob=True))
    if head.status in _NO_HEAD_HERE or (head.status == 200 and head.length is None):
        head = _head(exchanges, hop, Ask("GET", target, 0, 1, headers, for_blob=True))
    judge_status(head)
    piece = head.content_range() if head.status == 206 else None
    total = piece[2] if piece is not None else head.length if head.status == 200 else None
    if total is None:
        raise HopFailed("it does not say how long the blob is")
    return total


def _head(exchanges: Exchanges, hop: Upstream, ask: Ask) -> ResponseHead:
    exchange = exchanges.open(hop, ask)
    exchange.close()
    return exchange.head
