"""The status page in a real browser, as a person sees it: on a phone and a desk, by day and by night.

The pictures that it takes are left in build/page for people to look at.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.browser import PROGRAM, Browser, browser
from doubles.ports import free_port
from doubles.running_cache import RunningCache, running_cache
from doubles.upstream import Answering, Upstream

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no Chromium here; `make test-page` as root on Debian installs it"
)

PICTURES = Path(__file__).parents[3] / "build" / "page"
PHONE, DESK = (390, 844), (1180, 900)
HALF = 40_000_000
READY = "document.getElementById('page')?.getAttribute('aria-busy') === 'false'"


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    with browser() as found:
        yield found


class Office:
    """A cache with its listener for people, an upstream that answers, and one that does not."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.upstream, self.switch = upstream, folder / "closed"
        self.debug = f"127.0.0.1:{free_port()}"
        sections = {
            "health": {
                "storagedriver": {"enabled": True, "interval": "1s"},
                "file": [{"file": str(self.switch), "interval": "50ms"}],
            }
        }
        self.running = running_cache(
            folder, [upstream.url], http={"debug": {"addr": self.debug}}, sections=sections, maxsize="60MB"
        )

    def pull(self, cache: RunningCache, size: int, seed: int, times: int = 1) -> None:
        digest = self.upstream.add(random.Random(seed).randbytes(size))
        for _ in range(times):
            assert cache.get(digest, self.upstream.grant(digest)).status_code == 200


def in_two_halves(answering: Answering) -> None:
    """Half of it, then the rest when the test says so."""
    answering.head("200 OK", Content_Length=len(answering.blob))
    answering.body(answering.blob[:HALF])
    answering.upstream.release.wait(60)
    answering.body(answering.blob[HALF:])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[Office, RunningCache]]:
    with Upstream() as upstream:
        there = Office(tmp_path, upstream)
        with there.running as cache:
            yield there, cache


def look(page: Browser, office: Office, size: tuple[int, int] = DESK, *, dark: bool = False) -> None:
    page.window(*size, dark=dark)
    page.open(f"http://{office.debug}/")
    page.until(f"location.pathname === '/debug/status' && {READY}")


def pictures(page: Browser, name: str) -> None:
    for place, size in (("phone", PHONE), ("desk", DESK)):
        for light in ("light", "dark"):
            page.window(*size, dark=light == "dark")
            fits = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert fits, f"{name} {place} is wider than its window"
            page.picture(PICTURES / f"{name}-{place}-{light}.png")


def test_an_empty_cache_says_what_to_expect(page: Browser, office: tuple[Office, RunningCache]) -> None:
    look(page, office[0])
    page.until("document.getElementById('state-word').textContent === 'Healthy'")
    text = page.text()
    assert "Nothing is on its way." in text
    assert "No blob has been asked for yet." in text
    assert "Nobody was refused" in text
    pictures(page, "empty")


def test_it_moves_by_itself_while_a_blob_arrives(page: Browser, office: tuple[Office, RunningCache]) -> None:
    there, cache = office
    for number in range(5):
        there.pull(cache, 200_000 * (number + 1), number, times=4)
    cache.get("sha256:" + "0" * 64, "nonsense")
    look(page, there)
    there.upstream.always = in_two_halves
    digest = there.upstream.add(random.Random(99).randbytes(50_000_000))
    grant = there.upstream.grant(digest)
    pulls = [threading.Thread(target=cache.get, args=(digest, grant)) for _ in range(3)]
    for pull in pulls:
        pull.start()
    page.until("document.querySelector('#fills progress')?.value === 40000000")
    page.until("document.querySelector('#fills').innerText.includes('3 clients wait')")
    assert digest[7:19] in page.text()
    assert digest[7:40] not in page.text()
    pictures(page, "busy")
    there.upstream.release.set()
    page.until("document.querySelectorAll('#fills li').length === 0")
    for pull in pulls:
        pull.join(30)
    page.until("document.getElementById('figure-served').textContent.startsWith('162')")


def test_a_sick_cache_says_so_first_and_why(page: Browser, office: tuple[Office, RunningCache]) -> None:
    there, _ = office
    look(page, there)
    there.switch.touch()
    page.until("document.getElementById('state-word').textContent === 'Sick'")
    assert "…/closed: file exists" in page.text()
    pictures(page, "sick")
    there.switch.unlink()
    page.until("document.getElementById('state-word').textContent === 'Healthy'")


def test_a_cache_that_is_gone_is_said_to_be_gone(page: Browser, office: tuple[Office, RunningCache]) -> None:
    there, cache = office
    look(page, there)
    cache.kill()
    page.until("document.getElementById('state-word').textContent === 'No answer'")
    assert page.evaluate("document.title").startswith("No answer")


def test_it_asks_nothing_while_nobody_looks(page: Browser, office: tuple[Office, RunningCache]) -> None:
    there, _ = office
    look(page, there)
    asked = "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('status.json')).length"
    before = page.evaluate(asked)
    page.until(f"{asked} > {before}")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("new Promise((done) => setTimeout(done, 2600))")  # what was under way when the page was hidden
    resting = page.evaluate(asked)
    page.evaluate("new Promise((done) => setTimeout(done, 2600))")
    assert page.evaluate(asked) == resting
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.until(f"{asked} > {resting}")


def test_the_browser_had_nothing_to_complain_about(page: Browser, office: tuple[Office, RunningCache]) -> None:
    page.open("about:blank")
    page.until("location.href === 'about:blank' && document.readyState === 'complete'")
    page.said.clear()  # of the pages of the tests before
    look(page, office[0])
    page.evaluate("new Promise((done) => setTimeout(done, 500))")
    assert page.said == []


def test_a_script_that_somebody_smuggles_in_does_not_run(page: Browser, office: tuple[Office, RunningCache]) -> None:
    look(page, office[0])
    made = "const made = document.createElement('script'); made.textContent = 'window.smuggled = 1';"
    page.evaluate(made + "document.body.append(made)")
    assert page.evaluate("window.smuggled") is None


def test_colours_are_readable_by_day_and_by_night(page: Browser, office: tuple[Office, RunningCache]) -> None:
    for dark in (False, True):
        look(page, office[0], dark=dark)
        assert page.evaluate(_CONTRAST) == []


def test_every_part_has_a_heading_and_every_bar_a_name(page: Browser, office: tuple[Office, RunningCache]) -> None:
    look(page, office[0])
    parts = "[...document.querySelectorAll('main > section:not(.state), .pair > section')]"
    unnamed = f"{parts}.filter((one) => !document.getElementById(one.getAttribute('aria-labelledby')))"
    assert page.evaluate(f"{parts}.length") >= 6
    assert page.evaluate(f"{unnamed}.length") == 0
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate("document.querySelectorAll('h1').length") == 1


# The words whose contrast with what is behind them is below 4.5 (WCAG AA), as "word: ratio".
_CONTRAST = """
(() => {
  const light = (part) => { part /= 255; return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; };
  const lightness = (colour) => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map(Number);
    return 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const found = getComputedStyle(node).backgroundColor;
      if (!/, 0\\)$/.test(found)) return found;
    }
    return 'rgb(255, 255, 255)';
  };
  const bad = [];
  for (const node of document.querySelectorAll('h1, h2, h3, p, li, dt, dd, a, span, .name')) {
    if (!node.innerText || !node.innerText.trim()) continue;
    const [one, other] = [lightness(getComputedStyle(node).color), lightness(behind(node))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) bad.push(node.innerText.slice(0, 20) + ': ' + ratio.toFixed(2));
  }
  return bad;
})()
"""
