"""The bill of materials lists what lies there, as it was locked, in the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LOCK = f"""tornado==6.6.1 \\
    --hash=sha256:{"a" * 64} \\
    --hash=sha256:{"b" * 64}
PyYAML==6.0.3 ; python_version >= '3' \\
    --hash=sha256:{"c" * 64}
"""


def lay(folder: Path, name: str, version: str, *more: str) -> None:
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *more]
    (place / "METADATA").write_text("\n".join(lines) + "\n\nA description.\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay(tmp_path, "dtr-content-cache", "1.0", "License-Expression: Apache-2.0", "Requires-Dist: tornado>=6.6.1")
    lay(tmp_path, "tornado", "6.6.1", "License: Apache-2.0", "Requires-Dist: pycurl; extra == 'curl'")
    lay(tmp_path, "PyYAML", "6.0.3")
    return tmp_path


def billed(sbom: ModuleType, folder: Path, lock: str = LOCK) -> Any:
    return sbom.bill(folder, sbom.locked_hashes(lock))


def test_every_distribution_that_lies_there_is_listed_with_its_locked_hashes(sbom: ModuleType, folder: Path) -> None:
    document = billed(sbom, folder)

    assert [one["purl"] for one in document["components"]] == ["pkg:pypi/pyyaml@6.0.3", "pkg:pypi/tornado@6.6.1"]
    assert [one["value"] for one in document["components"][1]["properties"]] == ["a" * 64, "b" * 64]
    assert document["metadata"]["component"]["name"] == "dtr-content-cache"


def test_who_needs_whom_names_only_what_is_there(sbom: ModuleType, folder: Path) -> None:
    needed = {one["ref"]: one["dependsOn"] for one in billed(sbom, folder)["dependencies"]}

    assert needed["pkg:pypi/dtr-content-cache@1.0"] == ["pkg:pypi/tornado@6.6.1"]
    assert needed["pkg:pypi/tornado@6.6.1"] == []


def test_the_same_folder_gives_the_same_bytes_and_another_content_another_number(
    sbom: ModuleType, folder: Path
) -> None:
    first = billed(sbom, folder)

    assert json.dumps(billed(sbom, folder)) == json.dumps(first)
    assert billed(sbom, folder, LOCK.replace("a" * 64, "d" * 64))["serialNumber"] != first["serialNumber"]


def test_what_nobody_locked_is_an_error_that_names_it(sbom: ModuleType, folder: Path) -> None:
    lay(folder, "stranger", "0.1")

    with pytest.raises(ValueError, match=r"stranger 0\.1: found no locked hash"):
        billed(sbom, folder)


def test_another_version_than_the_locked_one_is_an_error(sbom: ModuleType, folder: Path) -> None:
    with pytest.raises(ValueError, match=r"tornado 6\.6\.1: found no locked hash"):
        billed(sbom, folder, LOCK.replace("6.6.1", "6.6.0"))


def test_a_folder_without_our_own_package_is_an_error(sbom: ModuleType, tmp_path: Path) -> None:
    lay(tmp_path, "tornado", "6.6.1")

    with pytest.raises(ValueError, match="found 0 of our own packages"):
        billed(sbom, tmp_path)


def test_what_dpkg_noted_in_the_base_is_listed_beside_it(sbom: ModuleType, folder: Path, tmp_path: Path) -> None:
    for name, text in (
        ("etc/os-release", "ID=debian\nVERSION_ID=12\n"),
        ("var/lib/dpkg/status", "Package: tzdata\nStatus: install ok installed\nArchitecture: all\nVersion: 2026f\n"),
    ):
        (tmp_path / "root" / name).parent.mkdir(parents=True)
        (tmp_path / "root" / name).write_text(text, encoding="utf-8")

    document = sbom.bill(folder, sbom.locked_hashes(LOCK), tmp_path / "root")

    assert [one["name"] for one in document["components"]] == ["pyyaml", "tornado", "debian", "tzdata"]
    assert document["serialNumber"] != billed(sbom, folder)["serialNumber"]
