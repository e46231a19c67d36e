"""The request log: what other tests read to prove who asked DTR for what.

Owns: `requests.jsonl` (one JSON object a request) and the line on standard output.
Does not own: which facts a request has (handlers/exchange.py).
Rule: no query value, password, token or grant ever gets in; a record is on disk before its response is complete.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Record:
    time: str  # RFC 3339, when the answer was complete
    method: str
    path: str  # without the query
    query_keys: list[str]
    status: int
    account: str  # "" is anonymous
    via: str  # basic | bearer | token | grant | anonymous
    bytes: int  # of the response body
    received_bytes: int  # of the request body
    seconds: float
    remote: str
    user_agent: str
    location_host: str  # where a redirect points to, "" without one
    range: str  # the Range header, "" without one
    completed: bool  # False: the connection broke before the last byte


class RequestLog:
    def __init__(self, path: Path, lines: TextIO = sys.stdout) -> None:
        self._file = open(path, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - open for the program's life
        self._lines = lines

    def add(self, record: Record) -> None:
        self._file.write(json.dumps(asdict(record)) + "\n")
        to = f" -> {record.location_host}" if record.location_host else ""
        cut = "" if record.completed else " cut"
        self.say(f"{record.time} {record.remote} {record.account or '-'} {record.via} {record.method} "
                 f"{json.dumps(record.path)[1:-1]} {record.status} {record.bytes} {record.seconds:.3f}s{to}{cut}")

    def say(self, line: str) -> None:
        try:
            print(line, file=self._lines, flush=True)
        except OSError:
            # Nobody reads any more; the file is the record.
            pass
