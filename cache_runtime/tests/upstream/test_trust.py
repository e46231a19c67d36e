"""Which upstream certificates are accepted, and what a changed CA file does."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from doubles.certificates import Authority, handshake, plain_server
from dtr_content_cache.upstream import trust
from dtr_content_cache.upstream.trust import Authorities, system_bundles
from dtr_content_cache.values.events import Reloaded
from dtr_content_cache.values.failures import ConfigurationRefused


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("DTR CA")


@pytest.fixture
def ca_file(tmp_path: Path, authority: Authority) -> Path:
    path = tmp_path / "dtr-ca.pem"
    path.write_bytes(authority.pem)
    return path


def test_a_certificate_of_a_named_authority_is_accepted(tmp_path: Path, authority: Authority, ca_file: Path) -> None:
    server = plain_server(*authority.issue(tmp_path))
    assert handshake(Authorities((ca_file,)).context, server).version() == "TLSv1.3"


def test_an_intermediate_that_is_named_is_trusted_as_it_is(tmp_path: Path, authority: Authority) -> None:
    intermediate = Authority("Region CA", parent=authority)
    path = tmp_path / "intermediate.pem"
    path.write_bytes(intermediate.pem)
    handshake(Authorities((path,)).context, plain_server(*intermediate.issue(tmp_path)))


def test_a_bundle_and_several_files_count_together(tmp_path: Path, authority: Authority, ca_file: Path) -> None:
    others = [Authority(f"Other {number}") for number in range(3)]
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"# a comment\n" + others[0].pem + others[1].pem)
    context = Authorities((ca_file, bundle)).context
    for known in (authority, others[0], others[1]):
        handshake(context, plain_server(*known.issue(tmp_path)))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context, plain_server(*others[2].issue(tmp_path)))


def test_without_cas_the_systems_authorities_decide(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|unable to get local issuer"):
        handshake(Authorities(()).context, plain_server(*authority.issue(tmp_path)))


def test_the_systems_authorities_stay_trusted_beside_those_of_cas(ca_file: Path) -> None:
    alone, beside = Authorities(()).context, Authorities((ca_file,)).context
    assert beside.cert_store_stats()["x509_ca"] == alone.cert_store_stats()["x509_ca"] + 1


def test_another_host_name_is_refused(tmp_path: Path, authority: Authority, ca_file: Path) -> None:
    server = plain_server(*authority.issue(tmp_path, "other.test"))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(Authorities((ca_file,)).context, server)


def test_an_expired_certificate_is_refused(tmp_path: Path, authority: Authority, ca_file: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    server = plain_server(*authority.issue(tmp_path, until=yesterday))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(Authorities((ca_file,)).context, server)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_refused(tmp_path: Path, authority: Authority, ca_file: Path) -> None:
    server = plain_server(*authority.issue(tmp_path))
    server.set_ciphers("ALL:@SECLEVEL=0")
    server.minimum_version, server.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    lenient = ssl.create_default_context(cafile=ca_file)
    lenient.set_ciphers("ALL:@SECLEVEL=0")
    lenient.minimum_version = ssl.TLSVersion.TLSv1
    assert handshake(lenient, server).version() == "TLSv1.1"
    with pytest.raises(ssl.SSLError, match="PROTOCOL"):
        handshake(Authorities((ca_file,)).context, server)


def test_what_was_consulted_names_the_files(ca_file: Path) -> None:
    assert Authorities(()).consulted == "the system's authorities"
    assert Authorities((ca_file,)).consulted == f"the system's authorities, {ca_file}"


def test_a_file_that_did_not_change_is_not_read_again(ca_file: Path) -> None:
    authorities = Authorities((ca_file,))
    context = authorities.context
    ca_file.touch()
    assert authorities.reload_if_changed() is None
    assert authorities.context is context


def test_a_new_authority_is_trusted_after_a_reload(tmp_path: Path, ca_file: Path) -> None:
    authorities, new = Authorities((ca_file,)), Authority("DTR CA of next year")
    before = authorities.context
    ca_file.write_bytes(new.pem)
    assert authorities.reload_if_changed() == Reloaded("authorities")
    handshake(authorities.context, plain_server(*new.issue(tmp_path)))
    assert authorities.context is not before
    assert authorities.reload_if_changed() is None


def test_a_file_swapped_by_symbolic_link_is_noticed(tmp_path: Path, ca_file: Path) -> None:
    new = tmp_path / "new.pem"
    new.write_bytes(Authority("New CA").pem)
    link = tmp_path / "link.pem"
    link.symlink_to(ca_file)
    authorities = Authorities((link,))
    link.unlink()
    link.symlink_to(new)
    assert authorities.reload_if_changed() == Reloaded("authorities")


BAD_FILES = [
    (b"", "found no readable certificate"),
    (b"garbage", "found no readable certificate"),
    (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "found no readable certificate"),
    (None, "No such file or directory"),
]


@pytest.mark.parametrize(("content", "words"), BAD_FILES)
def test_a_file_that_went_bad_keeps_the_old_authorities_and_is_told_once(
    tmp_path: Path, authority: Authority, ca_file: Path, content: bytes | None, words: str
) -> None:
    authorities = Authorities((ca_file,))
    ca_file.write_bytes(content) if content is not None else ca_file.unlink()
    reloaded = authorities.reload_if_changed()
    assert reloaded is not None
    assert str(ca_file) in reloaded.problem
    assert words in reloaded.problem
    assert reloaded.problem.endswith("the authorities read before stay in use")
    handshake(authorities.context, plain_server(*authority.issue(tmp_path)))
    assert authorities.reload_if_changed() is None


def test_a_leaf_does_not_replace_an_authority(tmp_path: Path, authority: Authority, ca_file: Path) -> None:
    authorities = Authorities((ca_file,))
    leaf, _ = authority.issue(tmp_path)
    ca_file.write_bytes(leaf.read_bytes())
    reloaded = authorities.reload_if_changed()
    assert reloaded is not None
    assert "found only certificates that are not of a CA" in reloaded.problem


def test_a_file_that_came_back_good_is_taken(ca_file: Path, authority: Authority) -> None:
    authorities = Authorities((ca_file,))
    ca_file.write_bytes(b"half writ")
    assert authorities.reload_if_changed() != Reloaded("authorities")
    ca_file.write_bytes(authority.pem)
    assert authorities.reload_if_changed() == Reloaded("authorities")


@pytest.mark.parametrize(("content", "words"), BAD_FILES)
def test_a_start_with_a_bad_file_is_refused_in_one_sentence(ca_file: Path, content: bytes | None, words: str) -> None:
    ca_file.write_bytes(content) if content is not None else ca_file.unlink()
    with pytest.raises(ConfigurationRefused) as refused:
        Authorities((ca_file,))
    (mistake,) = refused.value.mistakes
    assert mistake.startswith(f"cas: {ca_file}: ")
    assert words in mistake
    assert "\n" not in mistake


def test_the_systems_bundle_is_read_again_when_it_changes(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca-certificates.crt"
    bundle.write_bytes(Authority("Some other CA").pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    server = plain_server(*authority.issue(tmp_path))
    authorities = Authorities(())
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authorities.context, server)

    bundle.write_bytes(authority.pem)

    assert authorities.reload_if_changed() == Reloaded("authorities")
    handshake(authorities.context, server)
    assert authorities.reload_if_changed() is None


def test_a_bundle_beside_the_folder_of_single_authorities_is_watched_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca-certificates.crt").write_text("rewritten by the system's own tool")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    assert system_bundles() == (tmp_path / "ca-certificates.crt",)


def test_a_failure_of_the_moment_is_told_once_and_the_new_authorities_taken_at_the_next_look(
    ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(path: Path) -> str:
        raise ValueError(f"cas: {path}: Too many open files")

    authorities = Authorities((ca_file,))
    ca_file.write_bytes(Authority("DTR CA of next year").pem)
    with monkeypatch.context() as moment:
        moment.setattr(trust, "_read_authorities", exhausted)
        told = [authorities.reload_if_changed() for _ in range(3)]

    assert [one is not None for one in told] == [True, False, False]
    assert authorities.reload_if_changed() == Reloaded("authorities")
    assert authorities.reload_if_changed() is None
