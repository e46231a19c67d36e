"""Certificates and configuration files for the tests of this room. Keys are made anew in each session."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from dtr_content_cache.settings import load
from dtr_content_cache.settings.model import Settings

NOW = datetime(2030, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class FixedClock:
    """A clock that stands at NOW."""

    def wall(self) -> float:
        return NOW.timestamp()

    steady = wall


def _certificate(name, key, *, ca=None, san=True, until=NOW + 365 * DAY, signer=None):
    """`ca`: what basicConstraints say, None for no such extension. `signer`: (name, key), else self-signed."""
    issuer, issuer_key = signer or (name, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 365 * DAY)
        .not_valid_after(until)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.fixture(scope="session")
def pki() -> Iterator[Path]:
    """A folder of certificate files, good and bad; its path is short, so that messages show it whole."""
    folder = Path(tempfile.mkdtemp(prefix="pki-"))
    ca, server, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505
    ca_pem = _certificate("dtr-ca", ca, ca=True)
    leaf = _certificate("cache.example.com", server, ca=False, signer=("dtr-ca", ca))
    files = {
        "ca.pem": ca_pem,
        "chain.pem": leaf + ca_pem,
        "expired-ca.pem": _certificate("old-ca", other, ca=True, until=NOW - DAY),
        "selfsigned.pem": _certificate("dtr.example.com", server),
        "leaf.pem": leaf,
        "key.pem": _pem(server),
        "other-key.pem": _pem(other),
        "locked-key.pem": _pem(server, BestAvailableEncryption(b"open sesame")),
        "ca-and-key.pem": ca_pem + _pem(ca),
        "expired.pem": _certificate("cache.example.com", server, until=NOW - DAY, signer=("dtr-ca", ca)),
        "nosan.pem": _certificate("cache.example.com", server, san=False, signer=("dtr-ca", ca)),
        "small.pem": _certificate("cache.example.com", small, signer=("dtr-ca", ca)),
        "small-key.pem": _pem(small),
        "empty.pem": b"\n",
        "text.pem": b"<html>404 page not found</html>\n",
        "broken.pem": b"-----BEGIN CERTIFICATE-----\nMIIBaaaa\n-----END CERTIFICATE-----\n",
        "huge.pem": b"#" * (4 * 1024 * 1024 + 1),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "folder.pem").mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pki: Path) -> Callable[..., Settings]:
    """Load a text as `config.yml`; `{pki}` in it is the certificates' folder."""
    monkeypatch.chdir(tmp_path)

    def load_it(text: str, environ: Mapping[str, str] | None = None) -> Settings:
        Path("config.yml").write_text(text.replace("{pki}", str(pki)))
        return load(Path("config.yml"), environ or {}, FixedClock())

    return load_it


_SECTIONS = {
    "version": "version: 0.1\n",
    "storage": "storage: {delete: {enabled: true}, filesystem: {rootdirectory: /var/lib/registry}}\n",
    "http": "http: {addr: ':5000'}\n",
    "middleware": "middleware: {registry: [{name: downstream, options: {upstreams: ['https://dtr.example.com']}}]}\n",
}


@pytest.fixture(scope="session")
def with_section() -> Callable[[str], str]:
    """A good configuration, one section a line, in which the given text takes the place of its section, at the end.

    It starts at line 4 for version, storage, http and middleware, else at line 5.
    """

    def configuration(text: str) -> str:
        name = text.partition(":")[0]
        return "".join(section for key, section in _SECTIONS.items() if key != name) + text

    return configuration


@pytest.fixture(scope="session")
def with_options(with_section: Callable[[str], str]) -> Callable[[str], str]:
    """A good configuration with these downstream options from line 8 on; the upstream comes before, unless given."""

    def configuration(text: str) -> str:
        if "upstreams:" not in text:
            text = "upstreams: ['https://dtr.example.com']\n" + text
        block = "".join(f"        {line}\n" for line in text.splitlines())
        return with_section("middleware:\n  registry:\n    - name: downstream\n      options:\n" + block)

    return configuration
