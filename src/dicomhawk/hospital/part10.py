"""Preamble and file meta information of a DICOM file (PS3.10 section 7.1)."""

from __future__ import annotations

from struct import pack, unpack_from

MAX_UID = 64
"""Characters of a UID (PS3.5 9.1); a longer one that came over the wire is cut here, and whole in the journal."""


class Part10Error(Exception):
    """The file does not say where its data set begins."""


def file_meta(sop_class_uid: str, sop_uid: str, transfer_syntax_uid: str, implementation_class_uid: str) -> bytes:
    """128 zero bytes, ``DICM``, and group 0002 in Explicit VR Little Endian."""
    body = pack("<HH2sHL", 0x0002, 0x0001, b"OB", 0, 2) + b"\0\1"
    for element, uid in (
        (0x0002, sop_class_uid),
        (0x0003, sop_uid),
        (0x0010, transfer_syntax_uid),
        (0x0012, implementation_class_uid),
    ):
        value = uid[:MAX_UID].encode("ascii", "replace")
        value += b"\0" * (len(value) & 1)
        body += pack("<HH2sH", 0x0002, element, b"UI", len(value)) + value
    return bytes(128) + b"DICM" + pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(body)) + body


def dataset_offset(file: bytes | memoryview) -> int:
    """Where the data set begins in the content of a file with preamble and group 0002. Raises `Part10Error`."""
    if bytes(file[128:132]) != b"DICM" or len(file) < 144:
        raise Part10Error("the prefix is missing")
    tag, vr, size, length = unpack_from("<L2sHL", file, 132)
    if tag == 0x00000002 and vr == b"UL" and size == 4 and 144 + length <= len(file):
        return 144 + int(length)
    at = 132  # some writers leave the group length out
    while at + 12 <= len(file):
        group, _, vr, short = unpack_from("<HH2sH", file, at)
        if group != 0x0002:
            return at
        at += 12 + unpack_from("<L", file, at + 8)[0] if vr in (b"OB", b"UN", b"OW", b"UT") else 8 + short
    raise Part10Error("the file meta information does not end")
