"""Objects that come in the parts of a request: each goes to the vault while it comes, and is its visitor's then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ....evidence.recorder import ConnectionRecord
from ....hospital.elements import EXPLICIT_LE, DataSet, decode
from ....hospital.part10 import HEAD_SIZE, Part10Error, meta_of
from ....hospital.pixels import PIXEL_DATA, text_of
from ....hospital.uploads import Same
from ...holdings import Holdings

MAX_META: Final = 64 << 10
"""Bytes of preamble and file meta information; real ones have some hundred."""

_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
_META_SYNTAX: Final = 0x00020010

NO_ROOM: Final = 0xA700
"""Failure Reason: out of resources (PS3.4 table B.2-1, PS3.18 table 10.5.3-2)."""
NOT_UNDERSTOOD: Final = 0xC000
"""Failure Reason: cannot understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an object; `failure`: Failure Reason (0008,1197), None if it is kept."""

    sop_class: str
    sop_instance: str
    study: str
    series: str
    size: int
    sha256: str
    failure: int | None
    reason: str = ""


class Incoming:
    """One object under way. Nothing here raises because of what comes."""

    def __init__(self, holdings: Holdings, record: ConnectionRecord, visitor: str) -> None:
        self._holdings = holdings
        self._record = record
        self._visitor = visitor
        self._sink = record.open_object(b"")
        self._head = bytearray()
        self._size = 0

    def write(self, data: bytes) -> None:
        """More of it."""
        room = HEAD_SIZE + MAX_META - len(self._head)
        if room > 0:
            self._head += data[:room]
        self._sink.write(data)
        self._size += len(data)

    def abandon(self) -> None:
        """The rest won't come; what came is evidence too."""
        self._record.object_stored(self._sink.finish(), complete=False)

    def finish(self, *, study: str, overwrite: bool, same: Same, not_dicom: int, other_study: int) -> Outcome:
        """It is whole: let its visitor find it. `study`: Study Instance UID that it must have; empty: any."""
        captured = self._sink.finish()
        meta, head = self._read()
        sop_class, sop_instance = text_of(head, _SOP_CLASS), text_of(head, _SOP_INSTANCE)
        syntax = text_of(meta, _META_SYNTAX) or EXPLICIT_LE
        failure, reason = None, ""
        if not meta:
            failure, reason = not_dicom, "not DICOM"
        elif not (sop_class and sop_instance and text_of(head, _STUDY) and text_of(head, _SERIES)):
            failure, reason = NOT_UNDERSTOOD, "without UIDs"
        elif study and text_of(head, _STUDY) != study:
            failure, reason = other_study, "another study"
        elif captured.path is None or not self._holdings.add_upload(
            self._visitor,
            head,
            sop_class_uid=sop_class,
            sop_uid=sop_instance,
            transfer_syntax_uid=syntax,
            path=captured.path,
            size=captured.size,
            overwrite=overwrite,
            same=same,
        ):
            failure, reason = NO_ROOM, "no room"
        self._record.object_stored(captured, sop_class=sop_class or None, sop_instance=sop_instance or None)
        return Outcome(
            sop_class=sop_class,
            sop_instance=sop_instance,
            study=text_of(head, _STUDY),
            series=text_of(head, _SERIES),
            size=self._size,
            sha256=captured.sha256,
            failure=failure,
            reason=reason,
        )

    def _read(self) -> tuple[DataSet, DataSet]:
        """File meta information and the beginning of the data set; empty if it is no Part 10 file."""
        content = bytes(self._head)
        try:
            meta, start = meta_of(content)
        except Part10Error:
            return {}, {}
        syntax = text_of(meta, _META_SYNTAX)
        return meta, decode(content[start : start + HEAD_SIZE], syntax, stop_at=PIXEL_DATA, head=True)
