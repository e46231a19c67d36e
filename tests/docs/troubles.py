"""Everything that goes wrong between a client, DTR and a cache on the troubleshooting page, made to happen for real.

Owns: a DTR, a good cache, and what is wrong in each case. Owns not: the clients, and what they must say (the page).
Rule: a case breaks one thing only, and what it breaks is what the page calls the cause."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from ssl import create_default_context
from threading import Thread
from typing import Any

from doubles.certificates import Authority, plain_server
from doubles.ports import free_port
from dtr_simulator.image import write_image
from dtr_simulator.running import RunningSimulator, running_simulator

ADDRESS = os.environ.get("DOCS_ADDRESS", "127.0.0.1")  # docker believes everything of 127.0.0.1, so there it is another
OTHER_ADDRESS = os.environ.get("DOCS_OTHER_ADDRESS", "127.0.0.2")


class TcpServer(ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave in the handshake are what it is for."""


class NoRequest(BaseRequestHandler):
    """The handshake is all that there is to see."""


class Troubles:
    """`reference` is the image; `trust` the CAs of DTR and the office in one file."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.images = folder / "images"
        self.images.mkdir()
        write_image(self.images, "1.0", layers=1, layer_size=50_000)
        self.dtr = self._simulator(folder / "dtr")
        self._authority = Authority("the office")
        self._certificate = self._authority.issue(folder, ADDRESS)
        self._office_ca, self.trust = folder / "office-ca.pem", folder / "trust.pem"
        self._office_ca.write_bytes(self._authority.pem)
        self.trust.write_bytes(self.dtr.ca_path.read_bytes() + self._authority.pem)

    @property
    def reference(self) -> str:
        return f"{self.dtr.url.removeprefix('https://')}/org/app:1.0"

    def happen(self, case: str) -> tuple[str, Path]:
        """(account, the CAs that its client trusts) after having made the case happen."""
        address, account, trust = getattr(self, f"_case_{case.replace('-', '_')}")()
        self._point("alice", address)
        return f"{account}:{account}-password", trust

    def _case_cache_down(self) -> tuple[str, str, Path]:
        return f"https://{ADDRESS}:{free_port()}", "alice", self.trust

    def _case_no_such_name(self) -> tuple[str, str, Path]:
        return "https://cache.nowhere.invalid:5000", "alice", self.trust

    def _case_cache_not_trusted(self) -> tuple[str, str, Path]:
        return f"https://{ADDRESS}:{self._cache()}", "alice", self.dtr.ca_path

    def _case_dtr_not_trusted(self) -> tuple[str, str, Path]:
        return f"https://{ADDRESS}:{self._cache()}", "alice", self._office_ca

    def _case_certificate_ended(self) -> tuple[str, str, Path]:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        pair = self._authority.issue(self._folder, ADDRESS, name="ended", until=yesterday)
        return f"https://{ADDRESS}:{self._serve_tls(pair)}", "alice", self.trust

    def _case_other_name(self) -> tuple[str, str, Path]:
        return f"https://{OTHER_ADDRESS}:{self._cache()}", "alice", self.trust

    def _case_https_to_plain(self) -> tuple[str, str, Path]:
        return f"https://{ADDRESS}:{self._cache(tls=False)}", "alice", self.trust

    def _case_plain_to_https(self) -> tuple[str, str, Path]:
        return f"http://{ADDRESS}:{self._cache()}", "alice", self.trust

    def _case_no_rights(self) -> tuple[str, str, Path]:
        return f"https://{ADDRESS}:{self._cache()}", "bob", self.trust

    def _case_other_dtr(self) -> tuple[str, str, Path]:
        other = self._simulator(self._folder / "other-dtr")
        return f"https://{ADDRESS}:{self._cache(upstream=other.url, ca=other.ca_path)}", "alice", self.trust

    def _case_no_keys(self) -> tuple[str, str, Path]:
        nobody = f"https://{ADDRESS}:{free_port()}"
        return f"https://{ADDRESS}:{self._cache(upstream=nobody, ca=self.dtr.ca_path)}", "alice", self.trust

    def _case_layer_gone(self) -> tuple[str, str, Path]:
        largest = max((self.images / "blobs/sha256").iterdir(), key=lambda one: one.stat().st_size)
        moved = self._folder / largest.name
        largest.rename(moved)
        self._stack.callback(moved.rename, largest)
        return f"https://{ADDRESS}:{self._cache()}", "alice", self.trust

    def _serve_tls(self, pair: tuple[Path, Path]) -> int:
        """A listener with this certificate: a cache itself would refuse to start with one that has ended."""
        listener = TcpServer((ADDRESS, 0), NoRequest)
        listener.socket = plain_server(*pair).wrap_socket(listener.socket, server_side=True)
        self._stack.callback(listener.server_close)
        self._stack.callback(listener.shutdown)
        Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        return int(listener.server_address[1])

    def _simulator(self, folder: Path) -> RunningSimulator:
        options = ["--listen", f"{ADDRESS}:0"]
        return self._stack.enter_context(
            running_simulator(layouts={"org/app": self.images}, folder=folder, options=options)
        )

    def _cache(self, *, tls: bool = True, upstream: str = "", ca: Path | None = None) -> int:
        port, folder = free_port(), self._folder / f"cache-{free_port()}"
        folder.mkdir()
        pair = dict(zip(("certificate", "key"), map(str, self._certificate), strict=True))
        options = {"upstreams": [upstream or self.dtr.url], "cas": [str(ca or self.dtr.ca_path)], "minfree": "1MB"}
        config = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": f"0.0.0.0:{port}"} | ({"tls": pair} if tls else {}),
            "middleware": {"registry": [{"name": "downstream", "options": options}]},
        }
        (folder / "config.yml").write_text(json.dumps(config), encoding="utf-8")
        program = str(Path(sys.executable).parent / "dtr-content-cache")
        log = self._stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen([program, str(folder / "config.yml")], stdout=log, stderr=log)
        self._stack.callback(_end, process)
        _wait_until_listening(port, process, folder / "log")
        return port

    def _point(self, account: str, address: str) -> None:
        """Register the cache in DTR, and let the account use it."""
        cache = self._ask("POST", "/api/v0/content_caches", {"name": address.replace("/", "-"), "host": address})
        self._ask("PATCH", f"/api/v0/accounts/{account}/settings", {"contentCacheUUID": cache["id"]})

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        word = base64.b64encode(f"admin:{self.dtr.password('admin')}".encode()).decode()
        headers = {"Authorization": f"Basic {word}", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the simulator's own address
            self.dtr.url + path, json.dumps(body).encode(), headers, method=method
        )
        context = create_default_context(cafile=str(self.dtr.ca_path))
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310
            return json.load(answer)


def _wait_until_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        try:
            socket.create_connection((ADDRESS, port), timeout=1).close()
            return
        except OSError:
            continue
    raise AssertionError(f"the cache did not start:\n{log.read_text(encoding='utf-8')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)


@contextmanager
def troubles(folder: Path) -> Iterator[Troubles]:
    with ExitStack() as stack:
        yield Troubles(folder, stack)
