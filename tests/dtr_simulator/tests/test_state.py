"""What survives a restart, what the request log says and keeps to itself, signals."""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dtr_simulator.running import RunningSimulator, running_simulator


def test_a_restart_keeps_ca_keys_caches_settings_and_tokens(client_class: Any, image_folder: Path, blob: str) -> None:
    with running_simulator(layouts={"org/app": image_folder}) as simulator:
        asking = client_class(simulator)
        cache_id = asking.add_cache()
        secret = asking.call("POST", "/api/v0/api_tokens", "alice", json={"tokenLabel": "ci"}).json()["token"]
        bearer = asking.token("alice", "repository:org/app:pull")
        asking.use_cache("alice", cache_id)
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
