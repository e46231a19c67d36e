"""What upstreams answer when they are asked who the origin is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from doubles.signing import Signer, discovery_document
from dtr_content_cache.admission import DISCOVERY_PATH, DOCUMENT_LIMIT_BYTES, parse_discovery
from dtr_content_cache.values.failures import DiscoveryRefused
from hypothesis import given
from hypothesis import strategies as st

JWK = Signer("EdDSA").jwk()


def refusal(raw: bytes) -> str:
    with pytest.raises(DiscoveryRefused) as refused:
        parse_discovery(raw)
    return str(refused.value)


def test_a_good_document_gives_origin_keys_and_its_own_bytes() -> None:
    raw = discovery_document(JWK)
    discovery = parse_discovery(raw)
    assert (discovery.origin, discovery.keys.origin) == ("https://dtr.example.com",) * 2
    assert list(discovery.keys.keys) == ["key-1"]
    assert discovery.raw is raw


@pytest.mark.parametrize(
    "origin", ["https://dtr.example.com:8443", "http://10.0.0.1", "https://[2001:db8::1]:443", "https://dtr"]
)
def test_origins_are_urls_of_a_host(origin: str) -> None:
    assert parse_discovery(discovery_document(JWK, origin=origin)).origin == origin


@pytest.mark.parametrize(
    "origin",
    [
        None, 7, "", "dtr.example.com", "https://", "https://dtr.example.com/", "https://dtr.example.com/path",
        "https://dtr.example.com?x", "https://dtr.example.com#x", "https://user@dtr.example.com", "ftp://dtr.example.com",
        "HTTPS://dtr.example.com", "https://dtr.example.com:", "https://dtr.example.com:0x", "https://dtr .example.com",
        "https://dtr.example.com\n", "https://-dtr",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused(origin: Any) -> None:
    sentence = refusal(discovery_document(JWK, origin=origin))
    assert sentence.startswith("origin: found ")
    assert sentence.endswith("wanted http(s)://host[:port] without a path")


@pytest.mark.parametrize("version", [None, 0, 2, "1", 1.0, True, [1]])
def test_only_version_1_is_read(version: Any) -> None:
    said = "nothing" if version is None else repr(version)
    wanted = "wanted the JSON object of content cache discovery, version 1"
    assert refusal(discovery_document(JWK, version=version)) == f"version: found {said}, {wanted}"


def test_of_a_long_value_a_refusal_shows_the_beginning() -> None:
    sentence = refusal(discovery_document(JWK, origin="x" * 200))
    assert sentence == f"origin: found '{'x' * 79}, wanted http(s)://host[:port] without a path"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "found an empty answer"),
        (b"  \n", "found an empty answer"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", "found PEM, which looks like another version's answer"),
        (b"<!DOCTYPE html><html>", "found a web page"),
        (b"<html><title>Log in", "found a web page"),
        (b" " * 600 + b"<?xml version='1.0'?>", "found a web page"),
        (b"not found", "found text that is not JSON (line 1, column 1)"),
        (b"[]", "found a JSON array"),
        (b"null", "found a JSON null"),
        (b"\xff\xfe{}", "found text that is not UTF-8"),
        (b'{"version": 1, "version": 1}', "found JSON with a repeated member name"),
        (b'{"version": NaN}', "found JSON with NaN"),
        (b'{"a":' * 5000, "found JSON nested too deeply"),
        (b'{"version": ' + b"1" * 5000 + b"}", "found JSON with an integer of more than 20 characters"),
    ],
)
def test_a_foreign_answer_is_recognised(raw: bytes, words: str) -> None:
    sentence = refusal(raw)
    assert sentence.startswith(words)
    assert sentence.endswith("wanted the JSON object of content cache discovery, version 1")


def test_a_document_of_more_than_64_kib_is_refused_unread() -> None:
    fitting = json.loads(discovery_document(JWK)) | {"note": ""}
    fitting["note"] = "x" * (DOCUMENT_LIMIT_BYTES - len(json.dumps(fitting)))
    assert parse_discovery(json.dumps(fitting).encode()).origin
    fitting["note"] += "x"
    assert refusal(json.dumps(fitting).encode()).startswith("found more than 65536 bytes")


@given(st.binary(max_size=300))
def test_any_bytes_give_a_refusal_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(DiscoveryRefused):
        parse_discovery(raw)


@given(st.dictionaries(st.sampled_from(["version", "origin", "jwks"]), st.sampled_from([1, "x", None, [], {}, JWK])))
def test_any_members_give_a_refusal_and_nothing_else(members: dict[str, Any]) -> None:
    with pytest.raises(DiscoveryRefused):
        parse_discovery(json.dumps(members).encode())


def test_the_document_is_asked_for_at_the_place_that_every_origin_and_cache_answers() -> None:
    assert DISCOVERY_PATH == "/.well-known/dtr-content-cache"
