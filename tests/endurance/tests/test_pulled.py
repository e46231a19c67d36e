"""What the times on a volume must be, because of what clients pulled."""

from __future__ import annotations

from endurance.pulled import Pulled
from endurance.traffic import Seen

ASKED_S, ENDED_S = 1000.0, 1000.5


def _pulled(*fetched: str) -> Pulled:
    """One blob, in a life that was over at 1009."""
    pulled = Pulled()
    pulled.add(Seen(pulled={"a": ASKED_S}, ended={"a": ENDED_S}), fetched, 1009.0)
    return pulled


def test_a_last_pull_may_be_a_second_older_on_the_volume_and_no_more() -> None:
    assert _pulled().lost({"a": ASKED_S - 1.0, "b": 0.0}) == []
    assert _pulled().lost({"a": ASKED_S - 1.5}) == ["a: last pull lost by 1.50s"]


def test_a_start_that_dates_a_blob_anew_is_seen() -> None:
    assert _pulled().invented({"a": ENDED_S, "b": 2000.0}) == []
    assert _pulled().invented({"a": 1002.5}) == ["a: noted 2.00s after its last pull was over"]


def test_a_blob_that_was_fetched_may_be_stored_until_its_life_ends() -> None:
    assert _pulled("a").invented({"a": 1008.0}) == []
    assert _pulled("a").invented({"a": 1010.0}) == ["a: noted 1.00s after its last pull was over"]


def test_a_blob_that_went_takes_its_last_pull_with_it() -> None:
    pulled = _pulled()
    pulled.forget("a")
    pulled.forget("a")

    assert pulled.lost({"a": 0.0}) == []
