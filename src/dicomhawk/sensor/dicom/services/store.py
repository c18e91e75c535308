"""Storage (PS3.4 annex B): what a visitor stores goes to the vault, and is found again by that visitor only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....evidence import events as ev
from ....hospital.elements import DataSet, decode
from ....persona import sopclasses
from ....upperlayer.dimse import Key
from ....upperlayer.message import DataSetFragment
from .. import status
from .base import Request, Service

if TYPE_CHECKING:
    from ....evidence.objects import Captured, ObjectSink
    from ..connection import Connection

HEAD_SIZE = 128 * 1024
"""Bytes at the beginning of an object that are looked at: patient, study and series come before the pixels."""

_PIXEL_DATA = 0x7FE00010
_SOP_CLASS_UID, _SOP_INSTANCE_UID = 0x00080016, 0x00080018
_STUDY_UID, _SERIES_UID = 0x0020000D, 0x0020000E


class Store(Service):
    """C-STORE. The data set streams to the vault while its SHA-256 is computed."""

    __slots__ = ("_head", "_sink", "_size")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        command, context = request.command, request.context
        meta = connection.door.holdings.file_meta(
            command.sop_class_uid, command.sop_instance_uid, context.transfer_syntax
        )
        self._sink: ObjectSink = connection.record.open_object(meta)
        self._head = bytearray()
        self._size = 0

    def take(self, fragment: DataSetFragment) -> None:
        """Keep the fragment."""
        data = fragment.data
        room = HEAD_SIZE - len(self._head)
        if room > 0:
            self._head += data[:room]
        self._sink.write(data)
        self.connection.captured(fragment, self._sink.ordinal, self._size)
        self._size += len(data)

    def abandon(self) -> None:
        """What came is evidence too."""
        self._record(self._sink.finish(), complete=False)

    def finish(self, now: float) -> None:
        """Put it into the visitor's archive and answer."""
        connection, request = self.connection, self.request
        command, context = request.command, request.context
        captured = self._sink.finish()
        head = decode(bytes(self._head), context.transfer_syntax, stop_at=_PIXEL_DATA, head=True)
        code = self._judge(head)
        if code == status.SUCCESS and not self._keep(captured, head):
            code = status.OUT_OF_RESOURCES
        connection.record.emit(
            ev.CStore(
                **self.said(),
                status=code,
                outcome=status.outcome(code),
                priority=command.number(Key.Priority),
                sop_class=command.sop_class_uid,
                sop_instance=command.sop_instance_uid,
                bytes=self._size,
                sha256=captured.sha256,
                originator=command.text(Key.MoveOriginatorApplicationEntityTitle) or None,
                originator_id=command.number(Key.MoveOriginatorMessageID) or None,
            ),
            since=request.received,
        )
        self._record(captured, complete=True)
        self.response(code, AffectedSOPInstanceUID=command.sop_instance_uid)

    def _keep(self, captured: Captured, head: DataSet) -> bool:
        """Let the visitor find it again; False where there is no room: an archive that is full says so."""
        if captured.path is None:
            return False
        command, connection = self.request.command, self.connection
        return connection.door.holdings.add_upload(
            connection.record.address,
            head,
            sop_class_uid=command.sop_class_uid,
            sop_uid=command.sop_instance_uid,
            transfer_syntax_uid=self.request.context.transfer_syntax,
            path=captured.path,
            size=captured.size,
        )

    def _record(self, captured: Captured, *, complete: bool) -> None:
        command = self.request.command
        self.connection.record.object_stored(
            captured, complete=complete, sop_class=command.sop_class_uid, sop_instance=command.sop_instance_uid
        )

    def _judge(self, head: DataSet) -> int:
        """Status of PS3.4 table B.2-1."""
        command, context = self.request.command, self.request.context
        if context.abstract_syntax not in sopclasses.storage():
            return status.SOP_CLASS_NOT_SUPPORTED
        if not _text(head, _STUDY_UID) or not _text(head, _SERIES_UID):
            return status.CANNOT_UNDERSTAND
        if command.sop_class_uid != context.abstract_syntax:
            return status.DOES_NOT_MATCH_SOP_CLASS
        if _text(head, _SOP_CLASS_UID) != command.sop_class_uid:
            return status.DOES_NOT_MATCH_SOP_CLASS
        if _text(head, _SOP_INSTANCE_UID) != command.sop_instance_uid:
            return status.DOES_NOT_MATCH_SOP_CLASS
        return status.SUCCESS


def _text(head: DataSet, tag: int) -> str:
    element = head.get(tag)
    if element is None or not isinstance(element.value, bytes):
        return ""
    return element.value.decode("latin-1").strip("\0 ")
