"""Modality Worklist (PS3.4 annex K): matches of a C-FIND among the scheduled procedure steps."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Final

from dicomhawk.hospital.answer import PLAIN, Answering, Field, Layout, Match
from dicomhawk.hospital.attributes import ATTRIBUTES, Attribute, Level
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.charset import SPECIFIC_CHARACTER_SET, CharacterSet, of_data_set
from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.errors import MAX_KEYS, QueryError, QueryProblem
from dicomhawk.hospital.matching import key_text
from dicomhawk.hospital.selection import Selection
from dicomhawk.hospital.sources import Source
from dicomhawk.hospital.steps import Scheduled

SCHEDULED_PROCEDURE_STEP_SEQUENCE: Final = 0x00400100

_TABLES: Final = "scheduled_step s JOIN patient p ON p.patient_key = s.patient_key"
# A patient is in the worklist from the booking on, and in the archive only from the first study on.
_VISIBLE: Final = (
    "+s.visible_from <= :now",
    "(s.visible_until IS NULL OR s.visible_until > :now)",
)


def _columns(*rows: tuple[int, str, str]) -> dict[int, Attribute]:
    return {
        tag: Attribute(tag, vr, Level.STUDY, f"s.{name}", name, None if vr == "PN" else f"s.{name}")
        for tag, vr, name in rows
    }


_OF_PATIENT: Final = {
    tag: attribute
    for tag, attribute in ATTRIBUTES.items()
    if attribute.level == Level.PATIENT and attribute.field is not None
}

ROOT_ATTRIBUTES: Final = _OF_PATIENT | _columns(
    (0x00080050, "SH", "accession_number"),
    (0x00080090, "PN", "referring_physician"),
    (0x00101030, "DS", "patient_weight"),
    (0x0020000D, "UI", "study_uid"),
    (0x00321032, "PN", "requesting_physician"),
    (0x00321060, "LO", "requested_procedure_description"),
    (0x00380010, "LO", "admission_id"),
    (0x00380300, "LO", "patient_location"),
    (0x00401001, "SH", "requested_procedure_id"),
    (0x00401002, "LO", "reason"),
    (0x00401003, "SH", "priority"),
)
"""Attributes of the requested procedure, the request, the visit and the patient (PS3.4 table K.6-1)."""

STEP_ATTRIBUTES: Final = _columns(
    (0x00080060, "CS", "modality"),
    (0x00400001, "AE", "station_ae"),
    (0x00400002, "DA", "start_date"),
    (0x00400003, "TM", "start_time"),
    (0x00400006, "PN", "performing_physician"),
    (0x00400007, "LO", "step_description"),
    (0x00400009, "SH", "step_id"),
    (0x00400010, "SH", "station_name"),
    (0x00400011, "SH", "location"),
    (0x00400020, "CS", "status"),
)
"""Attributes of the items of Scheduled Procedure Step Sequence (0040,0100)."""

_STATUS: Final = 0x00400020
_IN_PROGRESS, _ENDED = "STARTED", ""
_PERFORMED: Final = "(SELECT value FROM json_each(:performed) WHERE key = s.study_uid || ' ' || s.step_id)"
_NOT_ENDED: Final = f"{_PERFORMED} IS NOT ''"
_STARTED: Final = Attribute(_STATUS, "CS", Level.STUDY, f"coalesce({_PERFORMED}, s.status)", "status")
_NOTHING: Final[Mapping[Scheduled, str]] = MappingProxyType({})

_KNOWN_EMPTY: Final = frozenset(
    (
        0x00081110,  # Referenced Study Sequence
        0x00081120,  # Referenced Patient Sequence
        0x00102000,  # Medical Alerts
        0x00102110,  # Allergies
        0x001021C0,  # Pregnancy Status
        0x00321064,  # Requested Procedure Code Sequence
        0x00321070,  # Requested Contrast Agent
        0x00380050,  # Special Needs
        0x00380500,  # Patient State
        0x00400008,  # Scheduled Protocol Code Sequence
        0x00400012,  # Pre-Medication
        0x00401004,  # Patient Transport Arrangements
        0x00403001,  # Confidentiality Constraint on Patient Data Description
    )
)
"""Keys of table K.6-1 that a worklist must know, and for which this hospital's has nothing."""


