"""Certificates that something is wrong with, from a CA of the lab.

Owns: a server certificate with any name and end. Does not own: the right ones (lab/issue_certificate.py).
"""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def issue(authority: Path, into: Path, name: str, ends: datetime.datetime) -> tuple[Path, Path]:
    """INTO.pem and INTO-key.pem for `name`, valid for 30 days until `ends`, from the CA in the folder `authority`."""
    ca = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    ca_key = serialization.load_pem_private_key((authority / "ca-key.pem").read_bytes(), password=None)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - datetime.timedelta(days=30))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files = into.with_name(f"{into.name}.pem"), into.with_name(f"{into.name}-key.pem")
    files[0].write_bytes(certificate.public_bytes(form))
    files[1].write_bytes(key.private_bytes(form, *plain))
    return files
