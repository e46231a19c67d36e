"""What the documents tell people to type exists."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from role_files import ROOT, entry_points

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"),
             *ROOT.glob("roles/*/README.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_in_a_document_exists(document) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = set(re.findall(r"(?:^ +|`|[(] ?)make ([a-z][a-z-]*)", document.read_text(encoding="utf-8"), re.MULTILINE))
    assert told <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_playbook_in_a_document_exists(document) -> None:
    for name in re.findall(r"playbooks/[\w/-]+\.yml", document.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), name


_VARIABLE = re.compile(r"(?:cache_host|cache_registration|content_cache)_[a-z0-9_]*[a-z0-9]")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_in_a_document_exists(document) -> None:
    roles = [*entry_points("cache_host").values(), *entry_points("cache_registration").values()]
    options = {name for entry in roles for name in entry}
    books = [path for path in (ROOT / "playbooks").glob("**/*.yml") if "inventories" not in path.parts]
    plays = [path.read_text(encoding="utf-8") for path in books]
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    known = options | modules | set(_VARIABLE.findall("".join(plays)))
    assert set(_VARIABLE.findall(document.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_metric_in_a_document_exists(document) -> None:
    sources = (ROOT / "cache_runtime/src/dtr_content_cache/observation").glob("*.py")
    made = set(re.findall(r'"(?:dtr_cache_)?([a-z_]+)"', "".join(path.read_text(encoding="utf-8") for path in sources)))
    told = re.findall(r"`dtr_cache_([a-z_]+)`", document.read_text(encoding="utf-8"))
    assert {name.removesuffix("_total") for name in told} <= made


def test_what_lies_with_an_inventory_is_not_read_as_inventory(tmp_path: Path) -> None:
    """The files that the example and the documents name, and what failover.yml writes down."""
    inventory = tmp_path / "inventory"
    shutil.copytree(ROOT / "playbooks/inventories/example", inventory)
    texts = [path.read_text(encoding="utf-8") for path in (*inventory.rglob("*.yml"), *DOCUMENTS)]
    named = {place for text in texts for place in re.findall(r"inventory_dir }}(/[^\"]+[.]pem)", text)}
    records = (ROOT / "playbooks/steps/failover_records.yml").read_text(encoding="utf-8")
    for place in (*named, re.findall(r"inventory_dir ~ '(/[^']+)'", records)[0] + "/china.json"):
        path = Path(os.path.normpath(f"{inventory}{place}"))
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"accounts": ["chen"]}' if place.endswith("json") else "-----BEGIN CERTIFICATE-----\n")
    command = [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(inventory), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, cwd=tmp_path, check=False)
    assert (done.returncode, len(named) > 4, "WARNING" in done.stderr) == (0, True, False), done.stderr


def test_the_example_inventory_holds_two_regions_one_the_child_of_the_other(ansible: Callable[..., str]) -> None:
    told = json.loads(ansible("ansible-inventory", "-i", str(ROOT / "playbooks/inventories/example"), "--list"))
    assert set(told["content_caches"]["children"]) == {"asia", "china"}
    variables = {host: values["content_cache_name"] for host, values in told["_meta"]["hostvars"].items()}
    assert set(variables.values()) == {"region-asia", "region-china"}
    parents = [values.get("content_cache_parent") for values in told["_meta"]["hostvars"].values()]
    assert sorted(parents, key=str) == [None, "asia"]
