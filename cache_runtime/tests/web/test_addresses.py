"""A path names one thing or nothing; it is never decoded, cleaned or guessed."""

from __future__ import annotations

import pytest
from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.web.addresses import BadDigest, BadName, ManifestAddress, parse_registry_path
from hypothesis import given
from hypothesis import strategies as st

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"


@pytest.mark.parametrize(
    "repository", ["app", "org/app", "a/b/c/d", "a.b_c__d-e--f/0", "blobs/blobs", "a/blobs/b", "x" * 255]
)
def test_a_blob_of_a_repository(repository: str) -> None:
    assert parse_registry_path(f"/v2/{repository}/blobs/{DIGEST}") == BlobAddress(repository, Digest(HEX))


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:abc",
        "md5:abc",
        "sha512:" + HEX * 2,
        DIGEST.upper(),
        f"sha256:{HEX.upper()}",
        f"{DIGEST}0",
        "sha256:",
        f"sha256:{HEX[:-1]}g",
    ],
)
def test_a_digest_that_is_none_of_ours(digest: str) -> None:
    assert parse_registry_path(f"/v2/org/app/blobs/{digest}") == BadDigest()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/v2",
        "/v2/",
        "/v2//",
        "/v3/org/app/blobs/" + DIGEST,
        "//v2/org/app/blobs/" + DIGEST,
        "/v2/org/app/blobs/",
        "/v2/org/app/blobs/uploads/",
        "/v2/org/app/blobs/latest",
        f"/v2/org/app/blobs/{DIGEST}/",
        f"/v2/org/app/blob/{DIGEST}",
        f"/v2/org/app/blobs/{DIGEST}/data",
        f"/v2/org/app/blobs/{DIGEST}%00",
        f"/v2/org/app/blobs/{DIGEST};a",
        "/etc/passwd",
        f"/v2/org/app/blobs/sha256%3a{HEX}",
        f"/v2/org/app/blobs/{DIGEST}\n",
        "/debug/health",
        "/metrics",
    ],
)
def test_what_is_no_address(path: str) -> None:
    assert parse_registry_path(path) is None


@pytest.mark.parametrize(
    "repository",
    [
        "..",
        "org/..",
        "../../etc",
        "org//app",
        "/org/app",
        "org/app/",
        "Org/app",
        "org/%61pp",
        "org%2fapp",
        "org/app.",
        "-a",
        "a..b",
        "a___b",
        "a b",
        "ä",
        "x" * 256,
        ".",
    ],
)
def test_a_repository_name_that_is_none(repository: str) -> None:
    assert parse_registry_path(f"/v2/{repository}/blobs/{DIGEST}") in (BadName(), None)
    assert parse_registry_path(f"/v2/{repository}/manifests/latest") in (BadName(), None)


@pytest.mark.parametrize("rest", ["manifests/1.0", f"manifests/{DIGEST}", "tags/list", f"referrers/{DIGEST}"])
def test_manifests_and_tags_are_somebody_elses(rest: str) -> None:
    assert parse_registry_path(f"/v2/org/app/{rest}") == ManifestAddress()


@given(st.text(max_size=200))
def test_any_text_is_an_answer(path: str) -> None:
    parse_registry_path(path)
    found = parse_registry_path(f"/v2/{path}/blobs/{DIGEST}")

    # What is read as a blob is written exactly so: no two paths are one blob of one repository.
    assert not isinstance(found, BlobAddress) or found.path == f"/v2/{path}/blobs/{DIGEST}"
