"""Offices on this machine with a DTR of their own, and an operator who runs the product's playbooks for them.

Owns: the files, the DTR, the playbook runs, and that nothing stays running. Does not own: what is expected of a run
(the tests). Rule: everything goes through `ansible-playbook` as an operator calls it; all that a run says and records,
and the process list while it lasts, is searched for secrets."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from authority import OfficeAuthority
from canaries import process_list_watched, shown
from dtr_simulator.image import write_image
from dtr_simulator.running import RunningSimulator, running_simulator
from offices import PASSWORDS, Office, free_ports, write_accounts, write_inventory
from recorded_run import Run, read_run
from steps import clean_environment

HERE = Path(__file__).parent
PLAYBOOKS = HERE.parents[1] / "playbooks"
HTTP_SECRET = "canary-of-the-http-secret"
APP = "shop/app"


class World:
    """`dtr` is the running DTR, `home` the folder of everything, `regions` the offices by name."""

    def __init__(self, home: Path, regions: Sequence[Office], dtr: RunningSimulator,
                 authority: OfficeAuthority) -> None:
        self.home, self.dtr, self.authority = home, dtr, authority
        self.regions = {office.region: office for office in regions}
        self.certificates = authority.ca_path.parent
        self.inventory = write_inventory(home / "inventory", list(regions), dtr.url, dtr.ca_path, self.certificates)
        self.environment = clean_environment(home) | {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "record_events",
        }
        self.playbook = lambda name: str(PLAYBOOKS / name)
        self.hash_seed: int | None = None  # of the next runs: the order of every set in them
        self._runs = 0
        self._around: list[str] = []

    def play(self, name: str, *options: str, **variables: Any) -> Run:
        """Run a playbook of the product with these extra variables, and see that nothing shows a secret."""
        self._runs += 1
        recording = self.home / f"run-{self._runs}.jsonl"
        command = self.command(name, *options, **variables)
        environment = self.environment | {"RECORD_EVENTS": str(recording)}
        if self.hash_seed is not None:
            environment["PYTHONHASHSEED"] = str(self.hash_seed)
        with self.listed() as listed:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, cwd=self.home)
        run = read_run(command, done.returncode, done.stdout + done.stderr, recording)
        recording.with_suffix(".log").write_text(run.output, encoding="utf-8")
        recorded = recording.read_text(encoding="utf-8") if recording.exists() else ""
        leaks = [*self.leaks(run.output, recorded), *listed]
        assert leaks == [], f"{run.command} shows a secret: {leaks}"
        assert "Traceback" not in run.output, run.output
        return run

    def command(self, name: str, *options: str, **variables: Any) -> list[str]:
        """How a playbook of the product is run with these extra variables, as loudly as Ansible can."""
        command = [*self._around, "ansible-playbook", "-vvvv", "-i", str(self.inventory), self.playbook(name), *options]
        return [*command, "-e", json.dumps(variables)] if variables else command

    @contextmanager
    def at(self, task: str, script: str) -> Iterator[None]:
        """Within this context, runs let the shell script happen when that task begins."""
        path, before = self.home / "at-that-point.sh", dict(self.environment)
        path.write_text(script, encoding="utf-8")
        plugins = before["ANSIBLE_CALLBACKS_ENABLED"] + ",do_at"
        self.environment |= {"ANSIBLE_CALLBACKS_ENABLED": plugins, "DO_AT": task, "DO": str(path)}
        try:
            yield
        finally:
            self.environment = before

    @contextmanager
    def exported(self, **variables: str) -> Iterator[None]:
        """Within this context, runs find these variables in their environment."""
        before = self.environment
        self.environment = before | variables
        try:
            yield
        finally:
            self.environment = before

    def run_inside(self, around: Sequence[str], **environment: str) -> None:
        """From now on, the playbooks by this command, which runs what follows it, and with these variables."""
        self._around = list(around)
        self.environment |= environment

    def use_installed(self, collections: Path) -> None:
        """From now on, the playbooks by name, out of the collection that is installed there."""
        self.environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
        self.playbook = lambda name: f"dtr.caches.{name.removesuffix('.yml').replace('-', '_')}"

    def set(self, region: str, /, **variables: Any) -> None:
        """Lay these over the variables of a region in the inventory; None takes one out."""
        path = self.inventory / "group_vars" / f"{region}.yml"
        known = json.loads(path.read_text(encoding="utf-8")) | variables
        kept = {name: value for name, value in known.items() if value is not None}
        path.write_text(json.dumps(kept), encoding="utf-8")

    def spread(self, region: str, *hosts: str) -> dict[str, int]:
        """Give a region these hosts, each this machine with a folder and a port of its own. The ports, by host; the
        first has that of the region's address."""
        ports = dict(zip(hosts, [self.regions[region].port, *free_ports(len(hosts) - 1)], strict=True))
        self.set_hosts(region, **{host: {"cache_host_directory": str(self.home / host), "cache_host_port": port}
                                  for host, port in ports.items()})
        # As behind a balancer: the address's port is not every host's.
        self.set(region, cache_host_behind_proxy=True, cache_host_probe_from_controller=False)
        return ports

    def set_hosts(self, region: str, /, **hosts: dict[str, Any]) -> None:
        """The hosts of a region, in this order, with variables of their own."""
        path = self.inventory / "hosts.yml"
        known = json.loads(path.read_text(encoding="utf-8"))
        known["content_caches"]["children"][region] = {"hosts": hosts}
        path.write_text(json.dumps(known), encoding="utf-8")

    def hosts(self, region: str) -> dict[str, dict[str, Any]]:
        known = json.loads((self.inventory / "hosts.yml").read_text(encoding="utf-8"))
        return dict(known["content_caches"]["children"][region]["hosts"])

    def secrets(self) -> list[str]:
        """What no output may show: passwords in every form that travels, the lines of every private key."""
        told = [HTTP_SECRET, *PASSWORDS.values()]
        told += [base64.b64encode(f"{name}:{word}".encode()).decode() for name, word in PASSWORDS.items()]
        for path in self.certificates.glob("*-key.pem"):
            told += path.read_text(encoding="utf-8").splitlines()[1:-1]
        return told

    def leaks(self, *texts: str) -> list[str]:
        """The secrets in these texts, tokens and grants included."""
        secrets = self.secrets()
        return [leak for text in texts for leak in shown(secrets, text)]

    def listed(self) -> AbstractContextManager[set[str]]:
        """Command lines of this world's processes with a secret in them, as they are seen while the context lasts."""
        return process_list_watched(self.home, self.secrets())

    def files(self, region: str) -> dict[str, Any]:
        """Every file below a region's folder but the blobs and the log: its text, or where a link leads."""
        folder = self.home / region
        found: dict[str, Any] = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if name.startswith(("data", "cache.log")) or path.is_dir():
                continue
            found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes()
        return found

    def pid(self, region: str) -> int | None:
        """The process of a region's cache, by its own word."""
        service = self.home / region / "current" / "service"
        if not service.exists():
            return None
        done = subprocess.run([str(service), "status"], capture_output=True, text=True, timeout=30)
        return int(done.stdout.split()[1]) if done.stdout.startswith("running") else None

    def writes(self) -> list[tuple[str, str]]:
        """(method, path) of each request to DTR's API that could have changed something, since the last call."""
        api = [one for one in self.dtr.requests() if one["path"].startswith(("/api/", "/enzi/"))]
        self.dtr.forget_requests()
        return [(one["method"], one["path"]) for one in api if one["method"] not in ("GET", "HEAD")]

    def registered(self) -> dict[str, str]:
        """The caches that DTR knows, name to address, as they lie on its disk."""
        return {one["name"]: one["host"] for one in self._registrations()["caches"]}

    def uses(self) -> dict[str, str]:
        """Which cache each account uses; 'forgotten' where DTR does not know the cache any more."""
        content = self._registrations()
        names = {one["id"]: one["name"] for one in content["caches"]}
        return {account: names.get(used, "forgotten") for account, used in content["settings"].items() if used}

    def _registrations(self) -> dict[str, Any]:
        path = self.dtr.state / "registrations.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"caches": [], "settings": {}}

    def stop(self) -> None:
        """End every cache that still runs."""
        for service in self.home.glob("*/current/service"):
            self.stop_cache(service.parents[1].name)

    def stop_cache(self, region: str) -> None:
        service = self.home / region / "current" / "service"
        if service.exists():
            subprocess.run([str(service), "stop"], check=False, timeout=60)


@contextmanager
def offices_world(home: Path, regions: Sequence[Office]) -> Iterator[World]:
    """A world that ends with the context: one image, everybody of the demo, nothing deployed."""
    layout = home / "images"
    layout.mkdir()
    write_image(layout, "1.0", layers=3, layer_size=200_000)
    write_image(layout, "2.0", layers=3, layer_size=300_000, seed=2)
    authority = OfficeAuthority(home / "certificates")
    for office in regions:
        authority.issue(office.region)
    write_accounts(home / "accounts.json")
    accounts = json.loads((home / "accounts.json").read_text(encoding="utf-8"))
    with running_simulator(accounts=accounts, layouts={APP: layout}, folder=home / "dtr") as dtr:
        world = World(home, regions, dtr, authority)
        try:
            yield world
        finally:
            world.stop()


def program(name: str) -> str:
    """A program of this environment."""
    return str(Path(sys.executable).parent / name)
