"""The DICOM JSON Model and the XML one: the same as pydicom's, and whatever strangers send ends as JSON."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital import xml_model
from dicomhawk.hospital.elements import EXPLICIT_LE, DataSet, Element, ElementsError, decode, encode
from dicomhawk.hospital.json_model import Manner, encoded, model, parse_tag_path, value_at

OWN = Manner(character_set="own")


def of_pydicom(path: Path) -> dict[str, Any]:
    read = pydicom.dcmread(path)
    return dict(read.to_json_dict())


def ours(path: Path) -> dict[str, Any]:
    read = pydicom.dcmread(path)
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    pydicom.filewriter.write_dataset(buffer, read)
    return dict(json.loads(encoded(decode(buffer.getvalue(), EXPLICIT_LE, lenient=True), OWN)))


def alike(own: Any, other: Any) -> bool:
    if isinstance(own, dict) and isinstance(other, dict):
        own, other = ({k: v for k, v in each.items() if v not in ([], "", {}, None)} for each in (own, other))
        return own.keys() == other.keys() and all(alike(own[key], other[key]) for key in own)
    if isinstance(own, list) and isinstance(other, list):
        return len(own) == len(other) and all(map(alike, own, other))
    if isinstance(own, float) or isinstance(other, float):
        return float(own) == pytest.approx(float(other))
    return own == other or (own in (None, {}, "") and other in (None, {}, ""))


SAMPLES = [
    "CT_small.dcm",
    "MR_small.dcm",
    "rtplan.dcm",
    "reportsi.dcm",
    "test-SR.dcm",
    "waveform_ecg.dcm",
    "chrH31.dcm",
    "chrX1.dcm",
    "nested_priv_SQ.dcm",
]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_as_pydicom(name: str) -> None:
    found = pydicom.data.get_testdata_file(name, download=False)
    if found is None:
        found = next((p for p in pydicom.data.get_charset_files(name)), None)
    if found is None:
        pytest.skip(f"pydicom has no {name}")
    own, other = ours(Path(found)), of_pydicom(Path(found))
    assert own.keys() == other.keys()
    for tag in own:
        assert alike(own[tag], other[tag]), (tag, own[tag], other[tag])


def data_set(*elements: tuple[int, str, Any]) -> DataSet:
    return {tag: Element(tag, vr, value) for tag, vr, value in elements}


def test_values_as_annex_f_has_them() -> None:
    inner = data_set((0x00080100, "SH", b"T-1 "), (0x00420011, "OB", bytes(2000)))
    found = model(
        data_set(
            (0x00080000, "UL", b"\0\0\0\0"),
            (0x00080005, "CS", b"ISO_IR 100"),
            (0x00080008, "CS", b"ORIGINAL\\\\AXIAL "),
            (0x00080020, "DA", b""),
            (0x00100010, "PN", "Münch^Änne=".encode("latin-1")),
            (0x00101020, "DS", b"1.80\\ 70\\nonsense"),
            (0x00200013, "IS", b" 7\\x1"),
            (0x00280009, "AT", struct.pack("<HH", 0x18, 0x1063)),
            (0x00280010, "US", b"\2\0\3\0"),
            (0x00189073, "FD", struct.pack("<dd", 0.5, float("nan"))),
            (0x00091001, "UN", b"ab"),
            (0x00081140, "SQ", (inner, {})),
            (0x0008103E, "LO", b"a\\b "),
            (0x00104000, "LT", b"one\\two "),
        ),
        Manner(bulk=lambda path: f"x/{path}"),
    )
    assert found == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]},
        "00080020": {"vr": "DA"},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Münch^Änne"}]},
        "00101020": {"vr": "DS", "Value": [1.8, 70, "nonsense"]},
        "00200013": {"vr": "IS", "Value": [7, "x1"]},
        "00280009": {"vr": "AT", "Value": ["00181063"]},
        "00280010": {"vr": "US", "Value": [2, 3]},
        "00189073": {"vr": "FD", "Value": [0.5, "nan"]},
        "00091001": {"vr": "UN", "InlineBinary": "YWI="},
        "00081140": {
            "vr": "SQ",
            "Value": [
                {
                    "00080100": {"vr": "SH", "Value": ["T-1"]},
                    "00420011": {"vr": "OB", "BulkDataURI": "x/00081140/0/00420011"},
                },
                {},
            ],
        },
        "0008103E": {"vr": "LO", "Value": ["a", "b"]},
        "00104000": {"vr": "LT", "Value": ["one\\two"]},
    }


def test_bulk_data_are_found_again() -> None:
    inner = data_set((0x00420011, "OB", bytes(2000)))
    whole = data_set((0x00081140, "SQ", ({}, inner)))
    path = parse_tag_path("00081140/1/00420011")
    assert path is not None
    found = value_at(whole, path)
    assert found is not None and found.value == bytes(2000)
    assert value_at(whole, [0x00081140, 2, 0x00420011]) is None
    for wrong in ("", "7FE0001", "7FE00010/1", "7FE00010/x/00080005", "7FE00010/99999999/00080005", "../../etc"):
        assert parse_tag_path(wrong) is None


VALUES = st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace")))
VRS = sorted((vrs.LONG | vrs.SHORT) - {"SQ"})
ELEMENTS = st.builds(Element, st.integers(0, 0xFFFCFFFF), st.sampled_from(VRS), VALUES)
DATA_SETS = st.recursive(
    st.lists(ELEMENTS, max_size=8).map(lambda found: {each.tag: each for each in found}),
    lambda inner: st.tuples(st.integers(0, 0xFFFC0000), st.lists(inner, max_size=3)).map(
        lambda made: {
            made[0]: Element(made[0], "SQ", tuple(made[1])),
            0x00080005: Element(0x00080005, "CS", b"\\ISO 2022 IR 87"),
        }
    ),
    max_leaves=8,
)


@given(DATA_SETS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_is_in_it_ends_as_json_and_xml(hostile: DataSet, private: bool) -> None:
    manner = Manner(bulk=lambda path: path, bulk_from=8, private=private)
    found = json.loads(encoded(hostile, manner))
    assert all(len(tag) == 8 and "vr" in found[tag] for tag in found)
    ElementTree.fromstring(xml_model.document(model(hostile, manner)))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_hostile_bytes(data: bytes) -> None:
    try:
        found = decode(data, EXPLICIT_LE)
    except ElementsError:
        return
    json.loads(encoded(found))


def test_xml_has_names_private_creators_and_items() -> None:
    item = data_set((0x00080100, "SH", b"<&>"))
    whole = data_set(
        (0x00080005, "CS", b"ISO_IR 192"),
        (0x00090010, "LO", b"ACME "),
        (0x00091001, "LO", b"secret"),
        (0x00100010, "PN", "Yamada^Tarou=山田^太郎".encode()),
        (0x00081140, "SQ", (item,)),
        (0x7FE00010, "OW", bytes(5000)),
    )
    root = ElementTree.fromstring(xml_model.document(model(whole, Manner(bulk=lambda path: "u/" + path))))
    space = {"n": xml_model.NAMESPACE}
    by_tag = {each.get("tag"): each for each in root.findall("n:DicomAttribute", space)}
    assert by_tag["00100010"].get("keyword") == "PatientName"
    assert by_tag["00100010"].findtext("n:PersonName/n:Ideographic/n:FamilyName", namespaces=space) == "山田"
    assert by_tag["00090001"].get("privateCreator") == "ACME"
    assert by_tag["00081140"].findtext("n:Item/n:DicomAttribute/n:Value", namespaces=space) == "<&>"
    bulk = by_tag["7FE00010"].find("n:BulkData", space)
    assert bulk is not None and bulk.get("uri") == "u/7FE00010"


def test_a_data_set_of_many_elements_is_quick() -> None:
    whole = data_set(*((0x00090000 + number, "LO", b"value") for number in range(1, 20000)))
    assert len(json.loads(encoded(decode(encode(whole, EXPLICIT_LE), EXPLICIT_LE)))) == 19999
