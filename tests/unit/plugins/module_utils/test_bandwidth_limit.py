"""A rate that holds for all downloads together."""

from __future__ import annotations

from ansible_collections.dtr.caches.plugins.module_utils.bandwidth_limit import LARGEST_PIECE, BandwidthLimit


class Clock:
    """Time that only sleeping moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_bytes_take_the_time_that_the_rate_allows():
    clock = Clock()
    limit = BandwidthLimit(1000, clock, clock.sleep)
    for _piece in range(20):
        limit.spent(250)
    assert clock.now == 105.0


def test_time_in_which_nothing_came_is_not_saved_up():
    clock = Clock()
    limit = BandwidthLimit(1000, clock, clock.sleep)
    clock.sleep(60)
    limit.spent(1000)
    assert clock.now == 161.0


def test_two_that_read_at_once_wait_for_each_other():
    waits = []
    limit = BandwidthLimit(1000, lambda: 0.0, waits.append)
    limit.spent(1000)
    limit.spent(1000)
    assert waits == [1.0, 2.0]


def test_no_limit_never_waits_and_pieces_fit_the_rate():
    limit = BandwidthLimit(0, lambda: 0.0, None)
    limit.spent(10**9)
    assert limit.piece == LARGEST_PIECE
    assert BandwidthLimit(8192, lambda: 0.0, None).piece == 2048
    assert BandwidthLimit(1024, lambda: 0.0, None).piece == 1024
