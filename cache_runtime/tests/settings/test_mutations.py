"""Whatever a configuration looks like: settings, or the list of mistakes in clean single lines. Nothing else."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from dtr_content_cache.settings import load
from dtr_content_cache.settings.model import Settings
from dtr_content_cache.settings.schema import DOWNSTREAM_OPTIONS, SCHEMA
from dtr_content_cache.values.failures import ConfigurationRefused
from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLE = (Path(__file__).parents[2] / "config-example.yml").read_text()
_FRAGMENTS = [
    ":", "-", "  ", "\n", "\t", "#", "'", '"', "[", "]", "{", "}", "&a ", "*a", "<<: ", "!!int ", "!x ", "|", ">",
    "null", "true", "0x", "1e9", "-1", "24", "24h", "0", "99999999999999999999", "5%", "\x00", "\ud7ff", "é", "---\n",
    "? ", "https://", "@", "upstreams:", "options:", "registry:", "%TAG", "\u2028", ".5", "1:30", "2020-01-01", "\r",
]  # fmt: skip


def _load(text: str, environ: Mapping[str, str] | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            result = load(path, environ or {})
        except ConfigurationRefused as refused:
            lines = refused.mistakes
            assert lines
        else:
            assert isinstance(result, Settings)
            assert result.downstream.upstreams
            lines = result.warnings
        for line in lines:
            assert line.isprintable(), ascii(line)
            assert line.startswith((str(path), "REGISTRY_")), line
            assert len(line) < 1500


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    text = EXAMPLE if draw(st.booleans()) else EXAMPLE.replace("# ", "")
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 10, 60])))
        text = text[:start] + draw(st.sampled_from(_FRAGMENTS) | st.text(max_size=4)) + text[end:]
    return text


@given(_mutated())
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_gives_settings_or_mistakes(text: str) -> None:
    _load(text)


_KEYS = sorted(
    {"version", "upstreams", "cas", "blobttl", "originhost", "upstreamhosts", "disabled", "addr", "enabled", "file"}
    | set(SCHEMA.keys)
    | set(DOWNSTREAM_OPTIONS.keys)
)
_SCALARS: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["24h", ":5000", "/srv", "https://a", "filesystem", "downstream", "5%", "0.1", "/dev/null"])
)  # fmt: skip
_TREES = st.recursive(
    _SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=4), below),
    max_leaves=8,
)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, below in children for place in _places(below, (*path, key)))]


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_any_value_in_any_place_gives_settings_or_mistakes(data: st.DataObject) -> None:
    document = yaml.safe_load(EXAMPLE)
    document |= {"log": {"level": "info"}, "health": {"http": [{"uri": "http://a"}], "tcp": [{"addr": "a:1"}]}}
    document["http"]["tls"] = {"certificate": "/a", "key": "/b"}
    place = data.draw(st.sampled_from(_places(document)[1:]))
    node: Any = document
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = data.draw(_TREES)
    _load(yaml.safe_dump(document, allow_unicode=data.draw(st.booleans())))


_STEPS = st.sampled_from([key.upper() for key in _KEYS] + ["MIDDLEWARE_REGISTRY_0_OPTIONS", "0", "1", "07", "", "Ö"])
_NAMES = st.lists(_STEPS, max_size=5).map(lambda steps: "REGISTRY_" + "_".join(steps))


@given(st.dictionaries(_NAMES, st.text(max_size=12) | st.sampled_from([*_FRAGMENTS, ":1", "[a]", "{a: b}"])))
@settings(max_examples=100, deadline=None)
def test_any_environment_gives_settings_or_mistakes(environ: dict[str, str]) -> None:
    _load(EXAMPLE, environ)
