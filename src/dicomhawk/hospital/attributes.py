"""What a query can ask for: the attributes of each level, and where the catalogue has them.

In the SQL, ``p`` is the patient, ``t`` the study, ``e`` the series and ``i`` the instance of a match, and
``:now`` the moment of the query.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

QUERY_RETRIEVE_LEVEL: Final = 0x00080052
RETRIEVE_AE_TITLE: Final = 0x00080054
INSTANCE_AVAILABILITY: Final = 0x00080056
PATIENT_ID: Final = 0x00100020
PATIENT_NAME: Final = 0x00100010
STUDY_UID: Final = 0x0020000D
SERIES_UID: Final = 0x0020000E
SOP_UID: Final = 0x00080018
MODALITY: Final = 0x00080060
MODALITIES_IN_STUDY: Final = 0x00080061
SOP_CLASSES_IN_STUDY: Final = 0x00080062


class Level(IntEnum):
    """Query/Retrieve Level (PS3.4 section C.3), from the top."""

    PATIENT = 0
    STUDY = 1
    SERIES = 2
    IMAGE = 3


UNIQUE_KEYS: Final = {
    Level.PATIENT: PATIENT_ID,
    Level.STUDY: STUDY_UID,
    Level.SERIES: SERIES_UID,
    Level.IMAGE: SOP_UID,
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a level. `sql` is its value; `field` its name in the row class of the level, if it is there.

    A condition on `column`, put into `within`, is one that every match fulfils; no column where nothing
    coarser than the exact comparison can be said.
    """

    tag: int
    vr: str
    level: Level
    sql: str
    field: str | None = None
    column: str | None = None
    within: str = "{}"


_SERIES_OF_STUDY = "series y WHERE y.study_key = t.study_key AND y.visible_from <= :now"
_INSTANCES_OF_STUDY = (
    "series y JOIN instance z ON z.series_key = y.series_key "
    "WHERE y.study_key = t.study_key AND y.visible_from <= :now AND z.visible_from <= :now"
)
_STUDIES_OF_PATIENT = "study x WHERE x.patient_key = p.patient_key AND x.visible_from <= :now"
_SERIES_OF_PATIENT = (
    "study x JOIN series y ON y.study_key = x.study_key WHERE x.patient_key = p.patient_key "
    "AND x.visible_from <= :now AND y.visible_from <= :now"
)
_INSTANCES_OF_PATIENT = (
    "study x JOIN series y ON y.study_key = x.study_key JOIN instance z ON z.series_key = y.series_key "
    "WHERE x.patient_key = p.patient_key "
    "AND x.visible_from <= :now AND y.visible_from <= :now AND z.visible_from <= :now"
)


def _distinct(column: str, of: str) -> str:
    # To sort the few that are left costs less than DISTINCT and ORDER BY in one.
    values = f"SELECT DISTINCT {column} AS v FROM {of}"  # noqa: S608 - names of ours
    return f"(SELECT group_concat(v, '\\') FROM (SELECT v FROM ({values}) ORDER BY v))"  # noqa: S608 - names of ours


def _exists(of: str) -> str:
    return f"EXISTS (SELECT 1 FROM {of} AND {{}})"  # noqa: S608 - names of ours


def _count(of: str) -> str:
    return f"(SELECT count(*) FROM {of})"  # noqa: S608 - names of ours


def _device(column: str) -> str:
    # A document has the equipment that wrote it, but belongs to the device of its study.
    return f"(SELECT d.{column} FROM device d WHERE d.device_key = e.device_key AND d.model IS e.model)"  # noqa: S608


def _columns(level: Level, alias: str, *rows: tuple[int, str, str]) -> list[Attribute]:
    return [Attribute(tag, vr, level, f'{alias}."{name}"', name, f'{alias}."{name}"') for tag, vr, name in rows]


def _compared(level: Level, alias: str, *rows: tuple[int, str, str]) -> list[Attribute]:
    """Columns that can only be compared exactly: of several values, names, or not worth narrowing by."""
    return [Attribute(tag, vr, level, f'{alias}."{name}"', name) for tag, vr, name in rows]


def _computed(level: Level, *rows: tuple[int, str, str]) -> list[Attribute]:
    return [Attribute(tag, vr, level, sql) for tag, vr, sql in rows]


