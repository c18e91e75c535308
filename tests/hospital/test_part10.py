"""File meta information: what pydicom reads of it, and where the data set begins in any bytes."""

from __future__ import annotations

import contextlib
from io import BytesIO

import pydicom
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.elements import EXPLICIT_LE, Element, encode
from dicomhawk.hospital.part10 import Part10Error, dataset_offset, file_meta

HEAD = file_meta(
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.3",
    EXPLICIT_LE,
    "1.2.4",
    implementation_version_name="V1",
    source_ae="CT1",
)
DATASET = encode({0x00080018: Element(0x00080018, "UI", b"1.2.3")}, EXPLICIT_LE)


def test_pydicom_reads_what_was_written() -> None:
    meta = pydicom.dcmread(BytesIO(HEAD + DATASET)).file_meta
    assert meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert meta.ImplementationVersionName == "V1"
    assert meta.SourceApplicationEntityTitle == "CT1"
    assert meta.FileMetaInformationGroupLength == len(HEAD) - 144


def test_the_data_set_is_found_with_and_without_a_group_length() -> None:
    assert dataset_offset(HEAD + DATASET) == len(HEAD)
    without = HEAD[:132] + HEAD[144:]
    assert dataset_offset(memoryview(without + DATASET)) == len(without)


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_give_an_offset_or_the_error(data: bytes, prefixed: bool) -> None:
    content = bytes(128) + b"DICM" + data if prefixed else data
    with contextlib.suppress(Part10Error):
        assert 132 <= dataset_offset(content) <= len(content)
