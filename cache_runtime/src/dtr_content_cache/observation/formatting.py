"""One line of the application log in the three formats of `log.formatter`: text as logrus writes it, json, logstash.

Pure. Rule for editors: a line is one line, whatever is in its values; no field replaces time, level or message.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from functools import lru_cache

from .escaping import clipped, quoted, without_secrets

Value = str | int | float | bool
_UNQUOTED = re.compile(r"[A-Za-z0-9._/@^+-]+")
LEVELS = {"error": 0, "warn": 1, "info": 2, "debug": 3}  # the lower, the more is it worth
_NAMES = {"warn": "warning"}
_LONG_CHARACTERS = 16 * 1024  # a traceback is worth that much


def format_line(formatter: str, now_s: float, level: str, message: str, fields: Mapping[str, Value]) -> str:
    """The line without its line feed. `level` is error, warn, info or debug."""
    name, message = _NAMES.get(level, level), without_secrets(message)
    safe = {key: without_secrets(value) if isinstance(value, str) else value for key, value in fields.items()}
    if formatter == "json":
        return _object({"level": name, "msg": message, "time": stamp(now_s)}, safe)
    if formatter == "logstash":
        head = {"@timestamp": stamp(now_s), "@version": "1", "level": name, "message": message}
        return _object(head, safe)
    line = f"time={quoted(stamp(now_s))} level={name} msg={quoted(message, _LONG_CHARACTERS)}"
    return line + "".join(f" {_name(key)}={_text(value)}" for key, value in safe.items())


def stamp(now_s: float) -> str:
    """`2026-11-24T03:56:26.123Z`."""
    milliseconds = int(now_s * 1000)
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _object(head: dict[str, str], fields: Mapping[str, Value]) -> str:
    members: dict[str, Value] = dict(head)
    for key, value in fields.items():
        # As logrus does where an operator's field has one of our names.
        members[f"fields.{key}" if key in head else key] = value
    return dump(members)


def dump(members: Mapping[str, Value]) -> str:
    """A JSON object on one line; what is not ASCII is escaped, so that no reader can see a line end or a control."""
    return json.dumps({key: _clipped(value) for key, value in members.items()})


def _clipped(value: Value) -> Value:
    return clipped(value, _LONG_CHARACTERS) if isinstance(value, str) else value


def _name(key: str) -> str:
    return key if _UNQUOTED.fullmatch(key) else quoted(key)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if _UNQUOTED.fullmatch(text) else quoted(text, _LONG_CHARACTERS)
