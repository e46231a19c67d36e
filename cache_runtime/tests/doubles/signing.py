"""An origin's signing keys: they publish themselves as JWKs and sign whatever a test wants signed, right or wrong."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ORIGIN = "https://dtr.example.com"
ALGORITHMS = ("EdDSA", "ES256", "RS256")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64json(value: Any) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


class Signer:
    """One key pair. `algorithm` is EdDSA, ES256 or RS256."""

    def __init__(self, algorithm: str, kid: str = "key-1", rsa_bits: int = 2048) -> None:
        self.algorithm, self.kid = algorithm, kid
        if algorithm == "EdDSA":
            self.private: Any = ed25519.Ed25519PrivateKey.generate()
        elif algorithm == "ES256":
            self.private = ec.generate_private_key(ec.SECP256R1())
        else:
            self.private = rsa.generate_private_key(65537, rsa_bits)

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public key; a change to None leaves a member out."""
        public = self.private.public_key()
        if self.algorithm == "EdDSA":
            members = {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
        elif self.algorithm == "ES256":
            numbers = public.public_numbers()
            members = {"kty": "EC", "crv": "P-256", "x": b64(numbers.x.to_bytes(32)), "y": b64(numbers.y.to_bytes(32))}
        else:
            numbers = public.public_numbers()
            members = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        members |= {"kid": self.kid, "alg": self.algorithm, "use": "sig"} | changes
        return {name: value for name, value in members.items() if value is not None}

    def signature(self, signing_input: bytes) -> bytes:
        if self.algorithm == "EdDSA":
            return self.private.sign(signing_input)
        if self.algorithm == "ES256":
            r, s = decode_dss_signature(self.private.sign(signing_input, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        return self.private.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())

    def header(self, **changes: Any) -> dict[str, Any]:
        members = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT"} | changes
        return {name: value for name, value in members.items() if value is not None}

    def token(self, header: dict[str, Any] | bytes, claims: Any) -> str:
        """A compact JWS over exactly these; bytes are taken as they are."""
        signing_input = f"{b64json(header)}.{b64json(claims)}"
        return f"{signing_input}.{b64(self.signature(signing_input.encode()))}"


def discovery_document(*jwks: dict[str, Any], origin: Any = ORIGIN, version: Any = 1) -> bytes:
    return json.dumps({"version": version, "origin": origin, "jwks": {"keys": list(jwks)}}).encode()
