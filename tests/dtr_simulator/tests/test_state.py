"""What survives a restart, what the request log says and keeps to itself, TLS, signals."""

from __future__ import annotations

import json
import socket
import ssl
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from dtr_simulator.running import RunningSimulator, running_simulator


def test_a_restart_keeps_ca_keys_caches_settings_and_tokens(client_class: Any, image_folder: Path, blob: str) -> None:
    with running_simulator(layouts={"org/app": image_folder}) as simulator:
        asking = client_class(simulator)
        cache_id = asking.add_cache()
        asking.use_cache("alice", cache_id)
        secret = asking.call("POST", "/api/v0/api_tokens", "alice", json={"tokenLabel": "ci"}).json()["token"]
        bearer = asking.token("alice", "repository:org/app:pull")
        grant, url = simulator.grant("alice", "org/app", blob), simulator.url
        simulator.stop()
        simulator.start()
        assert simulator.url == url
        assert asking.call("GET", "/api/v0/accounts/alice/settings", auth=("alice", secret)).json() == {
            "ContentCacheUUID": cache_id}
        assert asking.call("HEAD", f"/v2/org/app/blobs/{blob}?grant={grant}").status_code == 200
        answer = asking.call("HEAD", f"/v2/org/app/blobs/{blob}", headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == 307
        assert secret not in (simulator.state / "registrations.json").read_text()


def test_private_files_are_the_owners_only(dtr: RunningSimulator, client: Any) -> None:
    client.add_cache()
    private = [*dtr.state.glob("*-key.pem"), *dtr.state.glob("keys/*.pem"), dtr.state / "registrations.json"]
    assert len(private) >= 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_the_log_has_no_secret(client_class: Any, image_folder: Path, blob: str) -> None:
    with running_simulator(layouts={"org/app": image_folder}) as simulator:
        asking = client_class(simulator)
        asking.use_cache("alice", asking.add_cache())
        bearer = asking.token("alice", "repository:org/app:pull")
        location = asking.pull("GET", f"/v2/org/app/blobs/{blob}", "alice").headers["Location"]
        grant = location.split("grant=")[1]
        asking.call("GET", f"/v2/org/app/blobs/{blob}?grant={grant}&x=canary-value")
        form = {"grant_type": "password", "username": "alice", "password": "alice-password"}
        asking.call("POST", "/auth/token", data=form)
        asking.call("GET", "/auth/token", auth=("alice", "canary-password"))
        secret = asking.call("POST", "/api/v0/api_tokens", "alice", json={}).json()["token"]
        asking.call("GET", "/api/v0/content_caches", auth=("alice", secret))
        text = (simulator.state / "requests.jsonl").read_text() + "\n".join(simulator.output)
        for canary in (bearer, grant, "canary-value", "canary-password", "alice-password", "admin-password", secret):
            assert canary not in text


def test_a_record_says_who_did_what_how_and_how_much(dtr: RunningSimulator, client: Any, blob: str, image: Any) -> None:
    path = f"/v2/org/app/blobs/{blob}"
    client.pull("GET", path, "alice", headers={"Range": "bytes=0-9", "User-Agent": "a-client/1"})
    record = dtr.requests(user_agent="a-client/1")[-1]
    assert {name: record[name] for name in ("method", "path", "query_keys", "status", "account", "via", "bytes",
                                            "remote", "range", "location_host", "completed")} == {
        "method": "GET", "path": path, "query_keys": [], "status": 206, "account": "alice", "via": "bearer",
        "bytes": 10, "remote": "127.0.0.1", "range": "bytes=0-9", "location_host": "", "completed": True}
    assert record["seconds"] > 0
    assert record["time"].endswith("Z")
    assert client.pull("HEAD", path, "alice").status_code == 200
    assert dtr.requests()[-1]["bytes"] == 0


def test_each_request_is_one_line_and_one_record(client_class: Any) -> None:
    with running_simulator() as simulator:
        asking = client_class(simulator)
        assert simulator.output == [f"listening on {simulator.url}"]
        asking.call("GET", "/_ping")
        asking.call("GET", "/line%0Abreak")
        assert [one["path"] for one in simulator.requests()] == ["/_ping", "/line%0Abreak"]
        simulator.reread()
        assert len(simulator.output) == 4
        simulator.forget_requests()
        asking.call("GET", "/ca")
        assert [one["path"] for one in simulator.requests()] == ["/ca"]


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


def test_a_term_signal_ends_it_at_once_with_code_0(dtr: RunningSimulator) -> None:
    with running_simulator() as simulator:
        with socket.create_connection(("127.0.0.1", urlsplit(simulator.url).port or 0)):
            assert simulator.process.stop() == 0
        assert "Traceback" not in "\n".join(simulator.output)


def test_accounts_with_mistakes_are_said_and_the_old_ones_stay(client_class: Any) -> None:
    with running_simulator() as simulator:
        asking = client_class(simulator)
        simulator.accounts_path.write_text("accounts: [{name: alice, password: 12}]")
        assert asking.call("GET", "/api/v0/content_caches", auth=("alice", "alice-password")).status_code == 200
        simulator.reread()
        said = [line for line in simulator.output if line.startswith("accounts unchanged: ")]
        assert said
        assert all("accounts[0].password: found a number, wanted a text" in line for line in said)


@pytest.mark.parametrize("path", ["/", "/ca", "/_ping", "/health", "/nginx_status", "/.well-known/dtr-content-cache"])
def test_open_pages_need_no_login(client: Any, path: str) -> None:
    assert client.call("GET", path).status_code == 200


def test_every_answer_has_the_vendors_security_headers(client: Any) -> None:
    for path in ("/_ping", "/v2/", "/api/v0/content_caches", "/none"):
        headers = client.call("GET", path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Strict-Transport-Security" in headers


def test_account_pages_lead_from_one_to_the_next(client: Any) -> None:
    seen: list[str] = []
    while True:
        start = f"&start={seen[-1]}" if seen else ""
        found = client.call("GET", f"/enzi/v0/accounts?filter=all&limit=2{start}", "bob").json()["accounts"]
        fresh = [one["name"] for one in found if one["name"] not in seen]
        if not fresh:
            break
        seen += fresh
    assert seen == ["admin", "alice", "bob", "gone", "org", "writer"]


@pytest.mark.parametrize(("kind", "names"), [
    ("users", ["admin", "alice", "bob", "gone", "writer"]), ("orgs", ["org"]), ("admins", ["admin"]),
    ("non-admins", ["alice", "bob", "gone", "writer"])])
def test_the_account_filter_is_obeyed(client: Any, kind: str, names: list[str]) -> None:
    found = client.call("GET", f"/enzi/v0/accounts?filter={kind}", "bob").json()["accounts"]
    assert [one["name"] for one in found] == names
    assert set(found[0]) == {"name", "id", "fullName", "isOrg", "isAdmin", "isActive"}


@pytest.mark.parametrize("query", ["filter=x", "limit=0", "limit=-1", "limit=x"])
def test_a_bad_account_query_is_400(client: Any, query: str) -> None:
    assert client.call("GET", f"/enzi/v0/accounts?{query}", "bob").status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"[" * 5000, b"\xff"])
