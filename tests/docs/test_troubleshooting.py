"""What docker, containerd and skopeo say on the troubleshooting page is what they say when the cause is really there.

skopeo and containerd run here. docker's own words need an engine, which is much to start for some sentences:
DOCS_DOCKER=yes asks it, at addresses (DOCS_ADDRESS, DOCS_OTHER_ADDRESS) that are not on the loopback, because docker
trusts every registry there."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blocks import TOP, Block, blocks_of
from doubles.real_clients import Containerd, Skopeo, running_containerd
from troubles import Troubles, troubles

PAGE = TOP / "docs/troubleshooting.md"
BLOCKS = [block for block in blocks_of(PAGE) if block.kind == "provoked"]
CERTIFICATES = Path("/etc/docker/certs.d")


@pytest.fixture
def trouble(tmp_path: Path) -> Iterator[Troubles]:
    with troubles(tmp_path) as made:
        yield made


def _skopeo(trouble: Troubles, credentials: str, trust: Path, folder: Path) -> str:
    return Skopeo(folder, trust).pull(trouble.reference, "pulled", credentials).stderr


def _containerd(trouble: Troubles, credentials: str, trust: Path, folder: Path) -> str:
    with running_containerd(trust) as containerd:
        return _pulled(containerd, trouble, credentials)


def _pulled(containerd: Containerd, trouble: Troubles, credentials: str) -> str:
    return containerd.pull(trouble.reference, credentials).stderr


def _docker(trouble: Troubles, credentials: str, trust: Path, folder: Path) -> str:
    registry = trouble.reference.partition("/")[0]
    login = {"auths": {registry: {"auth": base64.b64encode(credentials.encode()).decode()}}}
    (folder / "config.json").write_text(json.dumps(login), encoding="utf-8")
    certificates = CERTIFICATES / registry
    certificates.mkdir(parents=True)
    try:
        (certificates / "ca.crt").write_bytes(trust.read_bytes())
        command = ["docker", "--config", str(folder), "pull", trouble.reference]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False).stderr
    finally:
        (certificates / "ca.crt").unlink()
        certificates.rmdir()


CLIENTS: dict[str, Callable[[Troubles, str, Path, Path], str]] = {
    "docker": _docker, "containerd": _containerd, "skopeo": _skopeo,
}


def _here() -> list[str]:
    """The clients that can be asked on this machine."""
    root = os.geteuid() == 0
    here = [("docker", os.environ.get("DOCS_DOCKER") == "yes"), ("containerd", root and shutil.which("containerd")),
            ("skopeo", shutil.which("skopeo"))]
    return [client for client, can in here if can]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.argument)
def test_the_clients_say_what_the_page_says_that_they_say(trouble: Troubles, tmp_path: Path, block: Block):
    told = dict(line.split(": ", 1) for line in block.text.splitlines())
    assert set(told) == set(CLIENTS), f"{block}: wanted a line for each of {', '.join(CLIENTS)}"
    asked = _here()
    if not asked:
        pytest.skip("none of the clients can be asked here (Debian packages skopeo, containerd; the latter as root)")
    credentials, trust = trouble.happen(block.argument)
    for client in asked:
        said = CLIENTS[client](trouble, credentials, trust, tmp_path)
        pattern = ".*".join(map(re.escape, told[client].split("…")))
        assert re.search(pattern, said), f"{block}: wanted '{told[client]}', {client} said:\n{said}"


def test_the_page_has_every_trouble_that_can_be_made():
    makeable = {name[6:].replace("_", "-") for name in vars(Troubles) if name.startswith("_case_")}
    assert {block.argument for block in BLOCKS} == makeable
