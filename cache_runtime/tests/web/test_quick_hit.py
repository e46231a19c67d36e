"""The quick way to a hit says what the ordinary way says, byte for byte, and only to whom it may."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from doubles.certificates import Authority, plain_server
from doubles.clock import HandMovedClock
from doubles.inner_cache import InnerCache, inner_cache
from doubles.running_cache import eventually
from doubles.served_site import exchange, until_closed
from doubles.upstream import Upstream
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import Fault, RequestServed
from dtr_content_cache.web import small_blobs
from dtr_content_cache.web.listener import Listener
from dtr_content_cache.web.quick_hit import read_plain
from hypothesis import given, settings
from hypothesis import strategies as st

SMALL = random.Random(1).randbytes(3000)
LARGE = random.Random(2).randbytes(1 << 20) * 8
SIZES = {"empty": b"", "small": SMALL, "large": LARGE}
HOST = b"Host: cache\r\n"


@dataclass
class Office:
    upstream: Upstream
    cache: InnerCache
    digests: dict[str, str]

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.cache.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def path(self, name: str, **claims: object) -> bytes:
        digest = self.digests[name]
        return f"/v2/org/app/blobs/{digest}?grant={self.upstream.grant(digest, **claims)}".encode()

    def plain(self, name: str, **claims: object) -> bytes:
        return b"GET " + self.path(name, **claims) + b" HTTP/1.1\r\n" + HOST + b"\r\n"

    def last(self, name: str = "small") -> bytes:
        """A request after which the connection ends, so that its end can be awaited."""
        return b"GET " + self.path(name) + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"

    @contextmanager
    def connected(self, receive_buffer: int | None = None) -> Iterator[socket.socket]:
        with socket.socket() as sock:
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.settimeout(10)
            sock.connect(self.address)
            yield sock

    @contextmanager
    def counted(self) -> Iterator[list[int]]:
        """How many requests were begun at once, how many were left to the ordinary way."""
        site, counts = self.cache.parts.site, [0, 0]
        begin, answer = site.begin, site.answer

        def counting_begin(*arguments):
            begun = begin(*arguments)
            counts[0] += begun is not None
            return begun

        async def counting_answer(*arguments):
            counts[1] += 1
            await answer(*arguments)

        site.begin, site.answer = counting_begin, counting_answer  # type: ignore[method-assign]
        try:
            yield counts
        finally:
            del site.begin, site.answer

    @contextmanager
    def never_quick(self) -> Iterator[None]:
        self.cache.parts.site.begin = lambda *_: None  # type: ignore[method-assign]
        try:
            yield
        finally:
            del self.cache.parts.site.begin

    def served(self) -> list[RequestServed]:
        return self.cache.told(RequestServed)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Upstream() as upstream, inner_cache(tmp_path_factory.mktemp("office"), [upstream.url]) as cache:
        made = Office(upstream, cache, {name: upstream.add(data) for name, data in SIZES.items()})
        for name, digest in made.digests.items():
            assert cache.get(digest, upstream.grant(digest)).content == SIZES[name]
            eventually(lambda digest=digest: cache.is_stored(digest) and cache.flights == 0)
        yield made


def answer_of(sock: socket.socket) -> tuple[bytes, bytes]:
    """(head, body) of the next answer, by its Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"Content-Length: ([0-9]+)", head)
    assert found, head
    while len(body) < int(found[1]):
        body += sock.recv(1 << 18)
    return head, body


def undated(answer: bytes) -> bytes:
    return re.sub(rb"Date: [^\r]*", b"Date:", re.sub(rb"boundary=\w+|--[0-9a-f]{24}", b"boundary", answer))


