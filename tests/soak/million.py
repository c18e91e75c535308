"""A catalogue with a million studies, to query: people and texts of a country, one series and two images each.

``python -m tests.soak.million FOLDER`` fills ``FOLDER/hospital/catalogue.sqlite`` in about a minute.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from dicomhawk.hospital.catalogue import CatalogueWriter
from dicomhawk.hospital.rows import Device, Patient, Series, Study
from dicomhawk.hospital.runs import Run
from dicomhawk.hospital.world.locale import Locale, locale

STUDIES = 1_000_000
PATIENTS = 400_000
FIRST_DAY = date(2016, 1, 1)
DAYS = 3650
CT = "1.2.840.10008.5.1.4.1.1.2"
ROOT = "1.2.826.0.1.3680043.9.4242"


def fill(data: Path, studies: int = STUDIES, patients: int = PATIENTS) -> None:
    """Make the catalogue below `data`."""
    tables, source = locale("de_DE"), random.Random(1)
    with CatalogueWriter(data / "hospital/catalogue.sqlite", bulk=True) as writer:
        writer.set_info("character_set", tables.charset)
        writer.add(Device(device_key=1, role="modality", ae_title="CT01", host="10.0.0.1", port=104))
        writer.add_all(_patients(patients, tables, source))
        writer.add_all(_studies(studies, patients, tables, source))
        writer.add_all(_series(studies, source))
        for key in range(1, studies + 1):
            writer.add_run(_images(key))


def study_day(key: int) -> date:
    """The date of a study."""
    return FIRST_DAY + timedelta(days=key * 7919 % DAYS)


def _patients(count: int, tables: Locale, source: random.Random) -> Iterator[Patient]:
    for key in range(1, count + 1):
        sex = "FM"[key % 2]
        born = date(1930, 1, 1) + timedelta(days=key * 104_729 % 28_000)
        yield Patient(
            patient_key=key,
            patient_id=f"{key:08d}",
            issuer=None,
            name=f"{tables.surnames.pick(source)}^{tables.first_names(sex, born.year).pick(source)}",
            birth_date=f"{born:%Y%m%d}",
            sex=sex,
        )


def _studies(count: int, patients: int, tables: Locale, source: random.Random) -> Iterator[Study]:
    descriptions = [text for texts in tables.studies.values() for text in texts]
    for key in range(1, count + 1):
        yield Study(
            study_key=key,
            patient_key=source.randrange(patients) + 1,
            study_uid=f"{ROOT}.1.{key}",
            study_date=f"{study_day(key):%Y%m%d}",
            study_time=f"{7 + key % 11:02d}{key % 60:02d}{key // 60 % 60:02d}",
            accession_number=f"A{key:09d}",
            study_id=str(key % 10_000),
            referring_physician="Weber^Petra^^Dr. med.",
            description=descriptions[key % len(descriptions)],
        )


def _series(count: int, source: random.Random) -> Iterator[Series]:
    for key in range(1, count + 1):
        yield Series(
            series_key=key,
            study_key=key,
            series_uid=f"{ROOT}.2.{key}",
            modality="CT" if source.random() < 0.6 else "MR",
            series_number=1,
            description="Thorax",
            device_key=1,
        )


def _images(series_key: int) -> Run:
    return Run(
        instance_key=2 * series_key,
        series_key=series_key,
        count=2,
        uid_stem=f"{ROOT}.3.{series_key}.",
        uid_first=1,
        uid_width=0,
        sop_class_uid=CT,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        day="20200101",
        next_day="20200102",
        began=30_000_000,
        step=500.0,
        fraction=False,
        rows=512,
        columns=512,
        bits_allocated=16,
        frames=None,
        visible_from=0.0,
    )


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
