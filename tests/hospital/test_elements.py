"""The reader and writer of data sets."""

from __future__ import annotations

import contextlib
import struct
import zlib
from io import BytesIO

import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from dicomhawk.hospital import elements
from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.elements import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    DataSet,
    Element,
    ElementsError,
    decode,
    encode,
)

SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE]
UNDEFINED = 0xFFFFFFFF

DICTIONARY_TAGS = st.sampled_from(
    (
        *(0x00080005, 0x00080018, 0x00080020, 0x00080060, 0x00081030, 0x00090010, 0x00091001, 0x00100010),
        *(0x00100020, 0x00181020, 0x00189087, 0x0020000D, 0x00200011, 0x00201208, 0x00280009, 0x00280010),
        *(0x0040A30A, 0x00420011),
    )
)


def element(tag: int, value: bytes, vr: str = "") -> Element:
    return Element(tag, vr or vrs.of_tag(tag), value)


def data_set(*found: Element) -> DataSet:
    return {each.tag: each for each in found}


LEAVES = st.builds(
    lambda tag, value: element(tag, elements.padded(vrs.of_tag(tag), value)),
    DICTIONARY_TAGS,
    st.binary(max_size=40).map(lambda value: value[: len(value) // 8 * 8]),
)
LEAF_SETS = st.lists(LEAVES, max_size=6).map(lambda found: data_set(*found))


def with_sequence(items: st.SearchStrategy[DataSet]) -> st.SearchStrategy[DataSet]:
    sequences = st.builds(
        lambda tag, found: Element(tag, "SQ", tuple(found)),
        st.sampled_from([0x00400100, 0x00081140, 0x00401234]),
        st.lists(items, max_size=3),
    )
    return st.builds(lambda leaves, found: leaves | data_set(*found), LEAF_SETS, st.lists(sequences, max_size=2))


DATA_SETS = st.recursive(LEAF_SETS, with_sequence, max_leaves=8)


@given(DATA_SETS, st.sampled_from(SYNTAXES))
def test_what_was_encoded_is_decoded(given_set: DataSet, syntax: str) -> None:
    if syntax == IMPLICIT_LE:  # (0040,1234) is not in the dictionary
        given_set = {tag: each for tag, each in given_set.items() if tag != 0x00401234}
        assert _without(decode(encode(given_set, syntax), syntax)) == _without(given_set)
    else:
        assert decode(encode(given_set, syntax), syntax) == given_set


def _without(found: DataSet) -> object:
    return {
        tag: tuple(_without(item) for item in each.value) if isinstance(each.value, tuple) else each.value
        for tag, each in found.items()
        if tag != 0x00401234
    }


@given(st.binary(max_size=300), st.sampled_from(SYNTAXES), st.booleans(), st.sampled_from([None, 4]))
@example(b"\x08\x00\x40\x11\xff\xff\xff\xff" * 40, IMPLICIT_LE, False, None)
@settings(max_examples=400)
def test_any_bytes_give_a_data_set_or_the_error(data: bytes, syntax: str, head: bool, limit: int | None) -> None:
    try:
        found = decode(data, syntax, head=head, max_value=limit)
    except ElementsError:
        assert not head
    else:
        encode(found, EXPLICIT_LE)


@given(DATA_SETS, st.sampled_from(SYNTAXES[:3]), st.integers(0, 400), st.integers(0, 255))
def test_damaged_data_give_a_data_set_or_the_error(
    given_set: DataSet, syntax: str, position: int, value: int
) -> None:
    data = bytearray(encode(given_set, syntax))
    if data:
        data[position % len(data)] = value
    with contextlib.suppress(ElementsError):
        decode(bytes(data), syntax)


def pydicom_set() -> Dataset:
    inner = Dataset()
    inner.Modality = "CT"
    inner.ScheduledProcedureStepStartDate = "20240101-"
    inner.add_new(0x00400008, "SQ", Sequence([Dataset()]))
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 100"
    made.PatientName = "Bjørn^Åse"
    made.PatientID = "1234567"
    made.StudyInstanceUID = "1.2.3"
    made.Rows = 512
    made.PixelSpacing = [0.5, 0.25]
    made.add_new(0x00189087, "FD", 1000.5)
    made.add_new(0x00091001, "UN", b"abcd")
    made.add_new(0x00420011, "OB", b"\x01\x02")
    made.ScheduledProcedureStepSequence = Sequence([inner, Dataset()])
    return made


def written(made: Dataset, syntax: str, undefined: bool = False) -> bytes:
    file = DicomBytesIO()
    file.is_little_endian = syntax != EXPLICIT_BE
    file.is_implicit_VR = syntax == IMPLICIT_LE
    if undefined:
        made[0x00400100].is_undefined_length = True
        for item in made[0x00400100].value:
            item.is_undefined_length_sequence_item = True
    write_dataset(file, made)
    return file.getvalue()


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", SYNTAXES[:3])
def test_we_read_what_pydicom_writes_and_it_reads_what_we_write(syntax: str, undefined: bool) -> None:
    made = pydicom_set()
    data = written(made, syntax, undefined)
    found = decode(data, syntax)
    assert sorted(found) == sorted(int(each.tag) for each in made)
    assert found[0x00100010].value == "Bjørn^Åse ".encode("latin-1")
    assert found[0x00280010].value == struct.pack("<H", 512)
    assert found[0x00189087].value == struct.pack("<d", 1000.5)
    (step, empty) = found[0x00400100].value
    assert isinstance(step, dict)
    assert step[0x00080060].value == b"CT"
    assert step[0x00400008].value == ({},)
    assert empty == {}
    for other in SYNTAXES[:3]:
        back = read_dataset(BytesIO(encode(found, other)), other == IMPLICIT_LE, other != EXPLICIT_BE)
        for each in made:
            assert back[each.tag].value == each.value, each


def test_a_deflated_data_set_is_as_pydicom_has_it() -> None:
    deflater = zlib.compressobj(wbits=-15)
    data = deflater.compress(written(pydicom_set(), EXPLICIT_LE)) + deflater.flush()
    assert decode(data, DEFLATED_LE) == decode(written(pydicom_set(), EXPLICIT_LE), EXPLICIT_LE)


def test_inflating_stops_at_the_limit() -> None:
    bomb = zlib.compressobj(wbits=-15)
    data = bomb.compress(bytes(elements.MAX_INFLATED + 1)) + bomb.flush()
    with pytest.raises(ElementsError, match="inflates"):
        decode(data, DEFLATED_LE)
    with pytest.raises(ElementsError, match="incomplete"):
        decode(data[:-5][:1000], DEFLATED_LE)


def test_decoding_stops_before_the_pixels() -> None:
    data = encode(data_set(element(0x00280010, b"\0\2")), EXPLICIT_LE)
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 1 << 30)
    assert list(decode(data + pixels, EXPLICIT_LE, stop_at=0x7FE00010)) == [0x00280010]
    with pytest.raises(ElementsError):
        decode(data + pixels, EXPLICIT_LE)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_head_gives_the_elements_that_are_whole(syntax: str) -> None:
    whole = data_set(element(0x00080060, b"CT"), element(0x00100010, b"Doe^John"), element(0x00100020, b"17"))
    data = encode(whole, syntax)
    if syntax == DEFLATED_LE:
        data = zlib.decompress(data, -15)
        deflater = zlib.compressobj(level=0, wbits=-15)
        data = deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)
        data = data[:-8]
        assert list(decode(data, syntax, head=True)) == [0x00080060, 0x00100010]
        return
    for length in range(len(data)):
        found = decode(data[:length], syntax, head=True)
        assert found.items() <= whole.items()
    assert list(decode(data[:-1], syntax, head=True)) == [0x00080060, 0x00100010]


