"""The public keys that verify grants, read from a JWK set (RFC 7517, 7518, 8037).

A key fixes its algorithm: a token's header may agree with it or be refused, it never chooses. Rule for editors: a key
set that holds anything private, twice the same `kid`, or a key that contradicts itself is refused as a whole, because
its author made a mistake that only he can understand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ..values.failures import DiscoveryRefused
from . import base64url

RSA_BITS = range(2048, 8193)
_RSA_EXPONENT_LIMIT_BITS = 33  # 65537 everywhere; a giant exponent would make each verification slow
_P256_BYTES = 32
_PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
_KID_LIMIT_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """`algorithm` is "EdDSA", "ES256" or "RS256"; `public` the key as DER SubjectPublicKeyInfo, its identity."""

    kid: str
    algorithm: str
    public: bytes
    _check: Callable[[bytes, bytes], None] = field(compare=False, repr=False)

    def verify(self, signing_input: bytes, signature: bytes) -> bool:
        try:
            self._check(signing_input, signature)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys by `kid`, and the `origin` (URL without a path) whose grants they verify."""

    origin: str
    keys: Mapping[str, VerifyingKey]


def parse_key_set(origin: str, jwks: Any) -> KeySet:
    """`jwks` is the parsed JSON of a JWK set. Raise DiscoveryRefused, naming the key, unless it is usable as it is."""
    entries = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(entries, list):
        raise DiscoveryRefused('jwks: found no list of keys, wanted {"keys": [...]} as in RFC 7517')
    keys: dict[str, VerifyingKey] = {}
    for index, entry in enumerate(entries):
        place = f"jwks.keys[{index}]"
        key = _parse_key(place, entry)
        if key is None:
            continue
        if key.kid in keys:
            raise DiscoveryRefused(f"{place}: found the kid of an earlier key, wanted one of its own")
        keys[key.kid] = key
    if not keys:
        raise DiscoveryRefused("jwks: found no key that can be used, wanted Ed25519, P-256 or RSA keys")
    return KeySet(origin, keys)


def _parse_key(place: str, entry: Any) -> VerifyingKey | None:
    """None for kinds of key that this version does not know; RFC 7517 §5 wants them passed over."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kty"), str):
        raise DiscoveryRefused(f"{place}: found no kty, wanted a JSON Web Key")
    if private := [name for name in _PRIVATE_MEMBERS if name in entry]:
        raise DiscoveryRefused(f"{place}: found the private member {private[0]!r}, wanted a public key only")
    reader = _READERS.get((entry["kty"], entry.get("crv") if isinstance(entry.get("crv"), str) else None))
    if reader is None:
        return None
    algorithm, read = reader
    _refuse_other_purposes(place, entry, algorithm)
    kid = entry.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _KID_LIMIT_CHARACTERS or not kid.isprintable():
        raise DiscoveryRefused(f"{place}.kid: found none that is usable, wanted 1 to 255 printable characters")
    public, check = read(place, entry)
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return VerifyingKey(kid, algorithm, encoded, check)


def _refuse_other_purposes(place: str, entry: dict[str, Any], algorithm: str) -> None:
    if entry.get("use", "sig") != "sig":
        raise DiscoveryRefused(f"{place}.use: found {_say(entry['use'])}, wanted 'sig' or nothing")
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise DiscoveryRefused(f"{place}.key_ops: found {_say(operations)}, wanted a list with 'verify' or nothing")
    if entry.get("alg", algorithm) != algorithm:
        raise DiscoveryRefused(f"{place}.alg: found {_say(entry['alg'])}, wanted {algorithm!r}, as the key is")


def _ed25519(place: str, entry: dict[str, Any]) -> tuple[Any, Callable[[bytes, bytes], None]]:
    public = ed25519.Ed25519PublicKey.from_public_bytes(_octets(place, entry, "x", exactly=32))
    return public, lambda signed, signature: public.verify(signature, signed)


def _p256(place: str, entry: dict[str, Any]) -> tuple[Any, Callable[[bytes, bytes], None]]:
    x, y = (int.from_bytes(_octets(place, entry, name, exactly=_P256_BYTES)) for name in ("x", "y"))
    try:
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise DiscoveryRefused(f"{place}: found x and y that are no point of P-256") from None

    def check(signed: bytes, signature: bytes) -> None:
        # JWS writes r and s side by side (RFC 7518 §3.4); the library wants them in DER.
        if len(signature) != 2 * _P256_BYTES:
            raise InvalidSignature
        r, s = int.from_bytes(signature[:_P256_BYTES]), int.from_bytes(signature[_P256_BYTES:])
        public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))

    return public, check


def _rsa(place: str, entry: dict[str, Any]) -> tuple[Any, Callable[[bytes, bytes], None]]:
    modulus, exponent = (_octets(place, entry, name) for name in ("n", "e"))
    n, e = int.from_bytes(modulus), int.from_bytes(exponent)
    if n.bit_length() not in RSA_BITS:
        raise DiscoveryRefused(f"{place}.n: found {n.bit_length()} bits, wanted {RSA_BITS[0]} to {RSA_BITS[-1]}")
    if e.bit_length() > _RSA_EXPONENT_LIMIT_BITS or modulus[0] == 0 or exponent[0] == 0:
        raise DiscoveryRefused(f"{place}.e: found an exponent or leading zeros that RFC 7518 does not write")
    try:
        if n % 2 == 0:
            raise ValueError("an even modulus")
        public = rsa.RSAPublicNumbers(e, n).public_key()
    except ValueError:
        raise DiscoveryRefused(f"{place}: found n and e that are no RSA key") from None
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    return public, lambda signed, signature: public.verify(signature, signed, scheme, digest)


def _octets(place: str, entry: dict[str, Any], name: str, exactly: int | None = None) -> bytes:
    wanted = f"{exactly} bytes" if exactly else "bytes"
    try:
        data = base64url.decode(entry.get(name, ""))
    except (ValueError, TypeError):
        raise DiscoveryRefused(f"{place}.{name}: found no unpadded base64url, wanted {wanted} of it") from None
    if not data or (exactly is not None and len(data) != exactly):
        raise DiscoveryRefused(f"{place}.{name}: found {len(data)} bytes, wanted {wanted}")
    return data


def _say(value: Any) -> str:
    return repr(value)[:40]


_READERS: dict[tuple[str, str | None], tuple[str, Callable[[str, dict[str, Any]], Any]]] = {
    ("OKP", "Ed25519"): ("EdDSA", _ed25519),
    ("EC", "P-256"): ("ES256", _p256),
    ("RSA", None): ("RS256", _rsa),
}