_ALL = [
    *_columns(
        Level.PATIENT,
        "p",
        (PATIENT_ID, "LO", "patient_id"),
        (0x00100021, "LO", "issuer"),
        (0x00100030, "DA", "birth_date"),
        (0x00100040, "CS", "sex"),
    ),
    *_compared(
        Level.PATIENT,
        "p",
        (PATIENT_NAME, "PN", "name"),  # has its own conditions, by component group
        (0x00101000, "LO", "other_ids"),
        (0x00104000, "LT", "comments"),
    ),
    *_computed(
        Level.PATIENT,
        (0x00201200, "IS", _count(_STUDIES_OF_PATIENT)),
        (0x00201202, "IS", _count(_SERIES_OF_PATIENT)),
        (0x00201204, "IS", _count(_INSTANCES_OF_PATIENT)),
    ),
    *_columns(
        Level.STUDY,
        "t",
        (0x00080020, "DA", "study_date"),
        (0x00080030, "TM", "study_time"),
        (0x00080050, "SH", "accession_number"),
        (0x00081030, "LO", "description"),
        (0x00101010, "AS", "patient_age"),
        (STUDY_UID, "UI", "study_uid"),
        (0x00200010, "SH", "study_id"),
    ),
    *_compared(
        Level.STUDY,
        "t",
        (0x00080090, "PN", "referring_physician"),
        (0x00081060, "PN", "reading_physicians"),
        (0x00101020, "DS", "patient_size"),
        (0x00101030, "DS", "patient_weight"),
    ),
    *_computed(
        Level.STUDY,
        (0x00201206, "IS", _count(_SERIES_OF_STUDY)),
        (0x00201208, "IS", _count(_INSTANCES_OF_STUDY)),
    ),
    Attribute(
        MODALITIES_IN_STUDY,
        "CS",
        Level.STUDY,
        _distinct("y.modality", _SERIES_OF_STUDY),
        None,
        "y.modality",
        _exists(_SERIES_OF_STUDY),
    ),
    Attribute(
        SOP_CLASSES_IN_STUDY,
        "UI",
        Level.STUDY,
        _distinct("z.sop_class_uid", _INSTANCES_OF_STUDY),
        None,
        "z.sop_class_uid",
        _exists(_INSTANCES_OF_STUDY),
    ),
    *_columns(
        Level.SERIES,
        "e",
        (0x00080021, "DA", "series_date"),
        (0x00080031, "TM", "series_time"),
        (MODALITY, "CS", "modality"),
        (0x00080070, "LO", "manufacturer"),
        (0x00080080, "LO", "institution"),
        (0x00081010, "SH", "station_name"),
        (0x0008103E, "LO", "description"),
        (0x00081040, "LO", "department"),
        (0x00081090, "LO", "model"),
        (0x00180015, "CS", "body_part"),
        (0x00181030, "LO", "protocol_name"),
        (SERIES_UID, "UI", "series_uid"),
        (0x00200011, "IS", "series_number"),
        (0x00200060, "CS", "laterality"),
        (0x00400244, "DA", "step_start_date"),
        (0x00400245, "TM", "step_start_time"),
        (0x00400253, "SH", "step_id"),
    ),
    *_compared(
        Level.SERIES,
        "e",
        (0x00081050, "PN", "performing_physician"),
        (0x00081070, "PN", "operators"),
    ),
    *_computed(
        Level.SERIES,
        (0x00181000, "LO", _device("serial")),
        (0x00181020, "LO", _device("software")),
        (
            0x00201209,
            "IS",
            _count("instance z WHERE z.series_key = e.series_key AND z.visible_from <= :now"),
        ),
    ),
    *_columns(Level.IMAGE, "i", (SOP_UID, "UI", "sop_uid")),
    *_compared(  # no index knows them: SQLite would look at all rows in one go, where nothing can interrupt it
        Level.IMAGE,
        "i",
        (0x00080016, "UI", "sop_class_uid"),
        (0x00080023, "DA", "content_date"),
        (0x00080033, "TM", "content_time"),
        (0x00083002, "UI", "transfer_syntax_uid"),
        (0x00200013, "IS", "instance_number"),
        (0x00280008, "IS", "frames"),
        (0x00280010, "US", "rows"),
        (0x00280011, "US", "columns"),
        (0x00280100, "US", "bits_allocated"),
    ),
]

ATTRIBUTES: Final = {attribute.tag: attribute for attribute in _ALL}
"""By tag."""
