"""Clients' descriptors are heard of before the loop's own callbacks, and nothing else about the loop is changed."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from dtr_content_cache.web import early_loop
from dtr_content_cache.web.early_loop import EarlyLoop
from dtr_content_cache.web.early_loop import early_loop as running_loop


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    for sock in (ours, theirs):
        sock.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def told(story: Callable[[EarlyLoop, list[str]], Coroutine[Any, Any, None]]) -> list[str]:
    """What `story` notes, and what the loop's exception handler hears."""
    notes: list[str] = []

    async def run() -> None:
        loop = running_loop()
        loop.set_exception_handler(lambda _, context: notes.append(repr(context["exception"])))
        await asyncio.wait_for(story(loop, notes), 10)

    early_loop.run(run())
    return notes


async def until(notes: list[str], length: int) -> None:
    while len(notes) < length:
        await asyncio.sleep(0)


@pytest.mark.parametrize(("answered", "heard"), [(True, ["look"]), (False, ["look", "reader"])])
def test_the_loop_hears_of_input_only_where_a_look_was_not_enough(
    pair: tuple[socket.socket, socket.socket], answered: bool, heard: list[str]
) -> None:
    ours, theirs = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        def look() -> bool:
            notes.append("look")
            if answered:
                ours.recv(10)
            return answered

        def reader() -> None:
            notes.append("reader")
            ours.recv(10)

        loop.looks[ours.fileno()] = look
        loop.add_reader(ours.fileno(), reader)
        theirs.send(b"x")
        await until(notes, len(heard))
        for _ in range(3):
            await asyncio.sleep(0)  # time for one call too many
        loop.remove_reader(ours.fileno())

    assert told(story) == heard


