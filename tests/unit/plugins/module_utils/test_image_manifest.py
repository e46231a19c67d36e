"""Manifests of every kind, and what a wrong one is refused for."""

from __future__ import annotations

import hashlib
import json

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.errors import Unexpected, WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.image_manifest import (
    BlobDescriptor,
    blobs_of,
    child_for,
    is_index,
    read_document,
)
from ansible_collections.dtr.caches.plugins.module_utils.image_reference import Platform

A, B, C = ("sha256:" + letter * 64 for letter in "abc")


def entry(digest, size=1, **more):
    return {"digest": digest, "size": size, "mediaType": "layer", **more}


def test_a_manifest_counts_only_if_it_hashes_to_what_was_asked_for_or_declared():
    body = json.dumps({"layers": []}).encode()
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    assert read_document(body, digest, "", "x") == ({"layers": []}, digest)
    assert read_document(body, "", digest, "x")[1] == digest
    assert read_document(body, "", "", "x")[1] == digest
    for wanted, declared in ((A, digest), ("", A)):
        with pytest.raises(Unexpected, match="nothing in it was used"):
            read_document(body, wanted, declared, "x")


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_no_manifest(body):
    with pytest.raises(Unexpected, match="no JSON object"):
        read_document(body, "", "", "x")


def test_config_and_layers_come_in_order_and_each_digest_once():
    document = {"config": entry(A), "layers": [entry(B, 5), entry(C, 7), entry(B, 5)]}
    assert [one.digest for one in blobs_of(document, "x")] == [A, B, C]
    assert blobs_of(document, "x")[1] == BlobDescriptor(B, 5, "layer")


def test_layers_that_lie_elsewhere_are_marked():
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    document = {"config": entry(A), "layers": [dict(entry(B), mediaType=kind), entry(C, urls=["https://x"])]}
    assert [one.foreign for one in blobs_of(document, "x")] == [False, True, True]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"config": entry(A)},
        {"layers": []},
        {"config": entry("../../etc"), "layers": []},
        {"config": entry(A, -1), "layers": []},
        {"config": entry(A, True), "layers": []},
        {"config": entry(A), "layers": [None]},
        {"config": entry(A), "layers": [entry(A)] * 1001},
        {"schemaVersion": 1, "fsLayers": []},
    ],
)
def test_a_manifest_that_cannot_be_pulled_from_is_refused(document):
    with pytest.raises(Unexpected, match="x"):
        blobs_of(document, "x")


def test_the_index_entry_of_the_platform_is_taken_or_the_others_are_named():
    index = {
        "manifests": [
            entry(A, platform={"os": "linux", "architecture": "amd64"}),
            entry(B, platform={"os": "linux", "architecture": "arm", "variant": "v7"}),
            entry(C, platform={"os": "unknown", "architecture": "unknown"}),
        ]
    }
    assert child_for(index, Platform("linux", "arm"), "x") == B
    with pytest.raises(WrongOption, match="it has: linux/amd64, linux/arm/v7"):
        child_for(index, Platform("windows", "amd64"), "x")
    with pytest.raises(WrongOption, match="it has: none"):
        child_for({"manifests": "?"}, Platform("linux", "amd64"), "x")


@pytest.mark.parametrize(
    ("document", "content_type", "index"),
    [
        ({"manifests": []}, "", True),
        ({"mediaType": "application/vnd.oci.image.index.v1+json"}, "", True),
        ({}, "application/vnd.docker.distribution.manifest.list.v2+json; charset=utf-8", True),
        ({"layers": []}, "application/vnd.oci.image.manifest.v1+json", False),
        ({"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}, "", False),
    ],
)
def test_an_index_is_known_by_its_type_or_its_members(document, content_type, index):
    assert is_index(document, content_type) is index
