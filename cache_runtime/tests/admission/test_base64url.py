from __future__ import annotations

import pytest
from dtr_content_cache.admission.base64url import decode, encode
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary())
def test_every_byte_string_has_one_spelling(data: bytes) -> None:
    assert decode(encode(data)) == data


@given(st.text(alphabet="AB_-9z=+/ \n٣", max_size=12))
def test_what_decodes_is_spelt_as_it_would_be_encoded(text: str) -> None:
    try:
        data = decode(text)
    except ValueError:
        return
    assert encode(data) == text


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA==", "AB", "AAB", "+A", "/A", "A A", "AA\n", "ÀA"])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        decode(text)


def test_only_padding_is_left_out_of_a_text() -> None:
    assert (encode(b"\0\0\x17"), decode("AAAX")) == ("AAAX", b"\0\0\x17")
    assert (encode(b"\0"), decode("AA")) == ("AA", b"\0")
    assert (encode(b"\0\0"), decode("AAA")) == ("AAA", b"\0\0")
