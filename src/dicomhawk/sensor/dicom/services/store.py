"""Storage (PS3.4 annex B): what a visitor stores goes to the vault, and is found again by that visitor only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....evidence import events as ev
from ....hospital.elements import DataSet, ElementsError, decode, plain_text
from ....hospital.part10 import HEAD_SIZE
from ....hospital.pixels import PIXEL_DATA
from ....hospital.structure import Structure
from ....upperlayer.dimse import Key
from ....upperlayer.message import DataSetFragment
from .. import status
from .base import Request, Service, leave

if TYPE_CHECKING:
    from ....evidence.objects import Captured, ObjectSink
    from ....persona.model.commands import Disposal
    from ..connection import Connection

_SOP_CLASS_UID, _SOP_INSTANCE_UID = 0x00080016, 0x00080018
_IDENTIFIERS = 0x00100020, 0x0020000D, 0x0020000E, _SOP_INSTANCE_UID


class Store(Service):
    """C-STORE. The data set streams to the vault while its SHA-256 is computed."""

    __slots__ = ("_fault", "_head", "_sink", "_size", "_store", "_structure")

    def __init__(self, connection: Connection, request: Request) -> None:
        super().__init__(connection, request)
        command, context = request.command, request.context
        self._store = connection.door.persona.store
        self._structure = self.structure() if self._store.unreadable != "accept" else None
        self._fault = False
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
        if self._structure is not None and not self._fault:
            self._follow(self._structure, data, last=fragment.last)

    def _follow(self, structure: Structure, data: memoryview, *, last: bool) -> None:
        """See whether the data set can be read; the product reads it as it comes, and leaves at once."""
        try:
            structure.feed(data)
            if last:
                structure.finish()
        except ElementsError as error:
            self._fault = True
            if not isinstance(self._store.unreadable, int) and self._store.unreadable != "accept":
                leave(self.connection, self._store.unreadable, f"C-STORE: {error}")

    def abandon(self) -> None:
        """What came is evidence too."""
        self._record(self._sink.finish(), complete=False)

    def finish(self, now: float) -> None:
        """Put it into the visitor's archive and answer."""
        connection, request = self.connection, self.request
        command, context = request.command, request.context
        captured = self._sink.finish()
        lenient = self._structure is not None and self._structure.lenient
        head = decode(bytes(self._head), context.transfer_syntax, stop_at=PIXEL_DATA, head=True, lenient=lenient)
        disposal = self._judge(head)
        if disposal == status.SUCCESS and not self._keep(captured, head):
            disposal = self._store.full
        code = disposal if isinstance(disposal, int) else None
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
        if not self._fault or isinstance(disposal, int):
            self.dispose(disposal, "C-STORE", AffectedSOPInstanceUID=command.sop_instance_uid)

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
            overwrite=self._store.duplicates == "replace",
            same=self._store.same_object,
        )

    def _record(self, captured: Captured, *, complete: bool) -> None:
        command = self.request.command
        self.connection.record.object_stored(
            captured, complete=complete, sop_class=command.sop_class_uid, sop_instance=command.sop_instance_uid
        )

    def _judge(self, head: DataSet) -> Disposal:
        """Status of PS3.4 table B.2-1."""
        command, context, store = self.request.command, self.request.context, self._store
        commands, contexts = self.connection.door.persona.commands, self.connection.door.persona.contexts
        if self._fault and store.unreadable != "accept":
            return store.unreadable
        if not commands.on_any_context and not contexts.stores(context.abstract_syntax):
            return commands.wrong_context
        if store.required_first and not self._has_required(head):
            return store.required_missing
        if store.class_of_context and command.sop_class_uid != context.abstract_syntax:
            return store.mismatch
        if _SOP_CLASS_UID not in head or _SOP_INSTANCE_UID not in head:
            return store.no_sop_uids
        if not _same(plain_text(head, _SOP_CLASS_UID), command.sop_class_uid):
            return store.mismatch
        if not _same(plain_text(head, _SOP_INSTANCE_UID), command.sop_instance_uid):
            return store.mismatch
        if store.classes == "storage" and not contexts.stores(command.sop_class_uid):
            return store.class_refused
        return status.SUCCESS if self._has_required(head) else store.required_missing

    def _has_required(self, head: DataSet) -> bool:
        longest = self._store.longest
        if longest is not None and any(len(plain_text(head, tag)) > longest for tag in _IDENTIFIERS):
            return False
        return all(plain_text(head, int(tag, 16)) for tag in self._store.required)


def _same(one: str, other: str) -> bool:
    """Whether two UIDs are the same but for white space, which a UID can't have, and what is behind a NUL."""
    return one == other or _uid(one) == _uid(other)


def _uid(text: str) -> str:
    return "".join(text.partition("\0")[0].split())
