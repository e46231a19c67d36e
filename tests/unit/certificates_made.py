"""Certificates for tests, good and bad ones.

Owns the making of them; each call makes a new key. Knows no simulator.
"""

from __future__ import annotations

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)


def days(count):
    return datetime.timedelta(days=count)


class Made:
    """A certificate and its key. ``pem`` and ``key_pem`` are text; it is for the DNS ``names`` and the ``address``."""

    def __init__(self, name, *, ca=True, signer=None, start=-1, end=30, sign=True, address=None, names=()):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name if signer else self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + days(start))
            .not_valid_after(NOW + days(end))
        )
        if ca is not None:
            builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if ca:
            usage = x509.KeyUsage(True, False, False, False, False, sign, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        all_names = [x509.DNSName(one) for one in names]
        if address:
            all_names.append(x509.IPAddress(ipaddress.ip_address(address)))
        if all_names:
            builder = builder.add_extension(x509.SubjectAlternativeName(all_names), critical=False)
        self.certificate = builder.sign((signer or self).key, hashes.SHA256())

    @property
    def pem(self):
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self):
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def sha256(self):
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def files(self, folder):
        """(certificate file, key file) in the folder, for a server."""
        paths = folder / "cert.pem", folder / "key.pem"
        for path, text in zip(paths, (self.pem, self.key_pem), strict=True):
            path.write_text(text)
        return tuple(str(path) for path in paths)
