# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Every playbook understands the same words: a region, a cache, DTR."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.filter.cache_of_region import cache_of_region

REGIONS = [{"region": "asia", "name": "region-asia"}, {"region": "region-asia", "name": "other"}]


@pytest.mark.parametrize(("word", "cache"), [
    ("asia", "region-asia"), ("region-asia", "other"), ("elsewhere", "elsewhere"), ("DTR", ""), ("dtr", ""),
])
def test_a_word_stands_for_one_cache_or_for_none(word, cache):
    assert cache_of_region(word, REGIONS) == cache
