"""What a reload can change is changed, everything else is named; nothing is silently left as it was."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from doubles.running_cache import simple_config
from dtr_content_cache.reloading import waits_for_a_start
from dtr_content_cache.settings import load, model
from dtr_content_cache.settings.model import Settings

# Applied by Life._apply, or looked at anew each time they are needed; everything else must be named.
APPLIED = {
    "source", "warnings", "log",
    "storage.delete_enabled",
    "http.drain_timeout_s",
    "downstream.upstreams", "downstream.cas", "downstream.blob_ttl_s", "downstream.max_size_bytes",
    "downstream.min_free_fraction", "downstream.min_free_bytes", "downstream.max_fill_bytes_per_s",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("config")
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(simple_config(folder / "volume", ["https://dtr.example.com"])))
    return load(path, {})


def fields() -> list[str]:
    names = [
        field.name for field in dataclasses.fields(Settings) if field.name not in ("storage", "http", "downstream")
    ]
    types = {field.name: field for field in dataclasses.fields(Settings)}
    assert set(names) | {"storage", "http", "downstream"} == set(types)

    for section, kind in (("storage", model.Storage), ("http", model.Http), ("downstream", model.Downstream)):
        names += [f"{section}.{field.name}" for field in dataclasses.fields(kind)]
    return names


class Other:
    """A value unlike any that there is."""


def changed(settings: Settings, name: str) -> Settings:
    section, _, field = name.partition(".")
    other: Any = Other()
    if not field:
        return replace(settings, **{section: other})
    return replace(settings, **{section: replace(getattr(settings, section), **{field: other})})


@pytest.mark.parametrize("name", fields())
def test_a_changed_setting_is_either_applied_or_named_as_waiting(settings: Settings, name: str) -> None:
    named = waits_for_a_start(settings, changed(settings, name))

    assert bool(named) is (name not in APPLIED), f"{name} is neither applied nor named, or both"


def test_what_is_as_it_was_is_not_named(settings: Settings) -> None:
    assert waits_for_a_start(settings, replace(settings, source=Path("/elsewhere"))) == []
