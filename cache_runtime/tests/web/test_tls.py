"""The certificate that clients see: which clients get in, and how it is renewed."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from doubles.certificates import Authority, handshake
from dtr_content_cache.settings.model import Tls
from dtr_content_cache.values.events import Reloaded
from dtr_content_cache.values.failures import ConfigurationRefused
from dtr_content_cache.web import tls as tls_module
from dtr_content_cache.web.tls import ServerCertificate


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("Office CA")


@pytest.fixture
def tls(tmp_path: Path, authority: Authority) -> Tls:
    certificate, key = authority.issue(tmp_path)
    return Tls(certificate, key, (), "none", "tls1.2", ())


def client(authority: Authority, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority.pem.decode())
    if certificate:
        context.load_cert_chain(*certificate)
    return context


def serial(certificate: ServerCertificate, authority: Authority) -> str:
    found = handshake(client(authority), certificate.context).getpeercert()
    assert found is not None
    return str(found["serialNumber"])


def test_a_client_that_trusts_the_authority_gets_in(tls: Tls, authority: Authority) -> None:
    connection = handshake(client(authority), ServerCertificate(tls).context)
    assert connection.version() == "TLSv1.3"
    assert connection.cipher() is not None


def test_http_1_1_is_what_is_spoken(tls: Tls, authority: Authority) -> None:
    asking = client(authority)
    asking.set_alpn_protocols(["h2", "http/1.1"])
    assert handshake(asking, ServerCertificate(tls).context).selected_alpn_protocol() == "http/1.1"


def test_the_minimum_version_is_kept(tls: Tls, authority: Authority) -> None:
    old = client(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(old, ServerCertificate(tls).context).version() == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        handshake(old, ServerCertificate(replace(tls, minimum_version="tls1.3")).context)


def test_the_cipher_suites_are_those_of_the_configuration(tls: Tls, authority: Authority) -> None:
    old = client(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    context = ServerCertificate(replace(tls, ciphers=("ECDHE-ECDSA-AES256-GCM-SHA384",))).context
    cipher = handshake(old, context).cipher()
    assert cipher is not None
    assert cipher[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    old.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        handshake(old, context)


@pytest.mark.parametrize("wanted", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_of_good_cipher_suites_the_client_has_its_choice(tls: Tls, authority: Authority, wanted: str) -> None:
    asking = client(authority)
    asking.maximum_version = ssl.TLSVersion.TLSv1_2  # Python cannot order those of 1.3
    rsa = wanted.replace("ECDSA", "RSA")
    asking.set_ciphers(f"{wanted}:{rsa}:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384")

    assert handshake(asking, ServerCertificate(tls).context).cipher()[0] in (wanted, rsa)  # type: ignore[index]


@pytest.mark.parametrize(
    ("client_auth", "without", "stranger"),
    [
        ("require-and-verify-client-cert", False, False),
        ("require-any-client-cert", False, False),
        ("verify-client-cert-if-given", True, False),
        ("request-client-cert", True, False),
    ],
)
def test_client_certificates_are_asked_for_and_verified(
    tmp_path: Path, tls: Tls, authority: Authority, client_auth: str, without: bool, stranger: bool
) -> None:
    ca_file = tmp_path / "client-ca.pem"
    ca_file.write_bytes(authority.pem)
    context = ServerCertificate(replace(tls, client_cas=(ca_file,), client_auth=client_auth)).context

    def gets_in(certificate: tuple[Path, Path] | None) -> bool:
        try:
            handshake(client(authority, certificate), context)
        except ssl.SSLError:
            return False
        return True

    assert gets_in(authority.issue(tmp_path, "client", name="client"))
    assert gets_in(None) is without
    assert gets_in(Authority("Stranger").issue(tmp_path, "client", name="stranger")) is stranger


def test_the_end_of_the_certificate_is_known(tmp_path: Path, authority: Authority) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    certificate, key = authority.issue(tmp_path, until=until)
    assert ServerCertificate(Tls(certificate, key, (), "none", "tls1.2", ())).expires_s == until.timestamp()


def test_a_renewed_certificate_is_shown_to_the_next_client(tmp_path: Path, tls: Tls, authority: Authority) -> None:
    certificate = ServerCertificate(tls)
    before, end = serial(certificate, authority), certificate.expires_s
    assert certificate.reload_if_changed() is None
    authority.issue(tmp_path, until=datetime.now(UTC) + timedelta(days=90))
    assert certificate.reload_if_changed() == Reloaded("certificate")
    assert serial(certificate, authority) != before
    assert certificate.expires_s > end
    assert certificate.reload_if_changed() is None


def test_while_only_one_of_the_two_files_is_new_the_old_pair_stays(
    tmp_path: Path, tls: Tls, authority: Authority
) -> None:
    certificate = ServerCertificate(tls)
    before = serial(certificate, authority)
    (tmp_path / "new").mkdir()
    new_certificate, new_key = authority.issue(tmp_path / "new")
    tls.certificate.write_bytes(new_certificate.read_bytes())
    reloaded = certificate.reload_if_changed()
    assert reloaded is not None
    assert "key values mismatch" in reloaded.problem
    assert reloaded.problem.endswith("the certificate read before stays in use")
    assert serial(certificate, authority) == before
    tls.key.write_bytes(new_key.read_bytes())
    assert certificate.reload_if_changed() == Reloaded("certificate")
    assert serial(certificate, authority) != before


@pytest.mark.parametrize("which", ["certificate", "key"])
@pytest.mark.parametrize("content", [None, b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_a_file_that_went_bad_keeps_the_old_pair_and_is_told_once(
    tls: Tls, authority: Authority, which: str, content: bytes | None
) -> None:
    certificate = ServerCertificate(tls)
    before = serial(certificate, authority)
    path: Path = getattr(tls, which)
    path.unlink() if content is None else path.write_bytes(content)
    reloaded = certificate.reload_if_changed()
    assert reloaded is not None
    assert str(path) in reloaded.problem
    assert "\n" not in reloaded.problem
    assert serial(certificate, authority) == before
    assert certificate.reload_if_changed() is None


def test_a_key_with_a_passphrase_is_refused_without_asking_anybody_for_it(tmp_path: Path, authority: Authority) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    certificate, key = authority.issue(tmp_path)
    private = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"canary")))
    with pytest.raises(ConfigurationRefused) as refused:
        ServerCertificate(Tls(certificate, key, (), "none", "tls1.2", ()))
    (mistake,) = refused.value.mistakes
    assert str(key) in mistake
    assert "wanted a certificate and its key" in mistake


def test_a_bad_file_of_client_authorities_is_named(tmp_path: Path, tls: Tls) -> None:
    bad = tmp_path / "client-ca.pem"
    bad.write_bytes(b"garbage")
    with pytest.raises(ConfigurationRefused) as refused:
        ServerCertificate(replace(tls, client_cas=(bad,), client_auth="require-and-verify-client-cert"))
    assert str(bad) in refused.value.mistakes[0]
    assert refused.value.mistakes[0].endswith("wanted PEM with CA certificates")


def test_a_failure_of_the_moment_is_told_once_and_the_new_pair_taken_at_the_next_look(
    tmp_path: Path, tls: Tls, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(tls: Tls) -> None:
        raise ValueError("server.pem: found 'Too many open files', wanted a PEM certificate")

    certificate = ServerCertificate(tls)
    before = serial(certificate, authority)
    authority.issue(tmp_path)
    with monkeypatch.context() as moment:
        moment.setattr(tls_module, "_read", exhausted)
        told = [certificate.reload_if_changed() for _ in range(3)]

    assert [one is not None for one in told] == [True, False, False]
    assert serial(certificate, authority) == before
    assert certificate.reload_if_changed() == Reloaded("certificate")
    assert serial(certificate, authority) != before
    assert certificate.reload_if_changed() is None
