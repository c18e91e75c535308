"""Files out of the archive and into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from ....evidence import events as ev
from ....evidence.objects import Captured, ObjectSink
from ....hospital.elements import DataSet, decode, plain_text
from ....hospital.instances import InstanceRef
from ....hospital.part10 import HEAD_SIZE, Part10Error, meta_of
from ....hospital.pixels import PIXEL_DATA
from ....hospital.world.draw import draw
from ...listing import is_uid
from ...lured import handed_out
from ..formdata import FormError, Part, boundary_of, parts
from ..message import BodyBroken, BodyTooLarge, Pair, Response, Stored
from ..message import Part as BodyPart
from ..zipping import Entry, archive
from .desk import FACE, Desk, Visit, clean
from .records import named_study

MAX_UPLOADS: Final = 500
"""Files of one form that are taken in; what else there is stays in the record of the connection."""
MAX_SHOWN: Final = 100
"""Files of an upload that its page lists."""
_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SYNTAX = 0x00080016, 0x00080018, 0x0020000D, 0x00020010


async def download(visit: Visit) -> Response:
    """A study or a series as a ZIP, sent as it is made."""
    desk = visit.desk
    found = await named_study(visit)
    if found is None:
        return visit.failed(404, "no_study")
    series = visit.asked("series")
    instances = desk.listing.instances(visit.visitor, found.uid, series)
    if not instances:
        return visit.failed(404, "no_study")
    visit.emit(
        ev.WebRetrieve(
            face=FACE,
            what="archive",
            level="SERIES" if series else "STUDY",
            patient_id=found.text(0x00100020) or None,
            study_uid=found.uid,
            series_uid=series or None,
            mime_type="application/zip",
            instances=len(instances),
            outcome="success",
        )
    )
    name = "".join(sign for sign in found.text(0x00080050) if sign.isascii() and sign.isalnum())[:16] or "study"
    headers = [("Content-Type", "application/zip"), ("Content-Disposition", f'attachment; filename="{name}.zip"')]
    headers += _kept_headers(desk)
    moment = desk.listing.local(desk.clock())
    return Response(200, headers, archive(_entries(visit, instances), moment))


async def _entries(visit: Visit, instances: list[InstanceRef]) -> AsyncIterator[Entry]:
    desk = visit.desk
    manner = draw(desk.seed, "portal", "folders").choice(
        ("{study}/S{series:05d}/I{image:05d}", "DICOM/{series:04d}/{image:05d}.dcm", "SE{series:06d}/IM{image:06d}")
    )
    order: dict[str, int] = {}
    for number, instance in enumerate(instances, 1):
        file = await _leaving(visit, instance)
        if file is None:
            continue
        if number < len(instances):
            desk.holdings.prefetch(instances[number])
        place = order.setdefault(instance.series_uid, len(order) + 1)
        name = manner.format(study="ST00001", series=place, image=number)
        yield Entry(name, file)


async def _leaving(visit: Visit, instance: InstanceRef) -> tuple[bytes, Stored] | None:
    """The head of an instance's file and its data set, with what bait puts into it; None if it can't be had."""
    holdings = visit.desk.holdings
    async with visit.turn():
        stored = await holdings.fetch(instance, instance.transfer_syntax_uid)
    if stored is None:
        return None
    stored = await handed_out(visit.desk.backing.lures, stored, instance, visit.request.record)
    head = holdings.file_meta(instance.sop_class_uid, instance.sop_uid, stored.transfer_syntax)
    return head, Stored(stored.data, stored.reference)


async def single(visit: Visit) -> Response:
    """One object as a DICOM file: always to be saved, never to be shown."""
    desk = visit.desk
    named = desk.listing.instances(visit.visitor, visit.asked("study"), visit.asked("series"), visit.asked("object"))
    leaving = await _leaving(visit, named[0]) if named else None
    if leaving is None:
        return visit.failed(404, "not_found")
    instance, (head, body) = named[0], leaving
    visit.emit(
        ev.WebRetrieve(
            face=FACE,
            what="file",
            level="IMAGE",
            study_uid=instance.study_uid,
            series_uid=instance.series_uid,
            sop_instance=instance.sop_uid,
            mime_type="application/dicom",
            instances=1,
            bytes=len(body.data),
            outcome="success",
        )
    )

    async def file() -> AsyncIterator[BodyPart]:
        yield head
        yield body

    name = instance.sop_uid if is_uid(instance.sop_uid) else "object"
    headers = [
        ("Content-Type", "application/dicom"),
        ("Content-Disposition", f'attachment; filename="{name}.dcm"'),
        *_kept_headers(desk),
    ]
    return Response(200, headers, file(), len(head) + len(body.data))


def _kept_headers(desk: Desk) -> list[Pair]:
    """Those of all pages but for what would keep browsers from saving a file."""
    return [(key, value) for key, value in desk.skin.headers if key not in ("Pragma", "Expires")]


class Outcome(NamedTuple):
    """What became of a file, for the page: `outcome` is the key of a text."""

    name: str
    size: int
    outcome: str
    study: str = ""

    @property
    def taken(self) -> bool:
        """Whether it is in the archive now."""
        return self.outcome == "stored"


async def upload(visit: Visit) -> Response:
    """Files of the visitor's own: they go to the vault, and into the worklist that this visitor sees."""
    desk, notice = visit.desk, ""
    results: list[Outcome] = []
    if visit.request.method == "POST":
        boundary = boundary_of(visit.request.headers.get("Content-Type"))
        if boundary is None:
            await visit.read_form()
            notice = desk.of("upload.nothing")
        else:
            results, notice = await _take(visit, boundary)
    return visit.shown(
        "upload.html", desk.of("nav.upload"), results=results[:MAX_SHOWN], notice=notice, notice_kind="bad"
    )


