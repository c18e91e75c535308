"""Between the uncompressed transfer syntaxes, with pydicom's own files and pydicom as the judge."""

from __future__ import annotations

import struct
from io import BytesIO

import pydicom
import pytest
from pydicom.data import get_testdata_file

from dicomhawk.hospital.elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, Element, decode, encode
from dicomhawk.hospital.part10 import dataset_offset, file_meta
from dicomhawk.hospital.rewriting import Rewriting
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


def test_group_lengths_are_those_of_what_is_written() -> None:
    patient = Element(0x00100020, "LO", b"P1")
    data = {0x00080060: Element(0x00080060, "CS", b"CT"), 0x00100020: patient}
    wrong = {0x00100000: Element(0x00100000, "UL", b"\xff\0\0\0"), **data}
    for target, length in ((EXPLICIT_LE, 10), (IMPLICIT_LE, 10), (EXPLICIT_BE, 10)):
        written = decode(transcode(encode(wrong, EXPLICIT_LE), EXPLICIT_LE, target), target)
        assert written[0x00100000].value == length.to_bytes(4, "little")
        assert written[0x00100020] == patient


def test_a_data_set_written_anew_has_defined_lengths() -> None:
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
    sequence = struct.pack("<HHL", 0x0008, 0x1140, 0xFFFFFFFF) + item + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    expected = struct.pack("<HHL", 0x0008, 0x1140, 8) + struct.pack("<HHL", 0xFFFE, 0xE000, 0)
    assert transcode(sequence, IMPLICIT_LE, IMPLICIT_LE) == expected


def test_rewriting_keeps_texts_short_and_leaves_groups_out() -> None:
    item = {0x00080000: Element(0x00080000, "UL", bytes(4)), 0x00081150: Element(0x00081150, "UI", b" 1.2\t3 \0 ")}
    data = {
        0x00020010: Element(0x00020010, "UI", b"1.2\0"),
        0x00080090: Element(0x00080090, "PN", b" A^B    "),
        0x00081140: Element(0x00081140, "SQ", (item,)),
        0x00280010: Element(0x00280010, "US", b"  "),
        0xFFFCFFFC: Element(0xFFFCFFFC, "OB", b"abcd"),
        0xFFFFFFFF: Element(0xFFFFFFFF, "UN", b"ab"),
    }
    raw = encode(data, EXPLICIT_LE) + b"\x50\0"
    written = decode(
        transcode(raw, EXPLICIT_LE, EXPLICIT_LE, rewriting=Rewriting(frozenset({2, 0xFFFF}))), EXPLICIT_LE
    )
    assert list(written) == [0x00080090, 0x00081140, 0x00280010]
    assert [written[tag].value for tag in (0x00080090, 0x00280010)] == [b" A^B", b"  "]
    (kept,) = written[0x00081140].value
    assert kept[0x00081150].value == b"1.23"
    assert 0xFFFFFFFF in decode(transcode(raw, EXPLICIT_LE, EXPLICIT_LE, rewriting=Rewriting()), EXPLICIT_LE)
