"""The certificate that clients see, and its renewal without a restart.

Rule for editors: the listener asks for `context` at each connection; a context is complete before it is shown, and a
file that went bad never replaces one that was good.
"""

from __future__ import annotations

import ssl

from cryptography import x509

from ..settings.model import Tls
from ..upstream.watched_files import WatchedFiles
from ..values.events import Reloaded
from ..values.failures import ConfigurationRefused

_VERSIONS = {"tls1.2": ssl.TLSVersion.TLSv1_2, "tls1.3": ssl.TLSVersion.TLSv1_3}
# Python's TLS verifies every client certificate that it asks for. So the two words that ask without verifying are
# served by the stricter ones: who presents no certificate is treated as they say, who presents a bad one is refused.
_CLIENT_AUTH = {
    "none": ssl.CERT_NONE,
    "request-client-cert": ssl.CERT_OPTIONAL,
    "verify-client-cert-if-given": ssl.CERT_OPTIONAL,
    "require-any-client-cert": ssl.CERT_REQUIRED,
    "require-and-verify-client-cert": ssl.CERT_REQUIRED,
}


class ServerCertificate:
    """`context` is the current one; `expires_s` when its certificate ends, seconds since the epoch; `tls` is what it
    was made of.

    Raise ConfigurationRefused where the files cannot be used.
    """

    def __init__(self, tls: Tls) -> None:
        self.tls = tls
        self._files = WatchedFiles((tls.certificate, tls.key, *tls.client_cas))
        self._problem = ""  # of the last look, where it found one
        try:
            self.context, self.expires_s = _read(tls)
        except ValueError as error:
            raise ConfigurationRefused((f"http.tls: {error}",)) from None

    def reload_if_changed(self) -> Reloaded | None:
        """Read the files again where their contents changed since the last look. None: they did not.

        A problem leaves the context as it was, and is told once for each change. It may have been the moment's, such
        as too many open files: so the next look tries again. Connections that are open go on.
        """
        changed = self._files.changed()
        if not changed and not self._problem:
            return None
        told, self._problem = self._problem, ""
        try:
            self.context, self.expires_s = _read(self.tls)
        except ValueError as error:
            self._problem = str(error)
            news = Reloaded("certificate", f"{error}; the certificate read before stays in use")
            return news if changed or self._problem != told else None
        return Reloaded("certificate")


def server_context(tls: Tls) -> ssl.SSLContext:
    """Raise ValueError, in one sentence naming the file, where one cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.minimum_version]
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # All that are on offer are good, and the client knows which is cheap for it: docker names AES-128 first.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.ciphers:
        context.set_ciphers(":".join(tls.ciphers))
    try:
        # An empty password, or OpenSSL would ask for one on the terminal.
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except (ssl.SSLError, OSError) as error:
        found = _say(error)
        raise ValueError(f"{tls.certificate} and {tls.key}: found {found}, wanted a certificate and its key") from None
    for path in tls.client_cas:
        try:
            context.load_verify_locations(cafile=path)
        except (ssl.SSLError, OSError) as error:
            raise ValueError(f"{path}: found {_say(error)}, wanted PEM with CA certificates") from None
    context.verify_mode = _CLIENT_AUTH[tls.client_auth] if tls.client_cas else ssl.CERT_NONE
    return context


def _read(tls: Tls) -> tuple[ssl.SSLContext, float]:
    context = server_context(tls)
    try:
        leaf = x509.load_pem_x509_certificates(tls.certificate.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise ValueError(f"{tls.certificate}: found {_say(error)}, wanted a PEM certificate") from None
    return context, leaf.not_valid_after_utc.timestamp()


def _say(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "something that is not PEM").replace("_", " ").lower()
    if isinstance(error, OSError):
        return f"'{error.strerror}'"
    return "something that is not PEM"
