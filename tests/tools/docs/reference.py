"""Writes the reference that is read out of the code: reference.py FOLDER. One page a file; each writer owns one page.

Rule for editors: a page tells what the code does at this moment; what code cannot know (a cure) stands in
docs/reference/cures.yml, and a message without one, or a cure without a message, stops the build."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import reference_commands
import reference_configuration
import reference_messages
import reference_metrics

PAGES: dict[str, Callable[[], str]] = {
    "configuration": reference_configuration.page,
    "environment": reference_commands.environment_page,
    "commands": reference_commands.page,
    "metrics": reference_metrics.page,
    "messages": reference_messages.page,
}


def main(argv: list[str]) -> int:
    if len(argv) != 1:
        print("usage: reference.py FOLDER", file=sys.stderr)
        return 2
    folder = Path(argv[0])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, write in PAGES.items():
            (folder / f"{name}.md").write_text(write(), encoding="utf-8")
    except ValueError as error:
        print(f"reference: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
