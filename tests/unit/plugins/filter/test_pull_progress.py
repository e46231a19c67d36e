# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""What people read while a cache is being warmed."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.filter.pull_progress import pull_progress
from ansible_collections.dtr.caches.plugins.plugin_utils.amounts import say_bytes, say_seconds

PLANS = [
    {"image": "org/app:1.0", "blobs": [{"bytes": 300_000_000}, {"bytes": 100_000_000}]},
    {"image": "org/app:2.0", "blobs": [{"bytes": 500_000_000}]},
    {"image": "org/app:3.0", "blobs": [{"bytes": 600_000_000}]},
]


@pytest.mark.parametrize(
    ("done", "seconds", "line"),
    [
        (0, 0, "0 of 3 images, 0 B of 1.5 GB"),
        (1, 40, "org/app:1.0, 1 of 3 images, 400.0 MB of 1.5 GB, 10.0 MB/s, about 2 min left"),
        (2, 60, "org/app:2.0, 2 of 3 images, 900.0 MB of 1.5 GB, 15.0 MB/s, about 40 s left"),
        (3, 100, "org/app:3.0, 3 of 3 images, 1.5 GB of 1.5 GB, 15.0 MB/s"),
    ],
)
def test_a_line_says_what_how_much_how_fast_and_how_long_still(done, seconds, line):
    assert pull_progress(PLANS, done, seconds) == line


def test_an_image_that_nobody_could_look_at_counts_as_nothing():
    assert pull_progress([{"skipped": True}], 1, 5) == ", 1 of 1 image, 0 B of 0 B"


def test_amounts_are_said_as_people_say_them():
    assert [say_bytes(count) for count in (0, 999, 1000, 999_950_000, 10**15)] == [
        "0 B", "999 B", "1.0 kB", "1.0 GB", "1000.0 TB"]
    assert [say_seconds(count) for count in (0, 89, 90, 5399, 5400)] == ["1 s", "89 s", "2 min", "90 min", "2 h"]
