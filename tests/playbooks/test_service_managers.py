"""One office whose cache changes hands between no service manager and systemd: one of them runs it at any time.

The tests are the days of one office and run in this order. systemd is a double (systemctl_double.py): what the
role asks it for is real, and so are the processes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from offices_world import World, program
from recorded_run import Run

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
BOOTED = "mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec \"$@\""


def _namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run([*NAMESPACE, "sh", "-c", BOOTED, "sh", "true"], capture_output=True, check=False, timeout=30)
    return done.returncode == 0


pytestmark = [
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not _namespaces(), reason="no /run/systemd can be shown here without namespaces"),
]
SICK = """#!/bin/sh
case "$1" in
    --version) echo "dtr-content-cache 99.0"; exit 0 ;;
    --check) exec {program} "$@" ;;
    *) echo "a last word of the sick one" >&2; exit 1 ;;
esac
"""


class Office:
    """The world of the office, and which process systemd runs."""

    def __init__(self, world: World) -> None:
        self.world, self.unit = world, world.home / ".config/systemd/user/dtr-cache.service"
        tools = world.home / "tools"
        tools.mkdir()
        (tools / "systemctl").symlink_to(Path(__file__).with_name("systemctl_double.py"))
        world.run_inside([*NAMESPACE, "sh", "-c", BOOTED, "sh"], HOME=str(world.home),
                         PATH=f"{tools}{os.pathsep}{os.environ['PATH']}")

    @property
    def unit_pid(self) -> int:
        path = self.world.home / ".systemctl-double/dtr-cache.pid"
        return int(path.read_text()) if path.exists() else 0

    def deploy(self, manager: str, **variables: object) -> Run:
        """With this service manager; the user's units lie in the world's home, not in the tester's own."""
        units = {"systemd": str(self.world.home / "none"), "systemd_user": str(self.unit.parent)}
        self.world.set("asia", cache_host_process_manager=manager)
        return self.world.play("deploy-caches.yml", cache_host__unit_directories=units, **variables)

    def fail_to_deploy(self, manager: str, sick: Path) -> None:
        """With this service manager, and a program that dies at its start."""
        sick.write_text(SICK.format(program=program("dtr-content-cache")), encoding="utf-8")
        sick.chmod(0o755)
        failed = self.deploy(manager, cache_host_command=str(sick), cache_host_healthy_within=3)
        assert failed.code != 0
        assert "The host runs what it ran before." in failed.sentence

    def processes(self) -> list[int]:
        """Everything that runs the cache of this office."""
        ours = f"{self.world.home}/asia/current/config.yml".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if ours in (folder / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
        return sorted(found)


@pytest.fixture(scope="module")
def office(world_of: Callable[..., World]) -> Iterator[Office]:
    office = Office(world_of("asia"))
    yield office
    for pid in office.processes():
        os.kill(pid, 9)


def test_systemd_takes_over_what_ran_without_it(office: Office) -> None:
    office.deploy("detached").succeeded()
    before = office.processes()
    assert before == [office.world.pid("asia")]
    office.deploy("systemd_user").succeeded()
    assert office.processes() == [office.unit_pid]
    assert before != [office.unit_pid]
    assert office.deploy("systemd_user").succeeded().changed == set()


def test_a_way_back_is_the_unit_from_before(office: Office, tmp_path: Path) -> None:
    office.fail_to_deploy("detached", tmp_path / "sick")
    assert office.processes() == [office.unit_pid]
    assert office.deploy("systemd_user").succeeded().changed == set()


def test_without_systemd_again_its_unit_is_gone(office: Office) -> None:
    office.deploy("detached").succeeded()
    assert office.processes() == [office.world.pid("asia")]
    assert (office.unit.exists(), office.unit_pid) == (False, 0)
    assert office.deploy("detached").succeeded().changed == set()


def test_a_way_back_is_the_process_from_before(office: Office, tmp_path: Path) -> None:
    office.fail_to_deploy("systemd_user", tmp_path / "sick")
    assert office.processes() == [office.world.pid("asia")]
    assert not office.unit.exists()
