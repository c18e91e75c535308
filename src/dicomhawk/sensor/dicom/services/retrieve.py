"""What C-GET (PS3.4 C.4.3) and C-MOVE (PS3.4 C.4.2) share: the identifier, the counters, the responses."""

from __future__ import annotations

from collections.abc import Container, Mapping
from struct import pack
from typing import TYPE_CHECKING, Any

from ....evidence import events as ev
from ....hospital.elements import DataSet, Element, encode
from ....hospital.query import QueryError
from ....hospital.retrieval import Fault, RetrievalError, Rules
from ....persona import sopclasses
from ....upperlayer import dimse
from ....upperlayer.dimse import CommandField, Key
from ...lured import asked
from .. import describe, status
from .base import Identified, Request, failure

if TYPE_CHECKING:
    from ....hospital.instances import Instances
    from ....persona.model.commands import Disposal
    from ....persona.model.retrieve import Progress, Selecting
    from ..connection import Connection

MAX_FAILED_LIST = 0xFFFE
"""Bytes of a Failed SOP Instance UID List: what a UI value of an explicit VR can hold, a thousand long UIDs."""

_FAILED_SOP_INSTANCE_UID_LIST = 0x00080058
_NOTHING: Mapping[str, dimse.Value] = {}


class _UnknownClass(Exception):
    """The SOP class is none of a retrieval."""


