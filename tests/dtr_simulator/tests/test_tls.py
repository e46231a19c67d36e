"""The CA, the certificate, and the simulator without TLS."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from dtr_simulator.certificates import ensure_ca
from dtr_simulator.running import RunningSimulator, running_simulator


def test_the_ca_is_served_and_signs_the_server(dtr: RunningSimulator, client: Any) -> None:
    answer = client.call("GET", "/ca")
    assert answer.content == dtr.ca_path.read_bytes()
    authority = x509.load_pem_x509_certificate(answer.content)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    server = x509.load_pem_x509_certificate((dtr.state / "server.pem").read_bytes())
    server.verify_directly_issued_by(authority)


def test_the_certificate_has_the_names_that_were_given(tmp_path: Path) -> None:
    options = ["--san", "dtr.test", "--san", "10.1.2.3", "--url", "https://dtr.office.test:8443"]
    with running_simulator(options=options, folder=tmp_path) as simulator:
        assert simulator.url == "https://dtr.office.test:8443"
        listened = x509.load_pem_x509_certificate((simulator.state / "server.pem").read_bytes())
        names = listened.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert {"dtr.test", "dtr.office.test", "localhost", socket.gethostname()} <= set(
            names.get_values_for_type(x509.DNSName))
        assert {"10.1.2.3", "127.0.0.1", "::1"} <= {str(one) for one in names.get_values_for_type(x509.IPAddress)}


def test_a_strict_client_takes_the_certificate(dtr: RunningSimulator) -> None:
    context = ssl.create_default_context(cafile=str(dtr.ca_path))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (socket.create_connection(("127.0.0.1", urlsplit(dtr.url).port or 0)) as plain,
          context.wrap_socket(plain, server_hostname="localhost") as protected):
        assert protected.version() in ("TLSv1.2", "TLSv1.3")


def test_plain_http_needs_no_ca_and_still_names_itself_right(client_class: Any, image_folder: Path) -> None:
    with running_simulator(plain_http=True, layouts={"org/app": image_folder}) as simulator:
        asking = client_class(simulator)
        assert simulator.url.startswith("http://127.0.0.1:")
        assert asking.call("GET", "/.well-known/dtr-content-cache").json()["origin"] == simulator.url
        assert f'realm="{simulator.url}/auth/token"' in asking.call("GET", "/v2/").headers["WWW-Authenticate"]


def _trusts(ca: Path, url: str) -> bool:
    context = ssl.create_default_context(cafile=str(ca))
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="localhost"):
                return True
        except ssl.SSLCertVerificationError:
            return False


def test_another_ca_in_the_state_folder_vouches_for_the_server_after_a_hang_up(tmp_path: Path) -> None:
    next_ca, old_ca = tmp_path / "next", tmp_path / "old.pem"
    next_ca.mkdir()
    ensure_ca(next_ca)
    with running_simulator(folder=tmp_path) as simulator:
        old_ca.write_bytes(simulator.ca_path.read_bytes())
        for name in ("ca.pem", "ca-key.pem"):
            (simulator.state / name).write_bytes((next_ca / name).read_bytes())
        assert _trusts(old_ca, simulator.url)
        simulator.reread()
        assert _trusts(next_ca / "ca.pem", simulator.url)
        assert not _trusts(old_ca, simulator.url)


def test_a_ca_that_cannot_be_read_leaves_the_one_before_in_use(tmp_path: Path) -> None:
    old_ca = tmp_path / "old.pem"
    with running_simulator(folder=tmp_path) as simulator:
        old_ca.write_bytes(simulator.ca_path.read_bytes())
        (simulator.state / "ca.pem").write_text("no certificate")
        simulator.reread()
        assert _trusts(old_ca, simulator.url)
