"""Signatures that are nearly right: by another key, over other words, cut, prolonged, or in a second encoding."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from doubles.gate import Gate, claims, signer
from doubles.signing import Signer, b64, b64json

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


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
