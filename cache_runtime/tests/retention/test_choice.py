"""Who must go: tables, and what holds for any table."""

from __future__ import annotations

import pytest
from dtr_content_cache.retention.choice import (
    EXPIRED_AT_LEAST_PER_SWEEP,
    EXPIRED_SHARE_PER_SWEEP,
    Limits,
    bytes_over,
    expired,
    idle_s,
)
from dtr_content_cache.storage import StoredBlob
from dtr_content_cache.values.digest import Digest
from hypothesis import given
from hypothesis import strategies as st

NOW_S = 1_000_000.0
sizes = st.integers(0, 10**15)


def blob(pulled_s: float) -> StoredBlob:
    return StoredBlob(Digest("a" * 64), 10, pulled_s)


def limits(**changes: object) -> Limits:
    return Limits(
        **({"ttl_s": None, "max_size_bytes": None, "min_free_fraction": None, "min_free_bytes": None} | changes)
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pulled_before_s", "ttl_s", "goes"),
    [(10.1, 10, True), (10, 10, False), (9.9, 10, False), (0, 10, False), (-5, 10, False), (1, 24e-9, True)],
)
def test_a_blob_goes_when_its_last_pull_is_longer_ago_than_the_ttl(
    pulled_before_s: float, ttl_s: float, goes: bool
) -> None:
    assert bool(expired([blob(NOW_S - pulled_before_s)], NOW_S, ttl_s, 1)) is goes


@pytest.mark.parametrize("blobs", [1, 99, 100, 101, 2000, 2001, 100_000])
def test_a_sweep_takes_at_most_its_share_however_old_all_blobs_look(blobs: int) -> None:
    oldest = [blob(0)] * min(blobs, 20_000)

    gone = len(expired(oldest, NOW_S * 1000, 1, blobs))

    assert gone == min(blobs, max(EXPIRED_AT_LEAST_PER_SWEEP, int(blobs * EXPIRED_SHARE_PER_SWEEP)))


@given(st.lists(st.floats(0, 2 * NOW_S), max_size=300), st.floats(1e-9, NOW_S))
def test_who_expires_is_a_prefix_of_the_least_recently_pulled(pulls: list[float], ttl_s: float) -> None:
    oldest = [blob(pulled_s) for pulled_s in sorted(pulls)]

    gone = expired(oldest, NOW_S, ttl_s, len(oldest))

    assert gone == oldest[: len(gone)]
    assert all(idle_s(one, NOW_S) > ttl_s for one in gone)
    if len(gone) < EXPIRED_AT_LEAST_PER_SWEEP:
        assert all(idle_s(one, NOW_S) <= ttl_s for one in oldest[len(gone) :])


@pytest.mark.parametrize(
    ("limit", "numbers", "over"),
    [
        # used, pledged, unwritten, wanted, total, free
        ({"max_size_bytes": 100}, (60, 0, 0, 40, 1000, 900), (0, "")),
        ({"max_size_bytes": 100}, (60, 0, 0, 41, 1000, 900), (1, "maxsize")),
        ({"max_size_bytes": 100}, (60, 30, 30, 20, 1000, 900), (10, "maxsize")),
        ({"max_size_bytes": 100}, (None, 0, 0, 500, 1000, 900), (0, "")),
        ({"min_free_fraction": 0.1}, (0, 0, 0, 100, 1000, 200), (0, "")),
        ({"min_free_fraction": 0.1}, (0, 0, 0, 101, 1000, 200), (1, "minfree")),
        ({"min_free_bytes": 50}, (0, 0, 100, 60, 1000, 200), (10, "minfree")),
        ({"min_free_bytes": 50}, (0, 100, 0, 60, 1000, 200), (0, "")),
        ({"min_free_bytes": 50, "max_size_bytes": 100}, (100, 0, 0, 60, 1000, 60), (60, "maxsize")),
        ({"min_free_bytes": 90, "max_size_bytes": 100}, (60, 0, 0, 60, 1000, 60), (90, "minfree")),
    ],
)
def test_what_must_be_freed_before_the_wanted_bytes_fit(
    limit: dict[str, object], numbers: tuple[int, int, int, int, int, int], over: tuple[int, str]
) -> None:
    used, pledged, unwritten, wanted, total, free = numbers

    found = bytes_over(
        limits(**limit),
        used=used, pledged=pledged, unwritten=unwritten, wanted=wanted, volume_total=total, volume_free=free,
    )  # fmt: skip

    assert found == over


@given(sizes, sizes, sizes, sizes, sizes, sizes, sizes)
def test_freeing_what_is_asked_makes_the_wanted_bytes_fit(
    used: int, pledged: int, unwritten: int, wanted: int, free: int, max_size: int, min_free: int
) -> None:
    limit = limits(max_size_bytes=max_size, min_free_bytes=min_free)
    fixed = {"pledged": pledged, "unwritten": unwritten, "wanted": wanted, "volume_total": 10**16}

    over, reason = bytes_over(limit, used=used, volume_free=free, **fixed)

    assert over >= 0
    assert (reason == "") == (over == 0)
    assert bytes_over(limit, used=used - over, volume_free=free + over, **fixed) == (0, "")
    if over:
        less = over - 1
        assert bytes_over(limit, used=used - less, volume_free=free + less, **fixed)[0] == 1


@pytest.mark.parametrize(
    ("changes", "wanted", "refusal"),
    [
        ({}, 1000, ""),
        ({}, 1001, "the blob is larger than the volume without minfree"),
        ({"min_free_bytes": 100}, 900, ""),
        ({"min_free_bytes": 100}, 901, "the blob is larger than the volume without minfree"),
        ({"min_free_fraction": 0.25}, 750, ""),
        ({"min_free_fraction": 0.25}, 751, "the blob is larger than the volume without minfree"),
        ({"max_size_bytes": 500}, 500, ""),
        ({"max_size_bytes": 500}, 501, "the blob is larger than maxsize"),
    ],
)
def test_what_would_not_fit_on_an_empty_volume_is_refused(
    changes: dict[str, object], wanted: int, refusal: str
) -> None:
    assert limits(**changes).refusal(wanted, 1000) == refusal