def test_a_look_that_breaks_is_told_and_the_loop_goes_on(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        def broken() -> bool:
            raise ValueError("a bug")

        def reader() -> None:
            notes.append("reader")
            ours.recv(10)

        loop.looks[ours.fileno()] = broken
        loop.add_reader(ours.fileno(), reader)
        theirs.send(b"x")
        await until(notes, 2)
        loop.remove_reader(ours.fileno())

    assert told(story) == ["ValueError('a bug')", "reader"]


@pytest.mark.parametrize("later_s", [None, 0.02], ids=["soon", "later"])
def test_the_loop_has_its_turn_when_a_look_has_given_it_something_to_do(
    pair: tuple[socket.socket, socket.socket], later_s: float | None
) -> None:
    ours, theirs = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        done = asyncio.Event()

        def look() -> bool:
            ours.recv(1)
            loop.call_soon(done.set) if later_s is None else loop.call_later(later_s, done.set)
            return True

        loop.add_reader(ours.fileno(), lambda: None)
        loop.looks[ours.fileno()] = look
        threading.Timer(0.05, theirs.send, (b"x",)).start()  # when nothing else is left to do for the loop
        began_s = loop.time()
        await done.wait()
        assert loop.time() - began_s < 5  # and not when a timer of somebody else's goes off
        del loop.looks[ours.fileno()]
        loop.remove_reader(ours.fileno())

    told(story)


def test_a_timer_goes_off_and_threads_are_heard_however_much_input_comes(
    pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        looked, began_s = 0, loop.time()

        def look() -> bool:
            nonlocal looked
            ours.recv(1)
            theirs.send(b"x")
            looked += 1
            return loop.time() - began_s < 6

        loop.add_reader(ours.fileno(), lambda: None)
        loop.looks[ours.fileno()] = look
        theirs.send(b"x")
        await asyncio.sleep(0.05)
        timer_s, seen = loop.time() - began_s, looked
        notes.append(await loop.run_in_executor(None, lambda: "from a thread"))
        del loop.looks[ours.fileno()]
        loop.remove_reader(ours.fileno())
        assert 0.05 <= timer_s < 5
        assert seen > 10

    assert told(story) == ["from a thread"]


def test_who_has_been_ended_in_the_same_turn_is_not_called_any_more(
    pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        def end_both(name: str) -> bool:
            notes.append(name)
            for sock in pair:
                loop.looks.pop(sock.fileno(), None)
                loop.remove_reader(sock.fileno())
            return True

        for name, sock in (("first", ours), ("second", theirs)):
            loop.add_reader(sock.fileno(), lambda: notes.append("reader"))
            loop.looks[sock.fileno()] = lambda name=name: end_both(name)
        ours.send(b"x")
        theirs.send(b"x")
        await until(notes, 1)
        for _ in range(3):
            await asyncio.sleep(0)

    assert len(told(story)) == 1


@pytest.mark.parametrize("reads", [True, False], ids=["beside a reader", "alone"])
def test_a_push_is_called_while_bytes_are_taken_and_not_after_its_end(
    pair: tuple[socket.socket, socket.socket], reads: bool
) -> None:
    ours, theirs = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        def push() -> None:
            notes.append("push")
            if len(notes) == 3:
                loop.stop_pushing(ours.fileno())

        if reads:
            loop.add_reader(ours.fileno(), lambda: notes.append(ours.recv(10).decode()))
        loop.push_when_writable(ours.fileno(), push)
        await until(notes, 3)
        for _ in range(3):
            await asyncio.sleep(0)
        loop.stop_pushing(ours.fileno())  # once more is no mistake
        if reads:
            theirs.send(b"x")
            await until(notes, 4)
        assert loop.remove_reader(ours.fileno()) is reads
        assert not loop.remove_writer(ours.fileno())

    assert told(story) == ["push"] * 3 + ["x"] * reads


def test_input_is_heard_while_a_push_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        try:
            while True:
                ours.send(b"x" * 65536)
        except BlockingIOError:
            pass  # now nothing is taken until the other side reads
        loop.add_reader(ours.fileno(), lambda: notes.append(ours.recv(10).decode()))
        loop.push_when_writable(ours.fileno(), lambda: notes.append("push"))
        theirs.send(b"y")
        await until(notes, 1)
        loop.stop_pushing(ours.fileno())
        loop.remove_reader(ours.fileno())

    assert told(story) == ["y"]


def test_the_loops_own_writers_are_called_as_ever(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        loop.add_writer(ours.fileno(), lambda: notes.append("writer"))
        await until(notes, 2)
        loop.remove_writer(ours.fileno())

    assert set(told(story)) == {"writer"}


def test_another_kind_of_loop_is_refused_by_name() -> None:
    async def ask() -> None:
        running_loop()

    with pytest.raises(TypeError, match="wanted EarlyLoop"):
        asyncio.run(ask())


def test_a_push_that_the_kernel_cannot_watch_for_is_refused_and_forgotten(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = pair

    async def story(loop: EarlyLoop, notes: list[str]) -> None:
        with monkeypatch.context() as without_memory:
            without_memory.setattr(loop._early, "register", _refuse)
            with pytest.raises(OSError, match="memory"):
                loop.push_when_writable(ours.fileno(), lambda: notes.append("push"))
        loop.stop_pushing(ours.fileno())
        loop.add_writer(ours.fileno(), lambda: notes.append("another's"))
        await until(notes, 1)
        loop.remove_writer(ours.fileno())

    assert told(story) == ["another's"]


def _refuse(*_: object) -> None:
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


@pytest.mark.parametrize("what", ["selectors.EpollSelector._selector_cls", "os.dup", "socket.socketpair"])
def test_where_there_can_be_no_loop_nothing_is_left_of_it(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    monkeypatch.setattr(what, _refuse)
    before = len(os.listdir("/proc/self/fd"))

    async def never() -> None:
        raise AssertionError

    with pytest.raises(OSError, match="memory"):
        early_loop.run(never())
    gc.collect()

    assert complaints == []
    assert len(os.listdir("/proc/self/fd")) == before
