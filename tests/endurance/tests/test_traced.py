"""An account tells which call failed, in which thread, on what: also of two threads whose calls are told across."""

from __future__ import annotations

from endurance.traced import Call, busiest, read_account

TCP, PAIR = "<TCP:[127.0.0.1:80->127.0.0.1:4711]>", "<UNIX-STREAM:[17->18]>"


def test_what_a_call_was_made_on_and_whether_it_failed() -> None:
    lines = [
        f'7 recvfrom(9{TCP}, "GET", 10, 0, NULL, NULL) = 3',
        f'7 sendto(5{PAIR}, "\\0", 1, 0, NULL, 0) = -1 ENOBUFS (No buffer space available) (INJECTED)',
        '7 write(1</tmp/log>, "a line about <TCP:[1]>\\n", 23) = 23',
        "7 --- SIGTERM {si_signo=SIGTERM} ---",
        "7 +++ exited with 0 +++",
    ]

    assert list(read_account(lines)) == [
        Call(7, "recvfrom", "TCP", False),
        Call(7, "sendto", "UNIX", True),
        Call(7, "write", "", False),
    ]


def test_one_thread_alone_has_no_number() -> None:
    assert list(read_account([f"shutdown(9{TCP}, SHUT_WR) = -1 ENOTCONN (…) (INJECTED)"])) == [
        Call(0, "shutdown", "TCP", True)
    ]


def test_a_call_that_is_told_in_two_lines_is_one_and_one_that_never_ended_is_none() -> None:
    lines = [
        f"7 connect(9{TCP}, {{sa_family=AF_INET}}, 16 <unfinished ...>",
        f"8 accept4(3{TCP}, NULL, NULL, SOCK_CLOEXEC) = 9{TCP}",
        "7 <... connect resumed>) = -1 ECONNREFUSED (Connection refused) (INJECTED)",
        f"8 accept4(3{TCP}, NULL, NULL, SOCK_CLOEXEC <unfinished ...>",
    ]

    assert list(read_account(lines)) == [Call(8, "accept4", "TCP", False), Call(7, "connect", "TCP", True)]


def test_of_epolls_calls_only_that_for_one_more_descriptor_is_on_one() -> None:
    lines = [
        f"7 epoll_ctl(3<anon_inode:[eventpoll]>, EPOLL_CTL_ADD, 9{TCP}, {{events=EPOLLIN}}) = 0",
        f"7 epoll_ctl(3<anon_inode:[eventpoll]>, EPOLL_CTL_MOD, 9{TCP}, {{events=EPOLLOUT}}) = 0",
    ]

    assert [call.on for call in read_account(lines)] == ["TCP", ""]


def test_calls_are_counted_for_the_loop_and_for_the_busiest_of_the_others() -> None:
    calls = [Call(thread, "sendto", "TCP", False) for thread in (1, 2, 2, 3)] + [Call(3, "connect", "TCP", False)]

    assert busiest(calls, 1) == {"sendto": (1, 2), "connect": (0, 1)}
