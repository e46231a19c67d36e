"""A difference and its showing."""

from __future__ import annotations

from ansible_collections.dtr.caches.plugins.module_utils.reconcile import Change


def test_a_change_is_a_difference_and_its_diff_is_both_sides():
    assert Change([], ["a"]).changed
    assert not Change({"a": 1}, {"a": 1}).changed
    assert Change("x", "y").diff() == {"before": "x", "after": "y"}
    assert Change("x", "y").diff("file") == {
        "before": "x",
        "after": "y",
        "before_header": "file",
        "after_header": "file",
    }
