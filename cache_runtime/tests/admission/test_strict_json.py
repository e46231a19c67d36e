"""JSON that no two readers can read differently, and what else was found instead."""

from __future__ import annotations

import pytest
from dtr_content_cache.admission.strict_json import parse_object


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[]", "a JSON array"),
        ('"x"', "a JSON string"),
        ("true", "a JSON boolean"),
        ("null", "a JSON null"),
        ("17", "a JSON number"),
        ("1.5", "a JSON number"),
        ("{", "text that is not JSON (line 1, column 2)"),
        ('{"a": 1, "a": 1}', "JSON with a repeated member name"),
        ('{"a": {"b": 1, "b": 2}}', "JSON with a repeated member name"),
        ('{"a": Infinity}', "JSON with Infinity, which is no number"),
        ('{"a": 123456789012345678901}', "JSON with an integer of more than 20 characters"),
    ],
)
def test_what_is_no_plain_object_is_named(text: str, found: str) -> None:
    with pytest.raises(ValueError, match="JSON") as refused:
        parse_object(text.encode())
    assert str(refused.value) == found


def test_an_integer_may_have_20_characters() -> None:
    assert parse_object(b'{"a": 12345678901234567890, "b": -1}') == {"a": 12345678901234567890, "b": -1}


def test_text_in_another_encoding_is_refused() -> None:
    with pytest.raises(ValueError, match="not UTF-8"):
        parse_object('{"a": "ü"}'.encode("latin-1"))
