"""The directive `sequence` of the pages: draws its text. The drawing itself is sequence.py."""

from __future__ import annotations

from typing import Any, ClassVar

import sequence
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Drawing(SphinxDirective):
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        try:
            drawn = sequence.draw(sequence.read("\n".join(self.content)))
        except ValueError as error:
            raise self.error(str(error)) from None
        return [nodes.raw("", f'<figure class="sequence">{drawn}</figure>', format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("sequence", Drawing)
    return {"parallel_read_safe": True}
