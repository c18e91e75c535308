"""Files: preamble, file meta information and where the data set begins (PS3.10 section 7.1)."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from dicomhawk.hospital.objects.attributes import Attributes

PREAMBLE = 128
PREFIX = b"DICM"
META_LIMIT = 1 << 20  # bytes of group 0002 that are believed: real ones have some hundred


class Part10Error(Exception):
    """The file has no file meta information that says where its data set begins."""


def file_head(
    sop_class_uid: str, sop_uid: str, transfer_syntax_uid: str, implementation: tuple[str, str], source_ae: str
) -> bytes:
    """Everything before the data set. `implementation` is the writer's class UID and version name."""
    meta = Attributes("").set(
        MediaStorageSOPClassUID=sop_class_uid,
        MediaStorageSOPInstanceUID=sop_uid,
        TransferSyntaxUID=transfer_syntax_uid,
        ImplementationClassUID=implementation[0],
        ImplementationVersionName=implementation[1],
        SourceApplicationEntityTitle=source_ae,
    )
    body = meta.raw("FileMetaInformationVersion", "OB", b"\0\1").encode()
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(body))
    return bytes(PREAMBLE) + PREFIX + length + body


def dataset_offset(file: Path | str | BinaryIO) -> int:
    """Offset of the data set's first byte in a file with preamble and group 0002.

    An open file is read from its beginning and left anywhere. Raises `Part10Error` if it is no such file, and
    OSError if it can't be read.
    """
    if isinstance(file, Path | str):
        with Path(file).open("rb") as opened:
            return dataset_offset(opened)
    file.seek(0)
    head = file.read(PREAMBLE + len(PREFIX) + 12)
    start = PREAMBLE + len(PREFIX)
    if head[PREAMBLE:start] != PREFIX or len(head) < start + 12:
        raise Part10Error("no DICOM file: the prefix is missing")
    tag, vr, size, length = struct.unpack_from("<I2sHI", head, start)
    if tag == 2 and vr == b"UL" and size == 4 and length <= META_LIMIT:
        return start + 12 + int(length)
    return _walk(file, start)


def _walk(file: BinaryIO, start: int) -> int:
    """Where group 0002 ends, element by element: some writers leave out its length."""
    file.seek(start)
    meta = file.read(META_LIMIT)
    at = 0
    while at + 8 <= len(meta):
        group, _, vr, short = struct.unpack_from("<HH2sH", meta, at)
        if group != 2:
            return start + at
        if vr in (b"OB", b"UN", b"OW", b"UT"):
            if at + 12 > len(meta):
                break
            at += 12 + struct.unpack_from("<I", meta, at + 8)[0]
        else:
            at += 8 + short
    raise Part10Error("no DICOM file: the file meta information does not end")
