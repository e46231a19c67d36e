"""The roles' own files as values, for every test of this folder."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "roles"


def role_file(role: str, name: str) -> dict:
    """A YAML file of a role."""
    return yaml.safe_load((ROLES / role / name).read_text(encoding="utf-8"))


def entry_points(role: str) -> dict[str, dict]:
    """Options of each entry point."""
    specs = role_file(role, "meta/argument_specs.yml")["argument_specs"]
    return {name: entry["options"] for name, entry in specs.items()}
