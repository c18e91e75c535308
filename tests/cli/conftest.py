"""What tests of imports from public archives begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.archives import Archives, archives, held


@pytest.fixture
def server() -> Iterator[Archives]:
    with archives(*(held(number) for number in range(1, 6))) as server:
        yield server


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"
