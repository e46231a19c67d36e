"""The table of smuggled requests, and the eyes of the campaign that sends them: what it would not see, nobody sees."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from endurance.campaigns.smuggling import (
    ROUND,
    Payload,
    Smuggling,
    answered,
    ask_alone,
    bad_gateways,
    differences,
    named_of_cycle,
    passed_on,
)
from endurance.smuggled import TABLE, by_chance
from endurance.tap import Asked, Heard, Tap, heard, split_answers, split_requests

ONE, TWO = "/v2/one/a/blobs/sha256:1?grant=x", "/v2/two/a/blobs/sha256:2?grant=y"
GET_ONE, GET_TWO = Asked("GET", "/v2/one/a/blobs/sha256:1"), Asked("GET", "/v2/two/a/blobs/sha256:2")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def _written() -> dict[str, bytes]:
    return {name: payload.written(ONE, TWO) for name, payload in TABLE.items()}


def _took(asked: Asked, status: int = 200) -> tuple[str, str, int]:
    return (*asked, status)


# -- the table --------------------------------------------------------------------------------------------------


def test_one_round_of_cycles_sends_the_whole_table_and_a_run_inside_make_test_is_one() -> None:
    sent = {name for number in range(ROUND) for name in named_of_cycle(number)}

    assert sent == set(TABLE)
    assert Smuggling.ci >= ROUND
    assert len(TABLE) >= 250


def test_each_payload_is_another_one_and_written_out() -> None:
    written = _written()

    assert len(set(written.values())) == len(written)
    assert [name for name, sent in written.items() if re.search(rb"\{[a-z0-9]+\}", sent)] == []


def test_nearly_all_hide_a_request_and_few_give_it() -> None:
    without = [name for name, sent in _written().items() if TWO.encode() not in sent]

    assert len(without) < 5
    assert sum(payload.gives_both for payload in TABLE.values()) < 30


def test_sizes_and_lengths_are_those_of_what_they_stand_before() -> None:
    head, _, body = TABLE["CL.TE, the length first"].written(ONE, TWO).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head
    assert body.startswith(b"0\r\n\r\nGET /v2/two/")

    head, _, body = TABLE["TE.CL, a length that ends behind the first size"].written(ONE, TWO).partition(b"\r\n\r\n")
    size, _, rest = body.partition(b"\r\n")
    assert f"Content-Length: {len(size) + 2}\r\n".encode() in head
    assert rest[int(size, 16) :] == b"\r\n0\r\n\r\n"


def test_chance_hides_requests_and_also_asks_honestly_for_two() -> None:
    made = [by_chance.payload(random.Random(seed), ONE, TWO) for seed in range(2000)]
    due = Counter((by_chance.answers_due(one), by_chance.gives_both(one)) for one in made)

    assert due.keys() == {(1, False), (2, False), (2, True)}
    assert due[1, False] > 1800


# -- what went over a line ------------------------------------------------------------------------------------


def test_a_body_is_no_request_and_half_a_request_is_none() -> None:
    body = b"GET /x HTTP/1.1\r\n\r\n"
    post = b"POST /a?grant=x HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert split_requests(post + body + b"GET /b HTTP/1.1\r\n") == (
        [Asked("POST", "/a")],
        b"GET /b HTTP/1.1\r\n",
    )
    assert split_requests(post + body[:-1]) == ([], post + body[:-1])


def test_an_answer_to_HEAD_has_no_body_and_one_too_many_is_seen() -> None:
    bodiless = OK.removesuffix(b"ok")

    assert split_answers(bodiless + OK, ["HEAD", "GET"]) == ([200, 200], b"")
    assert split_answers(OK + OK + OK[:-1], ["GET"]) == ([200, 200], OK[:-1])
    assert split_answers(b"ok" + OK, ["GET"]) == ([], b"ok" + OK)


def test_a_line_is_settled_where_each_request_has_its_answer_and_nothing_is_left() -> None:
    request = b"GET /a HTTP/1.1\r\n\r\n"

    assert heard(request, OK).settled
    assert not heard(request, OK + OK).settled
    assert not heard(request + request, OK).settled
    assert not heard(request, OK + b"x").settled
    assert not heard(request + b"x", OK).settled


@pytest.fixture
def chatty() -> Iterator[int]:
    """The port of a server that gives two answers to whatever comes, on each connection once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                with near:
                    near.recv(65536)
                    near.sendall(OK + OK)
                    near.shutdown(socket.SHUT_WR)
                    while near.recv(65536):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_tap_hears_what_goes_through_it_until_it_forgets(chatty: int) -> None:
    tap = Tap(chatty)
    with socket.create_connection(("127.0.0.1", tap.port), 10) as sock:
        sock.sendall(b"GET /a HTTP/1.1\r\n\r\n")
        while sock.recv(65536):
            pass

    assert tap.heard() == [Heard([Asked("GET", "/a")], [200, 200])]
    tap.forget()
    assert tap.heard() == []
    tap.close()


