"""Lets the checks import the way that is gone (rotation.py), and has it gone once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rotation import Rotation, rotate


@pytest.fixture(scope="session")
def rotation(lab) -> Rotation:
    return rotate(lab)
