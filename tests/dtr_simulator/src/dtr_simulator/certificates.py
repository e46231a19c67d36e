"""The CA of the simulator and the certificate that it serves with.

Owns: `ca.pem`, `ca-key.pem`, `server.pem`, `server-key.pem` of the state folder.
Does not own: which names the server has (options), the TLS socket (server.py).
Rule: the CA survives restarts, so that who trusts it once trusts it on; the server certificate is new at each start.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .key_ring import write_private_key
from .refusals import Refused

_CA_DAYS, _SERVER_DAYS = 3650, 397


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "DTR simulator"),
                      x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _builder(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime.datetime,
             days: int) -> x509.CertificateBuilder:
    # An hour of slack, for containers and hosts whose clocks are behind.
    start = now - datetime.timedelta(hours=1)
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start).not_valid_after(start + datetime.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False))


def _usage(certificate_signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(digital_signature=not certificate_signing, content_commitment=False, key_encipherment=False,
                         data_encipherment=False, key_agreement=False, key_cert_sign=certificate_signing,
                         crl_sign=certificate_signing, encipher_only=False, decipher_only=False)


def _make_ca(folder: Path, now: datetime.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("DTR simulator CA")
    certificate = (_builder(subject, subject, key.public_key(), now, _CA_DAYS)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                   .add_extension(_usage(certificate_signing=True), critical=True).sign(key, hashes.SHA256()))
    write_private_key(folder / "ca-key.pem", key)
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _load_ca(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), password=None)
    except (OSError, ValueError):
        raise Refused([f"{folder}: found a CA that cannot be read, wanted ca.pem with its ca-key.pem, or neither"]
                      ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Refused([f"{folder}/ca-key.pem: found another kind of key, wanted a P-256 key"])
    return certificate, key


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def ensure_ca(folder: Path) -> None:
    """Make the CA in `folder` unless it is there."""
    if not (folder / "ca.pem").exists() and not (folder / "ca-key.pem").exists():
        _make_ca(folder, datetime.datetime.now(datetime.UTC))


def issue_server_certificate(folder: Path, server_names: Iterable[str]) -> tuple[Path, Path]:
    """A new certificate for host names and IP addresses; returns the paths of certificate and key (PEM)."""
    ca, ca_key = _load_ca(folder)
    names = list(dict.fromkeys(server_names))
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    certificate = (_builder(_name(names[0]), ca.subject, key.public_key(), now, _SERVER_DAYS)
                   .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
                   .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                   .add_extension(_usage(certificate_signing=False), critical=True)
                   .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
                                  critical=False).sign(ca_key, hashes.SHA256()))
    write_private_key(folder / "server-key.pem", key)
    (folder / "server.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "server.pem", folder / "server-key.pem"
