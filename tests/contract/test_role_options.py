"""What a role documents is what it does: the same options and defaults in argument_specs and in defaults."""

from __future__ import annotations

import re

import pytest
from dtr_content_cache import __version__
from role_files import ROLES, entry_points, role_file

ROLE_NAMES = ("cache_host", "cache_registration", "cache_client")


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_documented_default_is_the_default(role: str) -> None:
    defaults = role_file(role, "defaults/main.yml")
    for entry, options in entry_points(role).items():
        for name, option in options.items():
            assert option.get("required", False) == (name not in defaults), f"{entry}: {name}"
            assert option.get("default") == defaults.get(name), f"{entry}: {name}"


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_default_is_documented(role: str) -> None:
    documented = {name for options in entry_points(role).values() for name in options}
    assert set(role_file(role, "defaults/main.yml")) <= documented


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_option_is_used(role: str) -> None:
    folder = ROLES / role
    used = "".join(path.read_text(encoding="utf-8") for name in ("tasks", "templates", "vars")
                   for path in folder.glob(f"{name}/**/*") if path.is_file())
    judged = (ROLES.parent / "plugins" / "filter" / "host_mistakes.py").read_text(encoding="utf-8")
    for name in entry_points(role)["main"]:
        assert re.search(rf"\b{name}\b", used + judged), name


def test_the_default_image_is_of_this_version() -> None:
    assert role_file("cache_host", "defaults/main.yml")["cache_host_image"] == f"dtr-content-cache:{__version__}"


@pytest.mark.parametrize("engine", ["docker", "swarm", "kubernetes", "process"])
def test_every_engine_has_the_same_steps(engine: str) -> None:
    steps = {"preflight", "obtain", "check", "run", "probe", "settle", "restore", "remove", "version"}
    assert steps <= {path.stem for path in (ROLES / "cache_host" / "tasks" / engine).glob("*.yml")}


def test_every_engine_that_is_offered_exists() -> None:
    choices = entry_points("cache_host")["main"]["cache_host_engine"]["choices"]
    assert {path.name for path in (ROLES / "cache_host" / "tasks").iterdir() if path.is_dir()} == set(choices)
