"""Repository names as the OCI distribution spec writes them."""

from __future__ import annotations

import pytest
from dtr_content_cache.values.blob_address import BlobAddress, is_repository_name
from dtr_content_cache.values.digest import Digest
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "name", ["a", "org/repo", "a/b/c/d", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1", "a" * 255, "a.b_c-d__e/f"]
)
def test_is_a_repository_name(name: str) -> None:
    assert is_repository_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "/", "a/", "/a", "a//b", "A", "a..b", "a___b", "a.-b", "-a", "a-", ".a", "a.", "_a", "..", "a/../b", "a b",
     "a\n", "a%2fb", "ä", "a" * 256, "a:b", "a@b", "a\0b", "a/./b"],
)  # fmt: skip
def test_is_no_repository_name(name: str) -> None:
    assert not is_repository_name(name)


@given(st.lists(st.text("abc012", min_size=1, max_size=5), min_size=1, max_size=8).map("/".join))
def test_joined_words_are_a_name_and_make_the_path(name: str) -> None:
    assert is_repository_name(name)
    assert BlobAddress(name, Digest("0" * 64)).path == f"/v2/{name}/blobs/sha256:{'0' * 64}"


@given(st.text("ab._-/", max_size=255))
def test_a_name_never_leaves_its_place_in_a_path(name: str) -> None:
    if is_repository_name(name):
        assert all(part not in ("", ".", "..") for part in name.split("/"))


def test_the_longest_almost_name_is_refused_at_once() -> None:
    assert not is_repository_name("a-" * 127)
    assert not is_repository_name("a__" * 84 + "-")
