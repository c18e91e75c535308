"""What the pages list: the worklist, the day's schedule, the parts of a study. The same catalogue as C-FIND's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from ....hospital import vr as vrs
from ....hospital.elements import DataSet, Element
from ....hospital.instances import InstanceRef
from ....hospital.query import Match
from ...holdings import Holdings
from ...listing import is_uid

MAX_LISTED: Final = 1000
"""Studies that a list is made of; of more, products ask for a narrower search."""
MAX_SERIES: Final = 500
"""Series of a study that are shown."""
MAX_IMAGES: Final = 5000
"""Images of a series that the viewer has."""
MAX_FRAMES: Final = 2000
"""Frames of an image that the viewer has."""
MAX_SCHEDULED: Final = 300
"""Appointments that are shown."""
MAX_TYPED: Final = 64
"""Characters of a field of the search form that count: an LO has no more (PS3.5 section 6.2)."""
A_TURN: Final = 40
"""Matches after which others have a turn."""
RECENT_MINUTES: Final = 40
"""Minutes for which an examination that began is taken to go on."""

NAME, IDENTIFIER, BORN, SEX = 0x00100010, 0x00100020, 0x00100030, 0x00100040
DATE, TIME, ACCESSION, REFERRER = 0x00080020, 0x00080030, 0x00080050, 0x00080090
MODALITY, MODALITIES, TEXT, READER = 0x00080060, 0x00080061, 0x00081030, 0x00081060
STUDY, SERIES, OBJECT = 0x0020000D, 0x0020000E, 0x00080018
SERIES_COUNT, IMAGE_COUNT, SERIES_NUMBER, SERIES_TEXT = 0x00201206, 0x00201208, 0x00200011, 0x0008103E
IN_SERIES, BODY_PART, SERIES_DATE, SERIES_TIME = 0x00201209, 0x00180015, 0x00080021, 0x00080031
CLASSES, CLASS = 0x00080062, 0x00080016
STATION, MAKER, MODEL = 0x00081010, 0x00080070, 0x00081090
NUMBER, FRAMES = 0x00200013, 0x00280008
CHARACTER_SET, LEVEL = 0x00080005, 0x00080052
STEPS, STEP_DATE, STEP_TIME, STEP_STATUS = 0x00400100, 0x00400002, 0x00400003, 0x00400020
ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"
DOSE_REPORT: Final = "1.2.840.10008.5.1.4.1.1.88.67"
REPORTS: Final = frozenset(("1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.88.22", ENCAPSULATED_PDF))
"""SOP classes of what a reader writes."""
DOCUMENTS: Final = REPORTS | {"1.2.840.10008.5.1.4.1.1.88.33", DOSE_REPORT}
"""SOP classes that are shown as text."""
MAY_BE_DOCUMENTS: Final = frozenset(("SR", "DOC", "OT"))
"""Modalities of series that are documents, or can be."""
NOT_IMAGES: Final = frozenset(("SR", "DOC", "KO", "PR", "REG", "RTSTRUCT", "RTPLAN", "ECG"))
"""Modalities of series without pictures."""
NOT_SAID: Final = frozenset(("SR", "DOC", "KO", "PR"))
"""Modalities that lists don't name beside others."""
MODALITY_CHOICES: Final = ("CR", "CT", "DX", "ECG", "MG", "MR", "NM", "OT", "PT", "RF", "SR", "US", "XA")

STUDY_KEYS: Final = (
    *(NAME, IDENTIFIER, BORN, SEX, DATE, TIME, ACCESSION, REFERRER, MODALITIES, TEXT, READER, STUDY),
    *(SERIES_COUNT, IMAGE_COUNT, CLASSES),
)
_SERIES_KEYS: Final = (
    *(MODALITY, SERIES, SERIES_NUMBER, SERIES_TEXT, IN_SERIES, BODY_PART, SERIES_DATE, SERIES_TIME),
    *(STATION, MAKER, MODEL),
)

Values = dict[int, Any]


@dataclass(frozen=True)
class Wanted:
    """A search as it was typed; dates are DA."""

    name: str = ""
    identifier: str = ""
    accession: str = ""
    modality: str = ""
    text: str = ""
    since: str = ""
    until: str = ""
    status: str = ""


@dataclass
class Study:
    """A row of the worklist."""

    values: Values
    status: str = ""
    own: bool = False
    """Whether the visitor uploaded to it."""
    modalities: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        self.modalities = tuple(part for part in self.text(MODALITIES).split("\\") if part)

    def text(self, tag: int) -> str:
        """A value, as text."""
        value = self.values.get(tag)
        return "" if value is None else str(value)

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return self.text(STUDY)

    @property
    def reported(self) -> bool:
        """Whether there is a report."""
        return not REPORTS.isdisjoint(self.text(CLASSES).split("\\"))

    @property
    def said(self) -> tuple[str, ...]:
        """The modalities as lists name them: without those of documents, if there are others."""
        hidden = NOT_SAID | ({"OT"} if ENCAPSULATED_PDF in self.text(CLASSES) else set())
        return tuple(each for each in self.modalities if each not in hidden) or self.modalities

    @property
    def has_images(self) -> bool:
        """Whether there is something to look at."""
        return any(each not in NOT_IMAGES for each in self.said)


