"""Files for the tests: clean ones, and hostile ones made of them."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
import zlib
from collections.abc import Iterator
from struct import pack

from dicomhawk.hospital.elements import EXPLICIT_LE, DataSet, Element, deflated, encode, header
from dicomhawk.hospital.part10 import file_meta

CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0" + bytes(4)


def text(tag: int, vr: str, value: str) -> Element:
    """An element with a text."""
    return Element(tag, vr, value.encode("latin-1"))


def number(tag: int, value: int) -> Element:
    """An element of VR US."""
    return Element(tag, "US", pack("<H", value))


def attributes(*more: Element, side: int = 64, uid: str = "1.2.826.0.1.3680043.10.99.1") -> DataSet:
    """A small CT image without its pixels."""
    elements = [
        text(0x00080005, "CS", "ISO_IR 100"),
        text(0x00080016, "UI", CT_CLASS),
        text(0x00080018, "UI", uid),
        text(0x00080020, "DA", "20260101"),
        text(0x00080060, "CS", "CT"),
        text(0x00100010, "PN", "Doe^Jane"),
        text(0x00100020, "LO", "12345"),
        text(0x0020000D, "UI", f"{uid}.1"),
        text(0x0020000E, "UI", f"{uid}.2"),
        number(0x00280002, 1),
        text(0x00280004, "CS", "MONOCHROME2"),
        number(0x00280010, side),
        number(0x00280011, side),
        number(0x00280100, 16),
        number(0x00280101, 16),
        number(0x00280102, 15),
        number(0x00280103, 0),
        *more,
    ]
    return {element.tag: element for element in elements}


def pixels(side: int = 64) -> Element:
    """A picture of that size."""
    return Element(0x7FE00010, "OW", b"".join(pack("<H", (x * y) % 4096) for y in range(side) for x in range(side)))


def part10(data_set: bytes, syntax: str = EXPLICIT_LE, preamble: bytes = b"") -> bytes:
    """A file with that data set and preamble."""
    meta = file_meta(CT_CLASS, "1.2.3", syntax, "1.2.276.0.7230010.3.0.3.6.7")
    return preamble.ljust(128, b"\0")[:128] + meta[128:] + data_set


def ct(*more: Element, preamble: bytes = b"", side: int = 64) -> bytes:
    """A clean CT image, with other attributes where they are given."""
    return part10(encode(attributes(*more, side=side) | {0x7FE00010: pixels(side)}, EXPLICIT_LE), preamble=preamble)


def compressed(syntax: str, *frames: bytes, more: tuple[Element, ...] = (), table: bytes = b"") -> bytes:
    """A CT image with encapsulated frames, as they are given."""
    items = b"".join(ITEM + pack("<I", len(frame)) + frame for frame in frames)
    start = header(0x7FE00010, "OB", 0xFFFFFFFF, explicit=True)
    body = encode(attributes(*more), EXPLICIT_LE) + start + ITEM + pack("<I", len(table)) + table + items + END
    return part10(body, syntax)


def pe(size: int = 1024, at: int = 0x80) -> bytes:
    """Something with the headers of a PE program; its PE header is at `at`."""
    dos = b"MZ".ljust(0x3C, b"\0") + pack("<I", at)
    return (dos.ljust(at, b"\0") + b"PE\0\0" + pack("<HH", 0x8664, 1)).ljust(size, b"\x90")


def elf(size: int = 256) -> bytes:
    """Something with the header of an ELF program."""
    return (b"\x7fELF\2\1\1".ljust(16, b"\0") + pack("<HHI", 2, 62, 1)).ljust(size, b"\0")


def macho(size: int = 256) -> bytes:
    """Something with the header of a Mach-O program."""
    return pack("<IIII", 0xFEEDFACF, 0x01000007, 3, 2).ljust(size, b"\0")


def fat_macho() -> bytes:
    """A Mach-O for two processors."""
    parts = pack(">5I", 0x01000007, 3, 64, 256, 12) + pack(">5I", 0x0100000C, 0, 320, 256, 12)
    return (pack(">II", 0xCAFEBABE, 2) + parts).ljust(64, b"\0") + macho() + macho()


def java_class() -> bytes:
    """The beginning of a Java class: the same mark as a fat Mach-O."""
    return pack(">IHHH", 0xCAFEBABE, 0, 61, 20).ljust(200, b"\1")


def zipped(**members: bytes) -> bytes:
    """A ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def zip_bomb() -> bytes:
    """A ZIP of 64 MiB of zeros in 64 KiB."""
    return zipped(**{f"{number}.dcm": bytes(16 << 20) for number in range(4)})


def overlapping_zip() -> bytes:
    """A ZIP whose members share the same bytes."""
    content = zipped(a=bytes(1 << 20))
    at = content.index(b"PK\1\2")
    end = content.index(b"PK\5\6")
    members = content[at:end] * 200
    return content[:at] + members + b"PK\5\6" + pack("<4HIIH", 0, 0, 200, 200, len(members), at, 0)


def gzip_bomb() -> bytes:
    """48 MiB of zeros in gzip."""
    return gzip.compress(bytes(48 << 20), 9, mtime=0)


def deflate_bomb() -> bytes:
    """A deflated data set that becomes 48 MiB."""
    long = header(0x00420011, "OB", 48 << 20, explicit=True)
    return part10(deflated(encode(attributes(), EXPLICIT_LE) + long + bytes(48 << 20)), DEFLATED)


def nested(depth: int, *, defined: bool = False) -> bytes:
    """Sequences within each other."""
    if not defined:
        one = header(0x00081140, "SQ", 0xFFFFFFFF, explicit=True) + ITEM + b"\xff\xff\xff\xff"
        return part10(one * depth)
    inner = b""
    for _ in range(depth):
        item = ITEM + pack("<I", len(inner)) + inner
        inner = header(0x00081140, "SQ", len(item), explicit=True) + item
    return part10(inner)


def fuzzed(count: int) -> Iterator[bytes]:
    """Malformed files, the same ones every time: bytes changed, lengths changed, cut, spliced, doubled."""
    clean = [
        ct(side=16),
        part10(deflated(encode(attributes() | {0x7FE00010: pixels(16)}, EXPLICIT_LE)), DEFLATED),
        compressed("1.2.840.10008.1.2.5", pack("<16I", 2, 64, 70, *[0] * 13) + bytes(40)),
        compressed("1.2.840.10008.1.2.4.50", b"\xff\xd8\xff\xe0\0\x10JFIF".ljust(200, b"\0")),
        nested(20, defined=True),
        ct(Element(0x00081140, "SQ", (attributes(), attributes())), side=16),
    ]
    for seed in range(count):
        source = random.Random(seed)
        content = bytearray(source.choice(clean))
        for _ in range(source.randint(1, 12)):
            at = source.randrange(100, len(content))
            match source.randrange(5):
                case 0:
                    content[at] = source.randrange(256)
                case 1:
                    content[at : at + 4] = source.choice((b"\xff\xff\xff\xff", bytes(4), b"\xff\xff\xff\x7f"))
                case 2:
                    del content[at : at + source.randrange(1, 64)]
                case 3:
                    content[at:at] = content[at : at + source.randrange(1, 64)]
                case 4:
                    content[at : at + 2] = source.choice((b"SQ", b"UN", b"XX", b"OB", b"\0\0", b"UL"))
            if len(content) < 140:
                break
        yield bytes(content)


def stored_deflate(data: bytes) -> bytes:
    """A raw deflate stream."""
    return zlib.compress(data)[2:-4]
