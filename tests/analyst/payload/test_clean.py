"""Files of others that are clean, or odd without malice; and that the sandbox changes nothing in what is found."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from dicomhawk.analyst.payload import jobs
from dicomhawk.analyst.payload.sandbox import Sandbox
from tests.support import run_tool

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
ODD = {
    "JPEG2000-embedded-sequence-delimiter": "codec.dimensions",
    "MR_truncated": "structure.length",
    "badVR": "structure.pixel-excess",
    "meta_missing_tsyntax": "structure.pixels",
    "nested_priv_SQ": "structure.pixels",
    "rtplan_truncated": "structure.length",
}
"""Files that are made wrong for tests of pydicom, and what is wrong with them."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    jobs.load({})
    made = Sandbox("dicomhawk.analyst.payload.jobs", {})
    yield made
    made.close()


def inside(sandbox: Sandbox, job: str, *paths: Path) -> dict[str, Any]:
    """What a job tells from within the sandbox."""
    descriptors = [os.open(path, os.O_RDONLY) for path in paths]
    try:
        ended = sandbox.run(job, descriptors, {}, 100)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    assert ended.outcome == "done", (paths, ended)
    found: dict[str, Any] = json.loads(ended.data)
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.dcm")), ids=lambda path: str(path.stem))
def test_files_of_pydicom(sandbox: Sandbox, path: Path) -> None:
    found = inside(sandbox, "examine", path)
    assert found == json.loads(jobs.examine((path.read_bytes(),), {}))
    assert not found["failed"]
    serious = {each["id"] for each in found["findings"] if each["severity"] > 1}
    if path.stem in ODD:
        assert ODD[path.stem] in serious
    else:
        assert not serious, found["findings"]
    assert inside(sandbox, "scan", path)["findings"] == []


@pytest.mark.parametrize("syntax", ["+te", "+ti", "+tb", "+td"])
def test_files_of_dcmtk(sandbox: Sandbox, tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "made.dcm"
    run_tool("dcmconv", syntax, FOLDER / "CT_small.dcm", path)
    found = inside(sandbox, "examine", path)
    assert max((each["severity"] for each in found["findings"]), default=0) == 0, found["findings"]
    assert found["preview"] and found["dicom"]["modality"] == "CT"


def test_an_rle_file_of_dcmtk(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "made.dcm"
    run_tool("dcmcrle", FOLDER / "CT_small.dcm", path)
    found = inside(sandbox, "examine", path)
    assert max((each["severity"] for each in found["findings"]), default=0) == 0, found["findings"]
    assert inside(sandbox, "compare", path, FOLDER / "CT_small.dcm")["pixels"]["identical"]


@pytest.mark.parametrize("quality", ["+e1", "+eb"])
def test_jpeg_files_of_dcmtk(sandbox: Sandbox, tmp_path: Path, quality: str) -> None:
    path = tmp_path / "made.dcm"
    run_tool("dcmcjpeg", quality, FOLDER / "SC_rgb_small_odd.dcm", path)
    found = inside(sandbox, "examine", path)
    assert max((each["severity"] for each in found["findings"]), default=0) == 0, found["findings"]
