"""What happens to the service, one thing after the other; each step pulls without a pause while it goes on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from steady_pulls import SteadyPulls, blob_read, docker_pull

sys.path.insert(0, str(Path(__file__).parent))

from service import CACHE_IMAGE, MANAGER, Service

REPOSITORY = "engineering/app"


@dataclass(frozen=True)
class Step:
    pulls: SteadyPulls  # that went on meanwhile
    image: str  # of the service, afterwards
    replicas: dict[str, str]  # node → image
    objects: dict[str, set[str]]  # configs and secrets
    output: str = ""  # of the playbook


@pytest.fixture(scope="session")
def service(lab):
    return Service(lab)


@pytest.fixture(scope="session")
def blobs(lab):
    return lab.manifest(f"{REPOSITORY}:1.0").blobs


@pytest.fixture(scope="session")
def desk(lab):
    return docker_pull(lab, "desk", "alice", f"{REPOSITORY}:1.0")


@pytest.fixture(scope="session")
def deployed(service, blobs, desk):
    """As converge left it, after pulls that reached both replicas."""
    with SteadyPulls(desk) as pulls:
        service.lab.wait_for(lambda: all(service.answers(node) for node in service.replicas), seconds=120)
    return Step(pulls, service.image, service.replicas, service.objects)


@pytest.fixture(scope="session")
def rolled(service, blobs, desk, deployed):
    return _deploy(service, blobs, desk, "0.2.0")


@pytest.fixture(scope="session")
def broken(service, blobs, desk, rolled):
    return _deploy(service, blobs, desk, "0.3.0")


@pytest.fixture(scope="session")
def lost(service, desk, broken):
    """A worker with a replica is gone from one moment to the next; Docker resumes what it was sending."""
    victim = next(node for node in broken.replicas if node != MANAGER)
    with SteadyPulls(desk) as pulls:
        pulls.go_on(1)
        subprocess.run(["docker", "kill", f"{victim}-{service.lab.suffix}"], check=True, stdout=subprocess.DEVNULL)
        service.lab.wait_for(lambda: victim not in service.replicas and len(service.replicas) == 2, seconds=180)
        heir = next(node for node in service.replicas if node not in broken.replicas)
        pulls.go_on(1, seconds=200)
        service.lab.wait_for(lambda: service.answers(heir), seconds=120)
    return Step(pulls, service.image, service.replicas, service.objects)


def _deploy(service, blobs, desk, version) -> Step:
    layer = max(blobs, key=blobs.__getitem__)
    with SteadyPulls(desk, blob_read(service.lab, "alice", REPOSITORY, layer)) as pulls:
        pulls.go_on(1)
        output = service.lab.playbook("deploy-caches.yml", "-e", f"cache_host_image={CACHE_IMAGE}:{version}")
        pulls.go_on(1)
    return Step(pulls, service.image, service.replicas, service.objects, output)
