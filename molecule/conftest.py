"""What the checks of every scenario get: the lab, and a machine of it as testinfra sees it.

Rule for editors: a scenario's checks read evidence (the cache's own log, DTR's request log, the disk) through `lab`;
they ask no mock, and they wait for a condition instead of sleeping.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "shared" / "proof"))

from lab import Lab


@pytest.fixture(scope="session")
def lab() -> Lab:
    return Lab.from_environment()
