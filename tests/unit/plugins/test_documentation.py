"""What the modules' pages promise: the examples are accepted, and the action group knows every module."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
NAMES = sorted(path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py"))


def module_named(name):
    return importlib.import_module(f"ansible_collections.dtr.caches.plugins.modules.{name}")


def examples():
    for name in NAMES:
        for task in yaml.safe_load(module_named(name).EXAMPLES):
            for action, options in task.items():
                if action.startswith("dtr.caches."):
                    yield pytest.param(action.removeprefix("dtr.caches."), options, id=f"{name}: {task['name']}")


EXAMPLES = list(examples())


@pytest.mark.parametrize(("name", "options"), EXAMPLES)
def test_an_example_is_accepted_as_it_stands(run_module, monkeypatch, name, options):
    monkeypatch.setattr(module_named(name), "run", lambda module, work, **kwargs: module.exit_json(changed=False))
    accepted = run_module(name, **options)
    assert not accepted.failed, accepted.sentence


@pytest.mark.parametrize(("name", "options"), EXAMPLES)
def test_an_option_that_does_not_exist_is_refused(run_module, name, options):
    assert "Unsupported parameters" in run_module(name, no_such_option=1, **options).sentence


def test_the_action_group_knows_every_module():
    runtime = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert sorted(runtime["action_groups"]["caches"]) == NAMES


ANSIBLES_OWN = {"skipped", "failed", "unreachable", "invocation", "results", "exception", "ansible_facts"}


@pytest.mark.parametrize("name", NAMES)
def test_no_module_returns_a_key_that_means_something_else_to_ansible(name):
    assert not ANSIBLES_OWN & set(yaml.safe_load(module_named(name).RETURN))
