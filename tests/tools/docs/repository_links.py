"""Links out of docs/ into the rest of the checkout lead to the repository's pages, if the file is there.

Rule for editors: a link to a file that does not exist is a warning, and so a failed build."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from sphinx.application import Sphinx
from sphinx.util import logging

TOP = Path(__file__).resolve().parents[3]
_LINK = re.compile(r"(?<=\]\()(?P<target>(?:\.\./)+[^)#]+)")
_LOG = logging.getLogger(__name__)


def _resolve(app: Sphinx, name: str, source: list[str]) -> None:
    folder = PurePosixPath("docs", name).parent

    def moved(link: re.Match[str]) -> str:
        path = os.path.normpath(folder / link["target"])
        if path.startswith("docs/"):
            return link[0]
        if not (TOP / path).exists():
            _LOG.warning("%s: wanted a file of the checkout, found a link to %s", name, path)
        return f"{app.config.repository}/blob/main/{path}"

    source[0] = _LINK.sub(moved, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    url = re.search(r"^repository: (.+)$", (TOP / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    app.add_config_value("repository", url[1] if url else "", "env")
    app.connect("source-read", _resolve)
    return {"parallel_read_safe": True}
