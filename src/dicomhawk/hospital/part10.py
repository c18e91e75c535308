"""Preamble and file meta information of a DICOM file (PS3.10 section 7.1)."""

from __future__ import annotations

from struct import pack, unpack_from

from dicomhawk.hospital.elements import EXPLICIT_LE, DataSet, decode

MAX_UID = 64
"""Characters of a UID (PS3.5 9.1); a longer one that came over the wire is cut here, and whole in the journal."""
PREAMBLE = 128
PREFIX = b"DICM"
HEAD_SIZE = 128 * 1024
"""Bytes at the beginning of an object that are looked at: patient, study and series come before the pixels."""
_START = PREAMBLE + len(PREFIX)


class Part10Error(Exception):
    """The file does not say where its data set begins."""


def file_meta(
    sop_class_uid: str,
    sop_uid: str,
    transfer_syntax_uid: str,
    implementation_class_uid: str,
    *,
    implementation_version_name: str | None = None,
    source_ae: str | None = None,
) -> bytes:
    """Everything before the data set: 128 zero bytes, ``DICM``, and group 0002 in Explicit VR Little Endian."""
    body = pack("<HH2sHL", 0x0002, 0x0001, b"OB", 0, 2) + b"\0\1"
    body += _element(0x0002, b"UI", sop_class_uid[:MAX_UID])
    body += _element(0x0003, b"UI", sop_uid[:MAX_UID])
    body += _element(0x0010, b"UI", transfer_syntax_uid[:MAX_UID])
    body += _element(0x0012, b"UI", implementation_class_uid)
    if implementation_version_name is not None:
        body += _element(0x0013, b"SH", implementation_version_name)
    if source_ae is not None:
        body += _element(0x0016, b"AE", source_ae)
    return bytes(PREAMBLE) + PREFIX + pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(body)) + body


def _element(number: int, vr: bytes, text: str) -> bytes:
    value = text.encode("ascii", "replace")
    if len(value) & 1:
        value += b"\0" if vr == b"UI" else b" "
    return pack("<HH2sH", 0x0002, number, vr, len(value)) + value


def dataset_offset(file: bytes | memoryview) -> int:
    """Where the data set begins in the content of a file with preamble and group 0002. Raises `Part10Error`."""
    if bytes(file[PREAMBLE:_START]) != PREFIX or len(file) < _START + 12:
        raise Part10Error("the prefix is missing")
    tag, vr, size, length = unpack_from("<L2sHL", file, _START)
    if tag == 0x00000002 and vr == b"UL" and size == 4 and _START + 12 + length <= len(file):
        return _START + 12 + int(length)
    at = _START  # some writers leave the group length out
    while at + 12 <= len(file):
        group, _, vr, short = unpack_from("<HH2sH", file, at)
        if group != 0x0002:
            return at
        at += 12 + unpack_from("<L", file, at + 8)[0] if vr in (b"OB", b"UN", b"OW", b"UT") else 8 + short
    raise Part10Error("the file meta information does not end")


def meta_of(file: bytes | memoryview, *, lenient: bool = False) -> tuple[DataSet, int]:
    """The file meta information at the beginning of a file, and where its data set begins; `lenient` as in `decode`.

    Raises `Part10Error`.
    """
    start = dataset_offset(file)
    return decode(file[_START:start], EXPLICIT_LE, head=True, lenient=lenient), start
