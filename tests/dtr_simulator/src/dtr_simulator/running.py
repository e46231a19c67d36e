"""A running simulator for the tests of others: `with running_simulator(...) as dtr: …`.

Owns: starting it as a process of its own on a free port, stopping it, reading its log, minting grants with its keys.
Does not own: any behaviour of the simulator, which is asked over HTTP like any DTR.
Rule: nothing outlives the context; what a test may want to see stays readable in `state` until then.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from . import grants, jws
from .key_ring import read_signing_key

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10

ACCOUNTS: dict[str, Any] = {
    "accounts": [
        {"name": "admin", "password": "admin-password", "admin": True},
        {"name": "alice", "password": "alice-password"},
        {"name": "bob", "password": "bob-password"},
    ],
    "repositories": [
        {"name": "org/app", "readers": ["alice"]},
        {"name": "org/public", "public": True},
    ],
}
"""The accounts of a simulator that is started without others: alice may read org/app, bob may not."""


class RunningSimulator:
    """`url` is its origin, `ca_path` the CA to trust, `state` its folder, `output` the lines it printed so far."""

    def __init__(self, folder: Path, arguments: Sequence[str], accounts: Mapping[str, Any]) -> None:
        self.state = folder / "state"
        self.ca_path = self.state / "ca.pem"
        self.accounts_path = folder / "accounts.yml"
        self.url = ""
        self.output: list[str] = []
        self._arguments = list(arguments)
        self._listen = "127.0.0.1:0"
        self._accounts = json.loads(json.dumps(accounts))
        self._write_accounts()
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it; after `stop` with the same state and on the same port. Raise RuntimeError with what it said."""
        command = [sys.executable, "-m", "dtr_simulator", "--listen", self._listen, "--state", str(self.state),
                   "--accounts", str(self.accounts_path), *self._arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                         bufsize=1)
        ready: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._follow, args=(self._process, ready), daemon=True).start()
        try:
            self.url = ready.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            self.url = ""
        if not self.url:
            self.stop()
            raise RuntimeError("the DTR simulator did not start:\n" + "\n".join(self.output))
        if self._listen.endswith(":0"):
            self._listen = f"127.0.0.1:{self._port()}"

    def _follow(self, process: subprocess.Popen[str], ready: queue.Queue[str]) -> None:
        # The pipe is read to its end, or a full one would stop the simulator.
        assert process.stdout is not None
        for line in process.stdout:
            self.output.append(line.rstrip("\n"))
            if line.startswith("listening on "):
                ready.put(line.split()[-1])
        ready.put("")

    def _port(self) -> int:
        port = urlsplit(self.url).port
        if port is None:
            raise RuntimeError(f"the simulator's URL has no port: {self.url}")
        return port

    @property
    def process(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the simulator is stopped")
        return self._process

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def reread(self) -> None:
        """Make it read accounts and keys again now (SIGHUP), and wait until it says so."""
        said = len(self.output)
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while not any("read again" in line for line in self.output[said:]):
            if time.monotonic() > deadline:
                raise RuntimeError("the simulator did not read its files again")
            time.sleep(0.01)

    def requests(self, **wanted: Any) -> list[dict[str, Any]]:
        """The request log, oldest first; `wanted` keeps the records with these values: `requests(method="GET")`."""
        path = self.state / "requests.jsonl"
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [one for one in records if all(one[key] == value for key, value in wanted.items())]

    def forget_requests(self) -> None:
        """Empty the request log, to begin a new count."""
        os.truncate(self.state / "requests.jsonl", 0)

    def signing_key(self) -> jws.SigningKey:
        """The key that signs grants now."""
        return read_signing_key(max((self.state / "keys").glob("*.pem")))

    def grant(self, account: str, repository: str, digest: str, *, key: jws.SigningKey | None = None,
              header: Mapping[str, Any] | None = None, lifetime_s: float = 900, **claims: Any) -> str:
        """A grant as the simulator would give it, or a wrong one: another `key`, `header` members, claims.

        A claim or header member that is None is left out: `grant("alice", "org/app", digest, exp=None)`.
        """
        right = grants.grant_claims(self.url, account, repository, digest, time.time(), lifetime_s)
        return grants.mint(key or self.signing_key(), right | claims, header)

    def set_rights(self, repository: str, *, readers: Sequence[str] = (), writers: Sequence[str] = (),
                   public: bool = False) -> None:
        """Replace the rights on a repository; they count from the next request on."""
        others = [one for one in self._accounts.get("repositories", []) if one["name"] != repository]
        entry = {"name": repository, "readers": list(readers), "writers": list(writers), "public": public}
        self._accounts["repositories"] = [*others, entry]
        self._write_accounts()

    def set_accounts(self, accounts: Mapping[str, Any]) -> None:
        """Replace the whole accounts file; it counts from the next request on."""
        self._accounts = json.loads(json.dumps(accounts))
        self._write_accounts()

    def password(self, account: str) -> str:
        return str(next(one["password"] for one in self._accounts["accounts"] if one["name"] == account))

    def _write_accounts(self) -> None:
        beside = self.accounts_path.with_suffix(".new")
        beside.write_text(yaml.safe_dump(self._accounts), encoding="utf-8")
        beside.replace(self.accounts_path)


@contextmanager
def running_simulator(*, accounts: Mapping[str, Any] = ACCOUNTS, layouts: Mapping[str, Path] | None = None,
                      registry: str | None = None, plain_http: bool = False, quirks: Mapping[str, str] | None = None,
                      options: Sequence[str] = (), folder: Path | None = None) -> Iterator[RunningSimulator]:
    """Run a simulator on a free port of 127.0.0.1 while the context lasts.

    `accounts` is the content of the accounts file, `layouts` maps repository to image layout folder, `quirks` switch to
    position, `options` are more command-line flags. Its files go to `folder`, by default a temporary one.
    Raise RuntimeError with the simulator's own words when it does not start.
    """
    arguments = [f"--layout={name}={path}" for name, path in (layouts or {}).items()]
    arguments += [f"--quirk={name}={position}" for name, position in (quirks or {}).items()]
    arguments += [f"--registry={registry}"] if registry else []
    arguments += ["--plain-http"] if plain_http else []
    with tempfile.TemporaryDirectory(prefix="dtr-simulator-") as temporary:
        home = folder or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        simulator = RunningSimulator(home, [*arguments, *options], accounts)
        try:
            simulator.start()
            yield simulator
        finally:
            simulator.stop()
