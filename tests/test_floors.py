"""The floors of the architecture: the contracts of pyproject.toml hold, and would notice a violation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = "import sys; from importlinter import cli; sys.exit(cli.lint_imports(cache_dir=None, is_debug_mode=False))"


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's verdict on the package below `root`/src, by the contracts of `root`/pyproject.toml."""
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_floors_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("upperlayer/reader.py", "import dicomhawk.hospital"),
        ("upperlayer/reader.py", "import socket"),
        ("upperlayer/machine.py", "import time"),
        ("hospital/__init__.py", "import dicomhawk.evidence"),
        ("evidence/__init__.py", "import dicomhawk.sensor"),
        ("outputs/__init__.py", "import dicomhawk.sensor"),
        ("analyst/__init__.py", "import dicomhawk.sensor"),
        ("sensor/__init__.py", "import dicomhawk.analyst"),
        ("analyst/__init__.py", "import dicomhawk.console"),
        ("settings/base.py", "import dicomhawk.persona"),
        ("stray.py", ""),  # a module outside the floors
    ],
)
def test_a_violation_would_be_noticed(tmp_path: Path, module: str, line: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    package = tmp_path / "src" / "dicomhawk"
    shutil.copytree(ROOT / "src" / "dicomhawk", package, ignore=shutil.ignore_patterns("__pycache__", "*.zip"))
    with (package / module).open("a") as file:
        file.write(f"\n{line}\n")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Broken contracts" in result.stdout, result.stdout + result.stderr
