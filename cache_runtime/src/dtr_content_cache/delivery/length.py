"""How long a blob is, by an upstream's word, without its bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from ..settings.model import Upstream
from ..upstream.ask import Ask
from ..upstream.exchange import Exchanges
from ..upstream.response_head import HopFailed, ResponseHead
from .attempts import HopDenied, HopUnknown, judge_status
from .means import Means, Passage

_NO_HEAD_HERE = (400, 401, 405, 501)  # 401: some registries say so to HEAD, and something else to GET


def told_length(exchanges: Exchanges, hop: Upstream, target: str, headers: tuple[tuple[str, str], ...]) -> int:
    """By HEAD, or by asking for the first byte where HEAD is not answered or leaves the length out. Blocking, for a
    thread of the fetch pool.

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


async def is_told_shorter(means: Means, passage: Passage, total: int, apart_from: Collection[Upstream]) -> bool:
    """Does an upstream that is well, none of `apart_from`, say that the blob has fewer than `total` bytes?"""
    turns, loop = means.attempts.turns, asyncio.get_running_loop()
    for hop in turns.all():
        if hop in apart_from or turns.held_s(hop) or not turns.healthy()[hop.url]:
            continue
        question = (means.exchanges, hop, passage.target, passage.headers)
        try:
            if await loop.run_in_executor(means.threads, told_length, *question) < total:
                return True
        except HopFailed as failure:
            means.attempts.failed(hop, failure)
        except (HopUnknown, HopDenied):
            pass
    return False


def _head(exchanges: Exchanges, hop: Upstream, ask: Ask) -> ResponseHead:
    exchange = exchanges.open(hop, ask)
    exchange.close()
    return exchange.head
