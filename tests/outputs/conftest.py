"""A session that was recorded of real programs, for all tests of what is made of sessions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.outputs.recording import Recorded, record
from tests.sensor.conftest import template  # noqa: F401 - a fixture
from tests.support import find_tool


@pytest.fixture(scope="session")
def recorded(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:  # noqa: F811
    """A session of DCMTK and curl with the persona `plain`. Nobody may change it: copy it."""
    for name in ("storescu", "getscu", "findscu", "echoscu", "curl"):
        find_tool(name)
    folder = tmp_path_factory.mktemp("recorded")
    return record(Path(shutil.copytree(template, folder / "data")), folder / "got")
