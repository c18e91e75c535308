"""A study's reports, on the screen and as PDF."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, NamedTuple

from ....evidence import events as ev
from ....hospital.findings.vocabulary import words
from ....hospital.instances import InstanceRef
from ....hospital.typesetting import Line, pdf
from ..message import Response
from . import listing as li
from .desk import FACE, Visit
from .documents import Document, encapsulated, structured, without_letterhead
from .documents import printed as printed_text
from .listing import Study
from .records import age, named_study

_UPLOAD = "upload"
MAX_REPORT = 16 << 20
"""Bytes of a report that is shown; a visitor's may be of any length."""
MAX_REPORTS = 20
"""Reports of a study that are listed."""
_HEADINGS = {
    "Indications for Procedure": "indication",
    "History": "indication",
    "Current Procedure Descriptions": "technique",
    "Procedure Description": "technique",
    "Prior Procedure Descriptions": "comparison",
    "Findings": "findings",
    "Finding": "findings",
    "Impressions": "impression",
    "Impression": "impression",
    "Diagnostic Imaging Report": "report",
}
"""Concepts of reports that the hospital has words of its own for."""


class Shown(NamedTuple):
    """A report, ready to be shown."""

    sop: str
    title: str
    lines: tuple[tuple[int, str, str], ...]
    signed: str
    moment: str
    instance: InstanceRef


async def report(visit: Visit) -> Response:
    """The report of a study as a page."""
    found = await named_study(visit)
    if found is None:
        return visit.failed(404, "no_study")
    reports = await _reports(visit, found)
    chosen = _chosen(visit, reports)
    shown = await _shown(visit, chosen) if chosen is not None else None
    if shown is None:
        return visit.failed(404, "no_report")
    _told(visit, shown.instance, "report", "text/html", sum(len(line[2]) for line in shown.lines))
    return visit.shown(
        "report.html",
        visit.desk.of("report.title"),
        area="worklist",
        study=found,
        age=age(visit, found),
        shown=shown,
        reports=[{"sop": each.sop_uid, "title": ""} for each in reports],
        has_images=found.has_images,
    )


async def printed(visit: Visit) -> Response:
    """The same as PDF: the hospital's own, or one that is set now. A visitor's file is never handed out as one."""
    found = await named_study(visit)
    if found is None:
        return visit.failed(404, "no_study")
    chosen = _chosen(visit, await _reports(visit, found))
    if chosen is None:
        return visit.failed(404, "no_report")
    content = None
    if chosen.sop_class_uid == li.ENCAPSULATED_PDF and chosen.origin != _UPLOAD:
        stored = await visit.desk.holdings.fetch(chosen, chosen.transfer_syntax_uid)
        inside = encapsulated(stored.data, stored.transfer_syntax) if stored is not None else None
        content = inside[1] if inside is not None else None
    else:
        shown = await _shown(visit, chosen)
        content = await asyncio.to_thread(_set, visit, found, shown) if shown is not None else None
    if content is None:
        return visit.failed(404, "no_report")
    _told(visit, chosen, "report", "application/pdf", len(content))
    name = "".join(sign for sign in found.text(li.ACCESSION) if sign.isascii() and sign.isalnum())[:16] or "report"
    return visit.answer(
        content, "application/pdf", more={"Content-Disposition": f'attachment; filename="{name}.pdf"'}
    )


async def _reports(visit: Visit, found: Study) -> list[InstanceRef]:
    """The instances of a study's reports; of dose reports and the like only if there is nothing else."""
    wanted = visit.asked("series")
    series = [
        str(values.get(li.SERIES) or "")
        for values in await visit.desk.listing.series(found.uid, visit.visitor)
        if values.get(li.CLASS) in li.DOCUMENTS
    ]
    series.sort(key=lambda uid: uid != wanted)
    reports = [each for uid in series for each in visit.desk.listing.instances(visit.visitor, found.uid, uid)]
    if not wanted:
        reports.sort(key=lambda each: each.sop_class_uid not in li.REPORTS)
    return reports[:MAX_REPORTS]


def _chosen(visit: Visit, reports: list[InstanceRef]) -> InstanceRef | None:
    wanted = visit.asked("object")
    return next((each for each in reports if each.sop_uid == wanted), reports[0] if reports and not wanted else None)


async def _shown(visit: Visit, instance: InstanceRef) -> Shown | None:
    stored = await visit.desk.holdings.fetch(instance, instance.transfer_syntax_uid)
    if stored is None or len(stored.data) > MAX_REPORT:
        return None
    document: Document | None
    if instance.sop_class_uid == li.ENCAPSULATED_PDF:
        inside = await asyncio.to_thread(encapsulated, stored.data, stored.transfer_syntax)
        if inside is None:
            return None
        document = Document(inside[0], ())
        if instance.origin != _UPLOAD:
            document = without_letterhead(printed_text(*inside), visit.desk.skin.hospital)
    else:
        document = await asyncio.to_thread(structured, stored.data, stored.transfer_syntax)
    if document is None:
        return None
    headings = words(visit.desk.locale.name)["headings"]

    def translated(text: str) -> str:
        return str(headings.get(_HEADINGS.get(text, ""), text))

    lines = tuple((line.depth, translated(line.heading), line.text) for line in document.lines)
    title = translated(document.title) or visit.desk.of("report.title")
    signed = visit.desk.speech.person(document.signed)
    return Shown(instance.sop_uid, title, lines, signed, _moment(visit, document.moment), instance)


def _moment(visit: Visit, text: str) -> str:
    try:
        moment = datetime.strptime(text[:14].ljust(14, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return text[:40]
    return visit.desk.speech.moment(moment)[:-3]


def _set(visit: Visit, found: Study, shown: Shown) -> bytes:
    desk, speech = visit.desk, visit.desk.speech
    lines = [Line(desk.skin.hospital, 14, bold=True, after=1), Line(shown.title, 11, after=12)]
    for key, text in (
        ("column.name", speech.person(found.text(li.NAME))),
        ("column.identifier", found.text(li.IDENTIFIER)),
        ("column.born", speech.day(found.text(li.BORN))),
        ("column.text", found.text(li.TEXT)),
        ("column.date", f"{speech.day(found.text(li.DATE))} {speech.time(found.text(li.TIME))}"),
        ("column.accession", found.text(li.ACCESSION)),
        ("column.referrer", speech.person(found.text(li.REFERRER))),
    ):
        lines.append(Line(f"{desk.of(key)}: {text}", after=1))
    lines.append(Line("", 6, after=6))
    for _, heading, text in shown.lines:
        if heading and not text:
            lines.append(Line(heading, 11, bold=True, after=1))
        else:
            lines.append(Line(f"{heading}: {text}" if heading else text, after=5))
    if shown.signed:
        lines.append(Line(desk.of("report.signed", name=shown.signed, moment=shown.moment), 9))
    created = f"{desk.listing.local(desk.clock()):%Y%m%d%H%M%S}"
    product = desk.skin.product
    return pdf(
        lines, title=found.text(li.ACCESSION)[:64], producer=f"{product.name} {product.version}", created=created
    )


def _told(visit: Visit, instance: InstanceRef, what: str, kind: str, size: int) -> None:
    event: dict[str, Any] = {"study_uid": instance.study_uid, "sop_instance": instance.sop_uid}
    visit.emit(
        ev.WebRetrieve(
            face=FACE,
            what=what,
            level="IMAGE",
            series_uid=instance.series_uid,
            mime_type=kind,
            instances=1,
            bytes=size,
            outcome="success",
            **event,
        )
    )
