"""One blob over many connections: what counts as going on, what starts over, what ends it."""

from __future__ import annotations

import hashlib
import threading

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.bandwidth_limit import BandwidthLimit
from ansible_collections.dtr.caches.plugins.module_utils.blob_download import BlobDownload, Cancelled
from ansible_collections.dtr.caches.plugins.module_utils.errors import (
    Interrupted,
    NotListening,
    Refusal,
    Silent,
    Unexpected,
    UntrustedTls,
)
from ansible_collections.dtr.caches.plugins.module_utils.image_manifest import BlobDescriptor

DATA = bytes(range(256)) * 40
BLOB = BlobDescriptor("sha256:" + hashlib.sha256(DATA).hexdigest(), len(DATA), "layer")


class Response:
    """The part of requests.Response that a download looks at. ``ends``: an error after the pieces."""

    def __init__(self, status, data, headers=None, ends=None):
        self.status_code, self.data, self.headers, self.ends = status, data, headers or {}, ends

    def __enter__(self):
        return self

    def __exit__(self, *_args):
        pass


class Script:
    """A BlobRoute and its transport in one: each ``open`` takes the next of ``steps``, a Response or an error."""

    def __init__(self, *steps):
        self.steps, self.asked_from = list(steps), []

    def open(self, digest, first_byte=0):
        assert digest == BLOB.digest
        self.asked_from.append(first_byte)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return self, step, ["http://dtr", "http://cache"]

    def chunks(self, response, size):
        for start in range(0, len(response.data), size):
            yield response.data[start : start + size]
        if response.ends:
            raise response.ends


def part(start, end=None, **kwargs):
    return Response(206, DATA[start:end], {"Content-Range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"}, **kwargs)


def cut(end, start=0):
    return part(start, end) if start else Response(200, DATA[:end])


class Impatient(threading.Event):
    """An event whose waits are counted instead of waited."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def wait(self, timeout=None):
        self.waits.append(timeout)
        return self.is_set()


def run(script, cancelled=None, may_serve=lambda blob, hops: None):
    limit = BandwidthLimit(0)
    return BlobDownload(script, limit, may_serve, cancelled or Impatient(), clock=lambda: 0.0).run(BLOB)


def test_a_whole_answer_is_verified_and_reported():
    report = run(Script(Response(200, DATA, {"Cache-Status": "c; hit"})))
    assert report == {
        "digest": BLOB.digest,
        "bytes": len(DATA),
        "media_type": "layer",
        "seconds": 0.0,
        "served_by": "http://cache",
        "cache_status": "c; hit",
        "hit": True,
        "resumed": 0,
        "verified": True,
    }


def test_cuts_are_resumed_from_the_byte_that_is_missing():
    script = Script(cut(5000), cut(7000, start=5000), part(7000, ends=Interrupted("cut after the last byte")))
    assert run(script)["resumed"] == 2
    assert script.asked_from == [0, 5000, 7000]


def test_a_whole_answer_to_a_question_for_the_rest_starts_over():
    script = Script(cut(5000), Response(200, DATA))
    assert run(script)["resumed"] == 0
    assert script.asked_from == [0, 5000]


def test_attempts_that_bring_bytes_are_not_counted():
    steps = [cut(100 * (number + 1), start=100 * number) for number in range(50)]
    assert run(Script(*steps, part(5000)))["resumed"] == 50


def test_attempts_that_bring_nothing_are_few_and_spaced():
    waits = Impatient()
    script = Script(cut(5000), *[NotListening("down")] * 5)
    with pytest.raises(NotListening) as caught:
        run(script, waits)
    assert waits.waits == [0, 1, 2, 3, 4]
    assert caught.value.details["failed_blob"] == BLOB.digest
    assert BLOB.digest in caught.value.message


def test_a_busy_hop_is_asked_again_and_a_silent_one_only_after_bytes():
    assert run(Script(Refusal("busy", 503), Response(200, DATA)))["verified"]
    assert run(Script(part(0, 100, ends=Silent("silent")), part(100)))["verified"]
    with pytest.raises(Silent):
        run(Script(Silent("silent"), Response(200, DATA)))


@pytest.mark.parametrize("failure", [UntrustedTls("x"), Refusal("gone", 404), Refusal("no", 500)])
def test_what_will_not_pass_is_not_tried_again(failure):
    script = Script(failure, Response(200, DATA))
    with pytest.raises(type(failure)):
        run(script)
    assert len(script.asked_from) == 1


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([Response(200, DATA + b"x")], "sent more than"),
        ([Response(200, b"\0" * len(DATA))], "hash to sha256:"),
        ([cut(5000), part(5000)], None),
        ([cut(5000), part(4999)], "sent another range"),
        ([cut(5000), Response(206, DATA[5000:], {})], "sent another range"),
        (
            [cut(5000), Response(206, DATA[5000:], {"Content-Range": f"bytes 5000-{len(DATA) - 2}/{len(DATA)}"})],
            "another range",
        ),
        ([cut(5000), Response(206, DATA[5000:], {"Content-Range": f"bytes 5000-{len(DATA) - 1}/*"})], "another range"),
        ([Response(206, DATA, {"Content-Range": "bytes 0-0/1"})], "another range"),
        ([Response(200, DATA, {"Content-Encoding": "gzip"})], "in an encoding"),
    ],
)
def test_bytes_that_cannot_be_right_end_it_and_name_who_sent_them(steps, words):
    if words is None:
        assert run(Script(*steps))["verified"]
        return
    with pytest.raises(Unexpected) as caught:
        run(Script(*steps))
    assert words in caught.value.message
    assert caught.value.details["hop"] == "http://cache"
    assert caught.value.message.startswith(f"Blob {BLOB.digest}: http://cache sent")


def test_a_wrong_hop_is_refused_before_a_byte_is_read():
    def refuse(blob, hops):
        raise Unexpected("wrong cache", failed_blob=blob.digest, hop=hops[-1])

    response = Response(200, DATA)
    response.data = None
    with pytest.raises(Unexpected, match="wrong cache"):
        run(Script(response), may_serve=refuse)


def test_a_cancelled_download_stops_at_the_next_piece():
    cancelled, given = Impatient(), []

    class CancelledAfterTheFirst(Script):
        def chunks(self, response, size):
            for start in range(0, len(DATA), 1000):
                given.append(start)
                yield DATA[start : start + 1000]
                cancelled.set()

    with pytest.raises(Cancelled):
        run(CancelledAfterTheFirst(Response(200, DATA)), cancelled)
    assert given == [0, 1000]


def test_an_empty_blob_is_a_blob():
    empty = BlobDescriptor("sha256:" + hashlib.sha256(b"").hexdigest(), 0, "layer")
    script = Script(Response(200, b""))
    script.open = lambda digest, first_byte=0: (script, Response(200, b""), ["http://dtr"])
    report = BlobDownload(script, BandwidthLimit(0), lambda blob, hops: None, Impatient()).run(empty)
    assert (report["bytes"], report["verified"]) == (0, True)
