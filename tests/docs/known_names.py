"""Which variables the collection knows, and what they may hold: the roles' argument specifications, and what the
playbooks use.

Owns: finding out. Rule: from the product's own files alone, so that the documentation cannot know more than they do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from blocks import TOP

_FIELDS = ("type", "elements", "choices", "options")


def _specifications() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(TOP.glob("roles/*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            found |= entry.get("options", {})
    return found


def _of_playbooks() -> frozenset[str]:
    files = [*TOP.glob("playbooks/**/*.yml"), *TOP.glob("plugins/filter/*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return frozenset(re.findall(r"\b(?:content_cache|dtr)_[a-z0-9_]+\b", text))


SPECIFICATIONS = _specifications()
OF_PLAYBOOKS = _of_playbooks()


def mistakes(variables: Mapping[str, Any]) -> list[str]:
    """What is wrong with these variables of an inventory, a sentence each."""
    found = [f"{name} is no variable of a role or playbook" for name in variables
             if name not in SPECIFICATIONS and name not in OF_PLAYBOOKS and not name.startswith("ansible_")]
    given = {name: value for name, value in variables.items() if name in SPECIFICATIONS and not _is_template(value)}
    wanted = {name: _plain(SPECIFICATIONS[name]) for name in given}
    return found + list(ArgumentSpecValidator(wanted).validate(dict(given)).error_messages)


def _plain(option: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in option.items() if field in _FIELDS}


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value
