"""An upstream's yes counts for the identical credentials, repository and digest, for its time, and for nothing else."""

from __future__ import annotations

import itertools

import pytest
from doubles.clock import HandMovedClock
from dtr_content_cache.admission.verdicts import RememberedVerdicts
from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.digest import Digest

ADDRESS = BlobAddress("org/app", Digest("a" * 64))


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


def test_a_yes_is_remembered_for_its_time_and_not_a_moment_longer(clock: HandMovedClock) -> None:
    verdicts = RememberedVerdicts(clock, 60)
    verdicts.remember("Bearer t", ADDRESS)

    clock.advance(59.9)
    assert verdicts.remembers("Bearer t", ADDRESS)
    clock.advance(0.1)
    assert not verdicts.remembers("Bearer t", ADDRESS)
    assert not verdicts.remembers("Bearer t", ADDRESS), "it is forgotten, not only passed over"


def test_asking_does_not_prolong_it(clock: HandMovedClock) -> None:
    verdicts = RememberedVerdicts(clock, 60)
    verdicts.remember("Bearer t", ADDRESS)
    for _ in range(3):
        clock.advance(20)
        remembered = verdicts.remembers("Bearer t", ADDRESS)

    assert not remembered


@pytest.mark.parametrize("ttl_s", [0, -1])
def test_without_a_time_nothing_is_remembered(clock: HandMovedClock, ttl_s: float) -> None:
    verdicts = RememberedVerdicts(clock, ttl_s)
    verdicts.remember("Bearer t", ADDRESS)

    assert not verdicts.remembers("Bearer t", ADDRESS)


@pytest.mark.parametrize(
    ("credentials", "address"),
    [
        ("Bearer u", ADDRESS),
        ("bearer t", ADDRESS),
        ("Bearer t ", ADDRESS),
        ("", ADDRESS),
        ("Bearer t", BlobAddress("org/other", ADDRESS.digest)),
        ("Bearer t", BlobAddress("org/app2", ADDRESS.digest)),
        ("Bearer t", BlobAddress("org/app", Digest("b" * 64))),
    ],
)
def test_other_credentials_another_repository_or_another_blob_are_asked_anew(
    clock: HandMovedClock, credentials: str, address: BlobAddress
) -> None:
    verdicts = RememberedVerdicts(clock, 60)
    verdicts.remember("Bearer t", ADDRESS)

    assert not verdicts.remembers(credentials, address)


def test_no_way_of_cutting_credentials_and_repository_apart_makes_two_the_same(clock: HandMovedClock) -> None:
    for cut, other in itertools.permutations(range(1, 8), 2):
        text = "1:org/app"
        verdicts = RememberedVerdicts(clock, 60)
        verdicts.remember(text[:cut], BlobAddress(text[cut:], ADDRESS.digest))

        assert not verdicts.remembers(text[:other], BlobAddress(text[other:], ADDRESS.digest))


def test_credentials_that_no_header_could_hold_are_a_key_like_any_other(clock: HandMovedClock) -> None:
    verdicts = RememberedVerdicts(clock, 60)
    verdicts.remember("Bearer \xff\n☃", ADDRESS)

    assert verdicts.remembers("Bearer \xff\n☃", ADDRESS)


def test_the_memory_is_bounded_and_the_longest_unconfirmed_goes_first(clock: HandMovedClock) -> None:
    verdicts = RememberedVerdicts(clock, 60, limit=2)
    for credentials in ("one", "two", "one", "three"):
        verdicts.remember(credentials, ADDRESS)

    assert [verdicts.remembers(name, ADDRESS) for name in ("one", "two", "three")] == [True, False, True]


def test_the_credentials_themselves_are_kept_nowhere(clock: HandMovedClock) -> None:
    verdicts = RememberedVerdicts(clock, 60)
    verdicts.remember("Bearer canary-in-a-token", ADDRESS)

    assert "canary" not in repr(vars(verdicts))
