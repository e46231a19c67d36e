"""When a failing check counts, and what well and ready add up to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dtr_content_cache.settings.model import FileCheck, HttpCheck, TcpCheck
from dtr_content_cache.settings.model import Health as HealthSettings
from dtr_content_cache.values.failures import StorageBroken
from dtr_content_cache.web.health import Check, Health

NOTHING = HealthSettings(None, 3, (), (), ())


class Answers:
    """A check whose answers a test decides."""

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers = list(answers)

    async def __call__(self) -> str | None:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def failures_of(threshold: int, *answers: str | Exception | None) -> list[str | None]:
    async def story() -> list[str | None]:
        check = Check("x", Answers(*answers), 10, threshold)
        assert check.failure is None
        found = []
        for _ in answers:
            await check.run()
            found.append(check.failure)
        return found

    return asyncio.run(story())


def test_a_check_fails_after_as_many_bad_answers_in_a_row_as_its_threshold() -> None:
    assert failures_of(3, "a", "b", None, "c", "d", "e", "f", None) == [None] * 5 + ["e", "f", None]


@pytest.mark.parametrize("threshold", [0, 1])
def test_without_a_threshold_the_first_bad_answer_counts(threshold: int) -> None:
    assert failures_of(threshold, "a", None, "b") == ["a", None, "b"]


def test_a_check_that_breaks_is_no_proof_of_health() -> None:
    assert failures_of(1, ValueError("secret"), None) == ["the check itself failed: ValueError", None]


def test_a_cache_without_checks_is_well(tmp_path: Path) -> None:
    health = Health(NOTHING, lambda: None, {})
    asyncio.run(health.ask_once())
    assert (health.failures(), health.ready(), health.out_of_service()) == ({}, {}, False)


def test_checks_have_the_registrys_names(tmp_path: Path) -> None:
    def broken() -> None:
        raise StorageBroken("writing: EIO")

    switch = tmp_path / "switch"
    switch.touch()
    settings = HealthSettings(
        10, 1, (FileCheck(switch, 10),),
        (HttpCheck("http://127.0.0.1:1/", (), 200, 1, 10, 1),), (TcpCheck("127.0.0.1:1", 1, 10, 1),),
    )  # fmt: skip
    health = Health(settings, broken, {})
    asyncio.run(health.ask_once())
    assert health.failures() == {
        str(switch): "file exists",
        "storagedriver_filesystem": "writing: EIO",
        "http://127.0.0.1:1/": "no answer: Connection refused",
        "127.0.0.1:1": "connection to 127.0.0.1:1 failed: Connection refused",
    }


def test_a_file_takes_the_cache_out_of_service_and_other_failures_do_not(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    settings = HealthSettings(None, 3, (FileCheck(switch, 10),), (), (TcpCheck("127.0.0.1:1", 1, 10, 1),))
    health = Health(settings, lambda: None, {})
    asyncio.run(health.ask_once())
    assert health.failures()
    assert not health.out_of_service()
    switch.touch()
    asyncio.run(health.ask_once())
    assert health.out_of_service()


def test_ready_is_well_and_every_condition_met(tmp_path: Path) -> None:
    switch = tmp_path / "switch"
    reasons: dict[str, str | None] = {"draining": None, "discovery": "no discovery document yet"}
    conditions = {name: (lambda name=name: reasons[name]) for name in reasons}
    health = Health(HealthSettings(None, 3, (FileCheck(switch, 10),), (), ()), lambda: None, conditions)
    assert health.failures() == {}
    assert health.ready() == {"discovery": "no discovery document yet"}
    reasons["discovery"] = None
    assert health.ready() == {}
    switch.touch()
    reasons["draining"] = "draining"
    asyncio.run(health.ask_once())
    assert health.ready() == {str(switch): "file exists", "draining": "draining"}


def test_fresh_is_ready_and_lately_told_so_by_an_upstream(tmp_path: Path) -> None:
    reasons: dict[str, str | None] = {"draining": None, "discovery": "no document yet", "upstream": "not trusted"}
    ask = {name: (lambda name=name: reasons[name]) for name in reasons}
    upstream = {"discovery": ask.pop("upstream")}
    health = Health(NOTHING, lambda: None, ask, freshness=upstream)
    assert health.fresh() == health.ready() == {"discovery": "no document yet"}
    reasons["discovery"] = None
    assert health.ready() == {}
    assert health.fresh() == {"discovery": "not trusted"}
    reasons["upstream"] = None
    assert health.fresh() == {}


def test_each_check_is_asked_at_once_and_then_at_its_own_interval(tmp_path: Path) -> None:
    async def story() -> None:
        waits: asyncio.Queue[tuple[float, asyncio.Future[None]]] = asyncio.Queue()

        def pause(seconds: float) -> asyncio.Future[None]:
            future = asyncio.get_running_loop().create_future()
            waits.put_nowait((seconds, future))
            return future

        switch = tmp_path / "switch"
        settings = HealthSettings(7, 1, (FileCheck(switch, 5),), (), ())
        before = asyncio.all_tasks()
        health = Health(settings, lambda: None, {}, pause)
        health.start()
        first, second = await waits.get(), await waits.get()
        assert {first[0], second[0]} == {5, 7}
        switch.touch()
        assert health.failures() == {}
        for _, future in (first, second):
            future.set_result(None)
        await waits.get()
        await waits.get()
        assert health.failures() == {str(switch): "file exists"}
        await health.stop()
        assert asyncio.all_tasks() == before

    asyncio.run(asyncio.wait_for(story(), 10))
