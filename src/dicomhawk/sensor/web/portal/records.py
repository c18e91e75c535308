"""The worklist, the day's schedule and the page of a study."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from ....evidence import events as ev
from .. import ohif
from ..message import Response
from . import listing as li
from .desk import FACE, Visit
from .listing import Study, Wanted

PERIODS: Final = ("today", "3", "7", "31", "all")
"""Choices of days in the worklist."""
_SORT: Final = "date"
_PAGES_AROUND: Final = 4
_ROWS: Final = (15, 20, 25, 30, 40, 50, 100)
DAYS: Final = (-1, 0, 1)
"""Days of the schedule, from today."""


def preferences(visit: Visit) -> dict[str, Any]:
    """What the visitor has set for the lists, or the product's defaults."""
    skin = visit.desk.skin
    kept = visit.desk.kept(visit.visitor, "settings", {})
    rows, period = kept.get("rows"), kept.get("period")
    return {
        "rows": rows if rows in _ROWS else skin.rows,
        "period": period if period in PERIODS else skin.period,
        "mail": str(kept.get("mail", "")),
    }


async def worklist(visit: Visit) -> Response:
    """The studies that match the search form, one page of them."""
    desk, preferred = visit.desk, preferences(visit)
    period = visit.asked("period", preferred["period"])
    period = period if period in PERIODS else preferred["period"]
    typed = {name: visit.asked(name)[: li.MAX_TYPED] for name in ("name", "identifier", "accession", "text")}
    typed |= {name: visit.asked(name)[:10] for name in ("from", "to", "modality", "status")}
    since, until = desk.speech.read_day(typed["from"]) or "", desk.speech.read_day(typed["to"]) or ""
    now = desk.clock()
    named = any(typed[name] for name in ("name", "identifier", "accession"))
    if not since and not until and not (named and not visit.asked("period")):
        since = _since(visit, period, now)
    wanted = Wanted(
        typed["name"],
        typed["identifier"],
        typed["accession"],
        typed["modality"],
        typed["text"],
        since,
        until,
        typed["status"] if typed["status"] in ("arrived", "done", "reported") else "",
    )
    sort = visit.asked("sort") if visit.asked("sort") in li.SORTS else _SORT
    descending = visit.asked("descending") == "1" or (sort == _SORT and not visit.asked("sort"))
    found = await desk.listing.studies(wanted, visit.visitor, now)
    visit.emit(
        ev.WebQuery(
            face=FACE,
            level="STUDY",
            keys=li.described(li.study_keys(wanted)),
            matches=len(found.studies),
            outcome="success",
        )
    )
    studies = li.ordered(found.studies, sort, descending=descending)
    rows = preferred["rows"]
    last_page = max(1, -(-len(studies) // rows))
    number = min(_number(visit.asked("page")), last_page)
    first = (number - 1) * rows

    state: dict[str, object] = {name: text or None for name, text in typed.items()}
    state |= {"period": visit.asked("period") or None, "sort": visit.asked("sort") or None}
    state |= {"descending": "1" if visit.asked("descending") == "1" else None}

    def link(**changes: object) -> str:
        return desk.pages.href("worklist", **(state | changes))

    return visit.shown(
        "worklist.html",
        desk.of("nav.worklist"),
        typed=typed,
        dated=bool(typed["from"] or typed["to"]),
        period=period,
        periods=PERIODS,
        modalities=li.MODALITY_CHOICES,
        studies=studies[first : first + rows],
        total=len(studies),
        first=first + 1,
        last=min(first + rows, len(studies)),
        more=found.more,
        most=li.MAX_LISTED,
        number=number,
        last_page=last_page,
        pages=range(max(1, number - _PAGES_AROUND), min(last_page, number + _PAGES_AROUND) + 1),
        sort=sort,
        descending=descending,
        link=link,
    )


def _since(visit: Visit, period: str, now: float) -> str:
    if period == "all":
        return ""
    days = 0 if period == "today" else int(period) - 1
    return f"{visit.desk.listing.local(now) - timedelta(days=days):%Y%m%d}"


def _number(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and text.isascii() and len(text) < 6 else 1


async def schedule(visit: Visit) -> Response:
    """The appointments of a day."""
    desk = visit.desk
    today = desk.listing.local(desk.clock())
    days = [f"{today + timedelta(days=step):%Y%m%d}" for step in DAYS]
    day = visit.asked("from") if visit.asked("from") in days else days[1]
    steps = await desk.listing.schedule(day, visit.visitor)
    visit.emit(
        ev.WebQuery(face=FACE, level="WORKLIST", keys={"00400002": day}, matches=len(steps), outcome="success")
    )
    labels = [(each, desk.speech.day(each)) for each in days]
    return visit.shown("schedule.html", desk.of("nav.schedule"), steps=steps, days=labels, shown=day)


async def study(visit: Visit) -> Response:
    """A study: its patient, its series, and what else there is of the patient."""
    desk, now = visit.desk, visit.desk.clock()
    found = await named_study(visit)
    if found is None:
        return visit.failed(404, "no_study")
    series = [_item(visit, found, values) for values in await desk.listing.series(found.uid, visit.visitor)]
    others = await desk.listing.of_patient(found, visit.visitor, now)
    return visit.shown(
        "study.html",
        desk.of("study.title"),
        area="worklist",
        study=found,
        age=age(visit, found),
        series=series,
        has_images=any(item["picture"] for item in series),
        ohif=ohif.viewer_url(desk.backing, found.uid),
        others=others,
    )


async def named_study(visit: Visit) -> Study | None:
    """The study that the query names, with an event that says so."""
    uid = visit.asked("study")
    found = await visit.desk.listing.study(uid, visit.visitor, visit.desk.clock())
    visit.emit(
        ev.WebQuery(
            face=FACE,
            level="STUDY",
            keys={"0020000D": uid},
            matches=int(found is not None),
            outcome="success" if found is not None else "failure",
        )
    )
    return found


def age(visit: Visit, found: Study) -> str:
    """The patient's age today."""
    return visit.desk.speech.age(found.text(li.BORN), visit.desk.listing.local(visit.desk.clock()).date())


def _item(visit: Visit, found: Study, values: dict[int, Any]) -> dict[str, Any]:
    """A series as its template wants it."""
    href = visit.desk.pages.href
    modality, uid = str(values.get(li.MODALITY) or ""), str(values.get(li.SERIES) or "")
    shown = li.is_pictured(values)
    if shown:
        link = href("viewer", study=found.uid, series=uid)
    elif values.get(li.CLASS) in li.DOCUMENTS:
        link = href("report", study=found.uid, series=uid)
    else:
        link = href("download", study=found.uid, series=uid)
    return {
        "uid": uid,
        "link": link,
        "picture": href("thumbnail", study=found.uid, series=uid) if shown else "",
        "modality": "PDF" if values.get(li.CLASS) == li.ENCAPSULATED_PDF else modality,
        "number": values.get(li.SERIES_NUMBER) or "",
        "text": values.get(li.SERIES_TEXT) or "",
        "part": values.get(li.BODY_PART) or "",
        "count": values.get(li.IN_SERIES) or 0,
        "time": values.get(li.SERIES_TIME) or "",
        "station": values.get(li.STATION) or "",
    }
