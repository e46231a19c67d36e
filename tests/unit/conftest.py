"""What all unit tests of the collection stand on: the import path, a way to run a module, a simulated DTR.

Owns the fixtures. Does not own doubles: scripted_server.py has the server that misbehaves on demand.
Rule: a module is run as Ansible runs it, from its options to the JSON that it prints.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

COLLECTIONS = Path(__file__).parents[2] / ".ansible" / "collections"
if not (COLLECTIONS / "ansible_collections" / "dtr" / "caches").is_dir():
    pytest.exit(f"{COLLECTIONS} does not hold the collection; run 'make setup' first", returncode=2)
sys.path[:0] = [str(COLLECTIONS), str(Path(__file__).parent)]

from dtr_simulator.image import write_image  # noqa: E402
from dtr_simulator.running import RunningSimulator, running_simulator  # noqa: E402
from module_arguments import patch_module_args  # noqa: E402
from scripted_server import ScriptedServer  # noqa: E402

ENVIRONMENT = ("URL", "USERNAME", "PASSWORD", "TOKEN", "CA_PATH", "VALIDATE_CERTS", "TIMEOUT")


@dataclass(frozen=True)
class ModuleRun:
    """What a module said: ``result`` parsed, ``output`` everything it printed."""

    result: dict
    output: str

    def __getitem__(self, key):
        return self.result[key]

    @property
    def failed(self):
        return self.result.get("failed", False)

    @property
    def sentence(self):
        """The failure's message; an assertion error if it did not fail."""
        assert self.failed, f"the module did not fail: {self.result}"
        return self.result["msg"]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(f"DTR_{name}", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def run_module(capsys):
    """``run_module(name, check=…, **options)``: run a module of the collection to its end in this process."""

    def run(module_name, /, *, check=False, **options):
        module = importlib.import_module(f"ansible_collections.dtr.caches.plugins.modules.{module_name}")
        arguments = dict(options, _ansible_check_mode=check, _ansible_diff=True, _ansible_remote_tmp="/tmp")
        capsys.readouterr()
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        printed = capsys.readouterr()
        return ModuleRun(json.loads(printed.out), printed.out + printed.err)

    return run


@dataclass(frozen=True)
class Dtr:
    """A simulated DTR and how to talk to it."""

    simulator: RunningSimulator

    def options(self, account="admin", **others):
        """The connection options for an account."""
        ca = {} if self.simulator.url.startswith("http:") else {"ca_path": str(self.simulator.ca_path)}
        password = self.simulator.password(account)
        return {"dtr_url": self.simulator.url, "dtr_username": account, "dtr_password": password, **ca, **others}

    def writes(self):
        """(method, path) of every request so far that could have changed something."""
        return [
            (one["method"], one["path"]) for one in self.simulator.requests() if one["method"] not in ("GET", "HEAD")
        ]


ACCOUNTS = {
    "accounts": [
        {"name": "admin", "password": "admin-secret-4711", "admin": True},
        {"name": "alice", "password": "alice-secret-4711"},
        {"name": "bob", "password": "bob-secret-4711"},
        *({"name": f"user{number:02}", "password": "user-secret-4711"} for number in range(25)),
    ],
    "repositories": [{"name": "org/app", "readers": ["alice"]}, {"name": "org/public", "public": True}],
}


@pytest.fixture(scope="session")
def image_layout(tmp_path_factory):
    """A layout with org/app:1.0 (two platforms) and org/app:single."""
    folder = tmp_path_factory.mktemp("layout")
    write_image(folder, "1.0", layers=3, layer_size=300_000, platforms=("linux/amd64", "linux/arm64"))
    write_image(folder, "single", layers=2, layer_size=200_000, seed=7, docker_schema2=True)
    return folder


@pytest.fixture
def dtr_with(image_layout):
    """``dtr_with(quirk=position, …)``: a fresh DTR with these vendor contradictions switched."""
    contexts = []

    def start(**quirks):
        named = {name.replace("_", "-"): position for name, position in quirks.items()}
        layouts = {"org/app": image_layout, "org/public": image_layout}
        context = running_simulator(accounts=ACCOUNTS, layouts=layouts, quirks=named, plain_http=True)
        contexts.append(context)
        return Dtr(context.__enter__())

    yield start
    for context in reversed(contexts):
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def shared_dtr(image_layout):
    """One DTR with TLS for the tests that leave nothing behind."""
    layouts = {"org/app": image_layout, "org/public": image_layout}
    with running_simulator(accounts=ACCOUNTS, layouts=layouts) as simulator:
        yield Dtr(simulator)


@pytest.fixture
def dtr(shared_dtr, run_module):
    """The shared DTR, with nothing registered and an empty request log."""
    options = shared_dtr.options()
    for cache in run_module("content_cache_info", **options)["content_caches"]:
        run_module(
            "content_cache",
            state="absent",
            name=cache["name"],
            host=cache["host"],
            accounts_of_removed="clear",
            **options,
        )
    shared_dtr.simulator.forget_requests()
    return shared_dtr


@pytest.fixture
def server():
    """``server(answer, …)``: a ScriptedServer that lives as long as the test."""
    running = []

    def start(*args, **kwargs):
        one = ScriptedServer(*args, **kwargs)
        running.append(one)
        return one

    yield start
    for one in running:
        one.close()
