"""What the catalogue holds, as records: one class for each table, one field for each column.

Text is Unicode in its plain form (no padding); dates are DICOM DA (``YYYYMMDD``), times DICOM TM, person
names DICOM PN with all their component groups (``Yamada^Tarou=山田^太郎``). An empty string is an attribute
that is known to be empty; ``None`` an attribute that the objects do not have. `visible_from` is a POSIX time
in seconds: a row is shown to a query only from that moment on, which is how studies appear through the day
without any writer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A machine of the hospital: a modality, a workstation that retrieves, or the archive itself."""

    device_key: int
    role: str  # "modality", "workstation" or "archive"
    ae_title: str
    host: str  # as in the hospital's own tables; never connected to
    port: int
    modality: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    software: str | None = None
    station_name: str | None = None
    department: str | None = None
    uid_root: str | None = None  # UIDs of its objects start with it, as its maker's do


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """PS3.3 C.7.1.1 and C.7.1.3, as far as queries ask for it."""

    patient_key: int
    patient_id: str
    issuer: str | None
    name: str
    birth_date: str
    sex: str
    other_ids: str | None = None  # backslash-separated
    comments: str | None = None
    visible_from: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """PS3.3 C.7.2.1 and C.7.2.2."""

    study_key: int
    patient_key: int
    study_uid: str
    study_date: str
    study_time: str
    accession_number: str
    study_id: str
    referring_physician: str
    description: str
    reading_physicians: str | None = None  # backslash-separated
    patient_age: str | None = None
    patient_size: str | None = None
    patient_weight: str | None = None
    visible_from: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """PS3.3 C.7.3.1 and C.7.5.1; `recipe` is what the renderer makes its pixels from (JSON), if generated."""

    series_key: int
    study_key: int
    series_uid: str
    modality: str
    series_number: int | None
    description: str | None
    series_date: str | None = None
    series_time: str | None = None
    body_part: str | None = None
    laterality: str | None = None
    protocol_name: str | None = None
    performing_physician: str | None = None
    operators: str | None = None
    station_name: str | None = None
    institution: str | None = None
    department: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    step_start_date: str | None = None  # Performed Procedure Step Start Date
    step_start_time: str | None = None
    step_id: str | None = None
    device_key: int | None = None
    recipe: str | None = None
    visible_from: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One SOP instance: either a file below the data folder (`path`) or rendered when first retrieved."""

    instance_key: int
    series_key: int
    sop_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    instance_number: int | None
    content_date: str | None = None
    content_time: str | None = None
    rows: int | None = None
    columns: int | None = None
    bits_allocated: int | None = None
    frames: int | None = None
    path: str | None = None  # relative to the data folder; None: rendered from the series' recipe
    size: int | None = None  # bytes of the file, where known
    visible_from: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledStep:
    """A Scheduled Procedure Step with its request and visit, for the Modality Worklist (PS3.4 K.6.1.2.2)."""

    step_key: int
    patient_key: int
    study_uid: str
    accession_number: str
    requested_procedure_id: str
    requested_procedure_description: str
    step_id: str
    step_description: str
    modality: str
    station_ae: str
    start_date: str
    start_time: str
    status: str  # SCHEDULED, ARRIVED, READY, STARTED, DEPARTED
    station_name: str | None = None
    location: str | None = None
    performing_physician: str | None = None
    referring_physician: str | None = None
    requesting_physician: str | None = None
    admission_id: str | None = None
    patient_location: str | None = None
    priority: str | None = None
    reason: str | None = None
    patient_weight: str | None = None
    visible_from: float = 0.0
    visible_until: float | None = None
