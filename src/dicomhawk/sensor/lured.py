"""Where visitors meet bait: what is handed out is marked, what is taken or comes back is on record."""

from __future__ import annotations

import asyncio
from typing import Any

from ..evidence import events as ev
from ..evidence.recorder import ConnectionRecord
from ..hospital.instances import InstanceRef
from ..lures.bait import Lures
from ..lures.ledger import Taker
from ..lures.marks import marked
from ..lures.reuse import Reuse
from ..upperlayer import items as it
from ..upperlayer.pdu import AssociateRQ
from .holdings import StoredObject

MARKED_AT_ONCE = 1 << 20
"""Bytes of an object that is marked here and now: less than a millisecond; a larger one goes to a thread."""


def taker(record: ConnectionRecord) -> Taker:
    """Who takes something on a connection."""
    return Taker(record.address, record.session, record.connection)


async def handed_out(
    lures: Lures | None, stored: StoredObject, instance: InstanceRef, record: ConnectionRecord
) -> StoredObject:
    """An object of the hospital as the visitor of `record` gets it: with addresses of its own, if there is a canary.

    To be called when it is sent, and not when it is only looked at: each call mints a token.
    """
    told(lures, record, " ".join((instance.study_uid, instance.series_uid, instance.sop_uid)).encode())
    if lures is None or stored.origin != "hospital":
        return stored
    mark = lures.mark(instance, taker(record))
    if not mark:
        return stored
    lures.watch.told(taker(record), "credential", lures.given_away(mark.encode()))
    arguments = stored.data, stored.transfer_syntax, mark
    if len(stored.data) < MARKED_AT_ONCE:
        data = marked(*arguments)
    else:
        data = await asyncio.to_thread(marked, *arguments)
    return stored if data is None else stored._replace(data=memoryview(data), mark=mark)


def told(lures: Lures | None, record: ConnectionRecord, data: bytes | memoryview) -> None:
    """What a visitor is answered: the UIDs in it are known to it from now on."""
    if lures is not None:
        lures.watch.answered(taker(record), data)


def asked(lures: Lures | None, record: ConnectionRecord, text: bytes | bytearray, via: str) -> None:
    """What a visitor asks: what it has from somebody else is on record."""
    if lures is not None:
        for reuse in lures.watch.asked(taker(record), text):
            record.emit(reused(reuse, via))


def reused(reuse: Reuse, via: str) -> ev.LureReused:
    """The event of what came back."""
    return ev.LureReused(
        lure=reuse.lure,
        lure_kind=reuse.kind,
        token=reuse.token,
        minted=reuse.told.session,
        visitor=reuse.told.address or None,
        via=via,
        detail=reuse.value,
    )


def credential_used(
    lures: Lures | None, record: ConnectionRecord, username: str, password: str, via: str, *, dicom: bool = False
) -> str | None:
    """A pair was presented: if it is a honeycredential, that is on record, and its lure's id returned."""
    found = lures.credential(username, password, dicom=dicom) if lures is not None else None
    if lures is None or found is None:
        return None
    record.emit(ev.LureTaken(lure=found.lure, lure_kind="credential", via=via, detail=username))
    for reuse in lures.watch.came_back(taker(record), "credential", found.lure, found.lure):
        record.emit(reused(reuse, via))
    return found.lure


def baited(lures: Lures | None, rq: AssociateRQ) -> tuple[ev.LureTaken, ...]:
    """What of an A-ASSOCIATE-RQ is bait: an AE title, a user identity."""
    if lures is None:
        return ()
    made: list[ev.LureTaken] = []
    for name in (rq.calling_ae_title, rq.called_ae_title):
        title = name.strip(" \0").lower()
        for each in lures.titles:
            if each.remote.ae_title.lower() == title:
                made.append(_taken(lure=each.lure, lure_kind="ae-title", detail=each.remote.ae_title))
    identity = rq.user_item(it.UserIdentityRequest)
    if identity is not None:
        username = identity.primary.decode("utf-8", "replace")
        password = identity.secondary.decode("utf-8", "replace")
        found = lures.credential(username, password, dicom=True)
        if found is not None:
            made.append(_taken(lure=found.lure, lure_kind="credential", detail=found.username))
    return tuple(made)


def bait_taken(lures: Lures | None, record: ConnectionRecord, bait: tuple[ev.LureTaken, ...]) -> None:
    """What of an association was bait goes on record, and where it came from, if another took it first."""
    for event in bait:
        record.emit(event)
        if lures is not None:
            for reuse in lures.watch.came_back(taker(record), event.lure_kind, event.lure, event.lure):
                record.emit(reused(reuse, "association"))


def _taken(**fields: Any) -> ev.LureTaken:
    return ev.LureTaken(via="association", **fields)
