from __future__ import annotations

import pytest
from dtr_content_cache.observation.cache_status import cache_status


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ({"kind": "hit"}, "dtr-content-cache; hit"),
        ({"kind": "miss"}, "dtr-content-cache; fwd=uri-miss; stored"),
        ({"kind": "collapsed"}, "dtr-content-cache; fwd=uri-miss; stored; collapsed"),
        ({"kind": "bypass", "detail": "no-space"}, "dtr-content-cache; fwd=uri-miss; detail=no-space"),
        ({"kind": "miss", "partial": True}, "dtr-content-cache; fwd=partial; stored"),
        ({"kind": "collapsed", "partial": True}, "dtr-content-cache; fwd=partial; stored; collapsed"),
        ({"kind": "pass"}, "dtr-content-cache; fwd=bypass"),
    ],
)
def test_the_field_says_in_the_words_of_rfc_9211_where_the_answer_came_from(arguments: dict, value: str) -> None:
    assert cache_status(**arguments) == value


@pytest.mark.parametrize("detail", ["two words", "a;hit", 'q"', "a\r\nX: y", "é", "1st"])
def test_a_detail_is_one_token_or_a_fault_of_the_caller(detail: str) -> None:
    with pytest.raises(ValueError, match="one word"):
        cache_status("bypass", detail=detail)
