# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Columns stand below each other, and a line has no trailing blanks."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.plugin_utils.text_columns import text_columns


def test_a_column_is_as_wide_as_its_widest_cell():
    assert text_columns([("region", "in DTR"), ("asia", "yes"), ("", "no")]) == [
        "region  in DTR",
        "asia    yes",
        "        no",
    ]


def test_no_rows_are_no_lines():
    assert text_columns([]) == []


def test_rows_of_different_lengths_are_an_editors_mistake():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        text_columns([("a", "b"), ("c",)])
