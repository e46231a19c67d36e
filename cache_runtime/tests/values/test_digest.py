"""A digest that exists is safe in a path, a URL and a header."""

from __future__ import annotations

import re

import pytest
from dtr_content_cache.values.digest import Digest
from hypothesis import given
from hypothesis import strategies as st

_HEX = "0123456789abcdef"


@given(st.text(_HEX, min_size=64, max_size=64))
def test_is_written_as_it_was_read(hexadecimal: str) -> None:
    digest = Digest.parse(f"sha256:{hexadecimal}")
    assert (str(digest), digest.hex) == (f"sha256:{hexadecimal}", hexadecimal)


@pytest.mark.parametrize(
    "text",
    ["", "sha256:", "sha256:" + "a" * 63, "sha256:" + "a" * 65, "sha256:" + "A" * 64, "SHA256:" + "a" * 64,
     "sha512:" + "a" * 64, "sha512:" + "a" * 128, "a" * 64, "sha256:" + "g" * 64, " sha256:" + "a" * 64,
     "sha256:" + "a" * 64 + "\n", "sha256:" + "a" * 64 + "/../x", "sha256:" + "٣" * 64, "sha256:" + "ａ" * 64],
)  # fmt: skip
def test_nothing_is_normalised(text: str) -> None:
    with pytest.raises(ValueError, match="a digest is sha256:"):
        Digest.parse(text)


@given(st.text() | st.text("sha256:" + _HEX, max_size=80))
def test_any_text_is_a_digest_of_the_written_form_or_refused_in_a_bounded_line(text: str) -> None:
    if re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        assert str(Digest.parse(text)) == text
        return
    with pytest.raises(ValueError, match="a digest is sha256:") as refused:
        Digest.parse(text)
    assert len(str(refused.value)) < 1000
    assert str(refused.value).isprintable()
