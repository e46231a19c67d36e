"""What there is to tell about an answer when it is over: handlers fill it in, the site makes an event of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Served:
    """`status` 0 until the head is out; `refused` is admission's reason word."""

    status: int = 0
    account: str = ""
    cache: str = ""
    upstream: str = ""
    body_bytes: int = 0
    complete: bool = False
    refused: str = ""
