"""Which JWK sets are taken, which are refused, and with which words."""

from __future__ import annotations

from typing import Any

import pytest
from doubles.signing import ALGORITHMS, Signer, b64, number
from dtr_content_cache.admission.keys import VerifyingKey, parse_key_set
from dtr_content_cache.values.failures import DiscoveryRefused

ED, EC, RSA = (Signer(algorithm) for algorithm in ALGORITHMS)


def parse(*entries: Any):
    return parse_key_set("https://dtr.example.com", {"keys": list(entries)})


def refusal(*entries: Any) -> str:
    with pytest.raises(DiscoveryRefused) as refused:
        parse(*entries)
    return str(refused.value)


@pytest.mark.parametrize("signer", [ED, EC, RSA])
def test_a_key_verifies_what_it_signed_and_nothing_else(signer: Signer) -> None:
    key = parse(signer.jwk()).keys["key-1"]
    signature = signer.signature(b"signed")
    assert key.algorithm == signer.algorithm
    assert key.verify(b"signed", signature)
    assert not key.verify(b"signed!", signature)
    assert not key.verify(b"signed", b"")
    assert not key.verify(b"signed", signature[:-1] + bytes([signature[-1] ^ 1]))


def test_alg_use_and_key_ops_may_be_left_out() -> None:
    assert parse(ED.jwk(alg=None, use=None)).keys["key-1"].algorithm == "EdDSA"
    assert parse(ED.jwk(key_ops=["verify"])).keys


def test_keys_of_kinds_that_nobody_knows_yet_are_passed_over() -> None:
    unknown = [{"kty": "AKP", "kid": "pq"}, {"kty": "OKP", "crv": "Ed448", "kid": "e"}, EC.jwk(crv="P-521", kid="p")]
    assert list(parse(*unknown, ED.jwk()).keys) == ["key-1"]
    assert "found no key that can be used" in refusal(*unknown)


def test_several_keys_stand_side_by_side_while_one_replaces_another() -> None:
    assert set(parse(ED.jwk(kid="old"), EC.jwk(kid="new")).keys) == {"old", "new"}


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_member_is_refused_without_showing_it(member: str) -> None:
    sentence = refusal(ED.jwk(**{member: "canary-secret"}))
    assert sentence == f"jwks.keys[0]: found the private member {member!r}, wanted a public key only"


def test_a_shared_secret_is_no_key() -> None:
    assert "private member 'k'" in refusal({"kty": "oct", "kid": "s", "k": "c2VjcmV0"})


SMALL = Signer("RS256", rsa_bits=1024)
REFUSED: list[tuple[Any, str]] = [
    ("text", "found no kty"),
    ({"kid": "x"}, "found no kty"),
    ({"kty": ["OKP"]}, "found no kty"),
    (ED.jwk(kid=None), "jwks.keys[0].kid: found none that is usable"),
    (ED.jwk(kid=""), "kid: found none that is usable"),
    (ED.jwk(kid=7), "kid: found none that is usable"),
    (ED.jwk(kid="a\nb"), "kid: found none that is usable"),
    (ED.jwk(kid="k" * 256), "kid: found none that is usable"),
    (ED.jwk(use="enc"), "jwks.keys[0].use: found 'enc', wanted 'sig' or nothing"),
    (ED.jwk(key_ops=["sign"]), "key_ops: found ['sign'], wanted a list with 'verify' or nothing"),
    (ED.jwk(key_ops="verify"), "key_ops: found 'verify'"),
    (ED.jwk(alg="RS256"), "jwks.keys[0].alg: found 'RS256', wanted 'EdDSA', as the key is"),
    (RSA.jwk(alg="PS256"), "alg: found 'PS256', wanted 'RS256'"),
    (EC.jwk(alg="HS256"), "alg: found 'HS256', wanted 'ES256'"),
    (ED.jwk(x=None), "jwks.keys[0].x: found 0 bytes, wanted 32 bytes"),
    (ED.jwk(x=7), "jwks.keys[0].x: found no unpadded base64url"),
    (ED.jwk(x=b64(b"\1" * 31)), "x: found 31 bytes, wanted 32 bytes"),
    (ED.jwk(x=ED.jwk()["x"] + "="), "x: found no unpadded base64url"),
    (EC.jwk(x=b64(b"\1" * 32)), "found x and y that are no point of P-256"),
    (EC.jwk(y=EC.jwk()["x"]), "found x and y that are no point of P-256"),
    (EC.jwk(x=b64(b"\0" + b"\1" * 32)), "x: found 33 bytes, wanted 32 bytes"),
    (SMALL.jwk(), "jwks.keys[0].n: found 1024 bits, wanted 2048 to 8192"),
    (RSA.jwk(n=number(2**8193 + 1)), "n: found 8194 bits, wanted 2048 to 8192"),
    (RSA.jwk(n=b64(b"\0" + RSA.private.public_key().public_numbers().n.to_bytes(256))), "leading zeros"),
    (RSA.jwk(e=number(2**40 + 1)), "e: found an exponent"),
    (RSA.jwk(e=number(1)), "found n and e that are no RSA key"),
    (RSA.jwk(e=number(65536)), "found n and e that are no RSA key"),
    (RSA.jwk(n=number(2**2047)), "found n and e that are no RSA key"),
]


