"""The diagram in the documentation is the one that the table gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOL, DOCUMENT = ROOT / "tools" / "state_diagram.py", ROOT / "docs" / "architecture.md"


def rewrite(document: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TOOL), str(document)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "architecture.md"
    path.write_bytes(DOCUMENT.read_bytes())
    return path


def test_the_document_is_in_step_with_the_table(copy: Path) -> None:
    assert rewrite(copy).returncode == 0
    assert copy.read_text() == DOCUMENT.read_text(), "run `make docs`"


def test_a_changed_diagram_would_be_noticed(copy: Path) -> None:
    copy.write_text(copy.read_text().replace("AR-8", "AR-88"))
    assert copy.read_text() != DOCUMENT.read_text()
    rewrite(copy)
    assert copy.read_text() == DOCUMENT.read_text()


def test_a_document_without_markers_is_left_alone(copy: Path) -> None:
    copy.write_text("# Nothing\n")
    assert rewrite(copy).returncode != 0
    assert copy.read_text() == "# Nothing\n"
