"""The page as a file: it stands alone, and the policy that it travels with lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import dtr_content_cache
from dtr_content_cache.web.status_page import status_page

SOURCE = Path(dtr_content_cache.__file__).parent


def test_the_policy_names_exactly_the_script_and_the_style_that_are_in_the_page() -> None:
    page = status_page()
    html = page.html.decode()
    for tag in ("script", "style"):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        assert len(inside) == 1
        hashed = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{hashed}'" in page.policy


def test_the_page_loads_nothing_from_anywhere() -> None:
    html = status_page().html.decode()
    assert re.findall(r"""(?:src|href)=["']?([^"' >]+)""", html) == ["data:,", "status.json", "status.json"]
    assert not re.search(r"url\(|@import|\bimport\b|\bon\w+=|style=", html)


def test_the_page_is_small() -> None:
    assert len(status_page().html) < 40_000


def test_what_the_cache_says_is_never_taken_for_markup() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", status_page().html.decode())


def test_every_reason_to_refuse_has_words_for_people() -> None:
    texts = [file.read_text() for file in SOURCE.rglob("*.py")]
    reasons = {reason for text in texts for reason in re.findall(r'GrantRefused\(\s*"([a-z-]+)"', text)}
    assert len(reasons) > 10
    script = (SOURCE / "web/page/page.js").read_text()
    assert [reason for reason in sorted(reasons) if f'"{reason}": ' not in script] == []