class Retrieval(Identified):
    """A C-GET or C-MOVE: `_announce`, `_classes` and `_retrieve` are their own."""

    __slots__ = (
        "_bytes",
        "_completed",
        "_failed",
        "_failed_uids",
        "_keys",
        "_progress",
        "_remaining",
        "_select",
        "_warning",
    )

    def __init__(self, connection: Connection, request: Request, select: Selecting, progress: Progress) -> None:
        super().__init__(connection, request)
        self._select, self._progress = select, progress
        self._keys: DataSet | None = None
        self._remaining = self._completed = self._failed = self._warning = 0
        self._failed_uids = bytearray()
        self._bytes = 0

    def finish(self, now: float) -> None:
        """The identifier is here: record it, and begin."""
        self._keys = self.read()
        self._announce()
        name = "c-get" if self.request.command.command_field == CommandField.C_GET_RQ else "c-move"
        asked(self.connection.door.lures, self.connection.record, self.identifier, name)
        if self.is_misplaced(self._classes):
            self._settle(self.connection.door.persona.commands.wrong_context)
        elif self._keys is None or self.too_long:
            self._settle(self._select.unreadable)
        else:
            self.connection.start(self, self._work(self._keys))

    def _announce(self) -> None:
        raise AssertionError("each retrieval has an event of its own")

    @property
    def _classes(self) -> Container[str]:
        raise AssertionError("each retrieval has SOP classes of its own")

    async def _retrieve(self, instances: Instances) -> Disposal:
        raise AssertionError("each retrieval has a way of its own")

    def _instances(self, keys: DataSet) -> Instances:
        connection = self.connection
        return connection.door.holdings.retrieve(
            self.sop_class_uid,
            keys,
            connection.record.address,
            relational=self.relational,
            rules=_rules(self._select),
        )

    async def _work(self, keys: DataSet) -> None:
        comment: dict[str, dimse.Value] = {}
        code: Disposal
        try:
            if self._select.class_unknown != "any" and self.sop_class_uid not in sopclasses.RETRIEVE:
                raise _UnknownClass
            instances = self._instances(keys)
            if self._select.remaining_from == "found":
                self._remaining = len(instances)
            code = await self._retrieve(instances)
        except RetrievalError as error:
            code = self._of_fault(error.fault)
            if error.tags and self.connection.door.persona.responses.offending_element:
                comment = {"OffendingElement": error.tags}
        except _UnknownClass:
            code = self._select.class_unknown if self._select.class_unknown != "any" else status.SUCCESS
        except QueryError as error:
            code, comment = failure(error, self.connection.door.persona)
        self._settle(code, comment)

    def _settle(self, code: Disposal, comment: Mapping[str, dimse.Value] = _NOTHING) -> None:
        """Send the last response, or do what takes its place."""
        if isinstance(code, int):
            self._conclude(self._verdict(code), comment)
        else:
            self._end(None)
            self.dispose(code, self.request.command.name)

    def _of_fault(self, fault: Fault) -> Disposal:
        select = self._select
        found: dict[Fault, Disposal] = {
            Fault.LEVEL_MISSING: select.key_missing if select.level_missing == "deduce" else select.level_missing,
            Fault.LEVEL_UNKNOWN: select.level_unknown,
            Fault.LEVEL_OUTSIDE: status.SUCCESS if select.level_outside == "allowed" else select.level_outside,
            Fault.KEY_MISSING: select.key_missing,
            Fault.NOT_ALL_FOUND: select.nothing_found,
            Fault.UNREADABLE: select.unreadable,
        }
        return found[fault]

    def _conclude(self, code: int, comment: Mapping[str, dimse.Value]) -> None:
        """The last response."""
        if code == status.SUCCESS:
            self._remaining = 0  # also if the visitor has meanwhile replaced what was counted
        self._end(code)
        failed = self._failed_list() if self._progress.failed_list == "data-set" and code != status.SUCCESS else None
        counters = self._counters(remaining=code == status.CANCEL)
        self.response(code, failed, self._tail(), **counters, **comment)

    def broken(self) -> None:
        """The association ended first."""
        if not self.ended:
            self._end(None)

    def _end(self, code: int | None) -> None:
        self.ended = True
        kind = ev.CGetEnd if self.request.command.command_field == CommandField.C_GET_RQ else ev.CMoveEnd
        self.connection.record.emit(
            kind(
                message_id=self.message_id,
                context_id=self.request.context.context_id,
                status=code,
                outcome=status.outcome(code),
                remaining=self._remaining,
                completed=self._completed,
                failed=self._failed,
                warning=self._warning,
                bytes=self._bytes,
            ),
            since=self.request.received,
        )

    def _verdict(self, code: int) -> int:
        """PS3.4 C.4.2.1.5 and C.4.3.1.4: cancelled, or success, some failed or with warnings, all failed."""
        if self.cancelled and code != status.CANCEL:
            return status.CANCEL
        if code != status.SUCCESS and not (code == status.CANCEL and self._failures_outweigh_cancel):
            return code
        if not self._failed and not self._warning:
            return code
        if self._completed or self._warning:
            return self._progress.some_failed
        return self._progress.all_failed

    @property
    def _failures_outweigh_cancel(self) -> bool:
        return False

    def _counters(self, *, remaining: bool) -> dict[str, dimse.Value]:
        counters: dict[str, dimse.Value] = {
            "NumberOfCompletedSuboperations": self._completed & 0xFFFF,
            "NumberOfFailedSuboperations": self._failed & 0xFFFF,
            "NumberOfWarningSuboperations": self._warning & 0xFFFF,
        }
        if remaining:
            counters["NumberOfRemainingSuboperations"] = self._remaining & 0xFFFF
        return counters

    def _failed_list(self) -> bytes | None:
        if not self._failed_uids:
            return None
        element = Element(_FAILED_SOP_INSTANCE_UID_LIST, "UI", bytes(self._failed_uids))
        return encode({element.tag: element}, self.request.context.transfer_syntax)

    def _tail(self) -> bytes:
        """The failed instances as part of the command set, which some products make of them by mistake."""
        if self._progress.failed_list != "command" or not self._failed_uids:
            return b""
        value = bytes(self._failed_uids) + b"\0" * (len(self._failed_uids) % 2)
        element = pack("<HHL", 0x0008, 0x0058, len(value)) + value
        return pack("<HHLL", 0x0008, 0x0000, 4, len(element)) + element

    def _pending(self) -> None:
        """A response about the progress."""
        if self._remaining or self._progress.last_pending:
            self.response(status.PENDING, None, self._tail(), **self._counters(remaining=True))

    def _fail(self, sop_uid: str) -> None:
        self._failed += 1
        uid = sop_uid.encode("ascii", "replace")
        if len(self._failed_uids) + len(uid) < MAX_FAILED_LIST:
            self._failed_uids += b"\\" + uid if self._failed_uids else uid

    def _query(self) -> dict[str, Any]:
        return {
            **self.said(),
            "priority": self.request.command.number(Key.Priority),
            "bytes": len(self.identifier),
            **describe.query(self._keys),
        }


def _rules(select: Selecting) -> Rules:
    return Rules(
        order=select.order,
        level_case=select.level_case,
        level_prefix=select.level_prefix,
        level_spaces=select.level_spaces,
        level_names=select.level_names,
        deduce_level=select.level_missing == "deduce",
        levels_outside=select.level_outside == "allowed",
        keys=select.keys,
        keys_above=select.keys_above,
        accession_number=select.accession_number,
        id_case=select.id_case,
        empty_keys=select.empty_keys,
        all_of_list=select.all_of_list,
        wildcards_refused=select.wildcards_refused,
        list_order=select.list_order,
    )
