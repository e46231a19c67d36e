"""The access log: one line for each answer, Apache's combined format with our fields after it, or a JSON object.

Rule for editors: a parser of the combined format must read the first nine fields as it always did; ours come after, as
`key=value`. The target is the path alone, and no `Referer` is written: both could carry a grant.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache

from ..values.events import RequestServed
from .escaping import TEXT_LIMIT_CHARACTERS, quoted, without_secrets
from .formatting import Value, dump, stamp

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PLAIN = re.compile(r"[!#-\[\]-~]+")  # what needs neither quotes nor escapes between two spaces


def access_line(event: RequestServed, now_s: float, formatter: str, fields: tuple[tuple[str, str], ...] = ()) -> str:
    """The line, without its line feed. `formatter` is "text", or "json" or "logstash" for an object a line.

    `fields` are the operator's own (log.fields); the combined format has no place for them.
    """
    return combined_line(event, now_s) if formatter == "text" else json_line(event, now_s, fields)


def combined_line(event: RequestServed, now_s: float) -> str:
    account, upstream = _word(event.account), event.upstream or "-"
    broken_off = "" if event.complete else " complete=no"
    return (
        f"{_word(event.client)} - {account} [{_stamp(int(now_s))}] "
        f'"{_inner(event.method)} {_inner(_path(event))} HTTP/1.{event.minor}" {event.status} {event.body_bytes} "" '
        f'"{_inner(without_secrets(event.user_agent))}" cache={event.cache or "-"} upstream={upstream} '
        f"seconds={event.seconds:.3f} account={account} id={event.request_id}{broken_off}"
    )


def json_line(event: RequestServed, now_s: float, fields: tuple[tuple[str, str], ...] = ()) -> str:
    members: dict[str, Value] = dict(fields)
    members |= {
        "time": stamp(now_s),
        "client": event.client,
        "account": event.account,
        "method": event.method,
        "target": _path(event),
        "protocol": f"HTTP/1.{event.minor}",
        "status": event.status,
        "bytes": event.body_bytes,
        "seconds": round(event.seconds, 6),
        "cache": event.cache,
        "upstream": event.upstream,
        "user_agent": without_secrets(event.user_agent),
        "complete": event.complete,
        "handler": event.handler,
        "id": event.request_id,
    }
    return dump(members)


def _path(event: RequestServed) -> str:
    return without_secrets(event.target.partition("?")[0])


def _word(text: str) -> str:
    """Between two spaces; `-` for nothing."""
    if _PLAIN.fullmatch(text):
        return text
    return _inner(text).replace(" ", "\\x20") or "-"


def _inner(text: str) -> str:
    """Between two quotes."""
    if len(text) <= TEXT_LIMIT_CHARACTERS and _PLAIN.fullmatch(text):
        return text
    return quoted(text)[1:-1]


@lru_cache(maxsize=4)
def _stamp(second: int) -> str:
    # Many answers share a second; the month's name must not follow the locale.
    moment = time.gmtime(second)
    return time.strftime(f"%d/{_MONTHS[moment.tm_mon - 1]}/%Y:%H:%M:%S +0000", moment)
