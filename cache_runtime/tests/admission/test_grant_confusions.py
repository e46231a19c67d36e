"""Grants that are nearly right, each signed by the true key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from doubles.confusions import QUERIES, RAW_OBJECTS, SHAPES, claims_beside, headers_beside
from doubles.gate import DIGEST, NOW_S, Gate, claims
from doubles.signing import ORIGIN


@pytest.mark.parametrize(("query", "reason"), QUERIES)
def test_a_query_is_read_in_one_way_or_refused(gate: Gate, query: str, reason: str) -> None:
    assert gate.reason(query.replace("{t}", gate.token())) == reason


@pytest.mark.parametrize("shape", SHAPES)
def test_only_three_parts_of_unpadded_base64url_make_a_grant(gate: Gate, shape: Any) -> None:
    assert gate.reason("grant=" + shape(*gate.token().split("."))) in ("malformed", "bad-signature")


def test_a_second_spelling_of_the_same_bytes_is_refused(gate: Gate) -> None:
    """The last character of a 64-byte signature carries four bits that mean nothing: they must be zero."""
    token, alphabet = gate.token(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(token[-1])
    assert last % 16 == 0
    for other in range(last + 1, last + 16):
        assert gate.reason(f"grant={token[:-1]}{alphabet[other]}") == "malformed"


@pytest.mark.parametrize(("changes", "reason"), headers_beside("key-1"))
def test_the_header_chooses_nothing(gate: Gate, changes: dict[str, Any], reason: str) -> None:
    assert gate.reason("grant=" + gate.token(header=changes)) == reason


@pytest.mark.parametrize("raw", RAW_OBJECTS)
def test_a_header_that_two_readers_would_read_differently_is_refused(gate: Gate, raw: bytes) -> None:
    assert gate.reason("grant=" + gate.signer.token(raw, claims())) == "malformed"


@pytest.mark.parametrize("raw", RAW_OBJECTS)
def test_claims_that_two_readers_would_read_differently_are_refused(gate: Gate, raw: bytes) -> None:
    reason = gate.reason("grant=" + gate.signer.token(gate.signer.header(), raw))
    assert reason in ("malformed", "wrong-version")  # the latter for what is a plain JSON object


def test_a_repeated_claim_is_refused_whichever_comes_last(gate: Gate) -> None:
    good = json.dumps(claims())
    for raw in (good[:-1] + ', "repo": "org/secret"}', '{"repo": "org/secret", ' + good[1:]):
        assert gate.reason("grant=" + gate.signer.token(gate.signer.header(), raw.encode())) == "malformed"


@pytest.mark.parametrize(("changes", "reason"), claims_beside(NOW_S, ORIGIN, DIGEST))
def test_a_claim_that_is_not_exactly_right_is_refused(gate: Gate, changes: dict[str, Any], reason: str) -> None:
    assert gate.reason("grant=" + gate.token(**changes)) == reason
