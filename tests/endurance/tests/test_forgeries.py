"""A forgery that no careless reader would take proves nothing: each kind is right for the reader it is made for."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from doubles.confusions import numbers_for_int
from doubles.gate import NOW_S, Gate, claims, signer
from dtr_content_cache.admission import base64url
from dtr_simulator import jws
from endurance.cripples import with_int_for_numbers
from endurance.forgeries import forgeries

JKU = "http://stranger.example/keys"


@pytest.fixture
def reader_by_int() -> Iterator[None]:
    undo = with_int_for_numbers()
    yield
    undo()


@pytest.mark.parametrize("changes", numbers_for_int(NOW_S))
def test_who_reads_numbers_by_int_admits_each_of_their_forms(reader_by_int: None, changes: dict[str, Any]) -> None:
    gate = Gate(signer("EdDSA"))

    assert gate.reason("grant=" + gate.token(**changes)) == "admitted"


@pytest.mark.parametrize("algorithm", jws.ALGORITHMS)
def test_what_brings_its_key_is_signed_by_it_and_what_is_signed_by_a_public_key_is_signed_by_that(
    algorithm: str,
) -> None:
    key, stranger = jws.SigningKey.new(algorithm), jws.SigningKey.new(algorithm)
    made = dict(forgeries(claims(), key, stranger, JKU))

    own = [grant for name, grant in made.items() if "its own in" in name]
    shared = made["HS256 by the PEM without its last line end, said to be HS256"]
    by_whom = {grant: json.loads(base64url.decode(grant.split(".")[0])) for grant in own}

    assert len(own) == 24
    for grant in own:
        signing_input, _, signature = grant.rpartition(".")
        stranger.verify(base64url.decode(signature), signing_input.encode())
    assert sum("jwk" in header for header in by_whom.values()) == 8
    signing_input, _, signature = shared.rpartition(".")
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).rstrip(b"\n")
    assert base64url.decode(signature) == hmac.new(pem, signing_input.encode(), hashlib.sha256).digest()
