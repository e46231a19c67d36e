"""skopeo, which podman's pulls share their code with: a real image, DTR's redirect, TLS with the office's own CAs.

Debian 12's skopeo does not resume a transfer that broke, so nothing may break for it that the cache can mend.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.office import LAYER_BYTES, Office, running_office, use_cache
from doubles.real_clients import Skopeo, need
from doubles.running_cache import eventually


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    need("skopeo", "skopeo")
    with running_office(tmp_path) as office:
        yield office


@pytest.fixture
def skopeo(tmp_path: Path, office: Office) -> Skopeo:
    folder = tmp_path / "skopeo"
    folder.mkdir()
    return Skopeo(folder, office.trust)


def test_a_first_pull_comes_through_the_cache_and_the_second_from_its_disk(office: Office, skopeo: Skopeo) -> None:
    first = skopeo.pull(office.reference, "first", office.credentials("alice"))

    assert first.returncode == 0, first.stderr
    assert set(office.image.blobs) <= skopeo.blobs("first")
    assert sorted(office.fetched()) == sorted(office.image.blobs)
    before = len(office.settled())

    second = skopeo.pull(office.reference, "second", office.credentials("alice"))

    assert second.returncode == 0, second.stderr
    assert sorted(office.fetched()) == sorted(office.image.blobs)
    answered = eventually(lambda: len(office.blob_gets()) == 2 * before and office.blob_gets())
    assert {line["cache"] for line in answered[before:]} == {"hit"}
    assert {line["status"] for line in answered} == {"200"}


def test_a_line_to_dtr_that_breaks_in_the_middle_of_a_layer_is_not_seen(office: Office, skopeo: Skopeo) -> None:
    office.to_dtr.cut_next(LAYER_BYTES // 3)
    office.to_dtr.cut_next(LAYER_BYTES // 3)

    pull = skopeo.pull(office.reference, "pulled", office.credentials("alice"))

    assert pull.returncode == 0, pull.stderr
    assert office.to_dtr.cut_connections == 2
    assert set(office.image.blobs) <= skopeo.blobs("pulled")
    office.settled()
    assert office.cache.wrong_blobs() == []


def test_machines_that_pull_at_once_share_one_transfer_of_each_blob(
    office: Office, skopeo: Skopeo, tmp_path: Path
) -> None:
    pulls = [skopeo.start(office.reference, f"machine-{number}", office.credentials("alice")) for number in range(4)]

    done = [pull.finish() for pull in pulls]

    assert [one.returncode for one in done] == [0] * 4, "".join(one.stderr for one in done)
    assert sorted(office.fetched()) == sorted(office.image.blobs)


def test_an_account_without_the_right_gets_nothing_though_the_cache_has_it_all(office: Office, skopeo: Skopeo) -> None:
    assert skopeo.pull(office.reference, "alices", office.credentials("alice")).returncode == 0
    before = len(office.settled())

    refused = skopeo.pull(office.reference, "bobs", office.credentials("bob"))

    assert refused.returncode != 0
    assert len(office.blob_gets()) == before


def test_a_cache_of_another_dtr_denies_and_nobody_is_told_of_a_wrong_password(
    office: Office, skopeo: Skopeo, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with running_office(tmp_path / "other") as other:
        use_cache(other.dtr, f"https://127.0.0.1:{office.to_cache.port}", ("alice",), name="of-another-dtr")
        trust = tmp_path / "both.pem"
        trust.write_bytes(office.trust.read_bytes() + other.trust.read_bytes())
        folder = tmp_path / "astray"
        folder.mkdir()

        refused = Skopeo(folder, trust).pull(other.reference, "pulled", other.credentials("alice"))

    assert refused.returncode != 0
    assert "403" in refused.stderr or "denied" in refused.stderr
    assert "password" not in refused.stderr
    eventually(lambda: any(line["status"] == "403" for line in office.blob_gets()))
