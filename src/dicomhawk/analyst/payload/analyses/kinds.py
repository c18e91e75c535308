"""What a file is, told from its bytes: signatures of our own, checked further than their first bytes, and puremagic.

Libraries that go by the first signature say "DICOM" of anything with a prefix, and "PE" of whatever begins with MZ.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import puremagic

from .buffers import Buffer

HEAD: Final = 64 << 10
"""Bytes that a kind of text is told from."""
MAX_HITS: Final = 20_000
"""Places of one signature that are looked at: two bytes are everywhere in pixels."""


class Kind(NamedTuple):
    """`id`: as in ``pe``; `name`: as in ``PE``; `runs`: it is a program, or holds one."""

    id: str
    name: str
    runs: bool


PE = Kind("pe", "PE", True)
DOS = Kind("dos", "DOS program", True)
ELF = Kind("elf", "ELF", True)
MACHO = Kind("macho", "Mach-O", True)
JAVA = Kind("java", "Java class", True)
PDF = Kind("pdf", "PDF", False)
ZIP = Kind("zip", "ZIP", False)
HTML = Kind("html", "HTML", False)
SCRIPT = Kind("script", "script", True)
PHP = Kind("php", "PHP", True)
TIFF = Kind("tiff", "TIFF", False)

_PE_MACHINES: Final = frozenset(
    (0x014C, 0x8664, 0x01C0, 0x01C4, 0xAA64, 0x0200, 0x0EBC, 0x5032, 0x5064, 0x6232, 0x6264)
)
_ELF_TYPES: Final = range(1, 5)
_MACHO_CPUS: Final = frozenset((7, 0x01000007, 12, 0x0100000C, 0x0200000C, 18, 0x01000012))
_MAX_ARCHITECTURES: Final = 16
_MAX_LFANEW: Final = 16 << 20
_SHELLS: Final = re.compile(rb"#! ?/[\w./-]{2,60}(?:[ \t][^\r\n]{0,80})?\r?\n")


def _pe(data: Buffer, at: int) -> bool:
    if len(data) - at < 0x40:
        return False
    (lfanew,) = struct.unpack_from("<I", data, at + 0x3C)
    header = at + lfanew
    if not 4 <= lfanew <= _MAX_LFANEW or header + 24 > len(data) or bytes(data[header : header + 4]) != b"PE\0\0":
        return False
    (machine,) = struct.unpack_from("<H", data, header + 4)
    return machine in _PE_MACHINES


def _dos(data: Buffer, at: int) -> bool:
    """An MZ header whose fields agree with each other (pages, paragraphs of header, relocation table)."""
    if len(data) - at < 0x1C:
        return False
    last, pages, _, paragraphs = struct.unpack_from("<4H", data, at + 2)
    return bool(last < 512 and pages and 2 <= paragraphs <= 64 and pages * 512 <= len(data) - at + 512)


def _elf(data: Buffer, at: int) -> bool:
    head = bytes(data[at : at + 20])
    if len(head) < 20 or head[4] not in (1, 2) or head[5] not in (1, 2) or head[6] != 1:
        return False
    kind, machine = struct.unpack_from("<HH" if head[5] == 1 else ">HH", head, 16)
    return kind in _ELF_TYPES and 0 < machine < 0x200


def _macho(data: Buffer, at: int) -> bool:
    head = bytes(data[at : at + 16])
    if len(head) < 16:
        return False
    order = "<" if head[0] in (0xCE, 0xCF) else ">"
    cpu, _, kind = struct.unpack_from(f"{order}III", head, 4)
    return cpu in _MACHO_CPUS and 0 < kind < 16


def _fat(data: Buffer, at: int) -> bool:
    """A fat Mach-O; Java classes begin alike, with their version where the number of architectures is."""
    if len(data) - at < 8:
        return False
    (count,) = struct.unpack_from(">I", data, at + 4)
    if not 0 < count <= _MAX_ARCHITECTURES or len(data) - at < 8 + 20 * count:
        return False
    for number in range(count):
        cpu, _, offset, size = struct.unpack_from(">4I", data, at + 8 + 20 * number)
        if cpu not in _MACHO_CPUS or offset + size > len(data) - at:
            return False
    return True


def _java(data: Buffer, at: int) -> bool:
    if len(data) - at < 10:
        return False
    _, major, constants = struct.unpack_from(">HHH", data, at + 4)
    return bool(45 <= major <= 99 and constants > 1)


def _zip(data: Buffer, at: int) -> bool:
    if len(data) - at < 30:
        return False
    version, flags, method = struct.unpack_from("<HHH", data, at + 4)
    name, extra = struct.unpack_from("<HH", data, at + 26)
    known = method in (0, 8, 9, 12, 14, 93, 95, 98, 99)
    return version & 0xFF <= 63 and known and 0 < name <= 1024 and extra <= 4096 and not flags & 0x8000


def _pdf(data: Buffer, at: int) -> bool:
    return bool(re.match(rb"%PDF-[12]\.\d", bytes(data[at : at + 8])))


def _shebang(data: Buffer, at: int) -> bool:
    return _SHELLS.match(bytes(data[at : at + 200])) is not None


_LITERALS: Final[tuple[tuple[bytes, Kind, Callable[[Buffer, int], bool]], ...]] = (
    (b"MZ", PE, _pe),
    (b"\x7fELF", ELF, _elf),
    (b"\xfe\xed\xfa\xce", MACHO, _macho),
    (b"\xfe\xed\xfa\xcf", MACHO, _macho),
    (b"\xce\xfa\xed\xfe", MACHO, _macho),
    (b"\xcf\xfa\xed\xfe", MACHO, _macho),
    (b"\xca\xfe\xba\xbe", MACHO, _fat),
    (b"\xca\xfe\xba\xbe", JAVA, _java),
    (b"%PDF-", PDF, _pdf),
    (b"PK\x03\x04", ZIP, _zip),
    (b"#!/", SCRIPT, _shebang),
    (b"#! /", SCRIPT, _shebang),
)
_PATTERNS: Final[tuple[tuple[re.Pattern[bytes], Kind], ...]] = (
    (re.compile(rb"<\?[pP][hH][pP][\s=]"), PHP),
    (re.compile(rb"<(?:!(?i:doctype html)|(?i:html|script|iframe|svg)[\s>])"), HTML),
)

_OTHERS: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "TIFF"),
        (rb"\x1f\x8b\x08", "gzip"),
        (rb"BZh[1-9]1AY", "bzip2"),
        (rb"\xfd7zXZ\0", "xz"),
        (rb"\x28\xb5\x2f\xfd", "zstd"),
        (rb"7z\xbc\xaf\x27\x1c", "7z"),
        (rb"Rar!\x1a\x07", "RAR"),
        (rb"\x89PNG\r\n\x1a\n", "PNG"),
        (rb"\xff\xd8\xff", "JPEG"),
        (rb"GIF8[79]a", "GIF"),
        (rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ", "JPEG 2000"),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE document"),
        (rb"\{\\rtf", "RTF"),
        (rb"\x00\x61\x73\x6d\x01", "WebAssembly"),
        (rb"\xac\xed\x00\x05", "Java serialised object"),
        (rb"L\0\0\0\x01\x14\x02\0", "Windows shortcut"),
        (rb"MSCF\0\0\0\0", "Windows cabinet"),
        (rb"SQLite format 3\0", "SQLite"),
        (rb"\x0bMSH\|", "HL7 v2"),
        (rb"--[\w'()+,./:=? -]{1,70}\r\n(?i:content-)", "multipart body"),
        (rb"<\?xml[\s]", "XML"),
    )
)
_WINDOWS_SCRIPTS: Final = re.compile(
    rb"(?i)\A\s*(?:@echo off|\$[a-z]\w* *= *(?:new-object|\[)|import-module |param *\(|function \w+ *\{"
    rb"|wscript\.|set \w+ *= *createobject)"
)
_FORM: Final = re.compile(rb"[\w.%+\[\]-]{1,64}=[^\s<>&\"]{0,4096}(?:&[\w.%+\[\]-]{1,64}=[^\s<>&\"]{0,4096})*")


def of_bytes(data: Buffer, at: int = 0) -> Kind | None:
    """The kind of what begins exactly there, if it is one that hides in other files."""
    for literal, kind, check in _LITERALS:
        if bytes(data[at : at + len(literal)]) == literal and check(data, at):
            return kind
    for pattern, kind in _PATTERNS:
        if pattern.match(data, at):
            return kind
    if bytes(data[at : at + 2]) == b"MZ" and _dos(data, at):
        return DOS
    if bytes(data[at : at + 4]) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return TIFF
    return None


def within(data: Buffer, start: int, end: int) -> Iterator[tuple[Kind, int]]:
    """Everything of such a kind between two offsets, and where it begins."""
    found: list[tuple[int, Kind]] = []
    for literal, kind, check in _LITERALS:
        at = data.find(literal, start, end)
        for _ in range(MAX_HITS):
            if at < 0:
                break
            if check(data, at):
                found.append((at, kind))
            at = data.find(literal, at + 1, end)
    for pattern, kind in _PATTERNS:
        found += [
            (hit.start(), kind) for hit, _ in zip(pattern.finditer(data, start, end), range(MAX_HITS), strict=False)
        ]
    for at, kind in sorted(found):
        yield kind, at


def name_of(data: Buffer, size: int) -> str:
    """What a file is that is no DICOM, in a few words."""
    if not size:
        return "empty"
    kind = of_bytes(data)
    if kind is not None:
        return kind.name
    head = bytes(data[:HEAD])
    for pattern, name in _OTHERS:
        if pattern.match(head):
            return name
    return _text_name(head) or _other_name(head) or "data"


def _text_name(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text or b"\0" in head:
        return ""
    printable = sum(1 for byte in head[:4096] if byte >= 0x20 or byte in b"\t\r\n\f\x1b")
    if printable < 0.97 * len(head[:4096]):
        return ""
    if text[:1] in b"{[" and text.rstrip()[-1:] in b"}]":
        return "JSON"
    if _WINDOWS_SCRIPTS.match(text):
        return "script"
    if text[:5] == b"MSH|^":
        return "HL7 v2"
    if any(kind is HTML for kind, _ in within(text[:1024], 0, min(len(text), 1024))):
        return "HTML"
    if text[:1] == b"<":
        return "XML"
    if _FORM.fullmatch(text.rstrip()):
        return "form"
    return "text"


def others(data: Buffer, size: int) -> list[str]:
    """What puremagic takes it for, the surest first."""
    try:
        found = puremagic.magic_string(bytes(data[: min(size, HEAD)]))
    except (puremagic.PureError, ValueError, IndexError):
        return []
    return list(dict.fromkeys(each.name or each.extension for each in found if each.confidence >= 0.4))[:10]


def _other_name(head: bytes) -> str:
    found = others(head, len(head))
    return found[0] if found else ""
