"""The blocks of commands, files and output that the documentation shows, and how each is proven.

Owns reading pages. A block's proof is the HTML comment before it: `<!-- proof: KIND ARGUMENT -->`. Owns not:
proving, which is for the tests. Rule: every block of every page is found, the indented ones too, so that none
escapes by its form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

TOP = Path(__file__).resolve().parents[2]
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]
KINDS = ("run", "output", "file", "config", "variables", "play", "command", "wheel", "provoked", "drawing", "site",
         "tree", "picture")
_PROOF = re.compile(r"<!-- proof: (?P<kind>[a-z]+)(?: (?P<argument>.+?))? -->")


@dataclass(frozen=True)
class Block:
    """`line` counts from 1. `kind` is "" where the page names no proof."""

    page: Path
    line: int
    language: str
    text: str
    kind: str
    argument: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(TOP)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in their order."""
    found, proof = [], None
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            found.append(_block(page, (token.map or [0])[0] + 1, token.info.strip(), token.content, proof))
            proof = None
        elif token.type == "html_block":
            proof = _PROOF.search(token.content)
        elif token.nesting >= 0:
            proof = None
    return found


def _block(page: Path, line: int, info: str, text: str, proof: re.Match[str] | None) -> Block:
    if info in ("{sequence}",):
        return Block(page, line, info, text, "drawing")
    if info.startswith("{"):  # a directive of the site, such as the table of contents: make docs proves it
        return Block(page, line, info, text, "site")
    kind, argument = (proof["kind"], proof["argument"] or "") if proof else ("", "")
    return Block(page, line, info, text, kind, argument)


def all_blocks(*kinds: str) -> list[Block]:
    """The blocks of all pages, of these kinds or of any."""
    return [block for page in PAGES for block in blocks_of(page) if not kinds or block.kind in kinds]
