"""Broken configurations and the exact words for each: the tables are in mistakes/."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dtr_content_cache.settings import load
from dtr_content_cache.settings.model import Settings
from dtr_content_cache.values.failures import ConfigurationRefused

_TABLES = Path(__file__).parent / "mistakes"


def _cases() -> Iterator[Any]:
    for table in sorted(_TABLES.glob("*.yml")):
        for number, case in enumerate(yaml.safe_load(table.read_text())):
            name = " ".join(case["text"].split())[:60]
            yield pytest.param(table.stem, case["text"], case["mistakes"], id=f"{table.stem}-{number}-{name}")


@pytest.mark.parametrize(("table", "text", "mistakes"), list(_cases()))
def test_says_exactly_this_about_a_broken_configuration(
    table: str,
    text: str,
    mistakes: list[str],
    load_text: Callable[[str], Settings],
    with_section: Callable[[str], str],
    with_options: Callable[[str], str],
    pki: Path,
) -> None:
    whole = {"document": str, "sections": with_section, "options": with_options}[table](text)
    with pytest.raises(ConfigurationRefused) as refused:
        load_text(whole)
    assert [line.replace(str(pki), "{pki}") for line in refused.value.mistakes] == mistakes
    assert "topsecret" not in str(refused.value)


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(list(_cases())) >= 200


def _refusal(path: Path) -> str:
    with pytest.raises(ConfigurationRefused) as refused:
        load(path, {})
    assert len(refused.value.mistakes) == 1
    return refused.value.mistakes[0].removeprefix(str(path))


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "nope.yml") == ": found no such file, wanted a configuration in YAML"


def test_a_directory_is_one_sentence(tmp_path: Path) -> None:
    assert _refusal(tmp_path) == ": found a directory, wanted a configuration in YAML"


def test_a_path_through_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    expected = "/b: found that it cannot be read (not a directory), wanted a configuration in YAML"
    assert _refusal(tmp_path / "a" / "b").removeprefix(str(tmp_path / "a")) in (
        expected,
        expected.removeprefix("/b"),
    )


def test_an_unreadable_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text("version: 0.1\n")
    path.chmod(0)
    rights = os.geteuid()
    if rights == 0:
        os.seteuid(65534)
    try:
        refusal = _refusal(path)
    finally:
        os.seteuid(rights)
    assert refusal == ": found that it cannot be read (permission denied), wanted a configuration in YAML"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# nothing\n", b"---\n", b"\xef\xbb\xbf", b"null\n"])
def test_a_file_without_content_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(content)
    assert _refusal(path) == ": found an empty file, wanted a configuration in YAML"


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"version: \xff\xfe", ": found a byte that is not UTF-8 text at offset 9, wanted a configuration in YAML"),
        (
            b"a: 1\nb: \x00\x01",
            ":2: found text that is not YAML at column 4 (a control character or broken text, as in a binary file), "
            "wanted a configuration in YAML",
        ),
        (b"#" * 200_000, ": found more than 128 KiB, wanted a configuration in YAML"),
        (
            b"[" * 10_000,
            ":1: found text that is not YAML at column 33 (it is nested deeper than 32 levels), "
            "wanted a configuration in YAML",
        ),
        (
            b"a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 10)) for n in range(98, 108)),
            ":1: found text that is not YAML at column 32 (more than 20000 values, or aliases without an end), "
            "wanted a configuration in YAML",
        ),
        (
            b"a: &a [*a]",
            ":1: found text that is not YAML at column 4 (more than 20000 values, or aliases without an end), "
            "wanted a configuration in YAML",
        ),
    ],
    ids=["not UTF-8", "binary", "too large", "too deep", "alias bomb", "endless alias"],
)
def test_a_file_that_is_no_bounded_yaml_is_one_sentence(tmp_path: Path, content: bytes, refusal: str) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(content)
    assert _refusal(path) == refusal


def test_a_flood_of_mistakes_is_cut_with_their_number(load_text: Callable[[str], Settings]) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        load_text("".join(f"key{number}: 1\n" for number in range(500)))
    assert len(refused.value.mistakes) == 101
    assert refused.value.mistakes[-1] == "config.yml: and 404 more lines like these"
