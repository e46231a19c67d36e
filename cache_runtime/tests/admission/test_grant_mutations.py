"""Damage of every kind that a machine can think of: nothing damaged is admitted, nothing but a refusal comes out."""

from __future__ import annotations

import json
from typing import Any

from doubles.gate import Gate, claims, signer
from doubles.signing import b64
from dtr_content_cache.admission import REASONS
from dtr_content_cache.admission.base64url import decode
from hypothesis import given, settings
from hypothesis import strategies as st

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_no_grant_with_a_flipped_bit_of_its_text_is_admitted(each_gate: Gate) -> None:
    query = "grant=" + each_gate.token()
    for position, character in enumerate(query):
        for bit in range(8):
            flipped = query[:position] + chr(ord(character) ^ (1 << bit)) + query[position + 1 :]
            assert each_gate.reason(flipped) in REASONS, (position, bit)


def test_no_grant_with_a_flipped_bit_of_its_decoded_parts_is_admitted(each_gate: Gate) -> None:
    parts = [decode(part) for part in each_gate.token().split(".")]
    for number, part in enumerate(parts):
        for position in range(len(part) * 8):
            damaged = bytearray(part)
            damaged[position // 8] ^= 1 << position % 8
            texts = [b64(bytes(damaged) if index == number else other) for index, other in enumerate(parts)]
            assert each_gate.reason("grant=" + ".".join(texts)) in REASONS, (number, position)


def test_no_grant_with_one_other_character_is_admitted(each_gate: Gate) -> None:
    token = each_gate.token()
    for position, character in enumerate(token):
        near_an_end = position > len(token) - 4 or "." in token[position : position + 2]
        others = ALPHABET if near_an_end else ALPHABET[position % 8 :: 8]
        for other in others + ".":
            if other != character:
                changed = token[:position] + other + token[position + 1 :]
                assert each_gate.reason("grant=" + changed) in REASONS, (position, other)


def test_no_grant_with_a_character_left_out_or_doubled_is_admitted(each_gate: Gate) -> None:
    token = each_gate.token()
    for position in range(len(token)):
        assert each_gate.reason("grant=" + token[:position] + token[position + 1 :]) in REASONS
        assert each_gate.reason("grant=" + token[:position] + token[position] + token[position:]) in REASONS


GATE = Gate(signer("EdDSA"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.text(max_size=300) | st.text("grantGR=&.%20eyJ-_;", max_size=100).map("grant=".__add__))
@settings(max_examples=400, deadline=None)
def test_any_query_gives_a_refusal_and_nothing_else(query: str) -> None:
    assert GATE.reason(query) in REASONS


@given(st.binary(max_size=200), st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_signed_bytes_give_a_refusal_and_nothing_else(header: bytes, body: bytes) -> None:
    assert GATE.reason("grant=" + GATE.signer.token(header, body)) in REASONS


@given(st.sampled_from(sorted(claims())), JSON)
@settings(max_examples=400, deadline=None)
def test_any_value_of_any_claim_is_admitted_only_where_it_says_what_was_asked(name: str, value: Any) -> None:
    changed = claims() | {name: value}
    reason = GATE.reason("grant=" + GATE.signer.token(GATE.signer.header(), json.dumps(changed).encode()))
    if reason == "admitted":
        assert name in ("sub", "jti", "iat", "exp") or value == claims()[name]
    else:
        assert reason in REASONS
