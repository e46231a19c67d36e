"""What a reload can change is changed, everything else is named; nothing is silently left as it was."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from doubles.running_cache import simple_config
from dtr_content_cache.reloading import in_use, waits_for_a_start
from dtr_content_cache.settings import load, model
from dtr_content_cache.settings.model import Settings

# Taken up by Life._apply, or looked at anew each time they are needed; everything else must be named, and stay.
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
def test_a_changed_setting_is_either_in_use_or_named_as_waiting_and_as_it_was(settings: Settings, name: str) -> None:
    read = changed(settings, name)
    used = in_use(settings, read)

    assert used == (read if name in APPLIED else settings)
    assert bool(waits_for_a_start(used, read)) is (name not in APPLIED), f"{name} is neither in use nor named, or both"


def test_other_upstreams_wait_with_the_mode_in_which_they_are_asked(settings: Settings) -> None:
    ours = settings.downstream
    hop = replace(ours.upstreams[0], host="other")
    other = replace(ours, authorization="upstream", upstreams=(hop,), cas=(Path("/other.pem"),), blob_ttl_s=5.0)
    read = replace(settings, downstream=other)
    used = in_use(settings, read)

    assert used.downstream == replace(ours, blob_ttl_s=5.0)
    assert waits_for_a_start(used, read) == ["upstreams", "cas", "authorization"]


def test_the_first_registry_without_a_name_and_the_last_wait_for_a_start(settings: Settings) -> None:
    none = replace(settings, downstream=replace(settings.downstream, upstreams=()))

    for running, read in ((settings, none), (none, settings)):
        assert in_use(running, read).downstream.upstreams == running.downstream.upstreams
        assert waits_for_a_start(in_use(running, read), read) == ["upstreams"]


def test_other_certificates_are_taken_up_and_tls_as_such_waits(settings: Settings) -> None:
    ours = model.Tls(Path("/a.pem"), Path("/a.key"), (), "none", "tls1.2", ())
    plain, first, second = (
        replace(settings, http=replace(settings.http, tls=tls)) for tls in (None, ours, replace(ours, key=Path("/b")))
    )

    assert in_use(first, second) == second
    assert in_use(first, plain) == first
    assert in_use(plain, first) == plain


def test_what_is_as_it_was_is_not_named(settings: Settings) -> None:
    assert waits_for_a_start(settings, replace(settings, source=Path("/elsewhere"))) == []
