"""The quick way to a hit says what the ordinary way says, byte for byte, and only to whom it may."""

from __future__ import annotations

import os
import random
import socket

import pytest
from doubles.clock import HandMovedClock
from doubles.running_cache import eventually
from doubles.served_site import exchange, until_closed
from doubles.warm_office import HOST, LARGE, SIZES, SMALL, WarmOffice, answer_of, undated
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import Fault
from dtr_content_cache.web import small_blobs
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("name", SIZES)
def test_a_plain_pull_is_answered_at_once_and_as_the_ordinary_way_does(office: WarmOffice, name: str) -> None:
    with office.never_quick(), office.connected() as sock:
        sock.sendall(office.plain(name))
        ordinary = answer_of(sock)
    with office.counted() as counts, office.connected() as sock:
        for _ in range(3):
            sock.sendall(office.plain(name))
            head, body = answer_of(sock)
            assert (undated(head), body) == (undated(ordinary[0]), SIZES[name])
        eventually(lambda: sum(counts) == 3)

    assert counts == [3, 0]


FIELDS = st.sampled_from(
    [
        b"Range: bytes=0-99", b"Range: bytes=5-", b"Range: bytes=-7", b"Range: bytes=0-1,5-9", b"Range: lines=1-2",
        b"Range: bytes=1-90000", b"Range: bytes=0-", b"Range: bytes=-0", b"Range: bytes=7-3", b"range:bytes=9-9,",
        b"Range: bytes=99999999-", b'If-Range: "x"', b'If-None-Match: "x"', b"If-None-Match: *", b'If-Match: "x"',
        b"If-Match: *", b"Connection: close", b"Connection: keep-alive", b"Content-Length: 0", b"Content-Length: 3",
        b"Transfer-Encoding: chunked", b"Authorization: Basic YTpi", b"Accept-Encoding: gzip", b"X: \xe9", b"X : y",
        b"User-Agent: docker/26.1.0", b"Expect: 100-continue", b"Host: again", b"Upgrade: h2c", b" folded",
    ]
)  # fmt: skip
TARGETS = st.sampled_from(["good", "no grant", "two grants", "another repository", "expired", "unknown", "with ns"])
LINES = st.sampled_from([b"GET %b HTTP/1.1", b"HEAD %b HTTP/1.1", b"GET %b HTTP/1.0", b"get %b HTTP/1.1",
                         b"GET  %b HTTP/1.1", b"DELETE %b HTTP/1.1", b"GET %b HTTP/1.1 "])  # fmt: skip


def target(office: WarmOffice, kind: str, name: str) -> bytes:
    good = office.path(name)
    changes = {
        "no grant": lambda: good.partition(b"?")[0],
        "two grants": lambda: good + b"&" + good.partition(b"?")[2],
        "another repository": lambda: good.replace(b"/org/app/", b"/org/other/"),
        "expired": lambda: office.path(name, iat=1_000_000, exp=1_000_600),
        "unknown": lambda: good.replace(office.digests[name].encode(), b"sha256:" + b"0" * 64),
        "with ns": lambda: good + b"&ns=dtr.example.com",
    }
    return changes.get(kind, lambda: good)()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_request_is_answered_otherwise_than_by_the_ordinary_way(office: WarmOffice, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["empty", "small", "middle"]))
    request = data.draw(LINES) % target(office, data.draw(TARGETS), name)
    fields = data.draw(st.lists(FIELDS, max_size=2))
    host = data.draw(st.sampled_from([[b"Host: cache"], [], [b"Host: ca che"]]))
    sent = b"\r\n".join([request, *host, *fields]) + b"\r\n\r\n" + office.last()

    quick = exchange(office.address, sent)
    with office.never_quick():
        ordinary = exchange(office.address, sent)

    assert undated(quick) == undated(ordinary)
    assert undated(in_two_pieces(office, sent, -len(office.last()))) == undated(ordinary)


def in_two_pieces(office: WarmOffice, sent: bytes, at: int) -> bytes:
    """All that comes back where the rest is sent only after an answer has begun: a request mostly comes alone."""
    with office.connected() as sock:
        sock.sendall(sent[:at])
        sock.recv(1, socket.MSG_PEEK)
        try:
            sock.sendall(sent[at:])
        except (ConnectionResetError, BrokenPipeError):
            pass  # that first answer ended the connection
        return until_closed(sock)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [(b"0-99", 0, 100), (b"5-", 5, None), (b"-7", -7, None), (b"70000-8000000", 70_000, 8_000_001)],
)
def test_one_range_of_a_large_blob_is_answered_at_once(
    office: WarmOffice, asked: bytes, start: int, end: int | None
) -> None:
    request = office.plain("large").replace(HOST, HOST + b"Range: bytes=" + asked + b"\r\n")
    with office.never_quick(), office.connected() as sock:
        sock.sendall(request)
        ordinary = answer_of(sock)
    with office.counted() as counts, office.connected() as sock:
        sock.sendall(request)
        head, body = answer_of(sock)
        eventually(lambda: sum(counts) == 1)

    assert counts == [1, 0]
    assert (undated(head), body) == (undated(ordinary[0]), LARGE[start:end])
    served = office.served()[-1]
    assert (served.status, served.body_bytes, served.complete) == (206, len(body), True)


