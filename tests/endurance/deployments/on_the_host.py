"""What fails on a host while its cache is deployed: programs, ports, volumes, disks, and the way there.

Owns the causes, each undone when its context ends. Does not own what is expected afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from doubles.ports import free_port

from .failure import Failure, Variables
from .office import HOST, REGION, DisturbedOffice

_PROGRAM = Path(sys.executable).parent / "dtr-content-cache"
# All that a version of the program is asked before it has to serve.
_ASKED = f"""#!/bin/sh
case "$1" in
    --version) echo "dtr-content-cache 99.0"; exit 0 ;;
    --*) exec {_PROGRAM} "$@" ;;
esac
"""
_DIES = _ASKED + 'echo "a last word of the one that dies" >&2\nexit 1\n'
_DIES_YOUNG = _ASKED + f'exec timeout --signal=KILL 3 {_PROGRAM} "$@"\n'
_LEAVES_A_LISTENER = (
    _ASKED
    + f"""{sys.executable} -c '
import os, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(os.getpid(), file=open(sys.argv[2], "w"), flush=True)
time.sleep(300)' PORT HOLDER >/dev/null 2>&1 </dev/null &
while [ ! -s HOLDER ]; do sleep 0.1; done
exit 1
"""
)
# Stands for ssh: carries out here what it is to carry out there, until the way is cut.
_WAY = """#!/bin/sh
if [ -e CUT ]; then echo "ssh: connect to host cache port 22: No route to host" >&2; exit 255; fi
for last; do :; done
exec sh -c "$last"
"""


def _program(office: DisturbedOffice, text: str) -> Variables:
    path = office.home / "another-version"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return {"cache_host_command": str(path)}


@contextlib.contextmanager
def _no_program(office: DisturbedOffice) -> Iterator[Variables]:
    yield {"cache_host_command": "/opt/nowhere/dtr-content-cache"}


@contextlib.contextmanager
def _dies(office: DisturbedOffice) -> Iterator[Variables]:
    yield _program(office, _DIES)


@contextlib.contextmanager
def _dies_young(office: DisturbedOffice) -> Iterator[Variables]:
    yield _program(office, _DIES_YOUNG)


@contextlib.contextmanager
def _no_way_back(office: DisturbedOffice) -> Iterator[Variables]:
    holder = office.home / "holder.pid"
    text = _LEAVES_A_LISTENER.replace("PORT", office.url.rpartition(":")[2]).replace("HOLDER", str(holder))
    try:
        yield _program(office, text)
    finally:
        if holder.exists():
            os.kill(int(holder.read_text(encoding="ascii")), signal.SIGKILL)
            holder.unlink()


@contextlib.contextmanager
def _port_taken(office: DisturbedOffice) -> Iterator[Variables]:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        yield {"cache_host_port": somebody.getsockname()[1], "cache_host_behind_proxy": True}


@contextlib.contextmanager
def _sick(office: DisturbedOffice) -> Iterator[Variables]:
    """It runs, and says of itself that it is not healthy: what it is told to watch does not answer."""
    watch = {"addr": f"127.0.0.1:{free_port()}", "interval": "1s", "threshold": 1, "timeout": "1s"}
    yield {"cache_host_debug_port": free_port(), "cache_host_config_extra": {"health": {"tcp": [watch]}}}


@contextlib.contextmanager
def _volume_read_only(office: DisturbedOffice) -> Iterator[Variables]:
    folder = office.home / "read-only"
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        yield {"cache_host_storage": str(folder)}
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def _volume_full(office: DisturbedOffice) -> Iterator[Variables]:
    """Another volume, without room for a single folder."""
    folder = office.home / "full"
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=2", "endurance", str(folder)], check=True)
    try:
        _fill(folder)
        yield {"cache_host_storage": str(folder)}
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(b"0" * 65536)


@contextlib.contextmanager
def _disk_full(office: DisturbedOffice) -> Iterator[Variables]:
    ballast = office.folder / "ballast"
    script = f"cat /dev/zero >{ballast} 2>/dev/null || true"
    try:
        with office.at("Write the configuration", script):
            yield {}
    finally:
        ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def _second_host_away(office: DisturbedOffice) -> Iterator[Variables]:
    path = office.world.inventory / "hosts.yml"
    before = path.read_text(encoding="utf-8")
    told = json.loads(before)
    way = _way(office, cut=True)
    told["content_caches"]["children"][REGION]["hosts"][f"{HOST}-2"] = way | {
        "cache_host_directory": str(office.home / "second"),
        "content_cache_node_url": "https://127.0.0.1:1",
    }
    path.write_text(json.dumps(told), encoding="utf-8")
    try:
        yield {}
    finally:
        path.write_text(before, encoding="utf-8")


@contextlib.contextmanager
def _lost_on_the_way(office: DisturbedOffice) -> Iterator[Variables]:
    way = _way(office, cut=False)
    office.world.set(REGION, **way)
    try:
        with office.at("Have the program check the configuration", f"touch {office.home / 'cut'}"):
            yield {}
    finally:
        office.world.set(REGION, **dict.fromkeys(way))
        (office.home / "cut").unlink(missing_ok=True)


def _way(office: DisturbedOffice, *, cut: bool) -> Variables:
    """The variables of a host that is reached by something like ssh."""
    path, flag = office.home / "way", office.home / "cut"
    path.write_text(_WAY.replace("CUT", str(flag)), encoding="utf-8")
    path.chmod(0o755)
    if cut:
        flag.touch()
    return {
        "ansible_connection": "ssh",
        "ansible_host": "cache",
        "ansible_ssh_executable": str(path),
        "ansible_ssh_transfer_method": "piped",
        "ansible_ssh_retries": 0,
    }


ON_THE_HOST = (
    Failure("the program is not there", ("cache_host_command: '/opt/.* did not run",), _no_program, early=True),
    Failure("the process dies at its start", ("a last word of the one that dies",), _dies),
    Failure("the process dies three seconds after its start", ("not deployed",), _dies_young),
    # The one failure after which a host is without its cache: while the old cache was down for the exchange, a process
    # that is not known for ours took its port. A deployment ends no strangers; it says so, and a later one mends it.
    Failure("going back fails, too", ("not deployed",), _no_way_back, ends_the_cache=True),
    Failure("the port is taken", ("somebody else listens on port",), _port_taken, early=True),
    Failure("the cache finds itself unhealthy", ("unhealthy|not fresh",), _sick),
    Failure("the volume cannot be written", ("[Rr]ead-only file system",), _volume_read_only, needs_root=True),
    Failure("the volume is full", (), _volume_full, needs_root=True, harmless=True),
    Failure("the disk is full while the release is written", ("[Nn]o space left",), _disk_full, needs_root=True),
    Failure("one host of two cannot be reached", ("No route to host",), _second_host_away, early=True),
    Failure("the host is lost on the way", ("No route to host",), _lost_on_the_way),
)