class Listed(NamedTuple):
    """The studies of a search; `more`: there would be others."""

    studies: list[Study]
    more: bool


class Listing:
    """Asks the catalogue for one visitor's pages. Methods raise `QueryError`."""

    def __init__(self, holdings: Holdings, zone: Any) -> None:
        self._holdings = holdings
        self._zone = zone

    def local(self, now: float) -> datetime:
        """The hospital's time."""
        return datetime.fromtimestamp(now, self._zone)

    async def studies(self, wanted: Wanted, visitor: str, now: float) -> Listed:
        """The studies that a search means."""
        found: list[Study] = []
        keys = study_keys(wanted)
        local = self.local(now)
        with contextlib.closing(self._find(keys, visitor)) as matches:
            async for values in _each(matches):
                study = Study(values)
                study.status = status_of(study, local)
                if wanted.status and study.status != wanted.status:
                    continue
                if len(found) >= MAX_LISTED:
                    return Listed(found, True)
                found.append(study)
        return Listed(found, False)

    async def study(self, uid: str, visitor: str, now: float) -> Study | None:
        """One study; None if this visitor can't see such a one."""
        if not is_uid(uid):
            return None
        keys = identifier("STUDY", dict.fromkeys(STUDY_KEYS, "") | {STUDY: uid})
        with contextlib.closing(self._find(keys, visitor)) as matches:
            async for values in _each(matches):
                study = Study(values)
                study.status = status_of(study, self.local(now))
                return study
        return None

    async def series(self, study_uid: str, visitor: str) -> list[Values]:
        """The series of a study, by their numbers; those that may be documents with their SOP class."""
        keys = identifier("SERIES", dict.fromkeys(_SERIES_KEYS, "") | {STUDY: study_uid})
        found: list[Values] = []
        with contextlib.closing(self._find(keys, visitor)) as matches:
            async for values in _each(matches):
                found.append(values)
                if len(found) >= MAX_SERIES:
                    break
        for values in found:
            if values.get(MODALITY) in MAY_BE_DOCUMENTS:
                values[CLASS] = self._class_of(study_uid, str(values.get(SERIES) or ""), visitor)
        return sorted(found, key=lambda values: (values.get(SERIES_NUMBER) or 0, str(values.get(SERIES))))

    def _class_of(self, study_uid: str, series_uid: str, visitor: str) -> str:
        instances = self.instances(visitor, study_uid, series_uid)
        return instances[0].sop_class_uid if instances else ""

    async def images(self, study_uid: str, series_uid: str, visitor: str) -> list[tuple[str, int]]:
        """SOP Instance UID and number of frames of each image of a series, by their numbers."""
        values = {STUDY: study_uid, SERIES: series_uid, OBJECT: "", NUMBER: "", FRAMES: ""}
        found: list[tuple[int, str, int]] = []
        with contextlib.closing(self._find(identifier("IMAGE", values), visitor)) as matches:
            async for each in _each(matches):
                uid = str(each.get(OBJECT) or "")
                if is_uid(uid) and len(found) < MAX_IMAGES:
                    frames = min(MAX_FRAMES, max(1, int(each.get(FRAMES) or 1)))
                    found.append((int(each.get(NUMBER) or 0), uid, frames))
        return [(uid, frames) for _, uid, frames in sorted(found)]

    async def of_patient(self, study: Study, visitor: str, now: float) -> list[Study]:
        """The other studies of a study's patient, the newest first."""
        patient = study.text(IDENTIFIER)
        if not patient or any(sign in patient for sign in "*?\\"):
            return []
        keys = identifier("STUDY", dict.fromkeys(STUDY_KEYS, "") | {IDENTIFIER: patient})
        found: list[Study] = []
        with contextlib.closing(self._find(keys, visitor)) as matches:
            async for values in _each(matches):
                other = Study(values)
                if other.uid != study.uid and len(found) < A_TURN:
                    other.status = status_of(other, self.local(now))
                    found.append(other)
        return sorted(found, key=lambda each: each.text(DATE) + each.text(TIME), reverse=True)

    async def schedule(self, day: str, visitor: str) -> list[Values]:
        """The appointments of a day (DA), by time; each with the values of its step."""
        step = {STEP_DATE: day}
        for tag in (0x00080060, STEP_TIME, 0x00400007, 0x00400010, 0x00400011, STEP_STATUS, 0x00400001):
            step[tag] = ""
        tags = (NAME, IDENTIFIER, BORN, SEX, ACCESSION, REFERRER, 0x00321060, 0x00401003, 0x00380300, STUDY)
        keys = identifier(None, dict.fromkeys(tags, ""))
        keys[STEPS] = Element(STEPS, "SQ", (identifier(None, step),))
        found: list[Values] = []
        with contextlib.closing(self._holdings.find_worklist(keys, visitor)) as matches:
            async for values in _each(matches):
                (item,) = values.pop(STEPS)
                found.append(values | item)
                if len(found) >= MAX_SCHEDULED:
                    break
        return sorted(found, key=lambda values: (str(values.get(STEP_TIME) or ""), str(values.get(NAME) or "")))

    async def pictured(self, study_uid: str, visitor: str) -> list[Values]:
        """The series of a study that the viewer can show."""
        return [values for values in await self.series(study_uid, visitor) if is_pictured(values)]

    def instances(self, visitor: str, study: str, series: str = "", sop: str = "") -> list[InstanceRef]:
        """The instances of a study, a series, or the one with that UID; none if a UID isn't one."""
        named = {STUDY: study} | ({SERIES: series} if series else {}) | ({OBJECT: sop} if sop else {})
        if not all(is_uid(uid) for uid in named.values()):
            return []
        level = "IMAGE" if sop else "SERIES" if series else "STUDY"
        keys = identifier(level, named)
        return list(self._holdings.instances(keys, visitor))

    def _find(self, keys: DataSet, visitor: str) -> Generator[Match | None, None, None]:
        return self._holdings.search(keys, visitor)


