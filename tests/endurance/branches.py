"""`python -m endurance.branches [--publish]`: what `make test-coverage` measured, by room, for the page on reliability.

Reads build/coverage/coverage.json (coverage's own format 3); `--publish` writes branches.json beside this file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .whereabouts import commit_of

_CHECKOUT = Path(__file__).parents[2]
_MEASURED = _CHECKOUT / "build/coverage/coverage.json"
PUBLISHED = Path(__file__).with_name("branches.json")


def by_room(files: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """{room: {"lines", "run", "branches", "taken"}}, of coverage's `files`: {path: {"summary": {…}}}."""
    found: dict[str, dict[str, int]] = {}
    for path, measured in sorted(files.items()):
        room = found.setdefault(Path(path).parent.name, dict.fromkeys(("lines", "run", "branches", "taken"), 0))
        summary = measured["summary"]
        room["lines"] += summary["num_statements"]
        room["run"] += summary["covered_lines"]
        room["branches"] += summary["num_branches"]
        room["taken"] += summary["covered_branches"]
    return found


def main(argv: list[str]) -> int:
    rooms = by_room(json.loads(_MEASURED.read_text(encoding="utf-8"))["files"])
    for name, room in rooms.items():
        print(f"{name}: lines {room['run']} of {room['lines']}, branches {room['taken']} of {room['branches']}")
    if "--publish" in argv:
        of = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit_of(_CHECKOUT)}
        said = {"command": "make test-coverage", **of, "rooms": rooms}
        PUBLISHED.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return int(not rooms)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
