"""Compact JSON Web Signatures (RFC 7515) over the three algorithms that grants may use.

Owns: base64url, signing input, signing and checking with one key. Pure.
Does not own: where keys lie (key_ring.py), what the claims mean (grants.py, registry_tokens.py).
Rule: the algorithm belongs to the key; a token that names another one is refused before any check.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
ALGORITHMS = ("EdDSA", "ES256", "RS256")


class BadSignature(Exception):
    """Not a JWS, or not one of this key. The text is one of a few fixed words."""


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Base64url without padding, in its one canonical form. Raise BadSignature otherwise."""
    try:
        data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raise BadSignature("malformed") from None
    if encode(data) != text:
        raise BadSignature("malformed")
    return data


def generate(algorithm: str) -> PrivateKey:
    """A new private key for `EdDSA`, `ES256` or `RS256`."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def algorithm_of(private: object) -> str | None:
    """The algorithm that a private key is for, None if it is for none of the three."""
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return "ES256" if isinstance(private.curve, ec.SECP256R1) else None
    return "RS256" if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= 2048 else None


def _public_members(private: PrivateKey) -> dict[str, str]:
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": encode(private.public_key().public_bytes_raw())}
    if isinstance(private, ec.EllipticCurvePrivateKey):
        point = private.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": encode(point.x.to_bytes(32)), "y": encode(point.y.to_bytes(32))}
    numbers = private.public_key().public_numbers()
    return {"e": _number(numbers.e), "kty": "RSA",
            "n": _number(numbers.n)}


def _number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


@dataclass(frozen=True)
class SigningKey:
    """A private key with its JWK thumbprint (RFC 7638) as `kid`, so that two keys never share one."""

    private: PrivateKey
    algorithm: str
    kid: str

    @classmethod
    def of(cls, private: PrivateKey) -> SigningKey:
        algorithm = algorithm_of(private)
        if algorithm is None:
            raise ValueError("wanted an Ed25519, a P-256 or an RSA key of at least 2048 bits")
        members = json.dumps(_public_members(private), sort_keys=True, separators=(",", ":"))
        return cls(private, algorithm, encode(hashlib.sha256(members.encode()).digest())[:16])

    @classmethod
    def new(cls, algorithm: str = "EdDSA") -> SigningKey:
        return cls.of(generate(algorithm))

    def jwk(self) -> dict[str, str]:
        """The public half as RFC 7517 publishes it."""
        return _public_members(self.private) | {"kid": self.kid, "use": "sig", "alg": self.algorithm}

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Raise BadSignature unless this key signed `data`."""
        try:
            if isinstance(self.private, ed25519.Ed25519PrivateKey):
                self.private.public_key().verify(signature, data)
            elif isinstance(self.private, rsa.RSAPrivateKey):
                self.private.public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            else:
                self._verify_es256(self.private.public_key(), signature, data)
        except InvalidSignature:
            raise BadSignature("bad-signature") from None

    @staticmethod
    def _verify_es256(public: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
        if len(signature) != 64:
            raise BadSignature("bad-signature")
        pair = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        public.verify(pair, data, ec.ECDSA(hashes.SHA256()))


def sign(key: SigningKey, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
    """A compact JWS; `header` replaces or adds header members, None removes one (for deliberately wrong tokens)."""
    members = {"alg": key.algorithm, "kid": key.kid} | dict(header or {})
    members = {name: value for name, value in members.items() if value is not None}
    signing_input = f"{encode(_json(members))}.{encode(_json(claims))}"
    return f"{signing_input}.{encode(key.sign(signing_input.encode('ascii')))}"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(value), separators=(",", ":")).encode()


def verify(token: str, keys: Mapping[str, SigningKey]) -> dict[str, Any]:
    """The claims of a token signed by one of `keys` (kid → key). Raise BadSignature otherwise."""
    parts = token.split(".")
    if len(parts) != 3:
        raise BadSignature("malformed")
    header, claims = _object(parts[0]), _object(parts[1])
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise BadSignature("unknown-key")
    if header.get("alg") != key.algorithm or set(header) - {"alg", "kid", "typ"}:
        raise BadSignature("wrong-algorithm")
    key.verify(decode(parts[2]), f"{parts[0]}.{parts[1]}".encode("ascii"))
    return claims


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(decode(part))
    except (ValueError, RecursionError):
        raise BadSignature("malformed") from None
    if not isinstance(value, dict):
        raise BadSignature("malformed")
    return value
