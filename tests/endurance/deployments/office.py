"""An office of one region whose deployments are disturbed: how it stands, and what a pull there says.

Owns the world that the campaigns on deployments share. Does not own what disturbs it. Rule for editors: what is asked
is asked from outside, of DTR's disk, the host's disk, its processes and the cache's own answers, never of a playbook.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import shutil
import ssl
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

CHECKOUT = Path(__file__).parents[3]
REGION, HOST, ACCOUNT = "asia", "cache-asia", "alice"
_COLLECTIONS = CHECKOUT / ".ansible/collections"
_MODULES = "ansible_collections.dtr.caches.plugins"


class DisturbedOffice:
    """`world` runs the playbooks. As root, files and blobs lie on small file systems of their own, to be filled."""

    def __init__(self, place: Path) -> None:
        sys.path[:0] = [str(CHECKOUT / one) for one in ("tests/playbooks", "playbooks/demo", ".ansible/collections")]
        demo, worlds = importlib.import_module("offices"), importlib.import_module("offices_world")
        self._passwords, self._app = demo.PASSWORDS, worlds.APP
        self._stack = ExitStack()
        chosen = [office for office in demo.offices() if office.region == REGION]
        self.world: Any = self._stack.enter_context(worlds.offices_world(place, chosen))
        self.home, self.folder, self.volume = place, place / REGION, place / "volume"
        self.is_root = os.geteuid() == 0
        for folder in (self.folder, self.volume):
            folder.mkdir()
            if self.is_root:
                self._mount(folder)
        self.world.set(REGION, cache_host_storage=str(self.volume))

    def _mount(self, folder: Path) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=755", "endurance", str(folder)], check=True)
        self._stack.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=False)

    @property
    def url(self) -> str:
        return str(self.world.regions[REGION].url)

    def close(self) -> None:
        self.world.stop()
        self._stack.close()

    def state(self) -> dict[str, Any]:
        """What two deployments of the same inventory have in common: every file and folder with its mode and content,
        the process id aside, and all that DTR knows, by names instead of its ids."""
        return {"files": self._files(), "dtr": self._known(), "running": self.runs()}

    def _files(self) -> dict[str, list[str]]:
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name, status = str(path.relative_to(self.folder)), path.lstat()
            if not name.startswith(("data", "cache.log")):
                found[name] = [stat.filemode(status.st_mode), str(status.st_uid), _content(path)]
        return found

    def _known(self) -> dict[str, Any]:
        known = self.world._registrations()
        caches = sorted([one["name"], one["host"]] for one in known["caches"])
        return known | {"caches": caches, "settings": self.world.uses()}

    def registrations(self) -> list[list[str]]:
        """Name and address of every cache that DTR knows, those that share a name included."""
        known: list[list[str]] = self._known()["caches"]
        return known

    def runs(self) -> bool:
        return self.world.pid(REGION) is not None

    def answers(self) -> bool:
        """Whether a client that asks the cache's address hears from a cache that it trusts."""
        return self.answers_at(self.url)

    def answers_at(self, url: str) -> bool:
        trust = ssl.create_default_context(cafile=str(self.world.authority.ca_path))
        try:
            with urllib.request.urlopen(f"{url}/v2/_catalog", timeout=10, context=trust) as answer:  # noqa: S310
                return int(answer.status) == 200
        except OSError:
            return False

    def snapshot(self) -> tuple[Any, ...]:
        """All that a deployment could change: two that are equal have nothing between them."""
        world, known = self.world, self.world._registrations()
        # Of what DTR keeps only these: a file that nobody has written yet is one with nothing in it.
        return world.files(REGION), world.pid(REGION), known["caches"], known["settings"]

    def configuration(self) -> str:
        """What the running cache was started with, empty where none was deployed."""
        path = self.folder / "current/config.yml"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def pull(self) -> dict[str, int]:
        """The totals of a pull of the demo's image as an account of this office, by way of its cache; or why not."""
        module = importlib.import_module(f"{_MODULES}.modules.image_pull")
        options = importlib.import_module(f"{_MODULES}.module_utils.connection_options")
        asked = dict.fromkeys(("dtr_token", "bandwidth")) | {
            "dtr_url": self.world.dtr.url,
            "dtr_username": ACCOUNT,
            "dtr_password": self._passwords[ACCOUNT],
            "ca_path": str(self.world.dtr.ca_path),
            "cache_ca_path": str(self.world.authority.ca_path),
            "validate_certs": True,
            "timeout": 20,
            "image": f"{self._app}:1.0",
            "platform": "linux/amd64",
            "expect_cache": self.url,
            "parallel": 3,
        }
        told = module.pull(SimpleNamespace(params=asked, check_mode=False), options.connection_from(asked))
        return dict(told["totals"])

    def accounts(self) -> list[str]:
        """Whom the inventory wants at this office's cache."""
        path = self.world.inventory / f"group_vars/{REGION}.yml"
        return list(json.loads(path.read_text(encoding="utf-8"))["content_cache_accounts"])

    def rewrite_dtr(self, change: Callable[[dict[str, Any]], None]) -> None:
        """What DTR remembers, changed behind its back: its caches (id, name, host) and settings (account to id)."""
        path = self.world.dtr.state / "registrations.json"
        empty: dict[str, Any] = {"caches": [], "settings": {}, "tokens": [], "dtr_settings": {}}
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else empty
        change(known)
        self.world.dtr.stop()
        path.write_text(json.dumps(known), encoding="utf-8")
        self.world.dtr.start()

    def begin_anew(self) -> None:
        """No cache, no blobs, nothing in DTR: as before the first deployment."""
        world = self.world
        world.stop()
        for folder in (self.folder, self.volume):
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        world.dtr.stop()
        (world.dtr.state / "registrations.json").unlink(missing_ok=True)
        world.dtr.start()

    def at(self, task: str, script: str) -> contextlib.AbstractContextManager[None]:
        """Within this context, runs of playbooks let the shell script happen when that task begins."""
        at: contextlib.AbstractContextManager[None] = self.world.at(task, script)
        return at


def without_digits(name: str) -> str:
    """Releases are told apart by hashes and times."""
    return re.sub(r"[0-9a-f]{8,}|[0-9]{4,}", "#", name)


def _content(path: Path) -> str:
    """A file's text, where a link leads; nothing of a folder, and of what names the process only that it is there."""
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if path.is_dir():
        return ""
    return "a process id" if path.name == "cache.pid" else path.read_text(encoding="utf-8", errors="replace")


def differing(wanted: Any, found: Any) -> str:
    """The difference of two values of a state, in words; of files their names and modes."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        lacking, besides = ([name for name in a if name not in b] for a, b in ((wanted, found), (found, wanted)))
        others = [_other(name, wanted[name], found[name]) for name in wanted if name in found]
        return f"lacks {lacking}, has besides {besides}, differs in {[one for one in others if one]}"
    return f"wanted {json.dumps(wanted)}, found {json.dumps(found)}"


def _other(name: str, wanted: Any, found: Any) -> str:
    """Nothing of equal values, else their name, and how they begin: modes and owners do, texts may be secret."""
    return "" if wanted == found else f"{name}: wanted {str(wanted)[:80]}, found {str(found)[:80]}"
