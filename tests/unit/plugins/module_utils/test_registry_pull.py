"""Blobs side by side: the first failure ends the others, the expected cache is the last hop, sums add up."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.dtr.caches.plugins.module_utils import registry_pull
from ansible_collections.dtr.caches.plugins.module_utils.blob_download import Cancelled
from ansible_collections.dtr.caches.plugins.module_utils.errors import Unexpected, WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.image_manifest import BlobDescriptor
from ansible_collections.dtr.caches.plugins.module_utils.registry_pull import RegistryPull, expectation, totals

DTR, CACHE, OTHER = "https://dtr", "https://cache:5000", "https://other"
BLOB = BlobDescriptor("sha256:" + "a" * 64, 1, "layer")


@pytest.mark.parametrize("expected", ["", None, CACHE, CACHE + "/", "HTTPS://Cache:5000"])
def test_the_expected_cache_may_be_written_in_any_way(expected):
    expectation(expected)(BLOB, [DTR, CACHE])


@pytest.mark.parametrize(
    ("hops", "words"),
    [([DTR], "DTR served it itself"), ([DTR, OTHER], f"{DTR} → {OTHER}"), ([DTR, CACHE, OTHER], f"{CACHE} → {OTHER}")],
)
def test_any_other_last_hop_is_named_with_the_way_there(hops, words):
    with pytest.raises(Unexpected) as caught:
        expectation(CACHE)(BLOB, hops)
    assert words in caught.value.message
    assert BLOB.digest in caught.value.message
    assert caught.value.details == {"failed_blob": BLOB.digest, "hop": hops[-1], "expected": CACHE}


def test_an_expected_cache_that_is_no_address_is_refused_at_once():
    with pytest.raises(WrongOption, match="expect_cache is 'cache'"):
        expectation("cache")


def test_the_first_failure_ends_the_others_and_keeps_what_was_done(monkeypatch):
    done_first = threading.Event()

    class Download:
        """The interface of BlobDownload; a blob's media type says what becomes of it."""

        def __init__(self, route, limit, may_serve, cancelled):
            self.cancelled = cancelled

        def run(self, blob):
            if blob.media_type == "done":
                done_first.set()
                return {"digest": blob.digest}
            if blob.media_type == "fails":
                assert done_first.wait(10)
                raise Unexpected("broken")
            assert self.cancelled.wait(10)
            raise Cancelled

    monkeypatch.setattr(registry_pull, "BlobDownload", Download)
    blobs = [
        BlobDescriptor(str(number), 1, kind) for number, kind in enumerate(["endless", "done", "fails", "endless"])
    ]
    with pytest.raises(Unexpected, match="broken") as caught:
        RegistryPull(None, None, None, None).blobs(blobs, None, None, 3, None)
    assert caught.value.details["blobs"] == [{"digest": "1"}]


def test_sums_are_kept_for_every_host_that_served():
    def report(served_by, size, hit):
        return {"served_by": served_by, "bytes": size, "hit": hit, "resumed": 1}

    assert totals([report(CACHE, 5, True), report(DTR, 7, False), report(CACHE, 1, True)], 1.23456) == {
        "blobs": 3,
        "bytes": 13,
        "seconds": 1.235,
        "hits": 2,
        "resumed": 3,
        "served_by": {CACHE: {"blobs": 2, "bytes": 6}, DTR: {"blobs": 1, "bytes": 7}},
    }
