"""The ways back of the engines docker and swarm: what is put back is judged and spoken to as what it is.

The engine is a double (docker_double.py); the role and what it asks for are real. What a real engine does with that is
the business of the scenarios in molecule/."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from docker_double import container, lay_out
from steps import clean_environment

pytestmark = pytest.mark.timeout(300)

PLAY = """---
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: dtr.caches.cache_host
        tasks_from: "{{ entry }}"
"""
KILL, PROBE = ["sh", "-c", "kill -HUP 1"], ["dtr-content-cache", "--probe", "/config.yml"]
TEMPLATE = {"ContainerSpec": {"Image": "cache:1"}}
SERVICE = {"Spec": {"TaskTemplate": TEMPLATE, "Mode": {"Replicated": {"Replicas": 1}},
                    "Labels": {"dtr.caches.release": "aaaaaaaaaaaa-bbbbbbbbbbbb"}}}
BEFORE = {"PreviousSpec": {}, "UpdateStatus": {"State": "completed"}}
TASK = {"Spec": TEMPLATE, "NodeID": "n", "DesiredState": "running", "Status": {"State": "running"}}


class Host:
    """A host with this engine and what is on it."""

    def __init__(self, home: Path, engine: str, **state: Any) -> None:
        self._home, self._engine = home, engine
        self._environment = clean_environment(home) | lay_out(home / "double", **state)
        (home / "play.yml").write_text(PLAY, encoding="utf-8")

    def play(self, entry: str = "main") -> subprocess.CompletedProcess[str]:
        """One entry point of the role."""
        variables = {
            "entry": entry, "cache_host_engine": self._engine, "cache_host_directory": str(self._home / "etc"),
            "cache_host_upstreams": ["http://127.0.0.1:9"], "cache_host_authorization": "upstream",
            "cache_host_container_user": f"{os.getuid()}:{os.getgid()}", "cache_host_healthy_within": 1,
            "cache_host_steady_for": 1, "cache_host_probe_fresh": False, "cache_host_swarm_constraints": [],
            "ansible_python_interpreter": sys.executable,
        }
        play = str(self._home / "play.yml")
        command = ["ansible-playbook", "-i", "localhost,", play, "-e", json.dumps(variables)]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=240, check=False)

    def fail(self) -> str:
        """A deployment that fails; what it said, on one line."""
        done = self.play()
        assert done.returncode != 0, done.stdout
        return " ".join((done.stdout + done.stderr).replace("\\n", " ").split())

    @property
    def state(self) -> dict[str, Any]:
        """What is on the host now."""
        found: dict[str, Any] = json.loads((self._home / "double/state.json").read_text(encoding="utf-8"))
        return found


def test_the_vendors_container_that_gets_its_name_back_is_not_asked_for_our_program(tmp_path: Path) -> None:
    host = Host(tmp_path, "docker", containers={"dtr-cache": container(None, vendors=True)})
    told = host.fail()
    assert "this cache is sick" in told, told
    assert "The host runs what it ran before." in told
    assert host.state["containers"]["dtr-cache"] == container(None, vendors=True)
    assert ["dtr-cache", *KILL] not in host.state["told"]


def test_the_vendors_container_gets_no_signal_when_a_configuration_is_refused(tmp_path: Path) -> None:
    """By the role's hand it has a label, too."""
    vendors = container("aaaaaaaaaaaa-bbbbbbbbbbbb", vendors=True)
    host = Host(tmp_path, "docker", containers={"dtr-cache": vendors}, refuses=True)
    told = host.fail()
    assert "log.level: found 'loud'" in told
    assert "The host runs what it ran before." in told
    assert host.state["containers"]["dtr-cache"] == vendors


def test_a_vendors_container_that_does_not_stay_up_is_told_of(tmp_path: Path) -> None:
    host = Host(tmp_path, "docker", containers={"dtr-cache": container(None, vendors=True, stays=False)})
    told = host.fail()
    assert "Going back failed, too, and no cache answers on this host now" in told
    assert "does not stay up; docker logs dtr-cache says why" in told


def test_our_container_reads_the_files_in_force_again_and_is_asked_itself(tmp_path: Path) -> None:
    host = Host(tmp_path, "docker", containers={"dtr-cache": container("aaaaaaaaaaaa")}, refuses=True)
    assert "The host runs what it ran before." in host.fail()
    assert host.state["told"][-2:] == [["dtr-cache", *KILL], ["dtr-cache", *PROBE]]


def test_a_service_that_a_refused_configuration_did_not_reach_is_left_alone(tmp_path: Path) -> None:
    host = Host(tmp_path, "swarm", service=SERVICE | BEFORE, tasks=[TASK], refuses=True)
    (tmp_path / "etc/releases/aaaaaaaaaaaa-bbbbbbbbbbbb").mkdir(parents=True)
    (tmp_path / "etc/healthy").symlink_to("releases/aaaaaaaaaaaa-bbbbbbbbbbbb")
    told = host.fail()
    assert "log.level: found 'loud'" in told
    assert "The host runs what it ran before." in told
    assert not any("rollback" in words or "docker_swarm_service" in words for words in host.state["told"])


def test_a_service_that_was_exchanged_is_rolled_back(tmp_path: Path) -> None:
    host = Host(tmp_path, "swarm", service=SERVICE | BEFORE, tasks=[])
    (tmp_path / "etc/releases/aaaaaaaaaaaa-bbbbbbbbbbbb").mkdir(parents=True)
    (tmp_path / "etc/healthy").symlink_to("releases/aaaaaaaaaaaa-bbbbbbbbbbbb")
    host.fail()
    assert ["docker", "service", "rollback", "--detach", "dtr-cache"] in host.state["told"]


def test_a_service_is_asked_whether_it_is_healthy_without_being_deployed(tmp_path: Path) -> None:
    """As --tags cache_registration does, which asks no more of the role than this."""
    done = Host(tmp_path, "swarm", service=SERVICE, tasks=[TASK]).play("probe")
    assert done.returncode == 0, done.stdout
