"""The tutorial, typed as it stands, from its first command to its last."""

from __future__ import annotations

import pytest
from blocks import TOP, Block, blocks_of
from sandbox import Sandbox

BLOCKS = [one for one in blocks_of(TOP / "docs/tutorial.md") if one.kind in ("run", "file", "output")]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_each_step_does_what_the_tutorial_says(sandbox: Sandbox, block: Block):
    sandbox.try_block(block)


def test_nothing_is_left_running_at_its_end(sandbox: Sandbox):
    assert sandbox._left() == []
