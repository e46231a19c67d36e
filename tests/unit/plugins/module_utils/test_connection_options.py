"""The connection that the options describe, and the sentence for those that describe none."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import OPTIONAL, UNUSED, connection_from
from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption

GIVEN = {
    "dtr_url": "https://dtr.example.com/",
    "dtr_username": "alice",
    "dtr_password": "canary",
    "dtr_token": None,
    "ca_path": None,
    "validate_certs": True,
    "timeout": 30,
}
NO_SECRET = dict(GIVEN, dtr_password=None)


def test_a_password_and_a_token_are_used_alike_and_neither_is_shown():
    by_password = connection_from(GIVEN, {})
    by_token = connection_from(dict(GIVEN, dtr_password=None, dtr_token="canary"), {})
    assert by_password == by_token
    assert by_password.basic_auth == (b"alice", b"canary")
    assert by_password.url == "https://dtr.example.com"
    assert "canary" not in repr(by_password)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtr_username": None}, "give dtr_username"),
        ({"dtr_password": None}, "give dtr_password or dtr_token"),
        ({"dtr_password": ""}, "give dtr_password or dtr_token"),
        ({"dtr_token": "canary"}, "dtr_password and dtr_token are both given; wanted: one of them"),
        ({"dtr_username": None, "dtr_password": None}, "No credentials"),
        ({"dtr_username": "a:b"}, "has no colon"),
        ({"timeout": 0}, "timeout is 0"),
        ({"timeout": 99999}, "timeout is 99999"),
        ({"dtr_url": "dtr.example.com"}, "perhaps https://dtr.example.com"),
    ],
)
def test_what_describes_no_connection_is_named(change, words):
    with pytest.raises(WrongOption) as caught:
        connection_from(dict(GIVEN, **change), {})
    assert words in caught.value.message
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("given", "environment", "secret"),
    [
        ({"dtr_token": "own"}, {"DTR_PASSWORD": "inherited"}, "own"),
        ({"dtr_password": "own"}, {"DTR_TOKEN": "inherited"}, "own"),
        ({"dtr_password": "", "dtr_token": "own"}, {}, "own"),
        ({"dtr_password": "own", "dtr_token": ""}, {}, "own"),
        ({"dtr_password": ""}, {"DTR_TOKEN": "inherited"}, "inherited"),
        ({}, {"DTR_PASSWORD": "inherited", "DTR_TOKEN": ""}, "inherited"),
        ({}, {"DTR_PASSWORD": "a password", "DTR_TOKEN": "a token"}, "a token"),
    ],
)
def test_what_the_task_says_wins_over_the_environment_and_an_empty_text_is_no_secret(given, environment, secret):
    connection = connection_from(NO_SECRET | given, environment)
    assert connection.secret == secret


def test_credentials_may_be_missing_where_they_are_optional_and_are_dropped_where_they_are_not_used():
    nobody = dict(GIVEN, dtr_username=None, dtr_password=None)
    assert connection_from(nobody, {}, OPTIONAL).basic_auth is None
    assert connection_from(GIVEN, {}, UNUSED).basic_auth is None
    assert connection_from(dict(GIVEN, dtr_url=None), {}, UNUSED) is None


@pytest.mark.parametrize(
    ("url", "clear"),
    [("https://dtr", False), ("http://dtr", True), ("http://127.0.0.1:80", False), ("http://localhost", False)],
)
def test_secrets_in_clear_are_noticed(url, clear):
    assert connection_from(dict(GIVEN, dtr_url=url), {}).sends_secrets_in_clear is clear