async def _take(visit: Visit, boundary: str) -> tuple[list[Outcome], str]:
    desk, ours = visit.desk, False
    results: list[Outcome] = []
    token, field = desk.skin.parameters["token"], bytearray()
    taking: _Taking | None = None
    try:
        async for part in parts(visit.request.body, boundary):
            if part.filename is None:
                if part.name == token and len(field) < 200:
                    field += part.data
                    ours = part.last and desk.sessions.is_form_of(visit.session, field.decode("utf-8", "replace"))
                continue
            if taking is None:
                if len(results) >= MAX_UPLOADS or not part.filename:
                    continue
                taking = _Taking(visit, part)
            taking.add(part.data)
            if part.last:
                results.append(taking.finish(allowed=ours and not visit.fresh, complete=True))
                taking = None
    except (FormError, BodyBroken, BodyTooLarge):
        return results, desk.of("upload.broken")
    finally:  # also if the visitor has left
        if taking is not None:
            results.append(taking.finish(allowed=False, complete=False))
    if results and not ours:
        return [], desk.of("login.expired")
    return results, "" if results else desk.of("upload.nothing")


class _Taking:
    """One file as it comes: streamed into the vault, its beginning kept for a look."""

    def __init__(self, visit: Visit, part: Part) -> None:
        self._visit = visit
        self._part = part
        self._head = bytearray()
        self._size = 0
        self._sink: ObjectSink = visit.request.record.open_object(b"")

    def add(self, data: bytes) -> None:
        """The next bytes of it."""
        room = HEAD_SIZE - len(self._head)
        if room > 0:
            self._head += data[:room]
        self._size += len(data)
        if data:
            self._sink.write(data)

    def finish(self, *, allowed: bool, complete: bool) -> Outcome:
        """It is all here, or will not be."""
        visit, captured = self._visit, self._sink.finish()
        read = _read(bytes(self._head))
        said = {name: plain_text(read[1], tag) for name, tag in _NAMED} if read is not None else {}
        outcome = self._outcome(read, said, captured, allowed=allowed, complete=complete)
        visit.request.record.object_stored(
            captured, complete=complete, sop_class=said.get("sop_class"), sop_instance=said.get("sop_instance")
        )
        visit.emit(
            ev.WebStore(
                face=FACE,
                name=self._part.filename,
                mime_type=self._part.kind,
                size=self._size,
                sha256=captured.sha256,
                outcome="success" if outcome == "stored" else "failure",
                reason=outcome,
                **said,
            )
        )
        study = said.get("study_uid", "")
        shown = study if outcome == "stored" and is_uid(study) else ""
        return Outcome(clean(self._part.filename or "")[:80], self._size, outcome, shown)

    def _outcome(
        self,
        read: tuple[str, DataSet] | None,
        said: dict[str, str],
        captured: Captured,
        *,
        allowed: bool,
        complete: bool,
    ) -> str:
        """Key of the text for what became of it."""
        if not complete or not allowed:
            return "broken"
        if read is None:
            return "no_dicom"
        if not all(is_uid(uid) for uid in said.values()):
            return "invalid"
        if captured.path is None:
            return "full"
        kept = self._visit.desk.holdings.add_upload(
            self._visit.visitor,
            read[1],
            sop_class_uid=said["sop_class"],
            sop_uid=said["sop_instance"],
            transfer_syntax_uid=read[0],
            path=captured.path,
            size=captured.size,
        )
        return "stored" if kept else "full"


_NAMED: Final = (("sop_class", _SOP_CLASS), ("sop_instance", _SOP_INSTANCE), ("study_uid", _STUDY))


def _read(head: bytes) -> tuple[str, DataSet] | None:
    """Transfer syntax and first elements of a DICOM file (PS3.10 section 7.1); None: it is none."""
    try:
        meta, at = meta_of(head)
    except Part10Error:
        return None
    syntax = plain_text(meta, _SYNTAX)
    if not is_uid(syntax):
        return None
    return syntax, decode(head[at:], syntax, stop_at=PIXEL_DATA, head=True)
