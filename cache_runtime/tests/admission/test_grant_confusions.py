"""Grants that are nearly right. Each is signed by the true key unless the test is about signatures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from doubles.gate import DIGEST, NOW_S, Gate, claims, signer
from doubles.signing import Signer, b64, b64json

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493

QUERIES = [
    ("", "missing"),
    ("ns=x", "missing"),
    ("grant=", "missing"),
    ("grant", "missing"),
    ("sig={t}", "missing"),
    ("grant={t}&grant={t}", "repeated"),
    ("grant={t}&grant=", "repeated"),
    ("grant&grant={t}", "repeated"),
    ("grant=x&ns=1&grant={t}", "repeated"),
    ("Grant={t}", "malformed"),
    ("GRANT={t}", "malformed"),
    ("%67rant={t}", "malformed"),
    ("grant={t}&%67rant={t}", "malformed"),
    ("grant={t}&GRANT=x", "malformed"),
    ("grant={t}&grant[]=x", "malformed"),
    ("grant={t}&+grant=x", "malformed"),
    ("grant={t}&grant%20=x", "malformed"),
    ("grant={t}&grant%00=x", "malformed"),
    ("a&b&c&d&e&f&g&h&grant={t}", "malformed"),
    ("&&&&&&&&grant={t}", "malformed"),
    ("grant={t};ns=x", "malformed"),
    ("grant={t}#", "malformed"),
    ("grant={t}=", "malformed"),
    ("grant={t}%3D", "malformed"),
    ("grant={t}%0A", "malformed"),
    ("grant={t}\n", "malformed"),
    ("grant= {t}", "malformed"),
    ("grant=+{t}", "malformed"),
    ("grant=%20{t}", "malformed"),
    ("grant=Bearer {t}", "malformed"),
    ('grant="{t}"', "malformed"),
    ("grant={t}?grant={t}", "malformed"),
    ("grant={t}\u0660", "malformed"),
    ("grant=" + "a" * 4097, "too-long"),
    ("grant=" + "%2E" * 2000, "too-long"),
]


@pytest.mark.parametrize(("query", "reason"), QUERIES)
def test_a_query_is_read_in_one_way_or_refused(gate: Gate, query: str, reason: str) -> None:
    assert gate.reason(query.replace("{t}", gate.token())) == reason


SHAPES = [
    lambda h, c, s: f"{h}.{c}",
    lambda h, c, s: f"{h}.{c}.",
    lambda h, c, s: f".{c}.{s}",
    lambda h, c, s: f"{h}..{s}",
    lambda h, c, s: "..",
    lambda h, c, s: f"{h}.{c}.{s}.",
    lambda h, c, s: f"{h}.{c}.{s}.{s}",
    lambda h, c, s: f"{h}.{c}.{s}.{s}.{s}",
    lambda h, c, s: f"{h}%2E{c}%2E{s}",
    lambda h, c, s: f"{h}={c}={s}",
    lambda h, c, s: f"{h}.{c}.{s}=",
    lambda h, c, s: f"{h}.{c}.{s}==",
    lambda h, c, s: f"{h}.{c}.{s[:-1]}+",
    lambda h, c, s: f"{h}.{c}.{s[:-1]}/",
    lambda h, c, s: f"{h}.{c}.{s}A",
    lambda h, c, s: f"{h}.{c}.{s}AAA",
    lambda h, c, s: f"{h}A.{c}.{s}",
    lambda h, c, s: json.dumps({"protected": h, "payload": c, "signature": s}),
    lambda h, c, s: b64(f"{h}.{c}.{s}".encode()),
]


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


HEADERS: list[tuple[Any, str]] = [
    ({"alg": "none"}, "wrong-algorithm"),
    ({"alg": "None"}, "wrong-algorithm"),
    ({"alg": ""}, "wrong-algorithm"),
    ({"alg": None}, "wrong-algorithm"),
    ({"alg": 1}, "wrong-algorithm"),
    ({"alg": ["EdDSA"]}, "wrong-algorithm"),
    ({"alg": "eddsa"}, "wrong-algorithm"),
    ({"alg": "EdDSA "}, "wrong-algorithm"),
    ({"alg": "Ed25519"}, "wrong-algorithm"),
    ({"alg": "HS256"}, "wrong-algorithm"),
    ({"alg": "RS256"}, "wrong-algorithm"),
    ({"alg": "ES256"}, "wrong-algorithm"),
    ({"kid": None}, "malformed"),
    ({"kid": 1}, "malformed"),
    ({"kid": ["key-1"]}, "malformed"),
    ({"kid": {}}, "malformed"),
    ({"kid": ""}, "unknown-key"),
    ({"kid": "KEY-1"}, "unknown-key"),
    ({"kid": "key-1 "}, "unknown-key"),
    ({"kid": "key-1\u0000"}, "unknown-key"),
    ({"kid": "../../dev/null"}, "unknown-key"),
    ({"kid": "' OR '1'='1"}, "unknown-key"),
    ({"typ": 1}, "malformed"),
    ({"crit": ["exp"]}, "malformed"),
    ({"crit": []}, "malformed"),
    ({"b64": False}, "malformed"),
    ({"zip": "DEF"}, "malformed"),
    ({"cty": "JWT"}, "malformed"),
    ({"jwk": Signer("EdDSA").jwk()}, "malformed"),
    ({"jku": "https://attacker.example/keys"}, "malformed"),
    ({"x5u": "https://attacker.example/cert"}, "malformed"),
    ({"x5c": ["MII="]}, "malformed"),
]


@pytest.mark.parametrize(("changes", "reason"), HEADERS)
def test_the_header_chooses_nothing(gate: Gate, changes: dict[str, Any], reason: str) -> None:
    assert gate.reason("grant=" + gate.token(header=changes)) == reason


RAW_OBJECTS = [
    b"",
    b"null",
    b"1",
    b'"text"',
    b"[]",
    b"{",
    b"{}x",
    b"{} {}",
    b"{'alg': 'EdDSA'}",
    b'\xef\xbb\xbf{"alg": "EdDSA", "kid": "key-1"}',
    '{"alg": "EdDSA", "kid": "key-1"}'.encode("utf-16"),
    b'{"alg": "EdDSA", "kid": "key-1", "kid": "key-1"}',
    b'{"alg": "none", "kid": "key-1", "alg": "EdDSA"}',
    b'{"alg": "EdDSA", "kid": "key-1", "typ": NaN}',
    b'{"alg": "EdDSA", "kid": "key-1", "typ": -Infinity}',
    b'{"alg": "EdDSA", "kid": "\xff"}',
    b'{"alg": "EdDSA", "kid": "key-1",}',
    b"[" * 1400,
    b'{"a":' * 400,
    b'{"alg": ' + b"9" * 1500 + b"}",
]


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


CLAIMS: list[tuple[dict[str, Any], str]] = [
    *(({name: None}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "iat", "exp", "jti")),
    *(({name: 7}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "jti")),
    *(({name: ["org/app"]}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "jti")),
    *(({name: {"a": 1}}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "iat", "exp", "jti")),
    *(({name: True}, "wrong-claims") for name in ("iss", "sub", "repo", "digest", "act", "iat", "exp", "jti")),
    *(({"ver": value}, "wrong-version") for value in (None, 0, 2, -1, 1.0, True, "1", [1], {})),
    *(
        ({name: value}, "wrong-claims")
        for name in ("iat", "exp")
        for value in (str(NOW_S), float(NOW_S), 1e10, NOW_S * 1000, -1, False, "1_800_000_000", "٣", "+1800000000", [])
    ),
    ({"iat": False, "exp": True}, "wrong-claims"),
    ({"exp": NOW_S - 10}, "wrong-claims"),
    ({"exp": NOW_S - 11}, "wrong-claims"),
    ({"exp": NOW_S - 10 + 3601}, "wrong-claims"),
    ({"exp": 2**53}, "wrong-claims"),
    ({"iat": 0}, "wrong-claims"),
    ({"aud": "cache.example.com"}, "wrong-claims"),
    ({"nbf": NOW_S - 10}, "wrong-claims"),
    ({"sub": ""}, "wrong-claims"),
    ({"sub": "a" * 256}, "wrong-claims"),
    ({"sub": "alice\nlevel=error"}, "wrong-claims"),
    ({"sub": "alice\u0000"}, "wrong-claims"),
    ({"sub": "alice\u202e"}, "wrong-claims"),
    ({"sub": "\ud800"}, "wrong-claims"),
    ({"jti": ""}, "wrong-claims"),
    ({"jti": "\x1b[2J"}, "wrong-claims"),
    ({"jti": "j" * 256}, "wrong-claims"),
    ({"act": "push"}, "wrong-action"),
    ({"act": "Pull"}, "wrong-action"),
    ({"act": "pull,push"}, "wrong-action"),
    ({"act": "*"}, "wrong-action"),
    ({"iss": "https://dtr.example.org"}, "wrong-issuer"),
    ({"iss": "http://dtr.example.com"}, "wrong-issuer"),
    ({"iss": "https://dtr.example.com/"}, "wrong-issuer"),
    ({"iss": "https://dtr.example.com:443"}, "wrong-issuer"),
    ({"iss": "https://DTR.example.com"}, "wrong-issuer"),
    ({"iss": "dtr.example.com"}, "wrong-issuer"),
    ({"iss": ""}, "wrong-issuer"),
    ({"repo": "org/other"}, "wrong-repository"),
    ({"repo": "org"}, "wrong-repository"),
    ({"repo": "org/app2"}, "wrong-repository"),
    ({"repo": "app"}, "wrong-repository"),
    ({"repo": "org/app/"}, "wrong-claims"),
    ({"repo": "/org/app"}, "wrong-claims"),
    ({"repo": "org//app"}, "wrong-claims"),
    ({"repo": "org/./app"}, "wrong-claims"),
    ({"repo": "org/x/../app"}, "wrong-claims"),
    ({"repo": "org%2Fapp"}, "wrong-claims"),
    ({"repo": "ORG/app"}, "wrong-claims"),
    ({"repo": "org/app\n"}, "wrong-claims"),
    ({"repo": "org/\u0430pp"}, "wrong-claims"),  # a Cyrillic a
    ({"repo": "*"}, "wrong-claims"),
    ({"repo": ""}, "wrong-claims"),
    ({"digest": "sha256:" + "5b" * 32}, "wrong-digest"),
    ({"digest": DIGEST.upper()}, "wrong-claims"),
    ({"digest": "sha256:" + "5A" * 32}, "wrong-claims"),
    ({"digest": "5a" * 32}, "wrong-claims"),
    ({"digest": "sha512:" + "5a" * 64}, "wrong-claims"),
    ({"digest": "sha512:" + "5a" * 32}, "wrong-claims"),
    ({"digest": DIGEST + "00"}, "wrong-claims"),
    ({"digest": DIGEST + "\n"}, "wrong-claims"),
    ({"digest": DIGEST[:-1] + "\u0661"}, "wrong-claims"),
    ({"digest": "*"}, "wrong-claims"),
]


@pytest.mark.parametrize(("changes", "reason"), CLAIMS)
def test_a_claim_that_is_not_exactly_right_is_refused(gate: Gate, changes: dict[str, Any], reason: str) -> None:
    assert gate.reason("grant=" + gate.token(**changes)) == reason


def _with_signature(gate: Gate, signature: bytes, **header: Any) -> str:
    signing_input = f"{b64json(gate.signer.header(**header))}.{b64json(claims())}"
    return f"grant={signing_input}.{b64(signature)}"


def test_a_signature_by_another_key_of_the_same_kid_is_refused(each_gate: Gate) -> None:
    stranger = Gate(Signer(each_gate.signer.algorithm))
    assert each_gate.reason("grant=" + stranger.token()) == "bad-signature"


def test_a_signature_over_other_claims_is_refused(each_gate: Gate) -> None:
    header, other_claims, _ = each_gate.token(repo="org/secret").split(".")
    assert each_gate.reason(f"grant={header}.{other_claims}.{each_gate.token().split('.')[2]}") == "bad-signature"


def test_a_signature_over_the_same_claims_under_another_header_is_refused(each_gate: Gate) -> None:
    _, text, signature = each_gate.token().split(".")
    header = b64json(each_gate.signer.header(typ=None))
    assert each_gate.reason(f"grant={header}.{text}.{signature}") == "bad-signature"


def test_a_public_key_used_as_a_shared_secret_signs_nothing(each_gate: Gate) -> None:
    public = each_gate.signer.private.public_key()
    for form in (serialization.PublicFormat.SubjectPublicKeyInfo,):
        for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
            mac = hmac.HMAC(public.public_bytes(encoding, form), hashes.SHA256())
            signing_input = f"{b64json(each_gate.signer.header(alg='HS256'))}.{b64json(claims())}"
            mac.update(signing_input.encode())
            assert each_gate.reason(f"grant={signing_input}.{b64(mac.finalize())}") == "wrong-algorithm"


def test_signatures_cut_or_prolonged_are_refused(each_gate: Gate) -> None:
    signing_input, _, signature_text = each_gate.token().rpartition(".")
    signature = each_gate.signer.signature(signing_input.encode())
    for wrong in (
        signature[:-1],
        signature[1:],
        signature + b"\0",
        b"\0" + signature,
        signature * 2,
        b"\0",
        signature[:32],
    ):
        assert each_gate.reason(f"grant={signing_input}.{b64(wrong)}") == "bad-signature"
    assert signature_text


def test_es256_numbers_that_are_no_signature_are_refused() -> None:
    gate = Gate(signer("ES256"))
    for r in (0, 1, P256_ORDER, P256_ORDER - 1, 2**256 - 1):
        for s in (0, 1, P256_ORDER, P256_ORDER - 1, 2**256 - 1):
            assert gate.reason(_with_signature(gate, r.to_bytes(32) + s.to_bytes(32))) == "bad-signature"


def test_an_es256_signature_of_right_numbers_in_more_than_64_bytes_is_refused() -> None:
    gate = Gate(signer("ES256"))
    signing_input = f"{b64json(gate.signer.header())}.{b64json(claims())}".encode()
    signature = gate.signer.signature(signing_input)
    assert gate.reason(_with_signature(gate, signature)) == "admitted"
    assert gate.reason(_with_signature(gate, signature[:32] + b"\0" + signature[32:])) == "bad-signature"


def test_es256_signatures_in_der_are_refused() -> None:
    gate = Gate(signer("ES256"))
    signing_input = f"{b64json(gate.signer.header())}.{b64json(claims())}".encode()
    der = gate.signer.private.sign(signing_input, ec.ECDSA(hashes.SHA256()))
    assert gate.reason(_with_signature(gate, der)) == "bad-signature"


def test_rs256_is_pkcs1_with_sha256_and_nothing_else() -> None:
    gate = Gate(signer("RS256"))
    signing_input = f"{b64json(gate.signer.header())}.{b64json(claims())}".encode()
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    for pad, hashing in (
        (pss, hashes.SHA256()),
        (padding.PKCS1v15(), hashes.SHA512()),
        (padding.PKCS1v15(), hashes.SHA1()),  # noqa: S303
    ):
        assert (
            gate.reason(_with_signature(gate, gate.signer.private.sign(signing_input, pad, hashing))) == "bad-signature"
        )


def test_an_ed25519_signature_with_its_number_shifted_by_the_group_order_is_refused() -> None:
    gate = Gate(signer("EdDSA"))
    signing_input = f"{b64json(gate.signer.header())}.{b64json(claims())}".encode()
    signature = gate.signer.signature(signing_input)
    shifted = (int.from_bytes(signature[32:], "little") + ED25519_ORDER).to_bytes(32, "little")
    assert gate.reason(_with_signature(gate, signature[:32] + shifted)) == "bad-signature"
