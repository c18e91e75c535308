"""A small hospital to query, and short ways to write keys and read answers."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.catalogue import CatalogueWriter
from dicomhawk.hospital.elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, DataSet, Element
from dicomhawk.hospital.query import Match, encode_match
from dicomhawk.hospital.rows import Device, Instance, Patient, ScheduledStep, Series, Study

NOW = 1000.0
LATER = 2000.0

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
SR = "1.2.840.10008.5.1.4.1.1.88.11"

# Patient ID: name, and for each study (date, [(modality, number of instances), ...]).
PEOPLE = {
    "P1": ("Ågård^Søren^^Dr", [("20240110", [("CT", 3), ("SR", 1)]), ("20240215", [("MR", 2)])]),
    "P2": ("Yamada^Tarou=山田^太郎=やまだ^たろう", [("20240301", [("CT", 2)])]),
    "P3": ("Aalto^Anna", [("20231224", [("MR", 1), ("MR", 4)])]),
}
CLASSES = {"CT": CT, "MR": MR, "SR": SR}


def build(path: Path, *, more: int = 0) -> None:
    """Three patients with four studies, and study 1.5 of P3 that appears between `NOW` and `LATER`.

    And `more` patients ``X..`` with a study each.
    """
    with CatalogueWriter(path) as writer:
        writer.add(
            Device(
                device_key=1,
                role="modality",
                ae_title="CT01",
                host="10.0.0.1",
                port=104,
                serial="SN-77",
                software="VA40",
            )
        )
        for patient_id, (name, studies) in PEOPLE.items():
            patient_key = writer.next_key(Patient)
            writer.add(
                Patient(
                    patient_key=patient_key,
                    patient_id=patient_id,
                    issuer="HOSP",
                    name=name,
                    birth_date=f"19{patient_key}00101",
                    sex="F" if patient_id == "P3" else "M",
                    other_ids="X1\\X2" if patient_id == "P1" else None,
                )
            )
            for date, series in studies:
                _add_study(writer, patient_key, date, series)
        _add_study(writer, 3, "20240401", [("CT", 1)], visible_from=1500.0)
        for number in range(more):
            key = writer.next_key(Patient)
            name = f"{chr(ord('B') + number % 20)}name{number}^Given"
            writer.add(
                Patient(
                    patient_key=key, patient_id=f"X{number}", issuer=None, name=name, birth_date="19700101", sex="O"
                )
            )
            _add_study(writer, key, f"20{10 + number % 10}0{1 + number % 9}15", [("CT", 1)])


def _add_study(
    writer: CatalogueWriter,
    patient_key: int,
    date: str,
    series: list[tuple[str, int]],
    visible_from: float = 0.0,
) -> None:
    key = writer.next_key(Study)
    writer.add(
        Study(
            study_key=key,
            patient_key=patient_key,
            study_uid=f"1.{key}",
            study_date=date,
            study_time=f"{8 + key:02}1530",
            accession_number=f"ACC{key}",
            study_id=str(key),
            referring_physician="Strange^Stephen",
            description=f"STUDY {key}",
            visible_from=visible_from,
        )
    )
    for number, (modality, count) in enumerate(series, 1):
        series_key = writer.next_key(Series)
        writer.add(
            Series(
                series_key=series_key,
                study_key=key,
                series_uid=f"1.{key}.{number}",
                modality=modality,
                series_number=number,
                description=f"SERIES {number}",
                body_part="CHEST" if modality == "CT" else "BRAIN",
                device_key=1,
                visible_from=visible_from,
            )
        )
        for instance in range(1, count + 1):
            writer.add(
                Instance(
                    instance_key=writer.next_key(Instance),
                    series_key=series_key,
                    sop_uid=f"1.{key}.{number}.{instance}",
                    sop_class_uid=CLASSES[modality],
                    transfer_syntax_uid=EXPLICIT_LE,
                    instance_number=instance,
                    rows=512,
                    path=f"files/{key}.{number}.{instance}",
                    size=1000 + instance,
                    visible_from=visible_from,
                )
            )


def step(writer: CatalogueWriter, patient_key: int, **more: object) -> None:
    """Add a scheduled step."""
    key = writer.next_key(ScheduledStep)
    fields: dict[str, object] = {
        "study_uid": f"2.{key}",
        "accession_number": f"ORD{key}",
        "requested_procedure_id": f"RP{key}",
        "requested_procedure_description": "CT THORAX",
        "step_id": f"SPS{key}",
        "step_description": "Thorax",
        "modality": "CT",
        "station_ae": "CT01",
        "start_date": "20240110",
        "start_time": "1030",
        "status": "SCHEDULED",
    }
    writer.add(ScheduledStep(step_key=key, patient_key=patient_key, **(fields | more)))  # type: ignore[arg-type]


def keys(level: str | None = None, /, *, sequence: DataSet | None = None, **values: str) -> DataSet:
    """An identifier; names of keys are ``g00100010``, values text in UTF-8."""
    found = {0x00080005: Element(0x00080005, "CS", b"ISO_IR 192")}
    if level is not None:
        found[0x00080052] = Element(0x00080052, "CS", level.encode())
    for name, value in values.items():
        tag = int(name[1:], 16)
        found[tag] = Element(tag, vrs.of_tag(tag), value.encode())
    if sequence is not None:
        found[0x00400100] = Element(0x00400100, "SQ", (sequence,))
    return found


def read(match: Match, syntax: str = EXPLICIT_LE) -> Dataset:
    """What pydicom reads in the response for a match."""
    return read_dataset(BytesIO(encode_match(match, syntax)), syntax == IMPLICIT_LE, syntax != EXPLICIT_BE)


def column(matches: Iterable[Match], tag: int) -> list[object]:
    """One attribute of all matches, in order."""
    return sorted((match.values()[tag] for match in matches), key=str)
