"""Answers as they go out, and the one table from failures to what a client is told."""

from __future__ import annotations

import json

import pytest
from dtr_content_cache.values.failures import (
    BlobUnknown,
    CredentialsWanted,
    GrantRefused,
    NoSpace,
    StorageBroken,
    UpstreamDenied,
    UpstreamUnavailable,
    WrongBytes,
)
from dtr_content_cache.web.answers import error, failure_answer, first_lines, head_bytes, json_answer

DIGEST = "sha256:" + "a" * 64
CANARY = "CANARY /srv/registry https://dtr.internal:8443 eyJhbGciOiJFZERTQSJ9"


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (GrantRefused("expired", CANARY), 403, "DENIED"),
        (UpstreamDenied(CANARY), 403, "DENIED"),
        (CredentialsWanted('Bearer realm="https://dtr/auth/token"'), 401, "UNAUTHORIZED"),
        (BlobUnknown(CANARY), 404, "BLOB_UNKNOWN"),
        (UpstreamUnavailable(CANARY), 503, "UNAVAILABLE"),
        (WrongBytes(CANARY), 503, "UNAVAILABLE"),
        (NoSpace(CANARY), 503, "UNAVAILABLE"),
        (StorageBroken(CANARY), 503, "UNAVAILABLE"),
    ],
)
def test_each_failure_has_its_status_and_shows_nothing_of_its_text(failure, status: int, code: str) -> None:
    answer = failure_answer(failure, DIGEST)

    assert answer.status == status
    assert json.loads(answer.body)["errors"][0]["code"] == code
    assert b"CANARY" not in answer.body + repr(answer.headers).encode()


def test_an_unavailable_upstream_names_the_time_that_it_asked_for() -> None:
    assert ("Retry-After", "17") in failure_answer(UpstreamUnavailable("x", 17), DIGEST).headers
    assert ("Retry-After", "5") in failure_answer(UpstreamUnavailable("x"), DIGEST).headers


def test_an_error_is_the_registrys() -> None:
    answer = error(404, "BLOB_UNKNOWN", "blob unknown to registry", DIGEST)

    assert dict(answer.headers) == {
        "Content-Type": "application/json; charset=utf-8",
        "Docker-Distribution-Api-Version": "registry/2.0",
    }
    assert answer.body == (
        b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry","detail":"'
        + DIGEST.encode()
        + b'"}]}\n'
    )


def test_an_empty_object_is_just_that() -> None:
    assert json_answer(200, {}).body == b"{}"


def test_a_head_is_complete() -> None:
    head = head_bytes(206, (("X-A", "b"),), 7, close=True).decode()

    lines = head.split("\r\n")
    assert lines[0] == "HTTP/1.1 206 Partial Content"
    assert lines[1] in first_lines(200).decode()
    assert lines[2:] == ["X-A: b", "Content-Length: 7", "Connection: close", "", ""]


def test_a_304_has_no_length() -> None:
    assert b"Content-Length" not in head_bytes(304, (), None, close=False)
