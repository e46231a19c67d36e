"""How the parts are joined: events reach their listeners on the loop whichever thread tells them; a read-only storage
is not written to; limits are the settings'."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
import yaml
from doubles.running_cache import simple_config
from dtr_content_cache.assembly import Parts, limits_of
from dtr_content_cache.settings import load
from dtr_content_cache.telling import Telling
from dtr_content_cache.values.events import Event, StorageTrouble
from dtr_content_cache.values.failures import StorageBroken

EVENT = StorageTrouble("testing", "an event")


def parts(folder: Path, **storage: object) -> Parts:
    config = simple_config(folder / "volume", ["https://dtr.example.com"], maxsize="1GB", minfree="10%")
    config["storage"].update(storage)
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(config))
    return Parts(load(path, {}))


def test_an_event_is_heard_on_the_loop_whichever_thread_tells_it() -> None:
    heard: list[tuple[Event, int]] = []

    async def run() -> None:
        tell = Telling((lambda event: heard.append((event, threading.get_ident())),))
        tell(EVENT)
        await asyncio.to_thread(tell, EVENT)
        async with asyncio.timeout(5):
            while len(heard) < 2:
                await asyncio.sleep(0)

    asyncio.run(run())

    assert heard == [(EVENT, threading.get_ident())] * 2


def test_an_event_after_the_end_of_the_loop_is_nobodys() -> None:
    heard: list[Event] = []

    async def run() -> Telling:
        return Telling((heard.append,))

    tell = asyncio.run(run())
    teller = threading.Thread(target=tell, args=(EVENT,))
    teller.start()
    teller.join(5)

    assert heard == []


def test_a_volume_is_made_ready_before_anything_listens(tmp_path: Path) -> None:
    async def run() -> None:
        parts(tmp_path).build()

    asyncio.run(run())

    assert (tmp_path / "volume/content-cache/unfinished").is_dir()


def test_a_read_only_volume_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()

    async def run() -> None:
        made = parts(tmp_path, maintenance={"readonly": {"enabled": True}})
        made.build()
        assert not made.space.may_write
        made._probe_storage()

    asyncio.run(run())

    assert list((tmp_path / "volume").iterdir()) == []


def test_a_volume_that_cannot_be_used_is_told_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "volume").write_text("a file")

    async def run() -> None:
        with pytest.raises(StorageBroken) as broken:
            parts(tmp_path).build()
        assert str(tmp_path) not in str(broken.value)

    asyncio.run(run())


def test_the_limits_are_the_settings(tmp_path: Path) -> None:
    async def run() -> None:
        limits = limits_of(parts(tmp_path).settings.downstream)
        assert (limits.ttl_s, limits.max_size_bytes) == (86400, 10**9)
        assert limits.reserve_bytes(1000) == 100

    asyncio.run(run())