def test_a_grant_that_was_good_is_refused_when_it_has_expired(office: WarmOffice) -> None:
    plain, admission = office.plain("small"), office.cache.parts.admission
    clock = HandMovedClock(wall_s=admission._clock.wall())
    before, admission._clock = admission._clock, clock
    try:
        with office.connected() as sock:
            sock.sendall(plain)
            assert answer_of(sock)[1] == SMALL
            clock.advance(7200)
            sock.sendall(plain)
            assert answer_of(sock)[0].startswith(b"HTTP/1.1 403 ")
    finally:
        admission._clock = before


def test_a_grant_that_was_good_is_refused_when_its_key_has_left(office: WarmOffice) -> None:
    plain, admission = office.plain("small"), office.cache.parts.admission
    keys = admission.keys
    assert keys is not None
    others = type(keys)(keys.origin, {f"not-{kid}": key for kid, key in keys.keys.items()})
    with office.connected() as sock:
        sock.sendall(plain)
        assert answer_of(sock)[1] == SMALL
        office.cache.on_loop(lambda: admission.use(others))
        with office.counted() as counts:
            sock.sendall(plain)
            answer_of(sock)  # refused, or admitted by keys that were fetched anew: the ordinary way decides
        office.cache.on_loop(lambda: admission.use(keys))

    eventually(lambda: counts == [0, 1])


def test_every_answer_is_told_with_what_it_was(office: WarmOffice) -> None:
    before = len(office.served())
    with office.connected() as sock:
        for name in SIZES:
            sock.sendall(office.plain(name))
            answer_of(sock)
    eventually(lambda: len(office.served()) == before + len(SIZES))

    told = office.served()[before:]
    assert [(event.body_bytes, event.complete) for event in told] == [(len(body), True) for body in SIZES.values()]
    assert {(event.account, event.method, event.status, event.cache, event.handler) for event in told} == {
        ("alice", "GET", 200, "hit", "blob")
    }
    assert len({event.request_id for event in told}) == len(told)
    assert [event.target for event in told] == [f"/v2/org/app/blobs/{office.digests[name]}" for name in SIZES]
    assert office.cache.parts.site.in_flight == {"blob": 0, "base": 0}


@pytest.mark.parametrize("name", ["small", "large"])
def test_a_pull_is_noted_for_the_blobs_age(office: WarmOffice, name: str) -> None:
    store, digest = office.cache.parts.store, Digest.parse(office.digests[name])
    store._pulls._noted.clear()
    os.utime(store.layout.folder(digest), (1, 1))
    with office.counted() as counts, office.connected() as sock:
        sock.sendall(office.plain(name))
        answer_of(sock)
        eventually(lambda: counts == [1, 0])

    assert (store.pulled_s(digest) or 0) > 1_000_000


def test_a_cache_that_drains_ends_the_connection_with_the_answer(office: WarmOffice) -> None:
    office.cache.parts.site.draining = True
    try:
        answer = exchange(office.address, office.plain("small"))
    finally:
        office.cache.parts.site.draining = False

    assert b"Connection: close\r\n" in answer
    assert answer.endswith(SMALL)


def test_requests_in_one_piece_are_answered_in_their_order(office: WarmOffice) -> None:
    sent = office.plain("small") + office.plain("large") + office.plain("empty") + office.last()

    answer = exchange(office.address, sent)

    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert answer.index(SMALL) < answer.index(LARGE[:1000])
    assert answer.endswith(SMALL)


def test_a_request_that_comes_while_a_large_answer_goes_out_waits_for_it(office: WarmOffice) -> None:
    with office.connected(receive_buffer=4096) as sock:
        sock.sendall(office.plain("large"))
        eventually(lambda: office.cache.parts.site.in_flight["blob"] == 1)
        sock.sendall(office.plain("small"))
        _, body = answer_of(sock)
        assert body[: len(LARGE)] == LARGE
        rest = body[len(LARGE) :]
        while not rest.endswith(SMALL):
            rest += sock.recv(65536)
    assert rest.startswith(b"HTTP/1.1 200 OK")


def test_a_client_that_leaves_in_the_middle_is_told_so_and_holds_nothing(office: WarmOffice) -> None:
    before, descriptors = len(office.served()), len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with office.connected(receive_buffer=4096) as sock:
            sock.sendall(office.plain("large"))
            sock.recv(1000)
    eventually(lambda: len(office.served()) == before + 5)

    assert all(not event.complete and event.body_bytes < len(LARGE) for event in office.served()[before:])
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
    assert office.cache.parts.site.in_flight == {"blob": 0, "base": 0}


def test_bytes_that_turn_wrong_on_the_way_to_memory_are_never_sent(
    office: WarmOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = random.randbytes(2000)
    digest = office.digests["rotten"] = office.upstream.add(data)
    assert office.cache.get(digest, office.upstream.grant(digest)).content == data
    eventually(lambda: office.cache.is_stored(digest) and office.cache.flights == 0)
    monkeypatch.setattr(small_blobs, "whole", lambda fd, offset, length: b"?" * length)

    with office.connected() as sock:
        sock.sendall(office.plain("rotten"))
        assert answer_of(sock)[1] == data
    del office.digests["rotten"]


def test_a_fault_ends_its_own_connection_and_is_told(office: WarmOffice) -> None:
    hits = office.cache.parts.site._registries._counter.hits

    def broken(plain: object) -> None:
        raise ValueError("a bug")

    hits.find = broken  # type: ignore[method-assign,assignment]
    try:
        with office.connected() as sock:
            sock.sendall(office.plain("small"))
            assert sock.recv(1) == b""
    finally:
        del hits.find

    assert any("a bug" in event.traceback for event in office.cache.told(Fault))
    with office.connected() as sock:
        sock.sendall(office.plain("small"))
        assert answer_of(sock)[1] == SMALL
