"""What is in the hospital now, for whoever looks after it: what is planned today, what came last, what an instance
is part of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dicomhawk.hospital.catalogue import Catalogue

MAX_LOCATED = 500
"""Instances that are looked up at once."""


class Step(NamedTuple):
    """An entry of the worklist."""

    start_time: str
    modality: str
    station: str
    description: str
    patient: str
    patient_id: str
    accession_number: str
    status: str


class Arrival(NamedTuple):
    """A study, and how much of it is there."""

    study_uid: str
    study_date: str
    study_time: str
    description: str
    patient: str
    patient_id: str
    accession_number: str
    modalities: str
    series: int
    instances: int


class Located(NamedTuple):
    """An instance, with what it is part of."""

    sop_uid: str
    instance_key: int
    instance_number: int | None
    sop_class_uid: str
    transfer_syntax_uid: str
    path: str | None
    modality: str
    series: str
    study: str
    study_uid: str
    study_date: str
    patient: str
    patient_id: str


def schedule(catalogue: Catalogue, day: str, now: float, limit: int = 200) -> list[Step]:
    """What is planned on `day` (DICOM DA) as it is known at `now` (POSIX time), by the time of day."""
    rows = catalogue.connection.execute(
        "SELECT s.start_time, s.modality, s.station_ae, s.step_description, p.name, p.patient_id, "
        "s.accession_number, s.status "
        "FROM scheduled_step s JOIN patient p ON p.patient_key = s.patient_key WHERE s.start_date = ? "
        "AND s.visible_from <= ? AND (s.visible_until IS NULL OR s.visible_until > ?) ORDER BY s.start_time LIMIT ?",
        (day, now, now, limit),
    )
    return [Step(*row) for row in rows]


def newest(catalogue: Catalogue, now: float, limit: int = 25) -> list[Arrival]:
    """The studies that came last, the newest first."""
    rows = catalogue.connection.execute(
        "SELECT t.study_uid, t.study_date, t.study_time, t.description, p.name, p.patient_id, t.accession_number, "
        "coalesce((SELECT group_concat(DISTINCT modality) FROM series e WHERE e.study_key = t.study_key "
        "AND e.visible_from <= :now), ''), "
        "(SELECT count(*) FROM series e WHERE e.study_key = t.study_key AND e.visible_from <= :now), "
        "(SELECT count(*) FROM instance i JOIN series e ON e.series_key = i.series_key "
        "WHERE e.study_key = t.study_key AND i.visible_from <= :now) "
        "FROM study t JOIN patient p ON p.patient_key = t.patient_key WHERE t.visible_from <= :now "
        "ORDER BY t.visible_from DESC LIMIT :limit",
        {"now": now, "limit": limit},
    )
    return [Arrival(*row) for row in rows]


def located(catalogue: Catalogue, sop_uids: Sequence[str]) -> dict[str, Located]:
    """Instances by their UID; those that the catalogue doesn't have are left out, as is what is beyond 500."""
    wanted = list(dict.fromkeys(sop_uids))[:MAX_LOCATED]
    marks = ", ".join("?" * len(wanted))
    rows = catalogue.connection.execute(
        "SELECT i.sop_uid, i.instance_key, i.instance_number, i.sop_class_uid, i.transfer_syntax_uid, i.path, "  # noqa: S608 - question marks
        "e.modality, coalesce(e.description, ''), t.description, t.study_uid, t.study_date, p.name, p.patient_id "
        "FROM instance i JOIN series e ON e.series_key = i.series_key JOIN study t ON t.study_key = e.study_key "
        f"JOIN patient p ON p.patient_key = t.patient_key WHERE i.sop_uid IN ({marks})",
        wanted,
    )
    return {row[0]: Located(*row) for row in rows}
