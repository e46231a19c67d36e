"""The controller dies in the middle of a deployment, at every task; two controllers deploy at the same time: the next
deployment ends where an undisturbed one would have."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..campaign import Campaign, Found

_CHECKOUT = Path(__file__).parents[3]
_REGION = "asia"
_TASKS = 85  # about as many results as a deployment has; later ones are never reached, and counted as such
_PLAY_WITHIN_S = 300


class KilledPlays(Campaign):
    """Odd cycles change the configuration of a cache that runs, even ones deploy where there is none."""

    name = "killed plays"
    promise = (
        "A deployment that dies at any task, or meets another one, leaves nothing that the next deployment does not "
        "bring to the same end"
    )
    unit = "deployment cut off, and the next one"
    ci, full = 1, 2 * _TASKS
    teeth_in_ci = False
    _stride = 37

    def begin(self) -> None:
        sys.path[:0] = [str(_CHECKOUT / "tests/playbooks"), str(_CHECKOUT / "playbooks/demo")]
        from offices import offices
        from offices_world import offices_world

        self._stack = ExitStack()
        chosen = [office for office in offices() if office.region == _REGION]
        self._world: Any = self._stack.enter_context(offices_world(self.place, chosen))
        self._deploy(Found(), "the first deployment")
        self._wanted = self._state()

    def cycle(self, seed: str) -> Found:
        found, number = Found(), int(seed.rpartition(":")[2])
        at = number * self._stride % (2 * _TASKS)
        nth, anew = at // 2 + 1, at % 2 == 0
        case = f"{'a first deployment' if anew else 'a changed one'}, dead after result {nth}"
        if anew:
            self._world.play("retire-caches.yml", "-e", "content_caches_retire_confirmed=true")
        ttl = f"{24 + number % 100}h"
        self._world.set(_REGION, cache_host_blob_ttl=ttl)
        found.count("deaths", self._die(nth) == -9)
        if number % 10 == 9:
            self._both(found, case)
        elif not self.without:
            self._deploy(found, case)
        self._look(found, case, ttl)
        return found

    def _die(self, nth: int) -> int:
        """The exit code of a deployment whose controller dies after its nth result."""
        world = self._world
        environment = world._environment | {
            "ANSIBLE_CALLBACKS_ENABLED": "die_after",
            "DIE_AFTER": str(nth),
        }
        command = ["ansible-playbook", "-i", str(world.inventory), world.playbook("deploy-caches.yml")]
        done = subprocess.run(
            command,
            env=environment,
            cwd=self.place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=_PLAY_WITHIN_S,
            check=False,
        )
        return done.returncode

    def _deploy(self, found: Found, case: str) -> None:
        run = self._world.play("deploy-caches.yml")
        if run.code:
            found.broken.append(f"{case}: the next deployment failed: {run.end[-1500:]}")

    def _both(self, found: Found, case: str) -> None:
        """Two controllers at once: one may say that it lost, then a third run finds everything as it should be."""
        command = ["ansible-playbook", "-i", str(self._world.inventory), self._world.playbook("deploy-caches.yml")]
        together = [
            subprocess.Popen(
                command,
                env=self._world._environment,
                cwd=self.place,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(2)
        ]
        said = [one.communicate(timeout=_PLAY_WITHIN_S)[0] for one in together]
        found.count("deployments by two controllers at once")
        found.expect("Traceback" not in "".join(said), f"{case}: a traceback of two at once")
        self._deploy(found, f"{case}, then two at once")

    def _look(self, found: Found, case: str, ttl: str) -> None:
        state = self._state()
        for name, wanted in self._wanted.items():
            found.expect(state[name] == wanted, f"{case}: {name}: {_differing(wanted, state[name])}")
        config = self._world.home / _REGION / "current/config.yml"
        in_force = config.read_text(encoding="utf-8") if config.exists() else ""
        found.expect(ttl in in_force, f"{case}: the running configuration is not the one that was deployed")
        found.count("end states compared")

    def _state(self) -> dict[str, Any]:
        """What two deployments of the same inventory have in common: files by name, and what DTR knows."""
        world = self._world
        files = sorted({_without_digits(name) for name in world.files(_REGION)})
        pid = world.pid(_REGION)
        alive = pid is not None and os.path.exists(f"/proc/{pid}")
        return {"files": files, "registered": world.registered(), "uses": world.uses(), "running": alive}

    def end(self) -> None:
        if hasattr(self, "_stack"):
            self._stack.close()


def _without_digits(name: str) -> str:
    """Releases are told apart by hashes and times."""
    return re.sub(r"[0-9a-f]{8,}|[0-9]{4,}", "#", name)


def _differing(wanted: Any, found: Any) -> str:
    if isinstance(wanted, list):
        return f"lacks {sorted(set(wanted) - set(found))}, has besides {sorted(set(found) - set(wanted))}"
    return f"wanted {json.dumps(wanted)}, found {json.dumps(found)}"