@pytest.mark.parametrize("name", SIZES)
def test_a_plain_pull_is_answered_at_once_and_as_the_ordinary_way_does(office: Office, name: str) -> None:
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
        b"Range: bytes=99999999-", b'If-Range: "x"', b'If-None-Match: "x"', b"If-None-Match: *", b'If-Match: "x"',
        b"If-Match: *", b"Connection: close", b"Connection: keep-alive", b"Content-Length: 0", b"Content-Length: 3",
        b"Transfer-Encoding: chunked", b"Authorization: Basic YTpi", b"Accept-Encoding: gzip", b"X: \xe9", b"X : y",
        b"User-Agent: docker/26.1.0", b"Expect: 100-continue", b"Host: again", b"Upgrade: h2c", b" folded",
    ]
)  # fmt: skip
TARGETS = st.sampled_from(["good", "no grant", "two grants", "another repository", "expired", "unknown", "with ns"])
LINES = st.sampled_from([b"GET %b HTTP/1.1", b"HEAD %b HTTP/1.1", b"GET %b HTTP/1.0", b"get %b HTTP/1.1",
                         b"GET  %b HTTP/1.1", b"DELETE %b HTTP/1.1", b"GET %b HTTP/1.1 "])  # fmt: skip


def target(office: Office, kind: str, name: str) -> bytes:
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
def test_no_request_is_answered_otherwise_than_by_the_ordinary_way(office: Office, data: st.DataObject) -> None:
    request = data.draw(LINES) % target(office, data.draw(TARGETS), data.draw(st.sampled_from(["empty", "small"])))
    fields = data.draw(st.lists(FIELDS, max_size=2))
    host = data.draw(st.sampled_from([[b"Host: cache"], [], [b"Host: ca che"]]))
    sent = b"\r\n".join([request, *host, *fields]) + b"\r\n\r\n" + office.last()

    quick = exchange(office.address, sent)
    with office.never_quick():
        ordinary = exchange(office.address, sent)

    assert undated(quick) == undated(ordinary)
    assert undated(in_two_pieces(office, sent, -len(office.last()))) == undated(ordinary)


def in_two_pieces(office: Office, sent: bytes, at: int) -> bytes:
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
    "fields",
    [b"Range: bytes=0-9", b'If-None-Match: "x"', b'If-Match: "x"', b'If-Range: "x"', b"Connection: close",
     b"Content-Length: 1"],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_ordinary_way(fields: bytes) -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST

    assert read_plain(head + b"\r\n", "") is not None
    assert read_plain(head + fields + b"\r\n\r\n", "") is None


@pytest.mark.parametrize("change", [
    lambda head: head.replace(b"GET", b"HEAD"), lambda head: head.replace(b"1.1", b"1.0"),
    lambda head: head.replace(b"\r\n", b"\n"), lambda head: head[:-2], lambda head: head + b"\r\n",
    lambda head: head * 2, lambda head: head.replace(b"sha256", b"sha512"), lambda head: head.replace(b"/v2", b"/v3"),
    lambda head: b"GET /" + b"x" * 8000 + head[5:], lambda head: head.replace(HOST, b""),
])  # fmt: skip
def test_bytes_that_are_not_exactly_one_plain_head_are_not_read_as_one(change) -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST + b"\r\n"

    assert read_plain(change(head), "") is None


def test_only_plain_heads_without_credentials_of_their_own_are_remembered() -> None:
    head = b"GET /v2/org/app/blobs/sha256:" + b"0" * 64 + b" HTTP/1.1\r\n" + HOST
    known = head + b"X: remembered\r\n\r\n"
    secret = head + b"aUTHORIZATION: Basic YTpi\r\n\r\n"

    assert read_plain(known, "") is read_plain(known, "")
    assert read_plain(secret, "") == read_plain(secret, "")
    assert read_plain(secret, "") is not read_plain(secret, "")


def test_the_operators_prefix_belongs_before_the_path() -> None:
    path = b"/v2/org/app/blobs/sha256:" + b"0" * 64
    inside = b"GET /office" + path + b" HTTP/1.1\r\n" + HOST + b"\r\n"

    found = read_plain(inside, "/office")
    assert found is not None
    assert found.address.repository == "org/app"
    assert read_plain(inside, "") is None
    assert read_plain(inside.replace(b"/office", b""), "/office") is None


def test_a_grant_that_was_good_is_refused_when_it_has_expired(office: Office) -> None:
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


