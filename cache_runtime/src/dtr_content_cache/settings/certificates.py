"""The certificate files a configuration names: are they there, and are they what they should be?

Owns the judgement at start-up and at --check. It builds no TLS context for use. Rule for editors: a file that would
make every handshake fail is a mistake; one that the operator can mend while the cache runs (expired) is a warning."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from .kinds import absolute_path
from .reading_point import Point, Unwanted
from .report import printable

T = TypeVar("T")
E = TypeVar("E", bound=x509.ExtensionType)
_FILE_LIMIT_BYTES = 4 * 1024 * 1024
_PEM = "wanted a file with the PEM server certificate, followed by its intermediates"
_KEY = "wanted a file with its unencrypted PEM private key"


def read_file(path: Path, wanted: str) -> bytes:
    """The whole of a regular file. Raise Unwanted, one clause for each way it can fail."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a file"
            raise Unwanted(f"which is {kind}, {wanted}")
        with path.open("rb") as file:
            content = file.read(_FILE_LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise Unwanted(f"which does not exist, {wanted}") from None
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise Unwanted(f"which cannot be read ({reason}), {wanted}") from None
    if not content.strip():
        raise Unwanted(f"which is empty, {wanted}")
    if len(content) > _FILE_LIMIT_BYTES:
        raise Unwanted(f"which is larger than 4 MiB, {wanted}")
    return content


def authorities(at: Point) -> Path:
    """A PEM file with at least one CA certificate and no private key."""
    wanted = "wanted a file with PEM CA certificates"
    path = absolute_path(at)
    content = read_file(path, wanted)
    if b"PRIVATE KEY-----" in content:
        raise Unwanted(f"which holds a private key, {wanted} and nothing secret")
    certificates = _certificates(content, wanted)
    found = [certificate for certificate in certificates if _is_ca(certificate)]
    if not found:
        raise Unwanted(f"which holds {_no_ca(certificates[0])}, {wanted}")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (ssl.SSLError, OSError):
        raise Unwanted(f"which OpenSSL does not accept, {wanted}") from None
    for certificate in found:
        _warn_of_dates(at, certificate)
    return path


def check_server_pair(certificate_at: Point, key_at: Point) -> None:
    """The certificate file (leaf first) and the key belong together and serve TLS; mistakes go to the report."""
    leaf = _read(certificate_at, lambda: _certificates(read_file(absolute_path(certificate_at), _PEM), _PEM)[0])
    key = _read(key_at, lambda: _public_half(read_file(absolute_path(key_at), _KEY)))
    if leaf is None or key is None:
        return
    _warn_of_dates(certificate_at, leaf)
    if _extension(leaf, x509.SubjectAlternativeName) is None:
        certificate_at.warn("names a certificate without subjectAltName, which Docker refuses whatever its name is.")
    if leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != key:
        key_at.refuse(Unwanted("which does not belong to the first certificate in http.tls.certificate, " + _KEY))
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate_at.node.text, key_at.node.text, password="")
    except (ssl.SSLError, OSError) as error:
        reason = (getattr(error, "reason", None) or "unknown reason").replace("_", " ").lower()
        certificate_at.refuse(Unwanted(f"which OpenSSL does not accept ({reason}), {_PEM}"))


def _read(at: Point, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ValueError as error:
        at.refuse(error)
        return None


def _certificates(content: bytes, wanted: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        found = "a broken PEM certificate" if b"BEGIN CERTIFICATE" in content else "no PEM certificate"
        raise Unwanted(f"which holds {found}, {wanted}") from None


def _public_half(content: bytes) -> bytes:
    """The public key (DER) of an unencrypted private key."""
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise Unwanted(f"which is encrypted with a passphrase, {_KEY}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise Unwanted(f"which holds no PEM private key that can be read, {_KEY}") from None
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None


def _is_ca(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _no_ca(certificate: x509.Certificate) -> str:
    own = "a self-signed server certificate" if certificate.issuer == certificate.subject else "a server certificate"
    says = _extension(certificate, x509.BasicConstraints)
    why = "its basicConstraints say CA:FALSE" if says else "it has no basicConstraints CA:TRUE"
    return f"{own} that is no CA ({why})"


def _warn_of_dates(at: Point, certificate: x509.Certificate) -> None:
    now = datetime.fromtimestamp(at.now, UTC)
    name = certificate.subject.rfc4514_string()
    if now > certificate.not_valid_after_utc:
        when = f"expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    elif now < certificate.not_valid_before_utc:
        when = f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    else:
        return
    at.warn(f"names the certificate {printable(name)}, which {when}; TLS fails until it is replaced.")
