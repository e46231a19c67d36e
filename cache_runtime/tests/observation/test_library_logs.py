"""What a library logs is a line of our log: at a level that fits, from any thread, never past it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
from dtr_content_cache.observation.library_logs import LibraryLogs


def said_after(act: Callable[[logging.Logger], None], name: str) -> list[tuple[str, str, dict]]:
    heard: list[tuple[str, str, dict]] = []

    async def run() -> None:
        logger = logging.getLogger(name)
        handler = LibraryLogs(lambda level, message, fields=None: heard.append((level, message, fields)), loop())
        logger.addHandler(handler)
        try:
            await asyncio.to_thread(act, logger)
            await asyncio.sleep(0)
        finally:
            logger.removeHandler(handler)

    loop = asyncio.get_running_loop
    asyncio.run(run())
    return heard


@pytest.mark.parametrize(
    ("name", "level", "ours"),
    [("tornado.general", "warning", "debug"), ("tornado.general", "error", "error"), ("asyncio", "warning", "warn")],
)
def test_it_has_a_level_that_fits(name: str, level: str, ours: str) -> None:
    said = said_after(lambda logger: getattr(logger, level)("SSL Error on %s", 7), name)

    assert said == [(ours, "SSL Error on 7", {"library": name})]


def test_a_traceback_comes_along_as_a_field() -> None:
    def act(logger: logging.Logger) -> None:
        try:
            raise ValueError("a bug")
        except ValueError:
            logger.exception("Exception in callback")

    ((level, message, fields),) = said_after(act, "asyncio")

    assert (level, message) == ("error", "Exception in callback")
    assert "ValueError: a bug" in fields["traceback"]


def test_what_is_only_information_is_left_out() -> None:
    assert said_after(lambda logger: logger.info("hello"), "tornado.access") == []


def test_after_the_end_of_the_loop_nothing_is_said_and_nothing_raised() -> None:
    loop = asyncio.new_event_loop()
    loop.close()

    record = logging.makeLogRecord({"msg": "late", "levelno": logging.ERROR})
    LibraryLogs(lambda *_: pytest.fail("nobody listens"), loop).emit(record)