def test_a_grant_that_was_good_is_refused_when_its_key_has_left(office: Office) -> None:
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


def test_every_answer_is_told_with_what_it_was(office: Office) -> None:
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
def test_a_pull_is_noted_for_the_blobs_age(office: Office, name: str) -> None:
    store, digest = office.cache.parts.store, Digest.parse(office.digests[name])
    store._noted.clear()
    os.utime(store.layout.folder(digest), (1, 1))
    with office.counted() as counts, office.connected() as sock:
        sock.sendall(office.plain(name))
        answer_of(sock)
        eventually(lambda: counts == [1, 0])

    assert (store.pulled_s(digest) or 0) > 1_000_000


def test_a_cache_that_drains_ends_the_connection_with_the_answer(office: Office) -> None:
    office.cache.parts.site.draining = True
    try:
        answer = exchange(office.address, office.plain("small"))
    finally:
        office.cache.parts.site.draining = False

    assert b"Connection: close\r\n" in answer
    assert answer.endswith(SMALL)


def test_requests_in_one_piece_are_answered_in_their_order(office: Office) -> None:
    sent = office.plain("small") + office.plain("large") + office.plain("empty") + office.last()

    answer = exchange(office.address, sent)

    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert answer.index(SMALL) < answer.index(LARGE[:1000])
    assert answer.endswith(SMALL)


def test_a_request_that_comes_while_a_large_answer_goes_out_waits_for_it(office: Office) -> None:
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


def test_a_client_that_leaves_in_the_middle_is_told_so_and_holds_nothing(office: Office) -> None:
    before, descriptors = len(office.served()), len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with office.connected(receive_buffer=4096) as sock:
            sock.sendall(office.plain("large"))
            sock.recv(1000)
    eventually(lambda: len(office.served()) == before + 5)

    assert all(not event.complete and event.body_bytes < len(LARGE) for event in office.served()[before:])
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= descriptors)
    assert office.cache.parts.site.in_flight == {"blob": 0, "base": 0}


@pytest.fixture
def tls(office: Office, tmp_path: Path) -> Iterator[Callable[[], ssl.SSLSocket]]:
    """Connects to the same site by a listener that encrypts."""
    context = plain_server(*Authority("ours").issue(tmp_path))
    sock = socket.create_server(("127.0.0.1", 0))
    parts = office.cache.parts
    listener = office.cache.on_loop(lambda: Listener([sock], parts.site, lambda: context, parts.emit))
    office.cache.on_loop(listener.start)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    address = sock.getsockname()

    def connect() -> ssl.SSLSocket:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        plain.settimeout(10)
        plain.connect(address)
        return client.wrap_socket(plain)

    yield connect
    ended = office.cache.on_loop(lambda: asyncio.ensure_future(listener.drain(0)))
    eventually(ended.done)
    parts.site.draining = False  # only this door was closed


def test_a_hit_over_tls_is_answered_at_once_and_byte_for_byte(office: Office, tls: Callable[[], ssl.SSLSocket]) -> None:
    with office.counted() as counts, tls() as sock:
        for name in (*SIZES, *SIZES):
            sock.sendall(office.plain(name))
            head, body = answer_of(sock)
            assert head.startswith(b"HTTP/1.1 200 OK")
            assert body == SIZES[name]
        eventually(lambda: counts == [6, 0])


def test_requests_in_one_piece_over_tls_are_answered_in_their_order(
    office: Office, tls: Callable[[], ssl.SSLSocket]
) -> None:
    with tls() as sock:
        for name in ("small", "large", "small", "empty"):  # a record each, that may arrive together
            sock.sendall(office.plain(name))
        sock.sendall(office.last())
        answer = until_closed(sock)

    assert answer.count(b"HTTP/1.1 200 OK") == 5
    assert answer.endswith(SMALL)
    assert answer.count(SMALL) == 3


def test_bytes_that_turn_wrong_on_the_way_to_memory_are_never_sent(
    office: Office, monkeypatch: pytest.MonkeyPatch
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


def test_a_fault_ends_its_own_connection_and_is_told(office: Office) -> None:
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