def find_worklist(
    catalogue: Catalogue,
    identifier: DataSet,
    *,
    now: float,
    answering: Answering = PLAIN,
    performed: Mapping[Scheduled, str] = _NOTHING,
) -> Generator[Match | None, None, None]:
    """The scheduled procedure steps that match `identifier`, at `now` (POSIX time); None: nothing yet.

    A Scheduled Procedure Step Sequence without an item, or with an empty one, asks for all that is known of the
    step (PS3.4 section C.2.2.2.6). `performed` has the status of the performed procedure steps for some entries: one
    in progress has STARTED its entry, any other has taken it out of the worklist. Raises `QueryError` at once;
    closing the iterator ends the query.
    """
    item = _step_keys(identifier)
    if len(identifier) + len(item or ()) > MAX_KEYS:
        raise QueryError(QueryProblem.UNABLE_TO_PROCESS, "Too many keys")
    characters = of_data_set(identifier)
    selection = Selection("s.step_key", now)
    selection.conditions.terms += _VISIBLE
    of_step = STEP_ATTRIBUTES
    if performed:
        selection.conditions.terms.append(_NOT_ENDED)
        selection.conditions.parameters["performed"] = _states(performed)
        of_step = {**STEP_ATTRIBUTES, _STATUS: _STARTED}
    fields = _fields(selection, identifier, ROOT_ATTRIBUTES, characters)
    if item is not None:
        if SPECIFIC_CHARACTER_SET in item:
            characters = of_data_set(item)
        if item:
            within = _fields(selection, item, of_step, characters)
        else:
            within = [selection.answer(attribute) for attribute in of_step.values()]
        within.sort(key=lambda field: field.tag)
        fields.append(Field(SCHEDULED_PROCEDURE_STEP_SEQUENCE, "SQ", item=tuple(within)))
    layout = Layout(fields, answering, tuple(selection.unsupported))
    return selection.matches([Source(catalogue.connection)], _TABLES, layout)


def _step_keys(identifier: DataSet) -> DataSet | None:
    """The keys of the one item of the step's sequence; None: the sequence isn't asked for."""
    element = identifier.get(SCHEDULED_PROCEDURE_STEP_SEQUENCE)
    if element is None:
        return None
    items = element.value if isinstance(element.value, tuple) else ()
    if len(items) > 1:
        raise QueryError(
            QueryProblem.IDENTIFIER_MISMATCH,
            "More than one item in Scheduled Procedure Step Sequence",
            (SCHEDULED_PROCEDURE_STEP_SEQUENCE,),
        )
    return items[0] if items else {}


def _fields(
    selection: Selection, keys: DataSet, attributes: Mapping[int, Attribute], characters: CharacterSet
) -> list[Field]:
    fields: list[Field] = []
    for tag, element in keys.items():
        if tag in (SPECIFIC_CHARACTER_SET, SCHEDULED_PROCEDURE_STEP_SEQUENCE) or tag & 0xFFFF == 0:
            continue
        attribute = attributes.get(tag)
        if attribute is not None:
            field = selection.answer(attribute)
            selection.compare(attribute, key_text(element._replace(vr=attribute.vr), characters), column=field.column)
            fields.append(field)
        elif tag in _KNOWN_EMPTY:
            fields.append(Field(tag, element.vr))
        else:
            fields.append(selection.unknown(tag, element.vr))
    return fields


def _states(performed: Mapping[Scheduled, str]) -> str:
    """For the SQL: what has become of entries, by study and step ID."""
    return json.dumps(
        {
            f"{entry.study_uid} {entry.step_id}": _IN_PROGRESS if status == "IN PROGRESS" else _ENDED
            for entry, status in performed.items()
        }
    )
