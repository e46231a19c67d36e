"""The cases of failing sockets: all of them, each once, all calls soon; and what of a failed call is believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from endurance.socket_calls import CASES, LIVES, Case, too_many
from endurance.traced import Call

GRANTS = LIVES[0]
CASE = Case(GRANTS, "recvfrom", "ECONNRESET", others=False, in_a_row=False, nth=7)


def test_every_call_of_a_life_fails_in_each_way_and_in_each_kind_of_thread() -> None:
    assert len(set(map(str, CASES))) == len(CASES)
    for life in LIVES:
        for name, most in life.most.items():
            for others in (False, True):
                alone = {
                    (case.error, case.nth)
                    for case in CASES
                    if (case.life, case.call, case.others, case.in_a_row) == (life, name, others, False)
                }
                expected = {(error, nth) for error in life.errors(name) for nth in range(1, most[others] + 1)}
                assert alone == expected


def test_a_short_run_comes_to_every_call() -> None:
    kinds = {(case.life.name, case.call, case.others) for case in CASES}

    assert {(case.life.name, case.call, case.others) for case in CASES[: len(kinds)]} == kinds


def test_what_strace_is_told() -> None:
    assert CASE.injected == "recvfrom:error=ECONNRESET:when=7"
    assert replace(CASE, in_a_row=True).injected == "recvfrom:error=ECONNRESET:when=7..9"


@pytest.mark.parametrize(
    ("name", "error", "on", "real", "borne"),
    [
        ("recvfrom", "ECONNRESET", "TCP", True, False),
        ("recvfrom", "ECONNRESET", "UNIX", False, True),
        ("recvfrom", "EAGAIN", "UNIX", True, True),
        ("sendto", "ENOMEM", "UNIX", True, True),
        ("read", "ECONNRESET", "", False, False),
        ("read", "ECONNRESET", "TCP", True, False),
        ("write", "EPIPE", "UNIX", False, False),
        ("epoll_ctl", "ENOMEM", "TCP", True, False),
        ("epoll_ctl", "ENOMEM", "", False, False),
        ("socket", "EMFILE", "", True, False),
    ],
)
def test_only_a_socket_can_break_as_a_line_does(name: str, error: str, on: str, real: bool, borne: bool) -> None:
    case, failed = replace(CASE, call=name, error=error), Call(1, name, on, True)

    assert (case.is_real(failed), case.is_borne(failed)) == (real, borne)


def test_a_life_with_more_calls_than_cases_is_told() -> None:
    most = GRANTS.most["accept4"][0]
    calls = [Call(1, "accept4", "TCP", False)] * (most + 1)
    unknown = [Call(1, "recvmsg", "TCP", False), Call(2, "read", "", False)]

    assert too_many(GRANTS, calls[1:], 1) == []
    assert too_many(GRANTS, calls + unknown, 1) == [f"accept4 ({most + 1}, 0)", "recvmsg (1, 0)"]
