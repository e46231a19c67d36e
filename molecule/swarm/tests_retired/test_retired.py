"""What retire-caches.yml left in the swarm: nothing but the blobs, though a node is lost."""

from __future__ import annotations

import pytest

MANAGER = "cache-lisbon"


@pytest.mark.parametrize("kind", ["service", "config", "secret"])
def test_nothing_of_the_cache_is_left_in_the_swarm(lab, kind):
    assert lab.machine(MANAGER).check_output(f"docker {kind} ls --quiet") == ""


def test_no_file_is_left_on_the_manager(lab):
    assert not lab.machine(MANAGER).file("/etc/dtr-cache").exists


def test_the_blobs_stay_where_the_operator_put_them(lab):
    assert lab.machine(MANAGER).check_output("find /srv/dtr-cache -name data -type f | head -n 1") != ""


def test_dtr_knows_no_cache_and_the_account_pulls_from_it_again(lab):
    assert lab.ask_dtr("/api/v0/content_caches") == []
    assert lab.cache_in_use_by("alice") == ""
    pulled = lab.pull("desk", "alice", "engineering/app:1.0")
    assert pulled.rc == 0, pulled.stderr
