"""Which Cache-Status is a hit of the cache next to the client."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.cache_status import is_hit


@pytest.mark.parametrize(
    ("header", "hit"),
    [
        ("dtr-content-cache; hit", True),
        ("dtr-content-cache;HIT;ttl=30", True),
        ("parent; fwd=uri-miss, dtr-content-cache; hit", True),
        ("parent; hit, dtr-content-cache; fwd=uri-miss; stored", False),
        ('cache; detail="a; hit"', False),
        ('"a, b"; hit', True),
        ("cache; hit=?0", False),
        ("cache; hit=?1", True),
        ("hit", False),
        ("", False),
        (None, False),
    ],
)
def test_the_last_member_decides(header, hit):
    assert is_hit(header) is hit
