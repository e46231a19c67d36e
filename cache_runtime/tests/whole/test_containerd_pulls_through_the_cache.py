"""containerd by its `ctr`: the client of Kubernetes nodes. It resumes a broken transfer by Range, at the registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.office import LAYER_BYTES, Office, running_office
from doubles.real_clients import Containerd, need, running_containerd
from doubles.running_cache import eventually


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    need("containerd", "containerd", root=True)
    with running_office(tmp_path) as office:
        yield office


@pytest.fixture
def containerd(office: Office) -> Iterator[Containerd]:
    with running_containerd(office.trust) as containerd:
        yield containerd


def test_a_first_pull_comes_through_the_cache_and_the_second_from_its_disk(
    office: Office, containerd: Containerd
) -> None:
    first = containerd.pull(office.reference, office.credentials("alice"), "first")

    assert first.returncode == 0, first.stderr
    assert set(office.image.blobs) <= containerd.blobs("first")
    assert sorted(office.fetched()) == sorted(office.image.blobs)
    before = len(office.settled())

    second = containerd.pull(office.reference, office.credentials("alice"), "second")

    assert second.returncode == 0, second.stderr
    assert sorted(office.fetched()) == sorted(office.image.blobs)
    answered = eventually(lambda: len(office.blob_gets()) == 2 * before and office.blob_gets()[before:])
    assert {line["cache"] for line in answered} == {"hit"}


@pytest.mark.parametrize("warm", [False, True], ids=["while the cache fetches", "from the cache's disk"])
def test_a_line_to_the_cache_that_breaks_is_resumed_where_it_broke(tmp_path: Path, warm: bool) -> None:
    need("containerd", "containerd", root=True)
    # One layer: with several, a connection may break between two of them, where there is nothing to resume.
    with running_office(tmp_path, layers=1) as office, running_containerd(office.trust) as containerd:
        before = 0
        if warm:
            assert containerd.pull(office.reference, office.credentials("alice"), "warming").returncode == 0
            before = len(office.settled())
        office.to_cache.cut_next(LAYER_BYTES // 2)

        pull = containerd.pull(office.reference, office.credentials("alice"), "cut")

        assert pull.returncode == 0, pull.stderr
        assert office.to_cache.cut_connections == 1
        assert set(office.image.blobs) <= containerd.blobs("cut")
        resumed = eventually(lambda: [line for line in office.blob_gets()[before:] if line["status"] == "206"])
        assert 0 < int(resumed[0]["bytes"]) < LAYER_BYTES
        assert sorted(office.fetched()) == sorted(office.image.blobs)
        assert office.cache.wrong_blobs() == []


def test_a_line_to_dtr_that_breaks_is_not_seen(office: Office, containerd: Containerd) -> None:
    office.to_dtr.cut_next(LAYER_BYTES // 3)

    pull = containerd.pull(office.reference, office.credentials("alice"))

    assert pull.returncode == 0, pull.stderr
    assert office.to_dtr.cut_connections == 1
    office.settled()
    assert all(line["status"] == "200" for line in office.blob_gets())


def test_nodes_that_pull_at_once_share_one_transfer_of_each_blob(office: Office, containerd: Containerd) -> None:
    names = [f"node-{number}" for number in range(3)]
    pulls = [containerd.start_pull(office.reference, office.credentials("alice"), name) for name in names]

    done = [pull.finish() for pull in pulls]

    assert [one.returncode for one in done] == [0] * 3, "".join(one.stderr for one in done)
    assert all(set(office.image.blobs) <= containerd.blobs(name) for name in names)
    assert sorted(office.fetched()) == sorted(office.image.blobs)


def test_an_account_without_the_right_gets_nothing_though_the_cache_has_it_all(
    office: Office, containerd: Containerd
) -> None:
    assert containerd.pull(office.reference, office.credentials("alice"), "alices").returncode == 0
    before = len(office.settled())

    refused = containerd.pull(office.reference, office.credentials("bob"), "bobs")

    assert refused.returncode != 0
    assert containerd.blobs("bobs") & set(office.image.blobs) == set()
    assert len(office.blob_gets()) == before
