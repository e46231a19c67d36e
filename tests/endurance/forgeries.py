"""Grants that somebody can make who has no private key of DTR: signed by a key of his own that the grant brings along
or names, by nothing, or by a public key taken for a shared secret. Each is right in all else, so that a reader who lets
the grant choose its key or its algorithm admits it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from doubles.signing import b64, b64json
from dtr_simulator import jws

Named = tuple[str, str]  # what it is, the grant


def forgeries(claims: dict[str, Any], key: jws.SigningKey, stranger: jws.SigningKey, jku: str) -> Iterator[Named]:
    """For `claims`, against readers who have `key`. `jku` is a URL at which the stranger publishes his key."""
    yield from _with_its_own_key(claims, key, stranger, jku)
    yield from _signed_by_nothing(claims, key)
    yield from _signed_by_what_is_public(claims, key)


def _with_its_own_key(
    claims: dict[str, Any], key: jws.SigningKey, stranger: jws.SigningKey, jku: str
) -> Iterator[Named]:
    under_the_true_name = stranger.jwk() | {"kid": key.kid}
    places: dict[str, dict[str, Any]] = {
        "jwk": {"jwk": stranger.jwk()},
        "jwk of the true kid": {"jwk": under_the_true_name},
        "jku": {"jku": jku},
        "x5c": {"x5c": [_certificate(stranger)]},
        "x5u": {"x5u": jku},
        "no place": {},
    }
    for place, members in places.items():
        for kid in (key.kid, stranger.kid, None, jku):
            yield f"a key of its own in {place}, kid {kid}", jws.sign(stranger, claims, {"kid": kid} | members)
    yield "its key as kid", jws.sign(stranger, claims, {"kid": stranger.jwk()})
    yield "its key set", jws.sign(stranger, claims, {"kid": key.kid, "jwks": {"keys": [under_the_true_name]}})


def _signed_by_nothing(claims: dict[str, Any], key: jws.SigningKey) -> Iterator[Named]:
    for algorithm in ("none", "None", "NONE", "nOnE", "", None):
        for kid in (key.kid, None):
            header = {"alg": algorithm, "kid": kid, "typ": "JWT"}
            signing_input = f"{b64json(_without_nothing(header))}.{b64json(claims)}"
            for ending in (".", "", ".AA", f".{b64(bytes(64))}"):
                yield f"alg {algorithm!r}, kid {kid}, ending {ending[:4]!r}", signing_input + ending
    yield "its own alg, no signature", f"{b64json({'alg': key.algorithm, 'kid': key.kid})}.{b64json(claims)}."


def _signed_by_what_is_public(claims: dict[str, Any], key: jws.SigningKey) -> Iterator[Named]:
    hashings = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
    for algorithm, hashing in hashings.items():
        for name, secret in _public_forms(key):
            for said in (algorithm, key.algorithm):
                signing_input = f"{b64json({'alg': said, 'kid': key.kid})}.{b64json(claims)}"
                signature = hmac.new(secret, signing_input.encode(), hashing).digest()
                yield f"{algorithm} by {name}, said to be {said}", f"{signing_input}.{b64(signature)}"


def _public_forms(key: jws.SigningKey) -> Iterator[tuple[str, bytes]]:
    """The bytes that a careless library would take for the secret."""
    public, form = key.private.public_key(), serialization.PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(serialization.Encoding.PEM, form)
    yield "the PEM", pem
    yield "the PEM without its last line end", pem.rstrip(b"\n")
    yield "the DER", public.public_bytes(serialization.Encoding.DER, form)
    jwk = key.jwk()
    yield "the JWK", json.dumps(jwk).encode()
    yield "the JWK, small", json.dumps(jwk, separators=(",", ":")).encode()
    yield "the JWK, small and sorted", json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()
    for name in ("x", "n", "kid"):
        if name in jwk:
            yield f"the JWK's {name}", jwk[name].encode()
            yield f"the JWK's {name}, decoded", jws.decode(jwk[name]) if name != "kid" else b""


def _certificate(key: jws.SigningKey) -> str:
    """Signed by itself, in the base64 of a header's x5c."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dtr")]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.private.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = builder.sign(key.private, None if key.algorithm == "EdDSA" else hashes.SHA256())
    return b64encode(signed.public_bytes(serialization.Encoding.DER)).decode()


def _without_nothing(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
