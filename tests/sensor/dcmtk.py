"""DCMTK's clients, and what they got."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.sensor.proxy import Visitor
from tests.support import Ran, run_tool


def find(visitor: Visitor, model: str, *keys: str, options: tuple[str, ...] = ()) -> list[Dataset]:
    """The matches that findscu got. `model` is its option: -P, -S, -O or -W; `keys` as for -k."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = [part for key in keys for part in ("-k", key)]
        ran = run_tool(
            "findscu", model, "-v", "-X", "-od", folder, "-aet", "FINDER", *options, *pairs, *visitor.address
        )
        assert "Received Final Find Response (Success)" in ran.output, ran.output
        return [dcmread(path, force=True) for path in sorted(Path(folder).glob("rsp*.dcm"))]


class Got(NamedTuple):
    """What getscu wrote, and what it said."""

    files: list[Path]
    output: str


def get(visitor: Visitor, folder: Path, model: str, *keys: str, options: tuple[str, ...] = ()) -> Got:
    """Files that getscu wrote into `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [part for key in keys for part in ("-k", key)]
    ran = run_tool("getscu", model, "-v", "-od", folder, "-aet", "GETTER", *options, *pairs, *visitor.address)
    return Got(sorted(path for path in folder.iterdir() if path.is_file()), ran.output)


def move(visitor: Visitor, destination: str, model: str, *keys: str) -> Ran:
    """What movescu said at length; it ends with 69 or another status if the final one is a failure."""
    pairs = [part for key in keys for part in ("-k", key)]
    return run_tool(
        "movescu", model, "-d", "-aet", "MOVER", "-aem", destination, *pairs, *visitor.address, status=None
    )


def store(visitor: Visitor, *files: Path, options: tuple[str, ...] = ()) -> Ran:
    """What storescu said; every file must have been taken."""
    ran = run_tool("storescu", "-v", "-aet", "STORER", *options, *visitor.address, *files)
    assert ran.output.count("Received Store Response (Success)") == len(files), ran.output
    return ran
