"""Instances of all object types, drawn at random: valid, and read alike by pydicom, DCMTK and GDCM."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.uid import UID

from dicomhawk.hospital.archive import CACHE, CATALOGUE, render
from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.hospital.generate import generate
from dicomhawk.hospital.objects.compression import JPEG_2000_LOSSLESS, JPEG_BASELINE, JPEG_LOSSLESS, RLE
from dicomhawk.hospital.world.locale import available
from tests.support import find_tool, run_tool

STUDIES = 45
BUDGET = 1 << 40
FEW, MANY, PARTS = 16, 300, 4
Pixels = NDArray[Any]

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
EXPECTED = {
    "CT Image Storage",
    "MR Image Storage",
    "Computed Radiography Image Storage",
    "Digital X-Ray Image Storage - For Presentation",
    "Ultrasound Image Storage",
    "Ultrasound Multi-frame Image Storage",
    "Secondary Capture Image Storage",
    "12-lead ECG Waveform Storage",
    "General ECG Waveform Storage",
    "Basic Text SR Storage",
    "Enhanced SR Storage",
    "X-Ray Radiation Dose SR Storage",
    "Encapsulated PDF Storage",
    "Grayscale Softcopy Presentation State Storage",
    "Key Object Selection Document Storage",
}
COMPRESSED = {JPEG_BASELINE, JPEG_LOSSLESS, JPEG_2000_LOSSLESS, RLE}
LOSSY = 12
"""Grey levels by which decoders of baseline JPEG may differ: they need not round alike."""


class Drawn(NamedTuple):
    """An instance: where it is, and of what type."""

    data: Path
    key: int
    series: int
    sop_class: str
    syntax: str


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A small hospital of each country, and more where the devices of these don't make everything."""
    made = []
    for number, locale in enumerate([*available(), "da_DK", "de_DE", "en_US", "fr_FR"]):
        data = tmp_path_factory.mktemp(f"{number}-{locale}")
        generate(data, draw_deployment(seed=f"{number * 7919 + 11:032x}", locale=locale), STUDIES, now=time.time())
        made.append(data)
    return made


def types(hospitals: list[Path]) -> dict[tuple[str, str, str], list[Drawn]]:
    """All instances by SOP class, transfer syntax and maker."""
    found: dict[tuple[str, str, str], list[Drawn]] = {}
    for data in hospitals:
        with closing(sqlite3.connect(data / CATALOGUE)) as connection:
            sql = (
                "SELECT instance_key, series_key, sop_class_uid, transfer_syntax_uid, manufacturer "
                "FROM instance JOIN series USING (series_key) ORDER BY instance_key"
            )
            for key, series, sop_class, syntax, maker in connection.execute(sql):
                found.setdefault((sop_class, syntax, maker), []).append(Drawn(data, key, series, sop_class, syntax))
    return found


def drawn(hospitals: list[Path], count: int, seed: str) -> list[Drawn]:
    """So many instances, of each type as often; first of all each class in each syntax."""
    source, groups = random.Random(seed), types(hospitals)
    keys = sorted(groups)
    source.shuffle(keys)
    first: dict[tuple[str, str], tuple[str, str, str]] = {}
    for key in keys:
        first.setdefault(key[:2], key)
    order = [*first.values(), *(key for key in keys if key not in first.values())]
    chosen: list[Drawn] = []
    while len(chosen) < count:
        chosen += [source.choice(groups[key]) for key in order]
    return chosen[:count]


