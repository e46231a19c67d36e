"""What docker, containerd and skopeo say on the troubleshooting page is what they say when the cause is really there.

skopeo and containerd run here. docker's own words need an engine, which is much to start for some sentences:
DOCS_DOCKER=yes asks it, at addresses (DOCS_ADDRESS, DOCS_OTHER_ADDRESS) that are not on the loopback, because docker
trusts every registry there."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blocks import TOP, blocks_of
from doubles.real_clients import Containerd, Skopeo, need, running_containerd
from troubles import Troubles, troubles

PAGE = TOP / "docs/troubleshooting.md"
SAID = [
    (block, client, text.strip())
    for block in blocks_of(PAGE) if block.kind == "provoked"
    for client, _, text in (line.partition(": ") for line in block.text.splitlines())
]
CERTIFICATES = Path("/etc/docker/certs.d")


@pytest.fixture
def trouble(tmp_path: Path) -> Iterator[Troubles]:
    with troubles(tmp_path) as made:
        yield made


def _skopeo(trouble: Troubles, credentials: str, trust: Path, folder: Path) -> str:
    need("skopeo", "skopeo")
    return Skopeo(folder, trust).pull(trouble.reference, "pulled", credentials).stderr


def _containerd(trouble: Troubles, credentials: str, trust: Path, folder: Path) -> str:
    need("containerd", "containerd", root=True)
    with running_containerd(trust) as containerd:
        return _pulled(containerd, trouble, credentials)


def _pulled(containerd: Containerd, trouble: Troubles, credentials: str) -> str:
    return containerd.pull(trouble.reference, credentials).stderr


def _docker(trouble: Troubles, credentials: str, trust: Path, folder: Path) -> str:
    if os.environ.get("DOCS_DOCKER") != "yes":
        pytest.skip("docker's own words are asked for with DOCS_DOCKER=yes")
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


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("block", "client", "text"), SAID, ids=[f"{one.argument}-{who}" for one, who, _ in SAID])
def test_the_client_says_what_the_page_says_that_it_says(trouble: Troubles, tmp_path: Path, block, client, text):
    credentials, trust = trouble.happen(block.argument)
    said = CLIENTS[client](trouble, credentials, trust, tmp_path)
    pattern = ".*".join(map(re.escape, text.split("…")))
    assert re.search(pattern, said), f"{block}: wanted '{text}', {client} said:\n{said}"


def test_the_page_has_every_trouble_that_can_be_made():
    makeable = {name[6:].replace("_", "-") for name in vars(Troubles) if name.startswith("_case_")}
    assert {block.argument for block, _, _ in SAID} == makeable
