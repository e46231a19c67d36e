"""The collection as others get it: built, installed elsewhere, called by its name."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from offices_world import PLAYBOOKS, program

pytestmark = pytest.mark.timeout(1500)
CHECKOUT = PLAYBOOKS.parent


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make collection` builds it."""
    folder = tmp_path_factory.mktemp("build")
    galaxy("collection", "build", "--output-path", str(folder), str(CHECKOUT), home=folder)
    (built,) = folder.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def installed(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections that holds ours and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    galaxy("collection", "install", "--offline", "--no-deps", "-p", str(folder), str(tarball), home=folder)
    return folder


def galaxy(*arguments: str, home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {"ANSIBLE_HOME": str(home / "ansible"), "ANSIBLE_COLLECTIONS_PATH": str(home)}
    done = subprocess.run([program("ansible-galaxy"), *arguments], env=environment, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tarball_holds_the_product_and_nothing_of_the_workshop(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = set(archive.getnames())
    tops = {name.split("/")[0] for name in names}
    assert tops <= {"MANIFEST.json", "FILES.json", "README.md", "CHANGELOG.rst", "CONTRIBUTING.md", "LICENSE",
                    "changelogs", "cache_runtime", "docs", "meta", "playbooks", "plugins", "roles"}
    assert {"playbooks/deploy-caches.yml", "plugins/modules/image_pull.py", "roles/cache_host/meta/argument_specs.yml",
            "meta/runtime.yml"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc") or "/tests/" in name]


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.glob("*-*.yml")), ids=lambda path: path.name)
def test_a_playbook_whose_name_no_collection_can_call_has_one_that_it_can(path: Path) -> None:
    other = path.with_name(path.name.replace("-", "_"))
    assert [play["ansible.builtin.import_playbook"] for play in yaml.safe_load(other.read_text())] == [path.name]


def test_the_installed_collection_deploys_a_region_and_retires_it_by_its_playbooks_names(
    world_of: Callable, installed: Path
) -> None:
    world = world_of("asia")
    world.use_installed(installed)
    done = world.play("deploy-caches.yml").succeeded()
    assert ("cache-asia", "Start the process") in done.changed
    assert str(CHECKOUT / "plugins") not in done.output
    assert str(CHECKOUT / "roles") not in done.output
    assert world.uses() == {"alice": "asia"}
    world.play("retire-caches.yml", "--limit", "asia").succeeded()
    assert (world.registered(), world.pid("asia")) == ({}, None)
