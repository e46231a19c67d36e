"""One call: its address, its credentials, and the errors of answers that it cannot use."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.dtr_client import DtrClient, escaped
from ansible_collections.dtr.caches.plugins.module_utils.errors import Denied, Unexpected, WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from scripted_server import Says


@pytest.fixture
def client_of(server):
    def start(answer):
        one = server(answer)
        return DtrClient(Connection(parse_origin(one.url, ""), "älice", "canäry", "", True, 5), sleep=None), one

    return start


def test_a_call_carries_basic_credentials_in_utf_8_and_json(client_of):
    client, dtr = client_of(lambda asked: Says(201, {"id": "1"}))
    answer = client.call("do it", "POST", "api", "a b/c?", wanted=(201,), body={"n": 1}, query={"q": "x y"})
    (asked,) = dtr.asked
    assert client.json("do it", answer) == {"id": "1"}
    assert (asked.path, asked.query, asked.json()) == ("/api/a%20b%2Fc%3F", "q=x+y", {"n": 1})
    assert base64.b64decode(asked.headers["Authorization"].split()[1]).decode() == "älice:canäry"
    assert asked.headers["Accept"] == asked.headers["Content-Type"] == "application/json"


def test_a_status_that_is_not_wanted_is_an_error_with_the_purpose(client_of):
    client, _dtr = client_of(lambda asked: Says(403))
    with pytest.raises(Denied, match="refused to count the sheep for account älice"):
        client.call("count the sheep", "GET", "sheep")


@pytest.mark.parametrize("body", ["", "<html>Welcome</html>", "[" * 100_000])
def test_an_answer_that_is_no_json_is_named_with_its_first_words(client_of, body):
    client, dtr = client_of(lambda asked: Says(body=body))
    with pytest.raises(Unexpected) as caught:
        client.json("count the sheep", client.call("count the sheep", "GET", "sheep"))
    assert dtr.url in caught.value.message
    assert "call to count the sheep with 200 but no JSON" in caught.value.message


def test_a_part_of_a_path_is_one_part_whatever_it_holds():
    assert escaped("a/../b?c#d%") == "a%2F..%2Fb%3Fc%23d%25"
    for part in (".", ".."):
        with pytest.raises(WrongOption, match="no name that DTR can have"):
            escaped(part)
