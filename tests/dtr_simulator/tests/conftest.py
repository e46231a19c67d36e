"""What the simulator's tests share: a running simulator, a client that speaks to it, an image to serve.

The client is strict where a real one is not: it follows no redirect and takes nothing from the environment.
"""

from __future__ import annotations

import copy
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.ports import free_port
from dtr_simulator.image import WrittenImage, write_image
from dtr_simulator.quirks import QUIRKS
from dtr_simulator.running import ACCOUNTS, RunningSimulator, running_simulator


class Client:
    """HTTP to one simulator, as an account or nobody."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(simulator.ca_path)

    def call(self, method: str, path: str, account: str | None = None, **rest: Any) -> requests.Response:
        """A request with the account's password."""
        if account:
            rest["auth"] = (account, self.simulator.password(account))
        rest.setdefault("allow_redirects", False)
        return self.session.request(method, self.simulator.url + path, timeout=30, **rest)

    def token(self, account: str | None, *scopes: str) -> str:
        answer = self.call("GET", "/auth/token", account, params={"scope": list(scopes)})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def pull(self, method: str, path: str, account: str | None, repository: str = "org/app", actions: str = "pull",
             **rest: Any) -> requests.Response:
        """A registry request with a fresh bearer token."""
        headers = rest.pop("headers", {})
        token = self.token(account, f"repository:{repository}:{actions}")
        return self.call(method, path, headers=headers | {"Authorization": f"Bearer {token}"}, **rest)

    def add_cache(self, name: str = "asia", host: str = "http://cache.example:5000") -> str:
        answer = self.call("POST", "/api/v0/content_caches", "admin", json={"name": name, "host": host})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def use_cache(self, account: str, cache_id: str) -> None:
        path = f"/api/v0/accounts/{account}/settings"
        answer = self.call("PATCH", path, "admin", json={"contentCacheUUID": cache_id})
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layout with the tag 1.0; tests only read it."""
    folder = tmp_path_factory.mktemp("layout")
    write_image(folder, "1.0", layers=2, layer_size=300_000)
    return folder


@pytest.fixture(scope="session")
def image(image_folder: Path) -> WrittenImage:
    return write_image(image_folder, "1.0", layers=2, layer_size=300_000)


@pytest.fixture(scope="session")
def accounts() -> dict[str, Any]:
    """The default accounts, one more that is not active, and one that may write."""
    found = copy.deepcopy(ACCOUNTS)
    found["accounts"] += [{"name": "gone", "password": "gone-password", "active": False},
                          {"name": "writer", "password": "writer-password"}]
    found["repositories"][0]["writers"] = ["writer"]
    return found


@pytest.fixture(scope="session")
def dtr(image_folder: Path, accounts: dict[str, Any]) -> Iterator[RunningSimulator]:
    """A simulator with every switch in its default position, shared: tests leave others' registrations alone."""
    layouts = {"org/app": image_folder, "org/public": image_folder}
    with running_simulator(layouts=layouts, accounts=accounts) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def client(dtr: RunningSimulator) -> Client:
    return Client(dtr)


@pytest.fixture(scope="session")
def contrary(accounts: dict[str, Any]) -> Iterator[Client]:
    """A simulator with every switch in its second position, but errors in JSON to tell them apart."""
    second = {name: quirk.positions[1] for name, quirk in QUIRKS.items() if name != "error-body"}
    with running_simulator(quirks=second, accounts=accounts) as simulator:
        yield Client(simulator)


@pytest.fixture
def client_class() -> type[Client]:
    return Client


@pytest.fixture
def blob(image: WrittenImage) -> str:
    """The digest of the biggest blob of the image."""
    return max(image.blobs, key=lambda digest: image.blobs[digest])


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("docker-registry did not start")


@pytest.fixture(scope="session")
def registry_url() -> Iterator[str]:
    """A real Distribution registry on a free port."""
    if not shutil.which("docker-registry"):
        pytest.skip("the program docker-registry is not installed (Debian package docker-registry)")
    with tempfile.TemporaryDirectory(prefix="registry-") as folder:
        port, config = free_port(), Path(folder) / "config.yml"
        config.write_text(f"version: 0.1\nlog: {{level: error}}\n"
                          f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
                          f"http: {{addr: '127.0.0.1:{port}'}}\n")
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            _wait_until_it_listens(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()
