"""Who vouches for an upstream: the system's authorities and those of `cas`.

Owns the client's TLS context and its renewal when a CA file changes. Rule for editors: verification is never off, and
a file that went bad never replaces one that was good.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ..values.events import Reloaded
from ..values.failures import ConfigurationRefused
from .watched_files import FILE_LIMIT_BYTES, WatchedFiles


class Authorities:
    """`context` is the current one: ask for it at each connection. Raise ConfigurationRefused where a file is bad."""

    def __init__(self, cas: tuple[Path, ...]) -> None:
        self._cas = cas
        self._files = WatchedFiles((*cas, *system_bundles()))
        self._problem = ""  # of the last look, where it found one
        try:
            self.context = self._build()
        except ValueError as error:
            raise ConfigurationRefused((str(error),)) from None

    @property
    def consulted(self) -> str:
        """What a certificate was judged by, for the operator."""
        return ", ".join(("the system's authorities", *(str(path) for path in self._cas)))

    def reload_if_changed(self) -> Reloaded | None:
        """Read the files again where their contents changed since the last look. None: they did not.

        A problem leaves the context as it was, and is told once for each change. It may have been the moment's, such
        as too many open files: so the next look tries again.
        """
        changed = self._files.changed()
        if not changed and not self._problem:
            return None
        told, self._problem = self._problem, ""
        try:
            self.context = self._build()
        except ValueError as error:
            self._problem = str(error)
            news = Reloaded("authorities", f"{error}; the authorities read before stay in use")
            return news if changed or self._problem != told else None
        return Reloaded("authorities")

    def _build(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A certificate in `cas` is trusted because the operator named it, whether it signs itself or not.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        context.set_alpn_protocols(["http/1.1"])
        for path in self._cas:
            context.load_verify_locations(cadata=_read_authorities(path))
        return context


def system_bundles() -> tuple[Path, ...]:
    """The files that hold the system's own authorities: what OpenSSL reads whole, and the bundle that is rewritten
    together with its folder of single certificates."""
    paths = ssl.get_default_verify_paths()
    bundles = [Path(paths.cafile)] if paths.cafile else []
    if paths.capath:
        bundles.append(Path(paths.capath) / "ca-certificates.crt")
    return tuple(path for path in bundles if path.is_file())


def _read_authorities(path: Path) -> str:
    """The CA certificates of `path` as PEM. Raise ValueError, in one sentence, where there is none."""
    wanted = "wanted PEM with at least one CA certificate"
    try:
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT_BYTES)
    except OSError as error:
        raise ValueError(f"cas: {path}: {error.strerror}, {wanted}") from None
    try:
        certificates = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise ValueError(f"cas: {path}: found no readable certificate, {wanted}") from None
    authorities = [certificate for certificate in certificates if _is_authority(certificate)]
    if not authorities:
        raise ValueError(f"cas: {path}: found only certificates that are not of a CA, {wanted}")
    return "".join(ssl.DER_cert_to_PEM_cert(certificate.public_bytes(Encoding.DER)) for certificate in authorities)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
