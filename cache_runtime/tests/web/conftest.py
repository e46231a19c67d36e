from __future__ import annotations

from collections.abc import Iterator

import pytest
from doubles.warm_office import WarmOffice, warm_office


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmOffice]:
    with warm_office(tmp_path_factory.mktemp("office")) as made:
        yield made
