"""The lab as a test sees it: its machines, what a user types there, and what an administrator asks DTR.

Owns: names of containers, accounts, the calls. Does not own: reading logs (evidence.py) or any verdict.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import requests
import testinfra
from evidence import Answer, DtrRequest, Manifest, answers_of, requests_of
from testinfra.host import Host

DTR = "dtr.test"
CACHE = "dtr-cache"  # the container's name, as the role has it by default


@dataclass(frozen=True)
class Lab:
    suffix: str  # of the names of this scenario's machines
    files: Path  # of this scenario on the controller

    @classmethod
    def from_environment(cls) -> Lab:
        scenario = os.environ["LAB_SCENARIO"]
        return cls(f"{os.environ['LAB_SUFFIX']}-{scenario}", Path(os.environ["LAB_FILES"]) / scenario)

    def machine(self, name: str) -> Host:
        return _machine(f"{name}-{self.suffix}")

    # What a user does

    def pull(self, office: str, account: str, image: str, onto_empty: bool = True) -> Any:
        """`docker login` and `docker pull`, on an engine that has nothing of the image; the result of the pull."""
        host = self.machine(office)
        if onto_empty:
            self.forget_image(office, image)
        host.run_expect([0], f"echo {account}-password | docker login --username {account} --password-stdin {DTR}")
        result = host.run(f"docker pull {DTR}/{image}")
        host.run_expect([0], f"docker logout {DTR}")
        return result

    def witnessed_pull(self, office: str, account: str, image: str, answers: int, onto_empty: bool = True) -> Pull:
        """A pull with what the cache and DTR wrote about it; waits until the cache wrote as many `answers`."""
        answers_before, requests_before = len(self.blob_answers(office)), len(self.dtr_requests())
        result = self.pull(office, account, image, onto_empty)
        # A line is written when the last byte has left, which the client may know a moment earlier.
        self.wait_for(lambda: result.rc or len(self.blob_answers(office)) >= answers_before + answers)
        return Pull(result, self.blob_answers(office)[answers_before:], self.dtr_requests()[requests_before:])

    def forget_image(self, office: str, image: str) -> None:
        """Every image of its repository, also one that a tag has left."""
        host = self.machine(office)
        of_repository = f"docker image ls --quiet {DTR}/{re.split('[:@]', image)[0]}"
        host.run(f"{of_repository} | sort --unique | xargs --no-run-if-empty docker image rm --force")
        # Layers go with the last image that has them; that nothing is left is the premise of every pull.
        assert host.check_output(of_repository) == ""

    # What they leave behind

    def blob_answers(self, office: str) -> list[Answer]:
        """What the cache's access log says about blobs, oldest first."""
        log = self.machine(office).check_output(f"docker logs {CACHE} 2>/dev/null")
        return [answer for answer in answers_of(log) if answer.digest]

    def dtr_requests(self) -> list[DtrRequest]:
        """DTR's request log, oldest first."""
        return requests_of(self.machine("dtr").check_output("cat /state/requests.jsonl"))

    def manifest(self, image: str) -> Manifest:
        """As it lies in the registry behind DTR, asked past DTR so that its log stays untouched."""
        repository, _, tag = image.rpartition(":")
        accept = "Accept: application/vnd.docker.distribution.manifest.v2+json"
        url = f"http://127.0.0.1:5000/v2/{repository}/manifests/{tag}"
        return Manifest.parse(self.machine("dtr").check_output(f"curl --silent --fail --header '{accept}' {url}"))

    # What an operator and an administrator do

    def playbook(self, name: str, *arguments: str) -> str:
        """The output of one of the product's playbooks, run once more on this scenario's inventory."""
        scenario = Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
        inventories = [f"--inventory={scenario.parent / 'shared'}/inventory", f"--inventory={scenario}/inventory"]
        command = ["ansible-playbook", *inventories, str(scenario.parents[1] / "playbooks" / name), *arguments]
        environment = {"ANSIBLE_PIPELINING": "true"} | os.environ
        # Molecule's own environment would have failures written to stderr.
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, env=environment, **output, text=True, check=False, timeout=900).stdout

    @staticmethod
    def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
        """Return when it holds; fail when it never did."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"did not come true within {seconds} s"
            time.sleep(0.2)

    def ask_dtr(self, path: str) -> Any:
        """DTR's answer to GET `path`, as JSON."""
        answer = self.get(f"https://{DTR}{path}", ca="dtr-ca.pem", auth=("admin", "admin-password"))
        answer.raise_for_status()
        return answer.json()

    def get(self, url: str, ca: str, auth: tuple[str, str] | None = None) -> requests.Response:
        """From the controller; `ca` is a file of this scenario, the only authority that is trusted."""
        return requests.get(url, verify=str(self.files / ca), auth=auth, timeout=10)

    def cache_in_use_by(self, account: str) -> str:
        """Name of the content cache in the account's settings, "" for none."""
        wanted = self.ask_dtr(f"/api/v0/accounts/{account}/settings")["ContentCacheUUID"]
        names = {cache["id"]: cache["name"] for cache in self.ask_dtr("/api/v0/content_caches")}
        return names[wanted] if wanted else ""


@dataclass(frozen=True)
class Pull:
    result: Any  # testinfra's result of `docker pull`
    answers: list[Answer]  # of the cache, about blobs
    requests: list[DtrRequest]


@cache
def _machine(container: str) -> Host:
    return testinfra.get_host(f"docker://{container}")