async def _each(matches: Iterable[Match | None]) -> Any:
    for number, match in enumerate(matches, 1):
        if match is None or number % A_TURN == 0:
            await asyncio.sleep(0)
        if match is not None:
            yield match.values()


def identifier(level: str | None, values: Mapping[int, str]) -> DataSet:
    """An identifier with these keys."""
    found = {CHARACTER_SET: Element(CHARACTER_SET, "CS", b"ISO_IR 192")}
    if level is not None:
        found[LEVEL] = Element(LEVEL, "CS", level.encode())
    for tag, value in values.items():
        found[tag] = Element(tag, vrs.of_tag(tag), value.encode("utf-8", "replace"))
    return found


def study_keys(wanted: Wanted) -> DataSet:
    """The keys of a search: what is typed is the beginning of a name, number or description's word."""
    keys = dict.fromkeys(STUDY_KEYS, "")
    if wanted.name:
        parts = [part.strip() for part in _typed(wanted.name).replace(",", "^").split("^")]
        keys[NAME] = "^".join(f"{part}*" for part in parts)
    for tag, text in ((IDENTIFIER, wanted.identifier), (ACCESSION, wanted.accession)):
        if text:
            keys[tag] = f"{_typed(text)}*"
    if wanted.text:
        keys[TEXT] = f"*{_typed(wanted.text)}*"
    if wanted.modality:
        keys[MODALITIES] = _typed(wanted.modality).upper()[:16]
    if wanted.since or wanted.until:
        keys[DATE] = wanted.since if wanted.since == wanted.until else f"{wanted.since}-{wanted.until}"
    return identifier("STUDY", keys)


def described(keys: DataSet) -> dict[str, str]:
    """The keys of a search that narrow it, as events have them."""
    return {
        f"{tag:08X}": element.value.decode("utf-8", "replace")
        for tag, element in keys.items()
        if isinstance(element.value, bytes) and element.value and tag not in (CHARACTER_SET, LEVEL)
    }


def _typed(text: str) -> str:
    return "".join(sign for sign in text[:MAX_TYPED] if sign >= " " and sign != "\\").strip().rstrip("*")


def is_pictured(series: Values) -> bool:
    """Whether a series has pictures, and an address."""
    if series.get(MODALITY) in NOT_IMAGES or series.get(CLASS) in DOCUMENTS:
        return False
    return is_uid(str(series.get(SERIES) or ""))


def status_of(study: Study, now: datetime) -> str:
    """How far a study is: arrived, done (nobody has read it), or reported."""
    if study.reported:
        return "reported"
    try:
        began = datetime.strptime(study.text(DATE) + study.text(TIME)[:6].ljust(6, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return "done"
    recent = now.replace(tzinfo=None) - began < timedelta(minutes=RECENT_MINUTES)
    return "arrived" if recent else "done"


SORTS: Final[Mapping[str, tuple[int, ...]]] = {
    "name": (NAME,),
    "identifier": (IDENTIFIER,),
    "born": (BORN,),
    "date": (DATE, TIME),
    "modality": (MODALITIES,),
    "text": (TEXT,),
    "accession": (ACCESSION,),
    "images": (IMAGE_COUNT,),
    "referrer": (REFERRER,),
    "status": (),
}
"""Columns by which the worklist can be sorted, and what is compared."""


def ordered(studies: list[Study], column: str, *, descending: bool) -> list[Study]:
    """The studies by a column; what is equal there, the newest first."""
    newest = sorted(studies, key=lambda study: study.text(DATE) + study.text(TIME), reverse=True)
    if column == "status":
        return sorted(newest, key=lambda study: study.status, reverse=descending)
    tags = SORTS.get(column, (DATE, TIME))
    if column == "images":
        return sorted(newest, key=lambda study: int(study.values.get(IMAGE_COUNT) or 0), reverse=descending)
    return sorted(newest, key=lambda study: tuple(study.text(tag).lower() for tag in tags), reverse=descending)
