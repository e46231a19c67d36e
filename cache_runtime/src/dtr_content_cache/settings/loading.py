"""`load`: from a path and the environment to Settings.

Owns reading the file and the order of the steps: YAML, environment, schema, rules, and only then values. Rule for
editors: building starts when the report is clean, so it needs no error handling."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..values.clock import Clock, SystemClock
from ..values.failures import ConfigurationRefused
from .building import build
from .dialect import SIZE_LIMIT_BYTES
from .document import Malformed, Node, parse
from .environment import overlay
from .model import Settings
from .reading import read, root
from .report import Place, Report, printable
from .rules import check_http, check_middleware, check_storage
from .schema import SCHEMA

_WANTED = "wanted a configuration in YAML"


def load(path: Path, environ: Mapping[str, str], clock: Clock | None = None) -> Settings:
    """The settings of the file at `path` with the `REGISTRY_…` variables of `environ` laid over it.

    Raise ConfigurationRefused with every mistake, one line each, in the order of the file. `clock` tells whether a
    certificate has expired (a warning).
    """
    report = Report()
    document = _parse(path, report)
    overlay(document, environ, SCHEMA, report)
    top = read(SCHEMA, root(document, report, (clock or SystemClock()).wall()))
    check_storage(top["storage"])
    address = check_http(top["http"])
    options = check_middleware(top["middleware"], top["storage"])
    report.raise_mistakes()
    if address is None or options is None:
        raise AssertionError("a section is missing and no mistake was reported")
    return build(path, top, address, options, report.warnings())


def _parse(path: Path, report: Report) -> Node:
    source = printable(str(path), 400)
    try:
        document = parse(_read(path, source), source, report)
    except Malformed as error:
        found = f"text that is not YAML at column {error.column} ({error.problem})"
        raise ConfigurationRefused((f"{source}:{error.line}: found {found}, {_WANTED}",)) from None
    if document.value is None:
        raise ConfigurationRefused((f"{source}: found an empty file, {_WANTED}",))
    if not isinstance(document.value, dict):
        found = "a list" if isinstance(document.value, list) else "a single value"
        raise ConfigurationRefused((f"{source}:{document.place.line}: found {found}, wanted a mapping of keys",))
    document.place = Place(source)
    return document


def _read(path: Path, source: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationRefused((f"{source}: found no such file, {_WANTED}",)) from None
    except IsADirectoryError:
        raise ConfigurationRefused((f"{source}: found a directory, {_WANTED}",)) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a valid path").lower()
        raise ConfigurationRefused((f"{source}: found that it cannot be read ({reason}), {_WANTED}",)) from None
    if len(content) > SIZE_LIMIT_BYTES:
        raise ConfigurationRefused((f"{source}: found more than {SIZE_LIMIT_BYTES // 1024} KiB, {_WANTED}",))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"a byte that is not UTF-8 text at offset {error.start}"
        raise ConfigurationRefused((f"{source}: found {found}, {_WANTED}",)) from None
