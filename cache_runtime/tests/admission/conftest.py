from __future__ import annotations

import pytest
from doubles.gate import Gate, signer
from doubles.signing import ALGORITHMS


@pytest.fixture
def gate() -> Gate:
    return Gate(signer("EdDSA"))


@pytest.fixture(params=ALGORITHMS)
def each_gate(request: pytest.FixtureRequest) -> Gate:
    return Gate(signer(request.param))