@pytest.mark.parametrize("cut", [0, 9])
def test_who_is_asked_alone_and_answers_once_too_often_is_seen(chatty: int, cut: int) -> None:
    payload = Payload("", b"GET /a HTTP/1.1\r\n\r\n", 1, gives_both=False)

    assert ask_alone(chatty, payload, cut)[0] == [200, 200]


# -- who takes what for a request -----------------------------------------------------------------------------


def test_who_sees_the_same_requests_differs_in_nothing() -> None:
    refused = Asked("GET", "/v2/\xff")
    lines = [Heard([GET_ONE, GET_TWO], [200, 403]), Heard([refused], [400])]

    proxy = Counter([GET_ONE, GET_TWO, Asked("GET", "/v2/\\xFF")])

    assert differences(lines, proxy, Counter([_took(GET_ONE), _took(GET_TWO, 403)])) == []


@pytest.mark.parametrize(
    ("line", "proxy", "cache", "said"),
    [
        (Heard([GET_ONE], [405, 200]), [GET_ONE], [_took(GET_ONE, 405)], "1 requests and 2 answers"),
        (Heard([GET_ONE, GET_TWO], [200]), [GET_ONE, GET_TWO], [_took(GET_ONE)], "2 requests and 1 answers"),
        (Heard([GET_ONE], [200], (b"", b"x")), [GET_ONE], [_took(GET_ONE)], "1 requests and 1 answers"),
        (Heard([GET_ONE], [200]), [], [_took(GET_ONE)], "did not say"),
        (Heard([], []), [GET_TWO], [], "did not pass on"),
        (Heard([GET_ONE], [200]), [GET_ONE], [_took(GET_ONE), _took(GET_TWO)], "what nginx did not"),
        (Heard([GET_ONE], [200]), [GET_ONE], [_took(GET_ONE), _took(GET_ONE)], "what nginx did not"),
        (Heard([GET_ONE], [200]), [GET_ONE], [_took(GET_ONE, 405)], "what nginx did not"),
        (Heard([GET_ONE], [200]), [GET_ONE], [], "did not take for a request"),
        (Heard([GET_ONE], [500]), [GET_ONE], [_took(GET_ONE, 500)], "5xx"),
    ],
)
def test_each_difference_is_said(line: Heard, proxy: list[Asked], cache: list[tuple[str, str, int]], said: str) -> None:
    assert any(said in one for one in differences([line], Counter(proxy), Counter(cache)))


def test_the_logs_are_read_as_they_are_written() -> None:
    nginx = "200|200|GET|/a?grant=x\n-|400|GET|/b\n502|502|GET|/c\n"
    cache = '127.0.0.1 - - [01/Dec/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 2 "" "" cache=hit upstream=- id=1\n'

    assert passed_on(nginx) == Counter([Asked("GET", "/a"), Asked("GET", "/c")])
    assert bad_gateways(nginx) == ["502|502|GET|/c"]
    assert answered(cache + "a line of another kind\n") == Counter([("GET", "/a", 200)])
