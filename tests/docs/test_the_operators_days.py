"""The commands of the how-to pages, typed as they stand, in an order of days: two chained offices and a DTR on this
machine.

Rule: a page leaves the offices as it says, so the order of PAGES is part of the test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from authority import OfficeAuthority
from blocks import TOP, Block, blocks_of
from dtr_simulator.image import write_image
from dtr_simulator.running import running_simulator
from offices import APP, PASSWORDS, offices, write_accounts, write_inventory
from sandbox import Sandbox

PAGES = (
    "how-to/first-office",
    "how-to/warm-and-verify",
    "how-to/failover",
    "how-to/move-accounts",
    "how-to/retire",
)
BLOCKS = [block for page in PAGES for block in blocks_of(TOP / f"docs/{page}.md") if block.kind in ("run", "output")]


@pytest.fixture(scope="module")
def days(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox with the folder `inventory` that the pages speak of."""
    home, where = sandbox.home, offices()
    images = home / "images"
    images.mkdir()
    write_image(images, "1.0", layers=2, layer_size=100_000)
    authority = OfficeAuthority(home / "certificates")
    write_accounts(home / "accounts.json")
    accounts = json.loads((home / "accounts.json").read_text(encoding="utf-8"))
    with ExitStack() as stack:
        dtr = stack.enter_context(running_simulator(accounts=accounts, layouts={APP: images}, folder=home / "dtr"))
        for office in where:
            authority.issue(office.region)
        write_inventory(home / "inventory", where, dtr.url, dtr.ca_path, authority.ca_path.parent)
        for office in where:
            _add_puller(home / f"inventory/group_vars/{office.region}.yml", office.accounts[0])
        yield sandbox


def _add_puller(path, account: str) -> None:
    """Who verifies and warms the region."""
    variables = json.loads(path.read_text(encoding="utf-8"))
    for job in ("verify", "warm"):
        variables |= {f"content_cache_{job}_username": account, f"content_cache_{job}_password": PASSWORDS[account]}
    # The certificates of this office do not outlive a day.
    variables |= {"content_cache_verify_image": f"{APP}:1.0", "content_cache_verify_days": 0}
    path.write_text(json.dumps(variables), encoding="utf-8")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_each_command_does_what_its_page_says(days: Sandbox, block: Block):
    days.try_block(block)


def test_every_page_with_commands_that_run_has_its_day():
    running = {block.page for page in (TOP / "docs").rglob("*.md") for block in blocks_of(page) if block.kind == "run"}
    known = {TOP / f"docs/{page}.md" for page in PAGES} | {TOP / "docs/tutorial.md"}
    assert running == known
