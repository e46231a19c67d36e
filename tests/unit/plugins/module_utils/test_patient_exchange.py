"""What is asked again, how often, and after which pause."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.errors import Interrupted, Unreachable
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.patient_exchange import ask, asked_pause
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import Trust
from scripted_server import Says


def asked(server, method, *answers):
    """(status, number of requests, pauses) of one question to a server with these answers."""
    left, pauses = list(answers), []
    one = server(lambda _asked: left.pop(0))
    status = ask(HttpTransport(Trust(), 5), method, one.url, pauses.append).status
    return status, len(one.asked), pauses


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("first", [Says(429), Says(502), Says(503), Says(504), Says(silent=True)])
def test_what_may_pass_is_asked_again_where_that_is_safe(server, method, first):
    assert asked(server, method, first, Says(200)) == (200, 2, [1])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_what_will_not_pass_is_not_asked_again(server, status):
    assert asked(server, "GET", Says(status)) == (status, 1, [])


def test_a_post_is_never_repeated(server):
    assert asked(server, "POST", Says(503)) == (503, 1, [])
    with pytest.raises(Interrupted):
        asked(server, "POST", Says(silent=True))


def test_three_attempts_are_all_and_the_server_may_ask_for_a_pause(server):
    busy = Says(429, headers={"Retry-After": "7"})
    assert asked(server, "GET", busy, busy, busy) == (429, 3, [7, 7])


@pytest.mark.parametrize(("header", "pause"), [("3", 3), ("9999999", 10), (None, 2), ("soon", 2), ("-1", 2), ("٣", 2)])
def test_a_pause_is_within_reason(header, pause):
    assert asked_pause(header, 2) == pause


def test_a_name_that_does_not_exist_is_not_tried_again():
    class Nowhere:
        def __init__(self):
            self.calls = 0

        def exchange(self, *_args, **_kwargs):
            self.calls += 1
            raise Unreachable("no such name")

    nowhere = Nowhere()
    with pytest.raises(Unreachable):
        ask(nowhere, "GET", "http://x", sleep=lambda seconds: pytest.fail("waited"))
    assert nowhere.calls == 1
