"""What is wrong with a file's structure, told from its bytes; in this process, since the files are ours."""

from __future__ import annotations

import io
from struct import pack
from typing import Any

import pytest
from PIL import Image

from dicomhawk.analyst.payload.analyses import walker
from dicomhawk.analyst.payload.analyses.layout import lay_out, visitors_from
from dicomhawk.analyst.payload.examination import Examining
from dicomhawk.analyst.payload.model import Finding
from dicomhawk.hospital.elements import EXPLICIT_LE, IMPLICIT_LE, Element, encode, header
from dicomhawk.hospital.part10 import file_meta
from tests.analyst.payload.samples import (
    CT_CLASS,
    attributes,
    compressed,
    ct,
    fuzzed,
    nested,
    number,
    part10,
    pixels,
    text,
)
from tests.analyst.payload.yara_samples import element

RLE, JPEG, JPEG_LS, JPEG_2000 = (f"1.2.840.10008.1.2.{end}" for end in ("5", "4.50", "4.80", "4.90"))
PIXELS = 0x7FE00010


def found(content: bytes) -> dict[str, Finding]:
    """Findings by their id, the first of each."""
    made = Examining(content).made()
    assert not made.failed
    return {each.id: each for each in reversed(made.findings)}


def severities(content: bytes) -> dict[str, int]:
    return {id: each.severity for id, each in found(content).items()}


def data_set(*more: Element, without: int = 0, picture: bytes | None = None) -> bytes:
    whole = attributes(*more) | {PIXELS: pixels() if picture is None else Element(PIXELS, "OW", picture)}
    whole.pop(without, None)
    return part10(encode(whole, EXPLICIT_LE))


def jpeg(side: int, *, mode: str = "L", kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (side, side), 7).save(out, kind)
    return out.getvalue() + bytes(len(out.getvalue()) % 2)


SIXTEEN_BITS_JPEG_LS = b"\xff\xd8\xff\xf7\0\x0b\x10\0\x40\0\x40\1\1\x11\0\0"
EIGHT_BITS = (number(0x00280100, 8), number(0x00280101, 8), number(0x00280102, 7))


def test_an_unknown_vr_in_group_0002_is_serious() -> None:
    file = ct().replace(b"\x02\x00\x13\x00SH", b"\x02\x00\x13\x00XX") if b"\x02\x00\x13\x00SH" in ct() else b""
    file = file or ct().replace(b"\x02\x00\x12\x00UI", b"\x02\x00\x12\x00XX")
    assert severities(file)["structure.meta-vr"] == 3


def test_a_wrong_length_of_group_0002() -> None:
    file = bytearray(ct())
    file[140:144] = pack("<I", 4)
    assert severities(bytes(file)) == {"structure.meta-length": 1}


def test_an_unknown_element_in_group_0002() -> None:
    file = ct()
    at = lay_out(file, len(file)).dataset
    extra = element(2, 0x99, b"LO", b"payload ")
    told = severities(file[:at] + extra + file[at:])
    assert {"structure.meta-tag", "structure.meta-length"} <= told.keys()


@pytest.mark.parametrize("tag", [0x00280010, 0x00280011])
def test_rows_and_columns_of_another_vr(tag: int) -> None:
    assert severities(data_set(Element(tag, "UL", pack("<I", 64))))["structure.rows-vr"] == 3


