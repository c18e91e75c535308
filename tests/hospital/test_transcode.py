"""Between the uncompressed transfer syntaxes, with pydicom's own files and pydicom as the judge."""

from __future__ import annotations

from io import BytesIO

import pydicom
import pytest
from pydicom.data import get_testdata_file

from dicomhawk.hospital.elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE
from dicomhawk.hospital.part10 import dataset_offset, file_meta
from dicomhawk.hospital.transcode import can_transcode, transcode

UNCOMPRESSED = (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE)


@pytest.mark.parametrize("target", UNCOMPRESSED)
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "MR_small_implicit.dcm"])
def test_all_values_and_pixels_survive(name: str, target: str) -> None:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"pydicom does not bundle {name} any more")
    original = pydicom.dcmread(path)
    source = str(original.file_meta.TransferSyntaxUID)
    with open(path, "rb") as file:
        content = file.read()
    made = transcode(content[dataset_offset(content) :], source, target)
    again = pydicom.dcmread(BytesIO(file_meta("1.2", "1.2.3", target, "1.2.4") + made))
    assert again.file_meta.TransferSyntaxUID == target
    for element in original:
        if element.tag.is_private and IMPLICIT_LE in (source, target):
            continue  # pydicom guesses other VRs for them
        if element.tag == 0x7FE00010:
            continue
        assert again[element.tag].value == element.value, element
    if "PixelData" in original:
        assert (again.pixel_array == original.pixel_array).all()


def test_signed_pixels_have_signed_attributes() -> None:
    path = get_testdata_file("CT_small.dcm", download=False)
    with open(path, "rb") as file:
        content = file.read()
    implicit = transcode(content[dataset_offset(content) :], EXPLICIT_LE, IMPLICIT_LE)
    explicit = transcode(implicit, IMPLICIT_LE, EXPLICIT_LE)
    again = pydicom.dcmread(BytesIO(file_meta("1.2", "1.2.3", EXPLICIT_LE, "1.2.4") + explicit))
    assert again.PixelRepresentation == 1
    assert again["PixelPaddingValue"].VR == "SS"


def test_compressed_syntaxes_are_left_alone() -> None:
    assert not can_transcode("1.2.840.10008.1.2.4.70", EXPLICIT_LE)
    assert not can_transcode(EXPLICIT_LE, "1.2.840.10008.1.2.4.90")
