"""The certificate that clients are shown, and the CA behind it, as they are now.

Owns: the TLS context, and its renewal when somebody puts another CA into the state folder.
Does not own: how certificates are made (certificates.py). Rule: what cannot be used never replaces what is in use.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

from .certificates import ensure_ca, issue_server_certificate
from .refusals import Refused


class ServedCertificate:
    """`names` are host names and addresses of the server. Raise Refused where the folder holds an unusable CA."""

    def __init__(self, folder: Path, names: Sequence[str], say: Callable[[str], None]) -> None:
        self._folder, self._names, self._say = folder, names, say
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_alpn_protocols(["http/1.1"])
        ensure_ca(folder)
        self._issue()

    def reread(self) -> None:
        """If the CA is another one, handshakes from now on show a certificate of it; a mistake is said, no more."""
        try:
            if self._read_ca() != self.ca_pem:
                self._issue()
        except OSError as error:
            self._say(f"{self._folder}/ca.pem: {error.strerror}; the CA read before stays in use")
        except Refused as refused:
            self._say(f"{refused.mistakes[0]}; the CA read before stays in use")

    def _issue(self) -> None:
        self.context.load_cert_chain(*issue_server_certificate(self._folder, self._names))
        self.ca_pem = self._read_ca()

    def _read_ca(self) -> bytes:
        return (self._folder / "ca.pem").read_bytes()
