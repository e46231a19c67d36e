"""A running simulator for the tests of others: `with running_simulator(...) as dtr: …`.

Owns: its files, reading its log, minting grants with its keys, changing rights.
Does not own: the process (process.py), any behaviour of the simulator, which is asked over HTTP like any DTR.
Rule: nothing outlives the context; what a test may want to see stays readable in `state` until then.
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from . import grants, jws
from .key_ring import read_signing_key
from .process import SimulatorProcess

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
    """`url` is its origin, `ca_path` the CA to trust, `state` its folder, `accounts_path` its accounts file."""

    def __init__(self, folder: Path, arguments: Sequence[str], accounts: Mapping[str, Any]) -> None:
        self.state = folder / "state"
        self.ca_path = self.state / "ca.pem"
        self.accounts_path = folder / "accounts.yml"
        self.url = ""
        self._listen = "127.0.0.1:0"
        self._arguments = ["--state", str(self.state), "--accounts", str(self.accounts_path), *arguments]
        self._process: SimulatorProcess | None = None
        self.set_accounts(accounts)

    def start(self) -> None:
        """Start it; after `stop` with the same state, on the same port. Raise RuntimeError with what it said."""
        self._process = SimulatorProcess(["--listen", self._listen, *self._arguments])
        self.url = self._process.wait_for(lambda line: line.startswith("listening on ")).split()[-1]
        if self._listen == "127.0.0.1:0":
            self._listen = f"127.0.0.1:{urlsplit(self.url).port}"

    def stop(self) -> None:
        """End it now; requests under way are cut. `start` begins again."""
        process, self._process = self._process, None
        if process:
            process.stop()

    @property
    def process(self) -> SimulatorProcess:
        if self._process is None:
            raise RuntimeError("the simulator is stopped")
        return self._process

    @property
    def output(self) -> list[str]:
        """The lines that it printed so far."""
        return self.process.output

    def reread(self) -> None:
        """Make it read accounts, keys and CA again now (SIGHUP), and wait until it has."""
        self.process.hang_up()

    def requests(self, **wanted: Any) -> list[dict[str, Any]]:
        """The request log, oldest first; `wanted` keeps the records with these values: `requests(method="GET")`."""
        text = (self.state / "requests.jsonl").read_text(encoding="utf-8")
        records = [json.loads(line) for line in text.splitlines()]
        return [one for one in records if all(one[key] == value for key, value in wanted.items())]

    def forget_requests(self) -> None:
        """Empty the request log, to begin a new count."""
        os.truncate(self.state / "requests.jsonl", 0)

    def signing_key(self) -> jws.SigningKey:
        """The key that signs grants now."""
        return read_signing_key(max((self.state / "keys").glob("*.pem")))

    def grant(self, account: str, repository: str, digest: str, /, *, key: jws.SigningKey | None = None,
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
        self.set_accounts(self._accounts | {"repositories": [*others, entry]})

    def set_accounts(self, accounts: Mapping[str, Any]) -> None:
        """Replace the whole accounts file; it counts from the next request on."""
        self._accounts = copy.deepcopy(dict(accounts))
        self.accounts_path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.accounts_path.with_suffix(".new")
        beside.write_text(yaml.safe_dump(self._accounts), encoding="utf-8")
        beside.replace(self.accounts_path)

    def password(self, account: str) -> str:
        return str(next(one["password"] for one in self._accounts["accounts"] if one["name"] == account))


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
        simulator = RunningSimulator(folder or Path(temporary), [*arguments, *options], accounts)
        try:
            simulator.start()
            yield simulator
        finally:
            simulator.stop()
