"""The status page: one file for a browser, put together from `page/` when it is first asked for.

Owns the page's bytes and the policy that it travels with. Rule for editors: it loads nothing, from nowhere: style and
script are inside, and the policy names them by their hashes, so that a browser runs nothing else, whatever a log says.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Page:
    """`policy` is the value of its Content-Security-Policy header."""

    html: bytes
    policy: str


@lru_cache(maxsize=1)
def status_page() -> Page:
    style, script = _part("page.css"), _part("page.js")
    html = _part("page.html").replace("/*style*/", style).replace("/*script*/", script)
    policy = (
        "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:"
    )
    return Page(html.encode(), policy)


def _part(name: str) -> str:
    return (resources.files(__package__) / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """As a policy names what stands between the tags."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
