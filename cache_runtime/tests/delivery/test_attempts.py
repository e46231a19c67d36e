"""What upstreams' answers mean together: every combination, in every order; when a further round is worth it."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest
from doubles.clock import HandMovedClock
from dtr_content_cache.delivery import attempts
from dtr_content_cache.delivery.attempts import Attempts, HopDenied, HopUnknown, conclude, judge_status, pause_s
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.response_head import HopFailed, ResponseHead
from dtr_content_cache.upstream.turns import Turns
from dtr_content_cache.values.events import Event, UpstreamFailed, UpstreamRecovered
from dtr_content_cache.values.failures import BlobUnknown, CircleRefused, UpstreamDenied, UpstreamUnavailable

ONE, TWO = Upstream("http", "one", 80), Upstream("http", "two", 80)
CACHE = replace(ONE, host="cache", authoritative=False)
MEANING = {
    **dict.fromkeys((200, 206), "yes"),
    **dict.fromkeys((404, 410), "unknown"),
    **dict.fromkeys((401, 403), "denied"),
    **dict.fromkeys((204, 299, 301, 302, 304, 307, 400, 405, 408, 416, 418, 421, 425, 429, 500, 501, 502), "failed"),
    **dict.fromkeys((503, 504, 507, 511, 599, 999), "failed"),
}


def _meaning(status: int) -> str:
    try:
        judge_status(ResponseHead(status, 1, (), 0, False))
    except HopUnknown:
        return "unknown"
    except HopDenied:
        return "denied"
    except HopFailed:
        return "failed"
    return "yes"


@pytest.mark.parametrize("status", MEANING)
def test_each_status_means_one_of_four_things(status: int) -> None:
    assert _meaning(status) == MEANING[status]


class _Script:
    """Upstreams that answer with these statuses, the same one each time or one after the other."""

    def __init__(self, statuses: dict[Upstream, list[int]], retry_after_s: int | None = None) -> None:
        self.events: list[Event] = []
        self.attempts = Attempts(Turns(statuses, HandMovedClock()), self.events.append, lambda: "")
        self.asked: list[Upstream] = []
        self._statuses, self._retry_after_s = statuses, retry_after_s

    async def attempt(self, hop: Upstream) -> None:
        self.asked.append(hop)
        statuses = self._statuses[hop]
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        headers = (("retry-after", str(self._retry_after_s)),) if self._retry_after_s else ()
        judge_status(ResponseHead(status, 1, headers, 0, False))

    def outcome(self) -> str:
        try:
            asyncio.run(self.attempts.until_answered(self.attempt))
        except BlobUnknown:
            return "unknown"
        except UpstreamDenied:
            return "denied"
        except CircleRefused:
            return "circle"
        except UpstreamUnavailable:
            return "failed"
        return "yes"


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.product((200, 404, 410, 401, 403, 429, 500, 503), repeat=2))
)
def test_two_upstreams_in_either_order(first: int, second: int) -> None:
    meanings = {MEANING[first], MEANING[second]}
    expected = next(meaning for meaning in ("yes", "failed", "denied", "unknown") if meaning in meanings)

    assert _Script({ONE: [first], TWO: [second]}).outcome() == expected


@pytest.mark.parametrize("cache_says", [404, 403, 500])
@pytest.mark.parametrize(
    ("origin_says", "expected"), [(404, "unknown"), (403, "denied"), (200, "yes"), (500, "failed")]
)
def test_a_cache_has_no_say_beside_an_origin(cache_says: int, origin_says: int, expected: str) -> None:
    script = _Script({CACHE: [cache_says], ONE: [origin_says]})

    assert script.outcome() == expected
    if expected in ("unknown", "denied"):
        assert script.asked == [CACHE, ONE]


def test_an_upstream_that_recovers_is_noticed_within_the_rounds() -> None:
    script = _Script({ONE: [500, 500, 500, 200]})

    assert script.outcome() == "yes"
    assert len(script.asked) == 4


def test_rounds_end() -> None:
    script = _Script({ONE: [500], TWO: [502]})

    assert script.outcome() == "failed"
    assert len(script.asked) == 8


def test_who_asks_to_be_left_alone_is_asked_once_and_its_wish_is_passed_on() -> None:
    script = _Script({ONE: [503]}, retry_after_s=30)

    with pytest.raises(UpstreamUnavailable) as raised:
        asyncio.run(script.attempts.until_answered(script.attempt))

    assert raised.value.retry_after_s == 30
    assert script.asked == [ONE]


def test_a_failure_after_a_gain_goes_back_to_the_caller_and_rests_the_upstream() -> None:
    script, position = _Script({ONE: [200], TWO: [200]}), 0

    async def attempt(hop: Upstream) -> None:
        nonlocal position
        position += 1
        raise HopFailed("broke")

    asyncio.run(script.attempts.until_answered(attempt, lambda: position))

    assert [type(event) for event in script.events] == [UpstreamFailed]
    assert script.attempts.order()[0] == TWO


def test_who_leads_in_a_circle_is_asked_once_and_the_others_again() -> None:
    script = _Script({ONE: [508], TWO: [500, 500, 200]})

    assert script.outcome() == "yes"
    assert sorted(script.asked, key=lambda hop: hop.host) == [ONE, TWO, TWO, TWO]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(508, 508, "circle"), (508, 404, "circle"), (508, 403, "circle"), (508, 500, "failed"), (508, 200, "yes")],
)
def test_a_circle_is_neither_a_no_nor_worth_a_second_question(first: int, second: int, expected: str) -> None:
    script = _Script({ONE: [first], TWO: [second]})

    assert script.outcome() == expected
    if expected == "circle":
        assert len(script.asked) == 2


def test_those_who_led_astray_are_asked_after_all_others() -> None:
    script = _Script({ONE: [200], TWO: [200]})
    for _ in range(4):
        assert script.attempts.order(last={ONE}) == [TWO, ONE]


def test_an_upstream_that_is_no_longer_configured_is_neither_rested_nor_a_fault() -> None:
    script = _Script({ONE: [200]})
    script.attempts.failed(TWO, HopFailed("gone"))
    script.attempts.succeeded(TWO)

    assert [event.rest_s for event in script.events if isinstance(event, UpstreamFailed)] == [0.0]


def test_conclusions_wait_as_long_as_an_authority_failed() -> None:
    failed, unknown, denied = HopFailed("x"), HopUnknown(), HopDenied()
    conclude({ONE: failed, TWO: unknown})
    conclude({CACHE: unknown, TWO: failed})
    conclude({CACHE: failed})
    conclude({CACHE: failed, replace(CACHE, host="second"): unknown})
    for answers, conclusion in (
        ({ONE: unknown, TWO: denied}, UpstreamDenied),
        ({CACHE: denied, TWO: unknown}, BlobUnknown),
        ({CACHE: unknown}, BlobUnknown),
        ({CACHE: denied}, UpstreamDenied),
    ):
        with pytest.raises(conclusion):
            conclude(answers)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("round_number", "holds_s", "spent_s", "expected"),
    [
        (0, [None], 0, 0.5),
        (1, [None], 0.5, 1.0),
        (2, [None, 30], 1.5, 2.0),  # the other may be better by then
        (3, [None], 3.5, None),  # the last round
        (0, [3, 7], 0, 3),
        (0, [30], 0, None),  # asks for more than a client waits
        (0, [30, 8], 0, 8),
        (0, [10], 0, 10),
        (0, [10.5], 0, None),
        (1, [None], 19.0, 1.0),
        (1, [None], 19.1, None),
        (1, [8], 15, None),  # waited long enough
        (0, [None], 60, 0.5),  # asking took so long itself: the line may have been dead, and be well again
        (0, [8], 60, None),
        (1, [None], 60, None),
    ],
)
def test_how_long_to_wait_before_the_next_round(
    monkeypatch: pytest.MonkeyPatch,
    round_number: int,
    holds_s: list[float | None],
    spent_s: float,
    expected: float | None,
) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.5)

    assert pause_s(round_number, holds_s, spent_s) == expected


@pytest.mark.parametrize(("status", "sentence"), [(407, "^the proxy on the way wants"), (500, "^status 500$")])
def test_a_proxy_that_wants_credentials_is_named_as_such(status: int, sentence: str) -> None:
    with pytest.raises(HopFailed, match=sentence):
        judge_status(ResponseHead(status, 1, (), 0, False))


@pytest.mark.parametrize(("status", "limited"), [(429, True), (503, False)])
def test_only_too_many_requests_is_a_limit(status: int, limited: bool) -> None:
    with pytest.raises(HopFailed) as raised:
        judge_status(ResponseHead(status, 1, (("retry-after", "7"),), 0, False))
    assert (raised.value.limited, raised.value.retry_after_s) == (limited, 7)


def test_whoever_succeeds_after_a_failure_is_told_to_have_recovered_once() -> None:
    script = _Script({ONE: [500, 200]})
    for _ in range(2):
        assert script.outcome() == "yes"
        assert [type(event) for event in script.events] == [UpstreamFailed, UpstreamRecovered]


def test_the_files_of_cas_are_named_for_a_failure_of_tls_and_for_no_other() -> None:
    events: list[Event] = []
    attempts = Attempts(Turns([ONE], HandMovedClock()), events.append, lambda: "/etc/ca.pem")
    attempts.failed(ONE, HopFailed("no trust", tls=True))
    attempts.failed(ONE, HopFailed("status 500"))

    assert [event.consulted for event in events if isinstance(event, UpstreamFailed)] == ["/etc/ca.pem", ""]


def test_an_upstream_that_is_held_is_not_asked_and_its_wish_is_passed_on() -> None:
    script = _Script({ONE: [200]})
    script.attempts.turns.failed(ONE, 5.0, limited=True)

    with pytest.raises(UpstreamUnavailable) as raised:
        asyncio.run(script.attempts.until_answered(script.attempt, rounds=1))
    assert script.asked == []
    assert raised.value.limited


def test_a_single_round_asks_each_once() -> None:
    script = _Script({ONE: [500], TWO: [500]})

    with pytest.raises(UpstreamUnavailable) as raised:
        asyncio.run(script.attempts.until_answered(script.attempt, rounds=1))
    assert len(script.asked) == 2
    assert raised.value.retry_after_s is None


@pytest.mark.parametrize(("statuses", "limited"), [((429, 429), True), ((429, 500), False), ((500, 429), False)])
def test_a_failure_is_a_limit_where_each_upstream_wants_fewer_questions(
    statuses: tuple[int, int], limited: bool
) -> None:
    script = _Script({ONE: [statuses[0]], TWO: [statuses[1]]})

    with pytest.raises(UpstreamUnavailable) as raised:
        asyncio.run(script.attempts.until_answered(script.attempt, rounds=1))
    assert raised.value.limited is limited


def test_no_round_at_all_asks_nobody() -> None:
    script = _Script({ONE: [200]})
    asyncio.run(script.attempts.until_answered(script.attempt, rounds=0))

    assert script.asked == []


@pytest.mark.parametrize("wishes_s", [(30, 60), (60, 30)])
def test_of_several_wishes_the_shortest_is_passed_on(wishes_s: tuple[int, int]) -> None:
    script = _Script({ONE: [503], TWO: [503]})
    wishes = dict(zip((ONE, TWO), wishes_s, strict=True))

    async def attempt(hop: Upstream) -> None:
        raise HopFailed("status 503", wishes[hop])

    with pytest.raises(UpstreamUnavailable) as raised:
        asyncio.run(script.attempts.until_answered(attempt))
    assert raised.value.retry_after_s == 30


def test_between_two_rounds_there_is_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.5)
    monkeypatch.setattr(attempts.asyncio, "sleep", sleep)
    assert _Script({ONE: [500]}).outcome() == "failed"
    assert slept == [0.5, 1.0, 2.0]


def test_a_longer_wish_is_not_forgotten_for_a_shorter_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(seconds: float) -> None:
        pass

    monkeypatch.setattr(attempts.asyncio, "sleep", sleep)
    script = _Script({ONE: [503]})

    async def attempt(hop: Upstream) -> None:
        script.asked.append(hop)
        script.attempts.turns.failed(ONE, 2.0, limited=True)  # as another pull's answer would
        raise HopFailed("status 503", 8)

    with pytest.raises(UpstreamUnavailable) as raised:
        asyncio.run(script.attempts.until_answered(attempt, rounds=2))
    assert (script.asked, raised.value.retry_after_s) == ([ONE], 8)


@pytest.mark.parametrize(("until_s", "passed_on_s"), [(100.0, None), (99.0, None), (100.5, 1), (107.0, 7)])
def test_a_wish_that_has_ended_by_now_is_not_passed_on(
    monkeypatch: pytest.MonkeyPatch, until_s: float, passed_on_s: int | None
) -> None:
    stands = SimpleNamespace(get_running_loop=lambda: SimpleNamespace(time=lambda: 100.0))
    monkeypatch.setattr(attempts, "asyncio", stands)
    answers: attempts.Answers = {ONE: HopFailed("status 503")}

    with pytest.raises(UpstreamUnavailable) as raised:
        _Script({ONE: [503]}).attempts._pause(3, answers, {ONE: until_s}, 0.0, 4).send(None)
    assert raised.value.retry_after_s == passed_on_s
