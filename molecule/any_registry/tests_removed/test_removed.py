"""What the role cache_client's entry point `remove` left of its work on the desk: nothing."""

from __future__ import annotations

import pytest

DESK = "desk"


@pytest.fixture(scope="module")
def desk(lab):
    return lab.machine(DESK)


def test_no_file_of_the_role_is_left(desk):
    names = "-name 'dtr-cache.crt' -o -name '*dtr-cache*.conf' -o -name hosts.toml"
    assert desk.check_output(f"find /etc/docker /etc/containers /etc/containerd {names}") == ""


def test_what_was_there_before_is_there_still(desk):
    assert desk.file("/etc/docker/certs.d/dtr.test/dtr.crt").exists
    assert "config_path" in desk.file("/etc/containerd/config.toml").content_string


@pytest.mark.parametrize("place", ["htpasswd.lisbon.test:5000", "htpasswd.test:5000"])
def test_docker_trusts_neither_hop_any_more(desk, place):
    pull = desk.run(f"docker pull {place}/engineering/app:docker")
    assert pull.rc != 0
    assert "certificate signed by unknown authority" in pull.stderr
