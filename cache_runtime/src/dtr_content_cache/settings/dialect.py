"""The YAML that a configuration may be written in, and the words for text that is none.

Owns syntax: how scalars are understood, how deep they may nest. Rule for editors: no message quotes the text, because
it may be a secret."""

from __future__ import annotations

import re

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

SIZE_LIMIT_BYTES = 128 * 1024
DEPTH_LIMIT = 32
TAG = "tag:yaml.org,2002:"


class Malformed(Exception):
    """Not YAML, or more than the bounds allow. `line` and `column` count from 1; `problem` is a clause."""

    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.line, self.column, self.problem = line, column, problem


class _Yaml(Reader, Scanner, Parser, Composer, BaseResolver):
    """YAML 1.1 as Go's yaml.v2 reads it, without dates, base-60 numbers and octals, which nobody means here."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise malformed(self.peek_event().start_mark, f"it is nested deeper than {DEPTH_LIMIT} levels")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", list("yYnNtTfFoO")),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,30})|0x[0-9a-fA-F]{1,30}", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", list("-+0123456789.")),
    ("merge", r"<<", ["<"]),
):
    _Yaml.add_implicit_resolver(TAG + _name, re.compile(rf"^(?:{_pattern})\Z"), _first)


def compose(text: str) -> yaml.Node | None:
    """The only document of `text`, None if there is none. Raise Malformed."""
    try:
        root: yaml.Node | None = _Yaml(text).get_single_node()
        return root
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1
        raise Malformed(line, column, "a control character or broken text, as in a binary file") from None
    except yaml.MarkedYAMLError as error:
        raise malformed(error.problem_mark, _problem(error)) from None


def malformed(mark: yaml.Mark | None, problem: str) -> Malformed:
    return Malformed(mark.line + 1, mark.column + 1, problem) if mark else Malformed(1, 1, problem)


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "not understood"
    if "single document" in (error.context or ""):
        return "a second document starts here"
    if "undefined alias" in problem:
        return "an alias (*name) without its anchor; a value that starts with * needs quotes"
    if r"'\t'" in problem:
        return "a tab; YAML indents with spaces"
    quoted = re.sub(r"'([^']*)'", lambda match: match[0] if _is_syntax(match[1]) else "something else", problem)
    return quoted.removeprefix("found ")


def _is_syntax(quoted: str) -> bool:
    return len(quoted) == 1 or quoted.startswith(("<", "\\"))
