# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Is this text one CA certificate that is good now, and is it the one that was pinned?

Owns the judgement, as pure functions on text and time, and the canonical PEM. Fetches nothing, writes nothing.
Rule: what is refused is explained, and private keys are named, never shown.
"""

from __future__ import annotations

import hmac
import re
import traceback
from dataclasses import dataclass

from ansible_collections.dtr.caches.plugins.module_utils.errors import DtrError, WrongOption

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding
except ImportError:
    CRYPTOGRAPHY_ERROR = traceback.format_exc()
else:
    CRYPTOGRAPHY_ERROR = None

LARGEST = 64 * 1024
BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)
KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
HEX_OF_SHA256 = re.compile(r"[0-9a-f]{64}")
HOW_TO_COMPARE = (
    "Compare it with the one that DTR's administrator reads on a DTR host itself, for example by "
    "'openssl x509 -noout -sha256 -fingerprint -in ca.pem', and hand it over by another way than this network"
)


class UnfitCertificate(DtrError):
    """The text is not one CA certificate that is good now."""


@dataclass(frozen=True)
class CaCertificate:
    """One CA certificate.

    Times are RFC 3339 in UTC, ``sha256`` is lower-case hex, ``pem`` canonical with one newline at its end.
    """

    pem: str
    sha256: str
    subject: str
    issuer: str
    not_before: str
    not_after: str

    def shown(self):
        """For a result or a diff."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "sha256": colons(self.sha256),
            "not_before": self.not_before,
            "not_after": self.not_after,
        }


def colons(fingerprint):
    """AA:BB:… as openssl prints it."""
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()


def parse_pin(text):
    """64 lower-case hex digits of a fingerprint written with or without colons, in any case. Raises WrongOption."""
    pin = re.sub(r"^sha-?256(\s+fingerprint)?\s*[:=]", "", text.strip().lower())
    pin = pin.replace(":", "").replace(" ", "")
    if not HEX_OF_SHA256.fullmatch(pin):
        raise WrongOption(
            f"sha256 is '{text}'; wanted: the SHA-256 fingerprint of the CA, 64 hex digits with or without colons."
        )
    return pin


def matches(certificate, pin):
    """Whether the certificate is the pinned one."""
    return hmac.compare_digest(certificate.sha256, pin)


def holds_key(text):
    """Whether there is a private key in it."""
    return bool(KEY.search(text))


def load_ca_certificate(text, source, now):
    """The one CA certificate in ``text``, which came from ``source`` (for messages). ``now`` is an aware datetime.

    Raises UnfitCertificate.
    """
    certificate = _only_certificate(text, source)
    _must_be_ca(certificate, source)
    _must_be_in_time(certificate, source, now)
    return _described(certificate)


def describe_if_possible(text):
    """The certificate in a file that is about to be replaced, fit or not; None if it holds none or several."""
    try:
        return _described(_only_certificate(text, "the file"))
    except UnfitCertificate:
        return None


def _only_certificate(text, source):
    if len(text) > LARGEST:
        raise UnfitCertificate(f"{source} gave more than {LARGEST} bytes; wanted: one CA certificate in PEM format.")
    if holds_key(text):
        raise UnfitCertificate(
            f"{source} holds a private key, which must never be handed out; wanted: the certificate alone. Consider"
            " that key lost."
        )
    blocks = BLOCK.findall(text)
    if not blocks:
        raise UnfitCertificate(f"{source} holds no certificate in PEM format (-----BEGIN CERTIFICATE-----); is it DTR?")
    if len(blocks) > 1:
        raise UnfitCertificate(
            f"{source} holds {len(blocks)} certificates; wanted: one, the CA, so that the pin speaks for all that is"
            " trusted."
        )
    try:
        certificate = x509.load_pem_x509_certificate(blocks[0].encode("ascii"))
        certificate.extensions  # noqa: B018  # parsed on first use, and only then found to be broken
        _described(certificate)  # its names, too
    except (ValueError, UnicodeError, x509.DuplicateExtension):
        raise UnfitCertificate(f"{source} holds a certificate that cannot be read; it is cut or altered.") from None
    return certificate


def _must_be_ca(certificate, source):
    name = certificate.subject.rfc4514_string() or "without a subject"
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        constraints = None
    if constraints is None or not constraints.ca:
        raise UnfitCertificate(
            f"{source} gave the certificate {name}, which is no CA certificate but a server's or client's own; wanted:"
            " the CA that signed it."
        )
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not usage.key_cert_sign:
        raise UnfitCertificate(
            f"{source} gave the CA certificate {name}, whose key usage forbids signing certificates; it can verify"
            " nothing."
        )


def _must_be_in_time(certificate, source, now):
    name = certificate.subject.rfc4514_string()
    if now < certificate.not_valid_before_utc:
        raise UnfitCertificate(
            f"{source} gave the CA certificate {name}, which is not valid before"
            f" {_time(certificate.not_valid_before_utc)}; check this host's clock."
        )
    if now > certificate.not_valid_after_utc:
        raise UnfitCertificate(
            f"{source} gave the CA certificate {name}, which expired at {_time(certificate.not_valid_after_utc)}; DTR"
            " needs a new one."
        )


def _described(certificate):
    return CaCertificate(
        pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        not_before=_time(certificate.not_valid_before_utc),
        not_after=_time(certificate.not_valid_after_utc),
    )


def _time(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
