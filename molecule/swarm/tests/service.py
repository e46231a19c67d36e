"""The region's service as a manager of the swarm and its nodes know it.

Owns: the questions to Docker. Does not own: any verdict, or the course of events (the tests).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from evidence import Answer, answers_of
from lab import CACHE, Lab

MANAGER = "cache-lisbon"
NODES = [MANAGER, "node-1", "node-2"]
CACHE_IMAGE = "dtr.test/operations/cache"
_LABEL = f"dtr.caches.service={CACHE}"


@dataclass(frozen=True)
class Service:
    lab: Lab

    @property
    def specification(self) -> dict[str, Any]:
        return dict(json.loads(self._ask(f"docker service inspect {CACHE}"))[0]["Spec"])

    @property
    def image(self) -> str:
        return str(self.specification["TaskTemplate"]["ContainerSpec"]["Image"])

    @property
    def objects(self) -> dict[str, set[str]]:
        """Names of the swarm's configs and secrets."""
        names = "ls --format '{{.Name}}'"
        return {kind: set(self._ask(f"docker {kind} {names}").split()) for kind in ("config", "secret")}

    @property
    def replicas(self) -> dict[str, str]:
        """Node → image, of the tasks that run and should."""
        form = "{{.Node}} {{.Image}} {{.CurrentState}}"
        lines = self._ask(f"docker service ps --filter desired-state=running --format '{form}' {CACHE}").splitlines()
        return {node: image for node, image, state, *_ in map(str.split, lines) if state == "Running"}

    def answers(self, node: str) -> list[Answer]:
        """About blobs, by the logs of all replicas that the node has had, as far as the swarm keeps them."""
        logs = "xargs --no-run-if-empty --max-args 1 docker logs 2>/dev/null"
        log = self.lab.machine(node).check_output(f"docker ps --all --quiet --filter label={_LABEL} | {logs}")
        return [answer for answer in answers_of(log) if answer.digest]

    def _ask(self, command: str) -> str:
        return str(self.lab.machine(MANAGER).check_output(command))
