"""A cache's status page and the fleet's page look like one product: the colours at their heads are the same."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def colours(text: str) -> list[str]:
    """The declarations of both schemes, in order, however they are broken into lines."""
    head = text[text.index(":root") : text.index("* {")]
    parts = [part.strip() for part in head.replace("{", ";").replace("}", ";").split(";")]
    return [part for part in parts if part.startswith("--")]


def test_both_pages_have_the_same_colours_by_day_and_by_night() -> None:
    own = colours((ROOT / "cache_runtime/src/dtr_content_cache/web/page/page.css").read_text(encoding="utf-8"))
    fleet = colours((ROOT / "plugins/plugin_utils/fleet_style.py").read_text(encoding="utf-8"))
    assert len(own) > 15
    assert fleet == own