def test_a_body_that_is_no_json_object_is_400(client: Any, body: bytes) -> None:
    answer = client.call("POST", "/api/v0/content_caches", "admin", data=body,
                         headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_JSON")


@pytest.mark.parametrize("details", [
    {}, {"name": "n"}, {"host": "http://h"}, {"name": "", "host": "http://h"}, {"name": 1, "host": "http://h"},
    {"name": "n", "host": "h:5000"}, {"name": "n", "host": "ftp://h"}, {"name": "n", "host": "http://"},
    {"name": "n", "host": "http://h/path"}, {"name": "n", "host": "http://u:p@h"}, {"name": "n", "host": "http://h?q=1"},
    {"name": "n", "host": "http://h:99999"}, {"name": "n", "host": "http://[::1"}, {"name": "n", "host": None}])
def test_bad_cache_details_are_400_with_the_specifications_text(client: Any, details: dict[str, Any]) -> None:
    before = client.call("GET", "/api/v0/content_caches", "admin").json()
    answer = client.call("POST", "/api/v0/content_caches", "admin", json=details)
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, "invalid content cache details")
    assert client.call("GET", "/api/v0/content_caches", "admin").json() == before


def test_settings_of_dtr_are_kept(client: Any) -> None:
    client.call("POST", "/api/v0/meta/settings", "admin", json={"httpProxy": "http://proxy:3128"})
    assert client.call("GET", "/api/v0/meta/settings", "admin").json()["httpProxy"] == "http://proxy:3128"
    assert json.loads(client.call("POST", "/api/v0/meta/settings", "admin", json={"none": 1}).text)["errors"]
