"""`make release` in a clone of this checkout's last commit: all versions in step, and nothing half done."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import TOP

VERSION = "77.0.0"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    if not (TOP / ".git").exists():
        pytest.skip("this is no clone of the repository, so nothing can be released from it")
    subprocess.run(["git", "clone", "--quiet", "--no-tags", str(TOP), str(tmp_path / "clone")], check=True)
    # The clone has what is committed; what is tried is the script as it stands.
    script = "tests/tools/release.sh"
    made = tmp_path / "clone"
    (made / script).write_bytes((TOP / script).read_bytes())
    (made / "changelogs/fragments/one.yml").write_text(
        "---\nbugfixes:\n  - A sentence of the test about what was mended.\n", encoding="utf-8"
    )
    _git(made, "add", "--all")
    _git(made, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--allow-empty", "-m", "x")
    return made


@pytest.mark.timeout(300)
def test_every_version_goes_in_step_and_the_fragments_become_notes(clone: Path):
    done = _release(clone, VERSION)
    assert done.returncode == 0, done.stderr
    assert _read(clone, "galaxy.yml", "^version: (.+)$") == VERSION
    for package in ("cache_runtime/src/dtr_content_cache", "tests/dtr_simulator/src/dtr_simulator"):
        assert _read(clone, f"{package}/__init__.py", '^__version__ = "(.+)"$') == VERSION
    assert _read(clone, "tests/dtr_simulator/pyproject.toml", '^version = "(.+)"$') == VERSION
    assert _read(clone, "roles/cache_host/defaults/main.yml", "^cache_host_image: .*:(.+)$") == VERSION
    assert list((clone / "changelogs/fragments").glob("*.yml")) == []
    assert f"v{VERSION}" in (clone / "CHANGELOG.rst").read_text(encoding="utf-8")
    notes = (clone / f"build/release/notes-{VERSION}.md").read_text(encoding="utf-8")
    assert "A sentence of the test about what was mended" in notes
    assert "version_added: 0.1.0" in (clone / "plugins/modules/image_pull.py").read_text(encoding="utf-8")
    assert "wanted one after" in _release(clone, VERSION).stderr


@pytest.mark.timeout(300)
def test_a_dry_run_tells_and_changes_nothing(clone: Path):
    done = _release(clone, VERSION, DRY="yes")
    assert done.returncode == 0, done.stderr
    assert "galaxy.yml" in done.stdout
    assert "A sentence of the test about what was mended" in done.stdout
    assert _git(clone, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("version", "wanted"), [("", "three numbers"), ("1.0", "three numbers"), ("0.0.1", "one after")]
)
def test_a_version_that_is_none_is_refused(clone: Path, version: str, wanted: str):
    _refused(clone, version, wanted)


def test_changes_that_are_not_committed_are_refused_by_name(clone: Path):
    (clone / "README.md").write_text("changed", encoding="utf-8")
    _refused(clone, VERSION, "README.md")


def test_a_version_that_was_released_is_refused(clone: Path):
    _git(clone, "tag", f"v{VERSION}")
    _refused(clone, VERSION, "never released")


def _refused(clone: Path, version: str, wanted: str) -> None:
    before = _git(clone, "status", "--porcelain")
    done = _release(clone, version)
    assert done.returncode == 1
    assert wanted in done.stderr
    assert _git(clone, "status", "--porcelain") == before


def _release(clone: Path, version: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "VERSION": version}
    return subprocess.run(["tests/tools/release.sh"], cwd=clone, env=environment | variables, capture_output=True,
                          text=True, check=False)


def _read(clone: Path, name: str, pattern: str) -> str:
    found = re.search(pattern, (clone / name).read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _git(clone: Path, *arguments: str) -> str:
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
