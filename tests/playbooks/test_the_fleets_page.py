"""One file about all regions, made by the real playbooks: well, then with a region down and one out of reach.

The tests are an operator's mornings and run in this order. Where there is a browser, pictures are in build/page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.browser import PROGRAM, browser
from doubles.ports import free_port
from offices import PASSWORDS
from offices_world import APP, World

pytestmark = pytest.mark.timeout(900)

PICTURES = Path(__file__).parents[2] / "build" / "page"


@pytest.fixture(scope="module")
def world(world_of: Callable[..., World]) -> World:
    world = world_of("asia", "china")
    for region, account in (("asia", "alice"), ("china", "chen")):
        world.set(region, cache_host_debug_port=free_port(), content_cache_verify_username=account,
                  content_cache_verify_password=PASSWORDS[account])
    # The offices' certificates are a day's.
    world.set("content_caches", content_cache_verify_image=f"{APP}:1.0", content_cache_verify_days=0)
    world.play("deploy-caches.yml").succeeded()
    return world


def regions(page: str) -> list[str]:
    """In the order of the page."""
    return re.findall(r'<h2 id="[^"]*">([^<]*)</h2>', page)


def report(world: World, name: str, playbook: str = "verify-caches.yml", *options: str) -> str:
    path = world.home / f"{name}.html"
    done = world.play(playbook, *options, content_cache_report_file=str(path)).succeeded()
    assert {task for _host, task in done.changed} == {"Write how every region stands"}
    page = path.read_text(encoding="utf-8")
    assert not [secret for secret in world.secrets() if secret in page]
    if PROGRAM is not None:
        look(path, name)
    return page


def look(path: Path, name: str) -> None:
    with browser() as page:
        for place, width in (("phone", 390), ("desk", 1180)):
            for light in ("light", "dark"):
                page.window(width, 844, dark=light == "dark")
                page.open(path.as_uri())
                page.until("document.readyState === 'complete' && document.querySelectorAll('h1').length === 1")
                assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, place)
                page.picture(PICTURES / f"fleet-{name}-{place}-{light}.png")
        assert page.said == []


def test_healthy_regions_are_told_with_all_that_is_known(world: World) -> None:
    world.play("verify-caches.yml").succeeded()  # pulls, so that there is something to tell of
    page = report(world, "well", "verify-caches.yml", "--tags", "report")
    assert "All of 2 regions healthy" in page
    assert regions(page) == ["asia", "china"]
    for words in ("registered in DTR as asia", "Used by 1 account: alice", "Used by 2 accounts: chen, mallory",
                  "<dt>Version</dt><dd>0.", "of 4 requests", "GB free"):
        assert words in page, words


def test_the_other_report_writes_it_where_it_is_asked_to(world: World) -> None:
    assert regions(report(world, "other", "report.yml")) == ["asia", "china"]


def test_a_cache_that_is_down_and_a_host_out_of_reach_come_first_and_say_why(world: World) -> None:
    inventory = world.inventory / "hosts.yml"
    known = json.loads(inventory.read_text(encoding="utf-8"))
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": free_port()}
    known["content_caches"]["children"]["mars"] = {"hosts": {"cache-mars": away}}
    inventory.write_text(json.dumps(known), encoding="utf-8")
    (world.inventory / "group_vars" / "mars.yml").write_text(json.dumps({
        "content_cache_name": "mars", "content_cache_host": f"https://127.0.0.1:{free_port()}",
        "content_cache_accounts": []}), encoding="utf-8")
    world.stop_cache("china")
    page = report(world, "sick", "verify-caches.yml", "--tags", "report")
    assert regions(page) == ["china", "mars", "asia"]
    assert "2 of 3 regions sick" in page
    china, mars, asia = page.split('<section class="region"')[1:]
    assert "no answer to this machine" in china
    assert "Ansible does not reach the host" in mars
    assert "DTR does not know a cache named mars" in mars
    assert "Healthy" in asia
