"""The role cache_client: skopeo and containerd pull through the cache with nothing but the files that it wrote."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from doubles.certificates import Authority
from doubles.office import LAYER_BYTES, REPOSITORY, Office, running_office
from doubles.real_clients import need, running_containerd
from doubles.running_cache import RunningCache, eventually, running_cache
from dtr_simulator.image import WrittenImage, write_image
from dtr_simulator.running import RunningSimulator, running_simulator
from role_files import ROLES

pytestmark = pytest.mark.timeout(300)  # a test runs several playbooks


class Desk:
    """A user's machine: folders in place of /etc, as the role's options allow."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.docker, self.containerd = folder / "docker", folder / "containerd"
        self.containers = self.home / ".config/containers"
        self.containers.mkdir(parents=True)
        self._folder = folder

    def configure(self, entry: str = "main", *arguments: str, **variables: Any) -> dict[str, Any]:
        """Run the role; the figures of the recap, with what was said under "said"."""
        task = {"ansible.builtin.include_role": {"name": str(ROLES / "cache_client"), "tasks_from": entry}}
        given = {
            "ansible_python_interpreter": sys.executable,
            "cache_client_engines": ["docker", "containerd", "podman"],
            "cache_client_docker_directory": str(self.docker),
            "cache_client_containerd_directory": str(self.containerd),
            "cache_client_containerd_config": str(self._folder / "none.toml"),
            "cache_client_containers_directory": str(self.containers),
            **variables,
        }
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": given, "tasks": [task]}
        book = self._folder / "play.yml"
        book.write_text(yaml.safe_dump([play]), encoding="utf-8")
        environ = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(book), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
        recap = re.findall(r"(\w+)=(\d+)", done.stdout.partition("PLAY RECAP")[2])
        assert recap, done.stdout + done.stderr
        return {name: int(number) for name, number in recap} | {"said": " ".join(done.stdout.split())}

    def files(self) -> set[str]:
        folders = (self.docker, self.containerd, self.containers)
        return {str(path.relative_to(self._folder)) for folder in folders for path in folder.rglob("*")}

    def skopeo(self, reference: str, credentials: str, *logged_in: str) -> subprocess.CompletedProcess[str]:
        """Pull, with the credentials of the places that the user has logged in to."""
        logins = {place: {"auth": base64.b64encode(credentials.encode()).decode()} for place in logged_in}
        (self.home / "auth.json").write_text(json.dumps({"auths": logins}), encoding="utf-8")
        target = f"oci:{self.home / 'pulled'}:1.0"
        options = ("--insecure-policy", "--tmpdir", str(self.home), "copy", "--authfile", str(self.home / "auth.json"))
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.home)}
        return subprocess.run(
            ["skopeo", *options, f"docker://{reference}", target],
            capture_output=True,
            text=True,
            env=environ,
            check=False,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk")


@contextmanager
def _mirrored(folder: Path) -> Iterator[tuple[RunningSimulator, RunningCache, WrittenImage, Path]]:
    """A registry, a cache that asks it about every request, an image, and the cache's CA."""
    image = write_image(folder / "layout", "1.0", layers=2, layer_size=LAYER_BYTES)
    authority = Authority("the office")
    certificate, key = authority.issue(folder, "127.0.0.1", name="cache")
    ca = folder / "office-ca.pem"
    ca.write_bytes(authority.pem)
    tls = {"tls": {"certificate": str(certificate), "key": str(key)}}
    with (
        running_simulator(layouts={REPOSITORY: folder / "layout"}) as dtr,
        running_cache(folder / "cache", [dtr.url], http=tls, cas=[str(dtr.ca_path)], authorization="upstream") as cache,
    ):
        yield dtr, cache, image, ca


def _reference(dtr: RunningSimulator, image: WrittenImage) -> str:
    return f"{dtr.url.partition('//')[2]}/{REPOSITORY}:{image.tag}"


def _came_through(cache: RunningCache, image: WrittenImage) -> None:
    """Every blob of the image was asked of the cache; its log tells a moment later."""

    def asked() -> bool:
        return set(image.blobs) <= {line["target"].rpartition("/")[2] for line in cache.accesses}

    eventually(asked)


def _given(dtr: RunningSimulator, cache_url: str, cache_ca: Path, authorization: str) -> dict[str, str]:
    return {
        "cache_client_registry": dtr.url,
        "cache_client_registry_ca": str(dtr.ca_path),
        "cache_client_cache": cache_url,
        "cache_client_cache_ca": str(cache_ca),
        "cache_client_authorization": authorization,
    }


def _of_office(office: Office) -> dict[str, str]:
    return _given(office.dtr, f"https://127.0.0.1:{office.to_cache.port}", office.trust, "grant")


def test_where_dtr_redirects_a_machine_needs_only_to_trust_both(tmp_path: Path, desk: Desk) -> None:
    need("skopeo", "skopeo")
    with running_office(tmp_path / "office") as office:
        credentials = office.credentials("alice")
        place = office.reference.partition("/")[0]
        assert "certificate" in desk.skopeo(office.reference, credentials, place).stderr

        done = desk.configure(**_of_office(office))
        pull = desk.skopeo(office.reference, credentials, place)

        assert done["changed"] > 0
        assert done["failed"] == 0
        assert pull.returncode == 0, pull.stderr
        assert set(office.image.blobs) <= {line["target"].rpartition("/")[2] for line in office.settled()}


def test_a_second_run_changes_nothing_and_a_check_changes_no_file(tmp_path: Path, desk: Desk) -> None:
    with running_office(tmp_path / "office") as office:
        given = _of_office(office) | {"cache_client_authorization": "upstream"}
        foretold = desk.configure("main", "--check", **given)
        assert desk.files() == set()

        first, written = desk.configure(**given), desk.files()
        second = desk.configure(**given)

        assert foretold["changed"] == first["changed"] > 0
        assert second["changed"] == 0
        assert desk.files() == written


def test_what_was_put_there_goes_again_and_nothing_else(tmp_path: Path, desk: Desk) -> None:
    with running_office(tmp_path / "office") as office:
        given = _of_office(office) | {"cache_client_authorization": "upstream"}
        place = office.dtr.url.partition("//")[2]
        (desk.docker / place).mkdir(parents=True)
        (desk.docker / place / "theirs.crt").write_text("theirs")
        before = desk.files()
        desk.configure(**given)

        gone = desk.configure("remove", **given)

        assert gone["changed"] > 0
        assert desk.files() >= before
        assert [name for name in desk.files() if "dtr-cache" in name or name.endswith("hosts.toml")] == []
        assert (desk.docker / place / "theirs.crt").read_text() == "theirs"
        assert desk.configure("remove", **given)["changed"] == 0


def test_a_mirror_is_asked_first_and_without_it_the_registry(tmp_path: Path, desk: Desk) -> None:
    need("skopeo", "skopeo")
    with _mirrored(tmp_path) as (dtr, cache, image, ca):
        desk.configure(**_given(dtr, cache.url, ca, "upstream"))
        login = (f"alice:{dtr.password('alice')}", dtr.url.partition("//")[2], cache.url.partition("//")[2])

        pull = desk.skopeo(_reference(dtr, image), *login)
        assert pull.returncode == 0, pull.stderr
        _came_through(cache, image)
        cache.kill()
        without = desk.skopeo(_reference(dtr, image), *login)

    assert without.returncode == 0, without.stderr


def test_containerd_asks_the_cache_first_and_without_it_the_registry(tmp_path: Path, desk: Desk) -> None:
    need("containerd", "containerd", root=True)
    with _mirrored(tmp_path) as (dtr, cache, image, ca), running_containerd(ca) as containerd:
        desk.configure(**_given(dtr, cache.url, ca, "upstream"))
        options = ("--snapshotter", "native", "--hosts-dir", str(desk.containerd))
        user = ("--user", f"alice:{dtr.password('alice')}")
        pull = ("images", "pull", *options, *user, _reference(dtr, image))

        first = containerd.ctr(*pull)
        assert first.returncode == 0, first.stderr
        _came_through(cache, image)
        cache.kill()
        without = containerd.ctr(*pull, namespace="other")

    assert without.returncode == 0, without.stderr


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"cache_client_cache": "cache:5000"}, "cache_client_cache: found 'cache:5000', wanted https://host[:port]."),
        ({"cache_client_registry": ""}, "cache_client_registry: found '', wanted https://host[:port]."),
        ({"cache_client_cache_ca": "KEY"}, "cache_client_cache_ca: found a private key in "),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_changes(
    tmp_path: Path, desk: Desk, variables: dict[str, str], sentence: str
) -> None:
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n")
    given = {"cache_client_registry": "https://dtr.test", "cache_client_cache": "https://cache.test", **variables}

    done = desk.configure(**{name: str(key) if value == "KEY" else value for name, value in given.items()})

    assert done["failed"] == 1
    assert sentence in done["said"]
    assert desk.files() == set()


def test_a_containerd_that_does_not_look_there_is_told_what_to_set(tmp_path: Path, desk: Desk) -> None:
    config = tmp_path / "config.toml"
    config.write_text("version = 2\n")
    given = {"cache_client_registry": "https://dtr.test", "cache_client_cache": "https://cache.test"}

    done = desk.configure(**given, cache_client_engines=["containerd"], cache_client_containerd_config=str(config))

    assert done["failed"] == 1
    assert f'Set config_path = \\"{desk.containerd}\\"' in done["said"]
    assert desk.files() == set()