def test_there_is_everything(hospitals: list[Path]) -> None:
    found = types(hospitals)
    assert {UID(sop_class).name for sop_class, _, _ in found} >= EXPECTED
    assert {syntax for _, syntax, _ in found} >= COMPRESSED


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_some_objects_of_all_types(hospitals: list[Path], tmp_path: Path, part: int) -> None:
    check_all(hospitals, FEW, part, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_many_objects_of_all_types(hospitals: list[Path], tmp_path: Path, part: int) -> None:
    check_all(hospitals, MANY, part, tmp_path)


def check_all(hospitals: list[Path], count: int, part: int, folder: Path) -> None:
    """Draw `count` and check those of one of the parts that processes share."""
    for tool in ("dciodvfy", "dcmdump", "dcmj2pnm", "dcmdjpeg", "dcmdrle", "dcmconv", "gdcmconv", "gdcmdump"):
        find_tool(tool)
    wrong = []
    for number, instance in enumerate(drawn(hospitals, count, f"objects {count}")[part::PARTS]):
        path = Path(render(str(instance.data), instance.key, BUDGET))
        try:
            check(path, instance, folder / str(number))
        except (AssertionError, subprocess.SubprocessError, ValueError) as error:
            wrong.append(f"{path} ({UID(instance.sop_class).name}, {instance.syntax}): {error}")
    assert not wrong, "\n".join(wrong)


def check(path: Path, instance: Drawn, folder: Path) -> None:
    """One object before all judges."""
    folder.mkdir()
    said = run_tool("dciodvfy", "-new", path, status=None).output
    errors = [line for line in said.splitlines() if line.startswith("Error")]
    assert not errors, errors
    assert run_tool("dcmdump", "-q", path).output
    assert run_tool("gdcmdump", path).output
    read = pydicom.dcmread(path)
    assert (read.SOPClassUID, read.file_meta.TransferSyntaxUID) == (instance.sop_class, instance.syntax)
    if "PixelData" in read:
        run_tool("dcmdump", "-q", path)
        check_pixels(path, read, folder)
    elif "WaveformSequence" in read:
        for number, group in enumerate(read.WaveformSequence):
            values = read.waveform_array(number)
            assert values.shape == (group.NumberOfWaveformSamples, group.NumberOfWaveformChannels)
    elif "EncapsulatedDocument" in read:
        assert read.EncapsulatedDocument[:5] == b"%PDF-"
        assert b"%%EOF" in read.EncapsulatedDocument[-8:]
    elif "ContentSequence" in read:
        run_tool("dsrdump", "-q", path)
    else:
        assert read.Modality == "PR"


def check_pixels(path: Path, read: pydicom.Dataset, folder: Path) -> None:
    """The same pixels whoever decodes them."""
    syntax = read.file_meta.TransferSyntaxUID
    ours = {name: decode(path, folder / f"{name}.dcm") for name, decode in DECODERS[syntax].items()}
    assert len(ours) >= 2
    names, pixels = zip(*ours.items(), strict=True)
    for name, other in zip(names[1:], pixels[1:], strict=True):
        assert other.shape == pixels[0].shape, (name, other.shape, pixels[0].shape)
        difference = np.abs(other.astype(np.int32) - pixels[0].astype(np.int32)).max()
        assert difference <= (LOSSY if syntax == JPEG_BASELINE else 0), (names[0], name, difference)
    shape = (int(read.get("NumberOfFrames", 1)), read.Rows, read.Columns, read.SamplesPerPixel)
    assert pixels[0].size == np.prod(shape)
    if syntax != JPEG_2000_LOSSLESS:  # DCMTK has no decoder for it
        picture = folder / "picture.pnm"
        run_tool("dcmj2pnm", "--use-window", 1, path, picture) if "WindowCenter" in read else run_tool(
            "dcmj2pnm", path, picture
        )
        header = picture.read_bytes()[:40].split()
        assert (int(header[1]), int(header[2])) == (read.Columns, read.Rows)


def _by_pydicom(path: Path, _: Path) -> Pixels:
    read = pydicom.dcmread(path)
    pixels: Pixels = read.pixel_array
    if read.PhotometricInterpretation.startswith("YBR") and read.file_meta.TransferSyntaxUID == JPEG_BASELINE:
        return pixels  # Pillow has made RGB of it
    return pixels


def _plain(tool: str, *options: str) -> Callable[[Path, Path], Pixels]:
    """A program that writes an uncompressed file, which leaves nothing to decode."""

    def decode(path: Path, out: Path) -> Pixels:
        run_tool(tool, *options, path, out)
        read = pydicom.dcmread(out)
        assert not read.file_meta.TransferSyntaxUID.is_compressed
        return np.asarray(read.pixel_array)

    return decode


_GDCM = _plain("gdcmconv", "--raw", "--explicit")
DECODERS: dict[str, dict[str, Callable[[Path, Path], Pixels]]] = {
    "1.2.840.10008.1.2.1": {"pydicom": _by_pydicom, "dcmtk": _plain("dcmconv", "+te"), "gdcm": _GDCM},
    RLE: {"pydicom": _by_pydicom, "dcmtk": _plain("dcmdrle", "+te"), "gdcm": _GDCM},
    JPEG_BASELINE: {"pydicom": _by_pydicom, "dcmtk": _plain("dcmdjpeg", "+te"), "gdcm": _GDCM},
    # pydicom and DCMTK have no decoder of their own for one of these each.
    JPEG_LOSSLESS: {"dcmtk": _plain("dcmdjpeg", "+te"), "gdcm": _GDCM},
    JPEG_2000_LOSSLESS: {"pydicom": _by_pydicom, "gdcm": _GDCM},
}


@pytest.mark.timeout(600)
def test_another_process_makes_the_same_bytes(hospitals: list[Path]) -> None:
    data = hospitals[0]
    keys = [instances[0].key for instances in types([data]).values()]
    assert len(keys) > 8
    made = {key: sha256(Path(render(str(data), key, BUDGET)).read_bytes()).hexdigest() for key in keys}
    shutil.rmtree(data / CACHE)
    # In another order, and with strings hashed otherwise.
    script = (
        "import hashlib, pathlib, sys; from dicomhawk.hospital.archive import render\n"
        "for key in sys.argv[2:]:\n"
        "    made = pathlib.Path(render(sys.argv[1], int(key), 1 << 40)).read_bytes()\n"
        "    print(key, hashlib.sha256(made).hexdigest())"
    )
    command = [sys.executable, "-c", script, str(data), *map(str, reversed(keys))]
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert dict(line.split() for line in done.stdout.splitlines()) == {str(key): made[key] for key in keys}


@pytest.mark.parametrize("sop_class", [CT, MR])
def test_the_geometry_of_series_is_consistent(hospitals: list[Path], sop_class: str) -> None:
    source = random.Random(f"geometry {sop_class}")
    stacks = [stack for stack in stacks_of(hospitals, sop_class) if len(stack) > 8]
    for stack in source.sample(stacks, 3):
        middle = len(stack) // 2
        numbers = (0, 1, middle, middle + 1, len(stack) - 1)
        files = [render(str(stack[n].data), stack[n].key, BUDGET) for n in numbers]
        check_geometry([pydicom.dcmread(file, stop_before_pixels=True) for file in files], numbers)


def check_geometry(heads: list[pydicom.Dataset], numbers: tuple[int, ...]) -> None:
    """`heads` are those of the images `numbers`, from 0, of a series."""
    first = heads[0]
    across, down = np.array(first.ImageOrientationPatient[:3]), np.array(first.ImageOrientationPatient[3:])
    assert np.linalg.norm(across) == pytest.approx(1, abs=1e-4)
    assert np.linalg.norm(down) == pytest.approx(1, abs=1e-4)
    assert across @ down == pytest.approx(0, abs=1e-4)
    places = np.array([head.ImagePositionPatient for head in heads], float)
    spacing = (places[1] - places[0]) @ np.cross(across, down)
    step = (places[-1] - places[0]) / numbers[-1]
    for head, number, place in zip(heads, numbers, places, strict=True):
        for name in ("ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "FrameOfReferenceUID"):
            assert head[name].value == first[name].value
        assert np.abs(place - places[0] - number * step).max() < 0.02
    tilted = float(first.get("GantryDetectorTilt") or 0) != 0
    if not tilted:
        assert np.linalg.norm(step) == pytest.approx(abs(spacing), abs=0.01)
        if "SpacingBetweenSlices" in first:
            assert float(first.SpacingBetweenSlices) == pytest.approx(abs(spacing), abs=0.02)
    assert float(first.SliceThickness) * 0.4 <= abs(spacing) <= float(first.SliceThickness) * 2.5
    if "ReconstructionDiameter" in first:
        assert float(first.ReconstructionDiameter) == pytest.approx(first.Columns * first.PixelSpacing[1], rel=0.01)


@cache
def _stacks(hospitals: tuple[Path, ...], sop_class: str) -> list[list[Drawn]]:
    found: dict[tuple[Path, int], list[Drawn]] = {}
    for (wanted, _, _), instances in types(list(hospitals)).items():
        if wanted == sop_class:
            for instance in instances:
                found.setdefault((instance.data, instance.series), []).append(instance)
    return list(found.values())


def stacks_of(hospitals: list[Path], sop_class: str) -> list[list[Drawn]]:
    """The series of a class, image after image."""
    return _stacks(tuple(hospitals), sop_class)
