"""The page of configuration keys: what the schema does about each, beside what config-example.yml says that it means.

Owns reading these two together. Rule for editors: a key that is honoured and not explained in the example stops the
build."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dtr_content_cache.settings.document import Node
from dtr_content_cache.settings.policy import Accepted, Each, Entry, Honoured, Ignored, Keys, Refused
from dtr_content_cache.settings.reading_point import Point
from dtr_content_cache.settings.report import Place, Report
from dtr_content_cache.settings.schema import DOWNSTREAM_OPTIONS, SCHEMA
from tables import code, table

EXAMPLE = Path(__file__).resolve().parents[3] / "cache_runtime/config-example.yml"
OPTIONS = "middleware.registry[].options"
_KEY = re.compile(r"(?P<indent> *)(?P<hidden># )?(?P<inner> *)(?P<item>- )?(?P<key>[a-z0-9]+):(?: +(?P<rest>.*))?")
_WIDE = re.compile(r" *# {20,}(?:# )?(?P<text>\S.*)")
_BLOCK = re.compile(r"(?P<indent> *)# (?P<text>[A-Z(\[].*)")
_UNEXPLAINED = frozenset(["loglevel", "version", "http.addr", f"{OPTIONS}.authorization"])


def entries(schema: Keys = SCHEMA, path: str = "") -> Iterator[tuple[str, Entry]]:
    """Every key of the format with its policy, the options of the downstream middleware included."""
    for key, entry in schema.keys.items():
        here = f"{path}.{key}" if path else key
        below = entry.item if isinstance(entry, Each) else entry
        if here == OPTIONS:
            below = DOWNSTREAM_OPTIONS
        if isinstance(below, Keys):
            yield from entries(below, f"{here}[]" if isinstance(entry, Each) else here)
        else:
            yield here, entry


def explained(text: str) -> dict[str, str]:
    """What the example says about a key, by its path: the words after it and in the comment above it."""
    found: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    above: list[str] = []
    for line in text.splitlines():
        if (wide := _WIDE.fullmatch(line)) and stack:
            found[_path(stack)] = f"{found.get(_path(stack), '')} {wide['text']}".strip()
        elif match := _KEY.fullmatch(line):
            column = len(match["indent"]) + len(match["inner"])
            if match["item"]:
                stack = [(at, key) for at, key in stack if at < column]
                if stack and not stack[-1][1].endswith("[]"):
                    stack[-1] = (stack[-1][0], stack[-1][1] + "[]")
                column += 2
            stack = [*((at, key) for at, key in stack if at < column), (column, match["key"])]
            comment = (match["rest"] or "").partition("# ")[2]
            found[_path(stack)] = " ".join(filter(None, [comment, *above]))
            above = []
        elif (block := _BLOCK.fullmatch(line)) or (above and (block := re.fullmatch(r" *# (?P<text>.+)", line))):
            above.append(block["text"])
        else:
            above = []
    return found


def _path(stack: list[tuple[int, str]]) -> str:
    return ".".join(key for _, key in stack)


def _wanted(entry: Honoured) -> str:
    """What the kind itself says is wanted, asked by a value that nobody wants."""
    for value, text in (({}, ""), ("?", "?")):
        try:
            entry.kind(Point(Node(value, Place("?"), text), "?", Report(), 0.0))  # type: ignore[arg-type]
        except ValueError as error:
            return re.sub(r"^.*?wanted | \(units .*\)", "", str(error))
        except (TypeError, AttributeError):
            continue
    return ""


def _default(entry: Honoured) -> str:
    if entry.required:
        return "(required)"
    if entry.default in (None, (), ""):
        return "none"
    match entry.default:
        case bool():
            return code(str(entry.default).lower())
        case float():
            return code(_duration(entry.default))
        case tuple():
            return code("5%")
        case _:
            return code(str(entry.default))


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:g}h" if seconds >= 3600 else f"{seconds:g}s"


def variable(path: str) -> str:
    """The variable that sets the key."""
    return "REGISTRY_" + path.replace("[]", "_0").replace(".", "_").upper()


def _honoured_rows(words: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    for path, entry in entries():
        if not isinstance(entry, Honoured):
            continue
        if not words.get(path) and path not in words and path not in _UNEXPLAINED:
            raise ValueError(f"{path}: wanted an explanation in {EXAMPLE.name}, found none")
        section = words.get(path.rpartition(".")[0].removesuffix("[]"), "")
        yield path, _default(entry), words.get(path) or section, _wanted(entry)


def _others(kind: type, says: str) -> list[tuple[str, str]]:
    return [(code(path), getattr(entry, says, "")) for path, entry in entries() if isinstance(entry, kind)]


def page() -> str:
    words = explained(EXAMPLE.read_text(encoding="utf-8"))
    rows = list(_honoured_rows(words))
    head = ("key", "default", "meaning", "wanted")
    options = [(code(path[len(OPTIONS) + 1 :]), *rest) for path, *rest in rows if path.startswith(f"{OPTIONS}.")]
    others = [(code(path), *rest) for path, *rest in rows if not path.startswith(f"{OPTIONS}.")]
    accepted = ", ".join(code(path) for path, entry in entries() if isinstance(entry, Accepted))
    ignored = [(key, why) for key, why in _others(Ignored, "why")]
    refused = [(key, why.removeprefix("wanted ")) for key, why in _others(Refused, "wanted")]
    return f"""# Configuration

The Docker Registry's format, `version: 0.1`, with the middleware `downstream`. This page is made from the code of
this version.
`dtr-content-cache --check FILE` says every mistake in a file at once, one line each: file and line, key, what was
found, what is wanted. An unknown key is a warning that names the nearest known one. Durations are written `30s`,
`24h`, `1h30m` (a bare number counts nanoseconds, as everywhere in this format), sizes `200GB` or `1TiB`. Every key
can be set by the environment, and the environment wins: [the names](environment.md).

## Options of the middleware downstream

They stand under `middleware`, `registry`, in the entry with the name `downstream`, under `options`. The vendor's are
`blobttl`, `upstreams` and `cas`; the vendor's image does not know the others.

{table(head, options)}
## Keys of the registry that count

{table(head, others)}
## Keys that have no effect here, and a warning says so

{table(("key", "because"), ignored)}
## Keys that are refused

They would change what is served in a way that this cache cannot follow. It does not start.

{table(("key", "wanted"), refused)}
## Keys that are taken without a word

Harmless, and without effect: {accepted}.

## All of it as one file

```{{literalinclude}} ../../../cache_runtime/config-example.yml
:language: yaml
```
"""