def test_long_values_can_be_left_out() -> None:
    data = encode(data_set(element(0x00081030, b"x" * 200), element(0x00100020, b"17")), EXPLICIT_LE)
    assert list(decode(data, EXPLICIT_LE, max_value=100)) == [0x00100020]


def test_encapsulated_values_are_read_through() -> None:
    icon = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED)
    for fragment in (b"", b"ab", b"cd"):
        icon += struct.pack("<HHI", 0xFFFE, 0xE000, len(fragment)) + fragment
    icon += struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    assert decode(icon, EXPLICIT_LE)[0x7FE00010].value == b"abcd"


def test_an_unknown_sequence_of_undefined_length_is_implicit() -> None:
    data = struct.pack("<HH2sHI", 0x0009, 0x1001, b"UN", 0, UNDEFINED)
    data += struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
    data += struct.pack("<HHI", 0x0010, 0x0020, 2) + b"17"
    data += struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    (item,) = decode(data, EXPLICIT_LE)[0x00091001].value
    assert isinstance(item, dict)
    assert item[0x00100020] == Element(0x00100020, "LO", b"17")


@pytest.mark.parametrize("syntax", SYNTAXES[:3])
def test_nesting_and_counts_are_bounded(syntax: str) -> None:
    nested: DataSet = {}
    for _ in range(elements.MAX_DEPTH):
        nested = data_set(Element(0x00081140, "SQ", (nested,)))
    assert decode(encode(nested, syntax), syntax) == nested
    deeper = data_set(Element(0x00081140, "SQ", (nested,)))
    with pytest.raises(ElementsError, match="within each other"):
        decode(encode(deeper, syntax), syntax)
    many = data_set(Element(0x00081140, "SQ", ({},) * 50))
    assert decode(encode(many, syntax), syntax, max_elements=51) == many
    with pytest.raises(ElementsError, match="too many"):
        decode(encode(many, syntax), syntax, max_elements=50)


