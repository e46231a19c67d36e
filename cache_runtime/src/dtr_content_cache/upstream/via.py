"""By which hops a request came, and whether it came in a circle: the `Via` header (RFC 9110 §7.6.3). Pure.

Caches whose `upstreams` name each other would ask each other for a missing blob without end. So each cache names itself
in what it asks, carries on who came before, and refuses what it has asked itself. Rule for editors: a name is made once
for a process and is nobody else's, or two caches of one host name would take each other for themselves.
"""

from __future__ import annotations

import re
import secrets
import socket
from dataclasses import dataclass

HOPS_LIMIT = 8  # no sensible chain is longer; a circle through something that drops Via's older members ends here, too
_MEMBER = re.compile(r"((?:[A-Za-z]{1,10}/)?[0-9](?:\.[0-9])?)[ \t]+([!#$%&'*+\-.^_`|~0-9A-Za-z:]{1,255})(?:[ \t].*)?")
_NOT_IN_NAMES = re.compile(r"[^0-9A-Za-z.-]+")


def new_name() -> str:
    """How this process names itself: the host's name, for people, and a random part, for uniqueness."""
    host = _NOT_IN_NAMES.sub("-", socket.gethostname())[:64].strip("-.") or "cache"
    return f"{host}.{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Via:
    """`hops`: (protocol, name) of each that a request has passed, the oldest first. Whatever is no such is dropped."""

    hops: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, header: str | None) -> Via:
        members = (_MEMBER.fullmatch(part.strip(" \t")) for part in (header or "").split(","))
        return cls(tuple((member[1], member[2]) for member in members if member))

    def onward(self, name: str) -> str:
        """The header's value for what `name` asks because of this request."""
        return ", ".join(f"{protocol} {hop}" for protocol, hop in (*self.hops[-2 * HOPS_LIMIT :], ("1.1", name)))

    def circle(self, name: str) -> str:
        """The chain, for people, where it has passed `name` before or is longer than any sensible one; else empty."""
        names = [hop for _, hop in self.hops]
        if name in names:
            return " → ".join((*names[names.index(name) :], name))
        return " → ".join((*names[-HOPS_LIMIT:], name)) if len(names) >= HOPS_LIMIT else ""
