"""Lets the checks import registries.py and desk.py, and gives them both registries, one after the other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from registries import HTPASSWD, TOKENS, Registry


@pytest.fixture(scope="session", params=[HTPASSWD, TOKENS], ids=lambda registry: registry.name)
def registry(request) -> Registry:
    return request.param