def test_nesting_of_undefined_length_without_end_is_bounded() -> None:
    opening = struct.pack("<HHI", 0x0008, 0x1140, UNDEFINED) + struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
    with pytest.raises(ElementsError):
        decode(opening * 10_000, IMPLICIT_LE)


def test_a_value_too_long_for_its_vr_is_written_as_unknown() -> None:
    data = encode(data_set(element(0x00081030, b"x" * 70_000)), EXPLICIT_LE)
    assert decode(data, EXPLICIT_LE)[0x00081030] == Element(0x00081030, "UN", b"x" * 70_000)


def test_odd_values_are_padded_as_their_vr_wants() -> None:
    found = decode(encode(data_set(element(0x00080018, b"1.2"), element(0x00080060, b"C")), EXPLICIT_LE), EXPLICIT_LE)
    assert found[0x00080018].value == b"1.2\0"
    assert found[0x00080060].value == b"C "


@pytest.mark.parametrize(
    "data",
    [
        b"\x08\x00\x60\x00??\x02\x00CT",
        b"\x08\x00\x60\x00CS\x04\x00CT",
        b"\x08\x00\x60\x00CS",
        b"\xfe\xff\x00\xe0\x00\x00\x00\x00",
        b"\x08\x00\x60\x00UT\x00\x00\xff\xff\xff\xff",
        b"\x08\x00\x40\x11SQ\x00\x00\x08\x00\x00\x00\x08\x00\x60\x00CS\x00\x00",
        b"\x08\x00\x40\x11SQ\x00\x00\x08\x00\x00\x00\xfe\xff\x00\xe0\x10\x00\x00\x00" + bytes(16),
    ],
)
def test_what_is_not_a_data_set_is_refused(data: bytes) -> None:
    with pytest.raises(ElementsError):
        decode(data, EXPLICIT_LE)


def test_vrs_are_those_of_the_dictionary() -> None:
    for tag, entry in pydicom.datadict.DicomDictionary.items():
        assert vrs.of_tag(tag) in entry[0] or entry[0] == "NONE"
    assert vrs.of_tag(0x60023000) == "OW"
    assert vrs.of_tag(0x00100000) == "UL"
    assert vrs.of_tag(0x00090010) == "LO"
    assert vrs.of_tag(0x00091010) == vrs.of_tag(0x00101234) == "UN"
