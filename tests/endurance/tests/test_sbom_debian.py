"""The bill of materials lists what dpkg noted in an image's base, and an image whose bill does not is noticed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

STATUS = """Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl
Version: 3.0.22-1~deb12u2
Description: Secure Sockets Layer toolkit
 .
 Status: what a description says

Package: libbz2-1.0
Status: install ok unpacked
Architecture: amd64
Source: bzip2 (1:1.0.8-5)
Version: 1:1.0.8-5+b1

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: some
License: Apache-2.0

Files: external/perl/*
License: Artistic or GPL-1+
 .
 License: said in a text

License: GPL-1+
 The text.
"""
CONTROL = """Package: {}
Version: 1-1
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: one
"""
TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "root"
    texts = {
        "etc/os-release": 'NAME="Debian"\nID=debian\nVERSION_ID="12"\n',
        "var/lib/dpkg/status": STATUS,
        "usr/share/doc/libssl3/copyright": COPYRIGHT,
        "usr/share/doc/libbz2-1.0/copyright": "This package is licensed so:\nLicense: free words\n",
    }
    for name, text in texts.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place


def test_every_package_that_dpkg_notes_as_there_is_listed(sbom: ModuleType, root: Path) -> None:
    base, *packages = sbom.debian(root)

    assert (base["type"], base["name"], base["version"]) == ("operating-system", "debian", "12")
    assert [(one["name"], one["version"]) for one in packages] == [
        ("libbz2-1.0", "1:1.0.8-5+b1"),
        ("libssl3", "3.0.22-1~deb12u2"),
    ]
    assert [one["purl"] for one in packages] == [
        "pkg:deb/debian/libbz2-1.0@1:1.0.8-5%2Bb1?arch=amd64&distro=debian-12&upstream=bzip2%401:1.0.8-5",
        "pkg:deb/debian/libssl3@3.0.22-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
    ]


def test_licences_are_those_of_a_copyright_that_machines_can_read(sbom: ModuleType, root: Path) -> None:
    _, bzip, ssl = sbom.debian(root)

    assert [one["license"]["name"] for one in ssl["licenses"]] == ["Apache-2.0", "Artistic or GPL-1+"]
    assert "licenses" not in bzip


def test_a_base_whose_dpkg_notes_nothing_is_an_error(sbom: ModuleType, root: Path) -> None:
    (root / "var/lib/dpkg/status").write_text("")

    with pytest.raises(ValueError, match="found no Debian package"):
        sbom.debian(root)


@pytest.mark.skipif(not Path("/var/lib/dpkg/status").exists(), reason="no dpkg here")
def test_what_is_listed_of_this_machine_is_what_dpkg_query_lists(sbom: ModuleType, root: Path) -> None:
    shutil.copy("/var/lib/dpkg/status", root / "var/lib/dpkg/status")  # others may install something meanwhile
    there = {
        line.partition(" ")[2]
        for line in queried(root, "${db:Status-Status} ${Package} ${Version} ${Architecture}")
        if not line.startswith(("config-files ", "not-installed "))
    }
    listed = {f"{one['name']} {one['version']} {one['purl'].split('arch=')[1]}" for one in sbom.debian(root)[1:]}

    assert len(there) > 50
    assert {one.partition("&")[0] for one in listed} == there


def queried(root: Path, show: str) -> list[str]:
    command = ["dpkg-query", "--admindir", root / "var/lib/dpkg", "--show", "--showformat", f"{show}\\n"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def complete(sbom: ModuleType, root: Path, *left_out: str) -> tuple[int, str]:
    document = {"components": [one for one in sbom.debian(root) if one["name"] not in left_out]}
    place = root / "opt/dtr-content-cache/sbom.cdx.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(document), encoding="utf-8")
    return checked(root)


def checked(root: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, TOOLS / "sbom-complete.py", root], check=False, capture_output=True, text=True
    )
    return done.returncode, done.stdout.strip() + done.stderr


def test_the_check_of_an_image_tells_which_package_is_not_billed(sbom: ModuleType, root: Path) -> None:
    assert complete(sbom, root) == (0, "2 Debian packages")

    code, said = complete(sbom, root, "libssl3")

    assert code == 1
    assert said.splitlines() == [
        "not billed: libssl3 3.0.22-1~deb12u2 amd64",
        "there, but nobody billed it: libssl3",
    ]


def test_nor_is_a_package_forgotten_that_dpkg_did_not_note(sbom: ModuleType, root: Path) -> None:
    complete(sbom, root)
    (root / "usr/share/doc/zlib1g").mkdir()
    (root / "usr/share/doc/zlib1g/copyright").touch()

    assert checked(root) == (1, "there, but nobody billed it: zlib1g")


def test_nor_another_version_than_the_billed_one(sbom: ModuleType, root: Path) -> None:
    complete(sbom, root)
    (root / "var/lib/dpkg/status").write_text(STATUS.replace("deb12u2", "deb12u3"))

    assert checked(root)[1].splitlines() == [
        "not billed: libssl3 3.0.22-1~deb12u3 amd64",
        "billed, but not there: libssl3 3.0.22-1~deb12u2 amd64",
    ]


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="no dpkg here")
def test_what_was_unpacked_alone_is_noted_unless_nothing_of_it_is_left(root: Path, tmp_path: Path) -> None:
    archives = root / "var/cache/apt/archives"
    archives.mkdir(parents=True)
    for name, file in (("kept", "usr/lib/kept.so"), ("words", ""), ("removed", "usr/lib/removed.so")):
        package = tmp_path / name
        for path in ("DEBIAN/control", f"usr/share/doc/{name}/copyright", *filter(None, [file])):
            (package / path).parent.mkdir(parents=True, exist_ok=True)
            (package / path).touch()
        (package / "DEBIAN/control").write_text(CONTROL.format(name))
        subprocess.run(["dpkg-deb", "--build", package, archives], check=True, capture_output=True)
        subprocess.run(["dpkg-deb", "--extract", next(archives.glob(f"{name}_*")), root], check=True)
    (root / "usr/lib/removed.so").unlink()

    subprocess.run([TOOLS / "dpkg-status.sh", root], check=True)

    assert queried(root, "${Package} ${Status}") == [
        "kept install ok installed",
        "words install ok installed",
    ]
    assert not (root / "usr/share/doc/removed").exists()
