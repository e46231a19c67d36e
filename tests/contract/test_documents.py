"""What the documents tell people to type exists."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from role_files import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_target_in_a_document_exists(document) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = set(re.findall(r"(?:^ +|`|[(] ?)make ([a-z][a-z-]*)", document.read_text(encoding="utf-8"), re.MULTILINE))
    assert told <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_playbook_in_a_document_exists(document) -> None:
    for name in re.findall(r"playbooks/[\w/-]+\.yml", document.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), name


def test_the_example_inventory_holds_two_regions_one_the_child_of_the_other(ansible: Callable[..., str]) -> None:
    told = json.loads(ansible("ansible-inventory", "-i", str(ROOT / "playbooks/inventories/example"), "--list"))
    assert set(told["content_caches"]["children"]) == {"asia", "china"}
    variables = {host: values["content_cache_name"] for host, values in told["_meta"]["hostvars"].items()}
    assert set(variables.values()) == {"region-asia", "region-china"}
    parents = [values.get("content_cache_parent") for values in told["_meta"]["hostvars"].values()]
    assert sorted(parents, key=str) == [None, "asia"]
