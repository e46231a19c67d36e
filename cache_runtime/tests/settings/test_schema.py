"""The table of policies is the truth: each key does what its policy says, and every honoured key is documented."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dtr_content_cache.settings.model import Settings
from dtr_content_cache.settings.policy import Accepted, Each, Entry, Honoured, Ignored, Keys, Refused
from dtr_content_cache.settings.schema import DOWNSTREAM_OPTIONS, SCHEMA
from dtr_content_cache.values.failures import ConfigurationRefused

EXAMPLE = Path(__file__).parents[2] / "config-example.yml"
_NOT_IN_THE_EXAMPLE = {"loglevel"}  # deprecated in favour of log.level
Load = Callable[..., Settings]


def _leaves(entry: Entry, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Entry]]:
    if isinstance(entry, Each):
        yield from _leaves(entry.item, (*path, "0"))
    elif isinstance(entry, Keys):
        for key, below in entry.keys.items():
            yield from _leaves(below, (*path, key))
    else:
        yield path, entry


_OPTIONS_PATH = ("middleware", "registry", "0", "options")
_REFUSED_BY_NAME = (("middleware", "repository"), ("middleware", "storage"))  # so that their other keys do not count
LEAVES = [*_leaves(SCHEMA, ()), *_leaves(DOWNSTREAM_OPTIONS, _OPTIONS_PATH)]


def _paths(policy: type) -> list[Any]:
    found = [(path, entry) for path, entry in LEAVES if isinstance(entry, policy)]
    alone = [case for case in found if policy is not Accepted or case[0][:2] not in _REFUSED_BY_NAME]
    return [pytest.param(path, entry, id=".".join(path)) for path, entry in alone]


def _with_value(text: str, path: tuple[str, ...], value: object) -> str:
    """The configuration with `value` at `path`, whatever was there."""
    document = yaml.safe_load(text)
    node: Any = document
    for step, following in zip(path, (*path[1:], None), strict=True):
        if following is None:
            break
        empty: Any = [] if following == "0" else {}
        if isinstance(node, list):
            if not node:
                node.append(empty)
            node = node[int(step)]
        else:
            node = node.setdefault(step, empty)
    node[path[-1]] = value
    return yaml.safe_dump(document)


@pytest.mark.parametrize(("path", "entry"), _paths(Ignored))
def test_an_ignored_key_warns_by_name(
    load_text: Load, with_section: Callable[[str], str], path: tuple[str, ...], entry: Ignored
) -> None:
    warnings = load_text(_with_value(with_section(""), path, {"some": "topsecret"})).warnings
    assert len(warnings) == 1
    assert f"{'.'.join(path)} is ignored: {entry.why}." in warnings[0]
    assert "topsecret" not in warnings[0]


@pytest.mark.parametrize(("path", "entry"), _paths(Refused))
def test_a_refused_key_stops_the_program(
    load_text: Load, with_section: Callable[[str], str], path: tuple[str, ...], entry: Refused
) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        load_text(_with_value(with_section(""), path, "topsecret"))
    key = re.sub(r"\.0\.", "[0].", ".".join(path))
    assert len(refused.value.mistakes) == 1
    assert refused.value.mistakes[0].endswith(f": {key}: found one, {entry.wanted}")


@pytest.mark.parametrize(("path", "entry"), _paths(Accepted))
def test_an_accepted_key_passes_in_silence(
    load_text: Load, with_section: Callable[[str], str], path: tuple[str, ...], entry: Accepted
) -> None:
    assert load_text(_with_value(with_section(""), path, {"anything": [1]})).warnings == ()


@pytest.mark.parametrize(("path", "entry"), _paths(Honoured))
def test_an_honoured_key_is_judged(
    load_text: Load, with_section: Callable[[str], str], path: tuple[str, ...], entry: Honoured
) -> None:
    """A mapping of lists fits no honoured key, so a key that takes it is not really read."""
    with pytest.raises(ConfigurationRefused) as refused:
        load_text(_with_value(with_section(""), path, {"a b": {"c": ["d"]}} if path[-1] != "options" else "text"))
    key = re.sub(r"\.0(?=\.|$)", "[0]", ".".join(path))
    assert any(f": {key}" in mistake for mistake in refused.value.mistakes)


def _without_comment_signs(text: str) -> str:
    """The example with every key in force: `# ` goes away before a key or an item, and only there."""
    return re.sub(r"(?m)^( *)# ((?: *)(?:- )?(?:[a-z]+:|/).*)$", r"\1\2", text)


def _values(node: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(node, dict):
        for key, below in node.items():
            yield from _values(below, (*path, key))
    elif isinstance(node, list):
        for below in node:
            yield from _values(below, (*path, "0"))


def test_the_example_is_a_configuration_that_works(load_text: Load) -> None:
    settings = load_text(EXAMPLE.read_text())
    assert settings.warnings == ()
    assert settings.downstream.blob_ttl_s == 24 * 3600


def test_the_example_without_its_comment_signs_works_too(load_text: Load, pki: Path) -> None:
    text = _without_comment_signs(EXAMPLE.read_text()).replace("authorization: grant", "authorization: upstream")
    text = text.replace("offline: refuse", "offline: serve")  # so that offlinelimit has an effect
    for name, file in (
        ("cache.cert", "chain"),
        ("cache.key", "key"),
        ("clients-ca", "ca"),
        ("dtr-ca", "ca"),
    ):
        text = text.replace(f"/certs/{name}.pem", f"{pki}/{file}.pem")
    assert load_text(text).warnings == ()


def test_the_example_has_every_honoured_key() -> None:
    written = set(_values(yaml.safe_load(_without_comment_signs(EXAMPLE.read_text()))))
    honoured = {path for path, entry in LEAVES if isinstance(entry, Honoured)}
    assert {".".join(path) for path in honoured - written} == _NOT_IN_THE_EXAMPLE


def test_the_example_shows_the_defaults(load_text: Load) -> None:
    """What a line without "no default", "none by default" or "unlimited" shows is what its absence means."""
    written = yaml.safe_load(_without_comment_signs(EXAMPLE.read_text()))
    options = written["middleware"]["registry"][0]["options"]
    shown = [
        "authorization", "verdictttl", "offline", "clockskew", "minfree", "redirecthosts", "realmhosts", "stalltimeout",
        "maxfills", "workers",
    ]  # fmt: skip
    text = EXAMPLE.read_text()
    explicit = _with_value(text, (*_OPTIONS_PATH, "blobttl"), options["blobttl"])
    for key in shown:
        explicit = _with_value(explicit, (*_OPTIONS_PATH, key), options[key])
    for key in ("net", "prefix", "draintimeout", "headers"):
        explicit = _with_value(explicit, ("http", key), written["http"][key])
    for path in (("log",), ("storage",), ("health", "storagedriver")):
        value: Any = written
        for step in path:
            value = value[step]
        explicit = _with_value(explicit, path, value)
    assert load_text(explicit) == load_text(text)
