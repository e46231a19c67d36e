"""What cache and DTR wrote down about a pull, as values. Pure: text in, values out.

Owns: the shape of the two logs and of a manifest. Does not own: where they are read (lab.py).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_LINE = re.compile(
    r'^\S+ - (?P<account>\S+) \[[^]]+\] "(?P<method>\S+) (?P<path>\S+) \S+" (?P<status>\d+) (?P<bytes>\d+) .*'
    r" cache=(?P<cache>\S+) upstream=(?P<upstream>\S+) "
)
_BLOB = re.compile(r"/v2/.+/blobs/(sha256:[0-9a-f]{64})$")


def _digest_in(path: str) -> str:
    match = _BLOB.match(path)
    return match[1] if match else ""


@dataclass(frozen=True)
class Answer:
    """One line of the cache's access log. `digest` is "" where it was not about a blob."""

    account: str
    method: str
    status: int
    bytes: int
    cache: str  # hit, miss, collapsed, bypass, or - where it was not about a blob
    upstream: str
    digest: str


@dataclass(frozen=True)
class DtrRequest:
    """One line of DTR's request log. `digest` is "" where it was not about a blob."""

    account: str
    via: str  # basic, bearer, token, grant, anonymous
    method: str
    path: str
    status: int
    location_host: str
    digest: str

    @property
    def gave_blob(self) -> bool:
        """Bytes of a blob left DTR: with a grant to a cache, with a bearer token to a client."""
        return bool(self.digest) and self.method == "GET" and self.status in (200, 206)


@dataclass(frozen=True)
class Manifest:
    digest: str
    blobs: dict[str, int]  # configuration and layers, digest → size in bytes

    @classmethod
    def parse(cls, text: str) -> Manifest:
        document = json.loads(text)
        parts = [document["config"], *document["layers"]]
        digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        return cls(digest, {part["digest"]: part["size"] for part in parts})


def answers_of(log: str) -> list[Answer]:
    return [_answer(found) for found in map(_LINE.match, log.splitlines()) if found]


def _answer(m: re.Match[str]) -> Answer:
    status, size, digest = int(m["status"]), int(m["bytes"]), _digest_in(m["path"])
    return Answer(m["account"], m["method"], status, size, m["cache"], m["upstream"], digest)


def requests_of(log: str) -> list[DtrRequest]:
    return [_request(json.loads(line)) for line in log.splitlines()]


def _request(record: dict[str, Any]) -> DtrRequest:
    named = ("account", "via", "method", "path", "status", "location_host")
    return DtrRequest(*(record[name] for name in named), digest=_digest_in(record["path"]))


def blobs_given(requests: Iterable[DtrRequest]) -> Counter[str]:
    """How often the bytes of each blob left DTR."""
    return Counter(request.digest for request in requests if request.gave_blob)