@pytest.mark.parametrize(("entry", "words"), REFUSED)
def test_a_key_that_is_not_right_refuses_the_whole_set_and_says_why(entry: Any, words: str) -> None:
    sentence = refusal(entry, ED.jwk(kid="good"))
    assert words in sentence
    assert "wanted" in sentence or "that are no" in sentence or "RFC 7518" in sentence


def test_two_keys_of_one_name_are_refused() -> None:
    assert refusal(ED.jwk(), EC.jwk()).startswith("jwks.keys[1]: found the kid of an earlier key")


@pytest.mark.parametrize("jwks", [None, [], {}, {"keys": {}}, {"keys": "x"}])
def test_what_is_no_key_set_is_refused(jwks: Any) -> None:
    with pytest.raises(DiscoveryRefused, match="jwks: found no list of keys"):
        parse_key_set("https://dtr.example.com", jwks)


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        (RSA.jwk(n=None), "jwks.keys[0].n: found 0 bytes, wanted bytes"),
        (RSA.jwk(e=""), "jwks.keys[0].e: found 0 bytes, wanted bytes"),
        (ED.jwk(x=None), "jwks.keys[0].x: found 0 bytes, wanted 32 bytes"),
        (ED.jwk(use="e" * 50), f"jwks.keys[0].use: found '{'e' * 39}, wanted 'sig' or nothing"),
    ],
)
def test_a_refusal_says_how_many_bytes_are_wanted_and_shows_no_long_values(entry: Any, sentence: str) -> None:
    assert refusal(entry) == sentence


@pytest.mark.parametrize(("exponent", "is_taken"), [(2**32 + 1, True), (2**33 + 1, False), (3, True)])
def test_an_exponent_of_up_to_33_bits_is_taken(exponent: int, is_taken: bool) -> None:
    entry = RSA.jwk(e=number(exponent))
    if is_taken:
        assert parse(entry).keys
    else:
        assert "e: found an exponent" in refusal(entry)


@pytest.mark.parametrize(("bits", "is_taken"), [(2047, False), (2048, True), (8192, True), (8193, False)])
def test_moduli_of_2048_to_8192_bits_are_taken(bits: int, is_taken: bool) -> None:
    entry = RSA.jwk(n=number(2 ** (bits - 1) + 1))
    if is_taken:
        assert parse(entry).keys
    else:
        assert f"n: found {bits} bits" in refusal(entry)


@pytest.mark.parametrize("length", [1, 255])
def test_a_kid_has_1_to_255_characters(length: int) -> None:
    assert list(parse(ED.jwk(kid="k" * length)).keys) == ["k" * length]


def test_a_check_that_can_make_nothing_of_a_signature_says_no() -> None:
    def helpless(signed: bytes, signature: bytes) -> None:
        raise ValueError("not a signature at all")

    assert VerifyingKey("key-1", "EdDSA", b"", helpless).verify(b"signed", b"x") is False


def test_a_signature_of_p_256_is_64_bytes_and_no_more() -> None:
    key, signature = parse(EC.jwk()).keys["key-1"], EC.signature(b"signed")

    assert key.verify(b"signed", signature)
    assert not key.verify(b"signed", signature + b"\0")
    assert not key.verify(b"signed", signature[:-1])


def test_keys_are_equal_by_what_they_verify() -> None:
    assert parse(ED.jwk()).keys["key-1"] == parse(ED.jwk()).keys["key-1"]
    assert parse(ED.jwk()).keys["key-1"] != parse(EC.jwk()).keys["key-1"]
    assert "_check" not in repr(parse(ED.jwk()))
