"""Whether a data set can be read to its end, told from its bytes as they come."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import pytest

from dicomhawk.hospital.elements import DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, ElementsError
from dicomhawk.hospital.structure import MAX_NESTING, STRICT, Manner, Structure
from tests.soak.exchanges import data_set, element

LOOSE = Manner(ends_in_header=True, ends_before_value=True, other_vrs=True, loose_items=True)
ELEMENTS = [
    (0x00080052, "CS", "STUDY"),
    (0x00081140, "SQ", [[(0x00081155, "UI", "1.2.3")]]),
    (0x00100020, "LO", "ABCDEF"),
    (0x7FE00010, "OW", b"1234"),
]


def readable(data: bytes, syntax: str, manner: Manner = STRICT, *, piece: int = 3) -> bool:
    structure = Structure(syntax, manner)
    try:
        for at in range(0, len(data), piece):
            structure.feed(data[at : at + piece])
        structure.finish()
    except ElementsError:
        return False
    return True


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE])
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_whole_data_sets(syntax: str, undefined: bool, piece: int) -> None:
    data = data_set(ELEMENTS, syntax, undefined=undefined)
    assert readable(data, syntax, piece=piece)
    boundaries = {len(data_set(ELEMENTS[:count], syntax, undefined=undefined)) for count in range(len(ELEMENTS) + 1)}
    assert {size for size in range(len(data) + 1) if readable(data[:size], syntax, piece=piece)} == boundaries


def test_where_dcmtk_lets_a_data_set_end() -> None:
    """As measured of dcmqrscp 3.6.7 with an identifier cut off at each even byte; implicit VR, defined lengths."""
    data = data_set(ELEMENTS, IMPLICIT_LE)
    refused = {10, 12, 30, 40, 42, 54, 56, 68, 70}
    found = {size for size in range(0, 72, 2) if not readable(data[:size], IMPLICIT_LE, LOOSE)}
    assert found == {size for size in refused if size < len(data)} | ({70} if len(data) > 70 else set())


@pytest.mark.parametrize(("vr", "passes"), [(b"zz", True), (b"??", True), (b"\0\0", True), (b"ZZ", False)])
def test_two_bytes_that_are_no_vr(vr: bytes, passes: bool) -> None:
    data = data_set(ELEMENTS, EXPLICIT_LE).replace(b"LO", vr)
    assert readable(data, EXPLICIT_LE, LOOSE) is passes
    assert not readable(data, EXPLICIT_LE)


def test_delimiters_where_they_can_not_be() -> None:
    end_of_sequence, end_of_item = (struct.pack("<HHL", 0xFFFE, number, 0) for number in (0xE0DD, 0xE00D))
    whole = data_set(ELEMENTS, IMPLICIT_LE)
    for wrong in (end_of_sequence + whole, whole + end_of_sequence):
        assert not readable(wrong, IMPLICIT_LE)
        assert not readable(wrong, IMPLICIT_LE, LOOSE)
    assert not readable(whole + end_of_item, IMPLICIT_LE)
    assert readable(whole + end_of_item + b"whatever", IMPLICIT_LE, LOOSE)


def test_fragments() -> None:
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 4) + b"abcd"
    end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    assert readable(element(0x7FE00010, "OB", item * 2 + end, EXPLICIT_LE, undefined=True), EXPLICIT_LE)
    assert not readable(element(0x7FE00010, "OB", item * 2, EXPLICIT_LE, undefined=True), EXPLICIT_LE)


def test_values_of_undefined_length_where_dcmtk_reads_none() -> None:
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 4) + b"abcd"
    end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    profile = element(0x00282000, "OB", item + end, EXPLICIT_LE, undefined=True)
    assert readable(profile, EXPLICIT_LE, LOOSE)
    assert not readable(profile, EXPLICIT_LE, replace(LOOSE, fragments_anywhere=False))
    name = struct.pack("<HHL", 0x0010, 0x0010, 0xFFFFFFFF)
    assert readable(name, IMPLICIT_LE, LOOSE)
    assert not readable(name + b"DOE ", IMPLICIT_LE, LOOSE)
    assert not readable(name, IMPLICIT_LE)


@pytest.mark.parametrize(("order", "passes"), [("<", True), (">", False)])
def test_what_nobody_knew_is_in_little_endian(order: str, passes: bool) -> None:
    unknown = struct.pack(">HH2sHL", 0x0009, 0x1010, b"UN", 0, 0xFFFFFFFF)
    assert readable(unknown + struct.pack(f"{order}HHL", 0xFFFE, 0xE0DD, 0), EXPLICIT_BE) is passes


@pytest.mark.timeout(20)
@pytest.mark.parametrize("behind", [b"", b"\0", bytes(20)])
def test_what_is_behind_a_long_deflated_data_set_does_not_matter(behind: bytes) -> None:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = data_set([*ELEMENTS[:-1], (0x7FE00010, "OW", bytes(3 << 20))], EXPLICIT_LE)
    data = deflater.compress(content) + deflater.flush() + behind
    assert readable(data, DEFLATED_LE, piece=len(data))


def test_deflated() -> None:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = deflater.compress(data_set(ELEMENTS, EXPLICIT_LE)) + deflater.flush()
    assert readable(data, DEFLATED_LE)
    assert not readable(b"\xff" * 20, DEFLATED_LE)


def test_nesting_is_bounded() -> None:
    data = b""
    for _ in range(MAX_NESTING + 1):
        inner = struct.pack("<HHL", 0xFFFE, 0xE000, len(data)) + data
        data = element(0x00081140, "SQ", inner, IMPLICIT_LE)
    assert not readable(data, IMPLICIT_LE, piece=1 << 20)
