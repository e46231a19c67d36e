# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Rows as lines with their columns below each other. Pure.

Owns the drawing; what a row says belongs to the filters. Rule for editors: a row is one line, whatever is in it."""

from __future__ import annotations

from collections.abc import Sequence

BETWEEN = "  "


def text_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row. Every row has as many cells as the first."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        BETWEEN.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
