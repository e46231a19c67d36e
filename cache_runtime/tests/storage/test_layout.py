"""Where things lie, to the letter: a volume of the vendor's cache is adopted as it is, and ours is handed back."""

from __future__ import annotations

import pytest
from dtr_content_cache.storage.layout import Layout, is_blob_folder, is_shard
from dtr_content_cache.values.digest import Digest

HEX = "ab" * 32


def test_a_blob_lies_where_the_registry_puts_it() -> None:
    layout, digest = Layout("/srv/cache"), Digest(HEX)
    shard = "/srv/cache/docker/registry/v2/blobs/sha256/ab"

    assert layout.shard(digest) == shard
    assert layout.folder(digest) == f"{shard}/{HEX}"
    assert layout.data(digest) == f"{shard}/{HEX}/data"


def test_what_is_ours_lies_beside_and_is_found_again_by_the_next_version() -> None:
    layout = Layout("/srv/cache")

    assert {name: getattr(layout, name) for name in ("discovery", "notes", "notes_secret", "days")} == {
        "discovery": "/srv/cache/content-cache/discovery.json",
        "notes": "/srv/cache/content-cache/answers",
        "notes_secret": "/srv/cache/content-cache/answers.secret",
        "days": "/srv/cache/content-cache/days.json",
    }


def test_the_folders_that_must_be_there_come_parents_first_from_the_root_down() -> None:
    assert Layout("/srv/cache").needed_folders() == (
        "/srv",
        "/srv/cache",
        "/srv/cache/docker",
        "/srv/cache/docker/registry",
        "/srv/cache/docker/registry/v2",
        "/srv/cache/docker/registry/v2/blobs",
        "/srv/cache/docker/registry/v2/blobs/sha256",
        "/srv/cache/content-cache",
        "/srv/cache/content-cache/unfinished",
        "/srv/cache/content-cache/quarantine",
    )


@pytest.mark.parametrize(
    ("name", "shard", "is_ours"),
    [(HEX, "ab", True), (HEX, "ac", False), ("ab", "ab", False), (HEX.upper(), "AB", False), (HEX + "0", "ab", False)],
)
def test_only_a_whole_digest_in_its_own_shard_is_a_blob(name: str, shard: str, is_ours: bool) -> None:
    assert is_blob_folder(name, shard) is is_ours


@pytest.mark.parametrize(("name", "is_ours"), [("a0", True), ("A0", False), ("a0b", False), ("a", False)])
def test_a_shard_is_two_hexadecimal_digits(name: str, is_ours: bool) -> None:
    assert is_shard(name) is is_ours


def test_only_slashes_are_left_out_of_the_root() -> None:
    assert Layout("/X1X/cacheX").needed_folders()[:2] == ("/X1X", "/X1X/cacheX")
