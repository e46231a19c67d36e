"""DTR's statuses in words that help, with nothing secret in them."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.errors import Denied, NotFound, Refusal
from ansible_collections.dtr.caches.plugins.module_utils.patient_exchange import Answer
from ansible_collections.dtr.caches.plugins.module_utils.refusals import error_code, first_words, refusal, said
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin

CONNECTION = Connection(parse_origin("https://dtr.example.com", ""), "alice", "canary", "", True, 30)
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlc2lnbmF0dXJl"


def of(status, text="", location=""):
    return refusal("list the content caches", Answer(status, {"Location": location}, text.encode()), CONNECTION)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (301, Refusal, "a redirect to https://dtr2.example.com; set dtr_url"),
        (400, Refusal, "do not suit it"),
        (401, Denied, "check dtr_username and dtr_password or dtr_token"),
        (403, Denied, "system admin"),
        (404, NotFound, "dtr_url is DTR itself"),
        (405, Refusal, "no such call"),
        (406, Refusal, "Accept or Content-Type"),
        (415, Refusal, "Accept or Content-Type"),
        (429, Refusal, "fewer tasks at once"),
        (500, Refusal, "/_ping"),
        (503, Refusal, "/_ping"),
    ],
)
def test_every_status_says_who_asked_whom_and_what_to_do(status, kind, words):
    failure = of(status, location="https://dtr2.example.com/x?grant=secret")
    assert type(failure) is kind
    assert failure.status == status
    assert "https://dtr.example.com" in failure.message
    assert words in failure.message
    assert "alice" in failure.message or status == 301
    assert "secret" not in failure.message
    assert failure.may_pass == (status in (429, 503))


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        (
            '{"errors": [{"code": "NOT_AUTHORIZED", "message": "The client is not authorized."}]}',
            "403 NOT_AUTHORIZED: The client is not authorized.",
        ),
        ('{"errors": [{"message": "no"}]}', "403: no"),
        ('{"errors": [{"code": "DENIED"}]}', "403 DENIED"),
        ("<html><style>b{}</style><h1>Sign in</h1>\n<p>please</p>", "403: Sign in please"),
        ("", "403, no words"),
        ('{"errors": []}', '403: {"errors": []}'),
        ('{"errors": "x"}', '403: {"errors": "x"}'),
        ("\x1b[31mred\x07", "403: [31mred"),
    ],
)
def test_a_body_of_any_form_becomes_a_few_words(text, heard):
    assert said(403, text) == heard


def test_long_bodies_are_cut_and_tokens_hidden():
    assert len(first_words("word " * 10_000)) == 160
    assert TOKEN not in first_words(f"bad token {TOKEN}!")
    assert "abc" not in first_words("see /v2/x?grant=abc&y=1")
    assert error_code("[" * 100_000) == ("", "")
