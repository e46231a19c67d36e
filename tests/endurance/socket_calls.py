"""Which calls a cache makes on sockets, what the kernel may answer each of them instead, and how many a life has.

Owns the cases of `failing sockets`. Rule for editors: an error stands here if the call's man page, or that of the
protocol below (tcp, ip, unix, epoll), has it for a descriptor that is good: no others reach a program. EINTR only where
Python does not try again by itself: OpenSSL's own calls. So there is nothing for epoll_wait to say, and nothing for
poll, which takes no memory for one descriptor.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from .traced import Call, busiest

_NO_DESCRIPTOR = ("EMFILE", "ENFILE")
_NO_MEMORY = ("ENOBUFS", "ENOMEM")
_LINE_BROKE = ("ECONNRESET", "ETIMEDOUT", "EHOSTUNREACH")
ERRORS: dict[str, tuple[str, ...]] = {
    "accept4": ("EAGAIN", "ECONNABORTED", "EPROTO", "EPERM", "ENETDOWN", "EHOSTUNREACH", *_NO_DESCRIPTOR, *_NO_MEMORY),
    "bind": ("EADDRINUSE", "EACCES"),
    "connect": ("ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"),
    "epoll_create1": (*_NO_DESCRIPTOR, "ENOMEM"),
    "epoll_ctl": ("ENOMEM", "ENOSPC"),
    "getpeername": ("ENOTCONN", "ENOBUFS"),
    "getsockname": ("ENOBUFS",),
    "getsockopt": ("ENOBUFS",),
    "listen": ("EADDRINUSE",),
    "read": ("EAGAIN", "EINTR", *_LINE_BROKE),
    "recvfrom": ("EAGAIN", "ENOMEM", *_LINE_BROKE),
    "sendfile": ("EAGAIN", "EPIPE", *_LINE_BROKE, *_NO_MEMORY),
    "sendto": ("EAGAIN", "EPIPE", *_LINE_BROKE, *_NO_MEMORY),
    "setsockopt": _NO_MEMORY,
    "shutdown": ("ENOTCONN",),
    "socket": (*_NO_DESCRIPTOR, *_NO_MEMORY),
    "socketpair": _NO_DESCRIPTOR,
    "write": ("EAGAIN", "EINTR", "EPIPE", *_LINE_BROKE, *_NO_MEMORY),
}
_SOMETIMES = frozenset({"read", "write", "epoll_ctl"})  # on a socket, or in a way that can fail
# By which threads wake the loop: no network is between its ends.
_OWN_PAIR: dict[str, tuple[str, ...]] = {"sendto": _NO_MEMORY, "recvfrom": ("EAGAIN",)}
IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Life:
    """`most`: by call, a few more than the loop's thread makes in it, and than any other thread; each run holds that.
    `asks`: authorization by the upstream, over TLS on both sides."""

    name: str
    asks: bool
    most: Mapping[str, tuple[int, int]]

    def errors(self, call: str) -> tuple[str, ...]:
        """Where all sockets speak TLS, OpenSSL reads and writes; what is left to Python is the loop's own pair."""
        return _OWN_PAIR[call] if self.asks and call in _OWN_PAIR else ERRORS[call]


@dataclass(frozen=True, slots=True)
class Case:
    """The `nth` call of its name, and with `in_a_row` the next ones, too, of the loop's thread; with `others` of each
    thread: strace counts thread by thread."""

    life: Life
    call: str
    error: str
    others: bool
    in_a_row: bool
    nth: int

    @property
    def injected(self) -> str:
        last = f"..{self.nth + IN_A_ROW - 1}" if self.in_a_row else ""
        return f"{self.call}:error={self.error}:when={self.nth}{last}"

    @property
    def is_last(self) -> bool:
        return self.nth == self.life.most[self.call][self.others]

    def is_real(self, failed: Call) -> bool:
        """Is it a call that can fail so? strace cannot choose by what a descriptor is."""
        if failed.on == "UNIX":
            return self.error in _OWN_PAIR.get(failed.name, ())
        return failed.on == "TCP" or failed.name not in _SOMETIMES

    def is_borne(self, failed: Call) -> bool:
        """Where it is not real: does the loop take it for one that is, and say no more than that it was odd?"""
        return failed.on == "UNIX" and failed.name in _OWN_PAIR

    def __str__(self) -> str:
        whose = "each thread" if self.others else "the loop"
        row = f" and the {IN_A_ROW - 1} after it" if self.in_a_row else ""
        return f"{self.life.name}: {self.error} at {self.call} {self.nth}{row} of {whose}"


LIVES = (
    Life(
        "grants",
        False,
        {
            "accept4": (30, 0),
            "bind": (2, 0),
            "connect": (0, 6),
            "epoll_create1": (2, 0),
            "epoll_ctl": (50, 0),
            "getsockname": (24, 0),
            "getsockopt": (0, 6),
            "listen": (2, 0),
            "recvfrom": (180, 30),
            "sendfile": (30, 0),
            "sendto": (45, 45),
            "setsockopt": (24, 6),
            "shutdown": (3, 0),
            "socket": (3, 6),
            "socketpair": (2, 0),
        },
    ),
    Life(
        "the upstream's word, TLS",
        True,
        {
            "accept4": (32, 0),
            "bind": (3, 0),
            "connect": (0, 6),
            "epoll_create1": (2, 0),
            "epoll_ctl": (85, 0),
            "getpeername": (36, 6),
            "getsockname": (44, 6),
            "getsockopt": (20, 10),
            "listen": (3, 0),
            "read": (400, 200),
            "recvfrom": (170, 0),
            "sendto": (30, 50),
            "setsockopt": (60, 6),
            "socket": (4, 6),
            "socketpair": (2, 0),
            "write": (280, 32),
        },
    ),
)


def _spread(cases: Iterable[Case], seed: int) -> list[Case]:
    """Each call of each life and kind of thread in turn: a short run looks at all of them."""
    chance, by_call = random.Random(seed), dict[tuple[str, str, bool], list[Case]]()
    for case in cases:
        by_call.setdefault((case.life.name, case.call, case.others), []).append(case)
    for alike in by_call.values():
        chance.shuffle(alike)
    turns = list(by_call.values())
    chance.shuffle(turns)
    return [case for turn in zip_longest(*turns) for case in turn if case is not None]


_ALL = [
    Case(life, call, error, others, in_a_row, nth)
    for life in LIVES
    for call, most in life.most.items()
    for error in life.errors(call)
    for others in (False, True)
    for in_a_row in (False, True)
    for nth in range(1, most[others] + 1, IN_A_ROW if in_a_row else 1)
]
CASES = _spread(_ALL, seed=580)


def too_many(life: Life, calls: Collection[Call], loop: int) -> list[str]:
    """What a life, whose thread `loop` is the loop's, made of `calls` that no case makes fail. Pure."""
    of_sockets = {call.name for call in calls if call.on == "TCP" or call.name not in _SOMETIMES}
    found = []
    for name, numbers in sorted(busiest(calls, loop).items()):
        most = life.most.get(name, (0, 0))
        if name in of_sockets and any(number > limit for number, limit in zip(numbers, most, strict=True)):
            found.append(f"{name} {numbers}")
    return found
