"""Lines to pipes that nobody reads, that are full, or gone."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dtr_content_cache.observation.outlet import Outlet


@dataclass
class Pipe:
    reading: int
    writing: int

    def read_all(self) -> bytes:
        os.set_blocking(self.reading, False)
        found = b""
        try:
            while piece := os.read(self.reading, 1 << 20):
                found += piece
        except BlockingIOError:
            pass
        return found


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 8192)
    yield Pipe(reading, writing)
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            pass


def test_without_a_loop_a_line_is_there_at_once(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writing)
    outlet.write("first")
    outlet.write("sécond")
    assert pipe.read_all() == "first\nsécond\n".encode()


def test_a_pipe_that_nobody_reads_does_not_make_us_wait_and_loses_whole_lines_only(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writing, limit_bytes=10_000)
    lines = [f"{number:04d}" + "x" * 95 for number in range(1_000)]
    for line in lines:  # 100 000 bytes into 8 192 of pipe and 10 000 of buffer
        outlet.write(line)
    assert outlet.dropped_total > 700
    found = b""
    while piece := pipe.read_all():
        found += piece
        outlet.flush()
    told = found.decode().splitlines()
    kept = 1_000 - outlet.dropped_total
    assert told[:kept] == lines[:kept]
    assert told[kept:] == [f"{outlet.dropped_total} log lines were dropped: nobody read them"]


def test_after_the_reader_came_back_lines_get_through_again(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writing, limit_bytes=1_000)
    for _ in range(200):
        outlet.write("y" * 99)
    dropped = outlet.dropped_total
    assert dropped > 0
    while pipe.read_all():
        outlet.flush()
    outlet.write("again")
    assert pipe.read_all() == b"again\n"
    assert outlet.dropped_total == dropped


def test_a_reader_that_went_away_harms_nobody(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writing)
    os.close(pipe.reading)
    for _ in range(3):
        outlet.write("nobody hears")
    assert outlet.dropped_total >= 3


def test_a_descriptor_that_is_closed_harms_nobody(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writing)
    os.close(pipe.writing)
    outlet.write("nobody hears")
    assert outlet.dropped_total == 1


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        outlet = Outlet(descriptor)
        outlet.write("lost")
        assert outlet.dropped_total == 1
    finally:
        os.close(descriptor)


def test_the_descriptor_stays_in_blocking_mode_because_others_share_it(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writing)
    outlet.write("x")
    assert os.get_blocking(pipe.writing)


def test_on_a_loop_the_lines_of_a_moment_leave_together_without_being_asked(tmp_path: Path) -> None:
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def story() -> None:
        outlet = Outlet(descriptor)
        outlet.use_loop(asyncio.get_running_loop())
        for number in range(100):
            outlet.write(str(number))
        assert path.read_bytes() == b""
        async with asyncio.timeout(5):
            while not path.read_bytes():
                await asyncio.sleep(0.005)
        assert path.read_text().splitlines() == [str(number) for number in range(100)]

    asyncio.run(story())
    os.close(descriptor)


def test_on_a_loop_what_a_full_pipe_did_not_take_follows_later_by_itself(pipe: Pipe) -> None:
    async def story() -> None:
        outlet = Outlet(pipe.writing)
        outlet.use_loop(asyncio.get_running_loop())
        wanted = b"".join(b"%05d" % number + b"x" * 94 + b"\n" for number in range(300))
        for line in wanted.decode().splitlines():
            outlet.write(line)
        found = b""
        async with asyncio.timeout(10):
            while len(found) < len(wanted):
                found += pipe.read_all()
                await asyncio.sleep(0.01)
        assert found == wanted

    asyncio.run(story())


def test_leaving_the_loop_writes_what_is_left_and_a_closed_loop_harms_nobody(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writing)

    async def story() -> None:
        outlet.use_loop(asyncio.get_running_loop())
        outlet.write("before")
        outlet.use_loop(None)
        assert pipe.read_all() == b"before\n"
        outlet.use_loop(asyncio.get_running_loop())

    asyncio.run(story())
    outlet.write("after")
    outlet.flush()
    assert pipe.read_all() == b"after\n"