@pytest.mark.parametrize(
    ("id", "severity", "file"),
    [
        ("structure.pixel-length", 2, data_set(picture=bytes(100))),
        ("structure.pixel-excess", 1, data_set(picture=bytes(64 * 64 * 2 + 100))),
        ("structure.pixel-excess", 2, data_set(picture=bytes(64 * 64 * 2 + 10_000))),
        ("structure.pixels", 2, data_set(without=0x00280010)),
        ("structure.pixels", 2, data_set(number(0x00280010, 0))),
        ("structure.bits", 2, data_set(number(0x00280101, 17))),
        ("structure.bits", 2, data_set(number(0x00280100, 13))),
        ("structure.samples", 2, data_set(number(0x00280002, 9))),
        ("structure.frames", 2, data_set(text(0x00280008, "IS", "0"))),
        ("structure.wraps", 3, data_set(number(0x00280010, 65535), number(0x00280011, 65535))),
        ("structure.palette", 2, data_set(text(0x00280004, "CS", "PALETTE COLOR"))),
        (
            "structure.palette",
            2,
            data_set(
                text(0x00280004, "CS", "PALETTE COLOR"),
                *(Element(0x00281101 + each, "US", pack("<3H", 256, 0, 16)) for each in range(3)),
                *(Element(0x00281201 + each, "OW", bytes(8)) for each in range(3)),
            ),
        ),
        ("structure.number", 1, data_set(Element(0x00280106, "UL", bytes(6)))),
        ("structure.uid", 1, data_set(text(0x00080018, "UI", "not-a-uid"))),
        ("structure.trailing", 1, ct() + b"some bytes more "),
        ("structure.preamble", 1, ct(preamble=b"just a note")),
        ("polyglot.mz", 3, ct(preamble=b"MZ" + bytes(100))),
        ("structure.prefix", 1, ct()[lay_out(ct(), len(ct())).dataset :]),
        ("type.mismatch", 2, bytes(128) + b"DICM" + b"\xff" * 200),
    ],
)
def test_what_is_wrong_is_told(id: str, severity: int, file: bytes) -> None:
    assert severities(file).get(id) == severity, severities(file)


def test_padding_is_no_matter() -> None:
    padded = attributes() | {PIXELS: pixels(), 0xFFFCFFFC: Element(0xFFFCFFFC, "OB", bytes(64))}
    assert severities(part10(encode(padded, EXPLICIT_LE))) == {}


def test_a_length_beyond_the_end() -> None:
    assert severities(part10(header(0x00104000, "UT", 1 << 31, explicit=True) + b"x" * 40))["structure.length"] == 2


def test_a_file_that_is_cut_off() -> None:
    assert severities(ct()[:-1000])["structure.length"] == 2


def test_elements_without_end() -> None:
    many = b"".join(header(0x00090000 + each % 65000, "LO", 0, explicit=True) for each in range(60_000))
    assert severities(part10(many))["structure.elements"] == 3


def test_a_data_set_in_another_syntax_than_it_says() -> None:
    file = part10(encode(attributes() | {PIXELS: pixels()}, IMPLICIT_LE))
    told = found(file)
    assert told["structure.syntax"].severity == 1
    assert Examining(file).made().dicom.modality == "CT"  # type: ignore[union-attr]


@pytest.mark.parametrize("depth", [walker.MAX_NESTING - 1, walker.MAX_NESTING, 3000])
@pytest.mark.parametrize("defined", [True, False])
def test_nesting_is_followed_so_far_and_no_further(depth: int, defined: bool) -> None:
    told = severities(nested(depth, defined=defined))
    assert ("structure.nesting" in told) == (depth > walker.MAX_NESTING)


@pytest.mark.parametrize(
    ("id", "severity", "file"),
    [
        ("codec.dimensions", 3, compressed(JPEG, jpeg(65), more=EIGHT_BITS)),
        ("codec.components", 2, compressed(JPEG, jpeg(64, mode="RGB"), more=EIGHT_BITS)),
        ("codec.dimensions", 3, compressed(JPEG_2000, jpeg(640, kind="JPEG2000"), more=EIGHT_BITS)),
        (
            "codec.precision",
            3,
            compressed(JPEG_LS, b"\xff\xd8\xff\xf7\0\x0b\x10\0\x40\0\x40\1\1\x11\0\0", more=EIGHT_BITS),
        ),
        ("codec.header", 2, compressed(JPEG, b"no JPEG at all  ")),
        ("codec.header", 2, compressed(JPEG_2000, b"no JPEG 2000    ")),
        ("codec.rle", 3, compressed(RLE, pack("<16I", 2, 64, 1 << 30, *[0] * 13) + bytes(64))),
        ("codec.rle", 3, compressed(RLE, pack("<16I", 99, *range(64, 79)) + bytes(64))),
        ("codec.rle", 3, compressed(RLE, pack("<16I", 2, 100, 80, *[0] * 13) + bytes(64))),
        ("codec.rle", 2, compressed(RLE, pack("<16I", 1, 64, *[0] * 14) + bytes(64))),
        ("codec.rle", 2, compressed(RLE, b"short ")),
        ("codec.empty", 2, compressed(RLE)),
        ("codec.offsets", 1, compressed(JPEG, jpeg(64), more=EIGHT_BITS, table=pack("<I", 12345))),
        ("codec.short-fragment", 3, compressed(JPEG, jpeg(64), b"\xff\xd9", more=EIGHT_BITS)),
        ("codec.odd", 1, compressed(JPEG, jpeg(64) + b"\0", more=EIGHT_BITS)),
        ("structure.fragment", 3, compressed(JPEG, jpeg(64), more=EIGHT_BITS)[:-40]),
        ("codec.pmsct-rle1", 3, data_set(text(0x07A10010, "LO", "ELSCINT1"), text(0x07A11011, "LO", "PMSCT_RLE1"))),
    ],
)
def test_codestreams_are_held_against_the_object(id: str, severity: int, file: bytes) -> None:
    assert severities(file).get(id) == severity, severities(file)


def test_a_codestream_as_it_should_be_is_clean() -> None:
    assert severities(compressed(JPEG, jpeg(64), more=EIGHT_BITS)) == {}
    assert severities(compressed(JPEG_2000, jpeg(64, kind="JPEG2000"), more=EIGHT_BITS)) == {}


def test_which_bytes_are_the_visitors() -> None:
    body = encode(attributes(), EXPLICIT_LE)
    ours = file_meta(CT_CLASS, "1.2.3", EXPLICIT_LE, "1.2.3.4", implementation_version_name="NAME")
    assert visitors_from(lay_out(ours + body, len(ours + body))) == len(ours)
    theirs = part10(body, preamble=b"MZ")
    assert visitors_from(lay_out(theirs, len(theirs))) == 0
    extra = bytearray(ours)
    extra[-1:] = b"\0"  # padded otherwise than we do
    assert visitors_from(lay_out(bytes(extra) + body, len(extra) + len(body))) in (0, len(extra))


def test_no_file_makes_an_analysis_fail() -> None:
    told: list[Any] = []
    for content in fuzzed(150):
        made = Examining(content).made()
        assert not made.failed, made.failed
        told.append(len(made.findings))
    assert max(told) > 3


def test_every_prefix_of_a_file_is_examined() -> None:
    whole = compressed(RLE, pack("<16I", 2, 64, 70, *[0] * 13) + bytes(40))
    for end in range(0, len(whole), 7):
        assert not Examining(whole[:end]).made().failed


SLOW = 60_000


@pytest.mark.parametrize(
    "value",
    [
        b"\n" * SLOW,
        b"' " * (SLOW // 2),
        b"'" + b" " * SLOW,
        b"; " * (SLOW // 2),
        b"<" * SLOW,
        b"<img " * (SLOW // 5),
        b"${" * (SLOW // 2),
        b"$(" * (SLOW // 2),
        b"curl " * (SLOW // 5),
        b"curl -a" + b" -a" * (SLOW // 3),
        b"../" * (SLOW // 3),
        b"a.a@" * (SLOW // 4),
        b"1:" * (SLOW // 2),
        b"a" * SLOW + b"@",
        b"\\\\a\\b" * (SLOW // 6),
    ],
    ids=lambda value: repr(value[:8]),
)
def test_texts_that_are_made_to_be_slow_are_not(value: bytes) -> None:
    """Looked through from each byte anew, one of them would take minutes, and the test its timeout."""
    file = part10(encode(attributes(*(Element(0x00191001 + each, "UT", value) for each in range(3))), EXPLICIT_LE))
    assert not Examining(file).made().failed


def test_many_fragments_of_many_frames() -> None:
    frames = [jpeg(64)[:200]] * 20_000
    told = severities(compressed(JPEG, *frames, more=(*EIGHT_BITS, text(0x00280008, "IS", "20000"))))
    assert "structure.elements" not in told
