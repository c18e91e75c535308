"""From examinations to rows of the catalogue: patient, study, series, instances."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from dicomhawk.hospital.catalogue import CatalogueWriter
from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.images.recipe import BrainMR, ChestCT, HeadCT
from dicomhawk.hospital.objects import recipe as recipes
from dicomhawk.hospital.objects.ct import CT_IMAGE_STORAGE
from dicomhawk.hospital.objects.document_recipe import Reference
from dicomhawk.hospital.objects.documents import SYSTEMS
from dicomhawk.hospital.objects.mr import MR_IMAGE_STORAGE
from dicomhawk.hospital.rows import Instance, Patient, Series, Study
from dicomhawk.hospital.runs import Run
from dicomhawk.hospital.world.documents import Paper
from dicomhawk.hospital.world.kinds import Kind
from dicomhawk.hospital.world.patients import Known
from dicomhawk.hospital.world.planned import Planned, Stored
from dicomhawk.hospital.world.scanners import Scanner
from dicomhawk.hospital.world.schedule import Order

TRANSFER = 45.0  # seconds from the last image until the series is in the archive
SENDING = 8.0  # seconds until a document is there
FIRST_SERIES = 2  # the first one is the planning image, which stays on the scanner unless it says otherwise


@dataclass(frozen=True)
class Visit:
    """One examination: when, on what, of whom."""

    begins: datetime
    kind: Kind
    urgent: bool
    known: Known
    scanner: Scanner


@dataclass(frozen=True)
class Staff:
    """Who takes part in an examination."""

    operator: str
    reader: str


class Files:
    """Writes visits; draws what has no meaning (milliseconds, counters) from `source`."""

    def __init__(
        self, writer: CatalogueWriter, institution: str, department: str, issuer: str | None, source: random.Random
    ) -> None:
        self._writer, self._source, self._issuer = writer, source, issuer
        self._institution, self._department = institution, department
        self.written: set[int] = set()
        """Keys of the patients in the catalogue."""

    def patient(self, visit: Visit, visible_from: float) -> None:
        """The patient's row, if it isn't there."""
        known = visit.known
        if known.key in self.written:
            return
        self.written.add(known.key)
        person = known.person
        self._writer.add(
            Patient(
                patient_key=known.key,
                patient_id=person.identifier,
                issuer=self._issuer,
                name=person.name,
                birth_date=f"{person.birth:%Y%m%d}",
                sex=person.sex,
                visible_from=visible_from,
            )
        )

    def study(
        self, visit: Visit, order: Order, study_key: int, planned: list[Planned], ends: list[float], staff: Staff
    ) -> list[Reference]:
        """The study with its series, which are in the archive from `ends` (POSIX seconds) on; returns the series."""
        begins, scanner, person = visit.begins, visit.scanner, visit.known.person
        scanner.exam += self._source.randrange(1, 9)
        self._writer.add(
            Study(
                study_key=study_key,
                patient_key=visit.known.key,
                study_uid=order.study_uid,
                study_date=f"{begins:%Y%m%d}",
                study_time=self._time(begins, scanner),
                accession_number=order.accession,
                study_id="1" if scanner.siemens else str(scanner.exam),
                referring_physician=order.referring,
                description=order.description,
                reading_physicians=staff.reader,
                patient_age=person.age_string(begins.date()),
                patient_size=f"{person.height:.2f}",
                patient_weight=f"{person.weight:g}",
                visible_from=min(ends),
            )
        )
        number, made = FIRST_SERIES, []
        for plan, end in zip(planned, ends, strict=True):
            number = number if plan.number is None else plan.number
            made.append(self._series(visit, plan, study_key, number, staff.operator, end))
            number += 1
        return made

    def paper(self, visit: Visit, paper: Paper, study_key: int, uid: str) -> None:
        """A document of the study as a series of its own; `uid` is that of the series."""
        scanner, at = visit.scanner, paper.at
        device = scanner.device
        system = None if paper.by_scanner else SYSTEMS[paper.system]
        key = self._writer.next_key(Series)
        moment = f"{at:%H%M%S}"
        self._writer.add(
            Series(
                series_key=key,
                study_key=study_key,
                series_uid=uid,
                modality=paper.modality,
                series_number=paper.number,
                description=paper.description,
                series_date=f"{at:%Y%m%d}",
                series_time=moment,
                institution=self._institution,
                department=self._department,
                station_name=None if system else device.station_name,
                manufacturer=system.manufacturer if system else device.manufacturer,
                model=system.model if system else device.model,
                device_key=device.device_key,
                recipe=recipes.encode(recipes.DocumentRecipe(paper.document)),
                visible_from=at.timestamp() + SENDING,
            )
        )
        self._writer.add(
            Instance(
                instance_key=self._writer.next_key(Instance),
                series_key=key,
                sop_uid=f"{uid}.1",
                sop_class_uid=paper.sop_class,
                transfer_syntax_uid=EXPLICIT_LE,
                instance_number=1,
                content_date=f"{at:%Y%m%d}",
                content_time=moment,
                visible_from=at.timestamp() + SENDING,
            )
        )

    def _series(
        self, visit: Visit, plan: Planned, study_key: int, number: int, operator: str, end: float
    ) -> Reference:
        scanner, begins = visit.scanner, visit.begins
        device, made = scanner.device, begins + timedelta(seconds=plan.begins)
        modality = plan.modality or device.modality or ""
        key, uid = self._writer.next_key(Series), scanner.uids.one(made)
        self._writer.add(
            Series(
                series_key=key,
                study_key=study_key,
                series_uid=uid,
                modality=modality,
                series_number=number,
                description=plan.description,
                series_date=f"{made:%Y%m%d}",
                series_time=self._time(made, scanner),
                body_part=scanner.body_part(plan.body_part),
                protocol_name=plan.protocol,
                performing_physician="",
                operators=operator,
                station_name=device.station_name,
                institution=self._institution,
                department=device.department or self._department,
                manufacturer=device.manufacturer,
                model=device.model,
                step_start_date=f"{begins:%Y%m%d}",
                step_start_time=f"{begins:%H%M%S}.000000" if scanner.siemens else f"{begins:%H%M%S}",
                step_id=f"{device.modality}{begins:%Y%m%d%H%M%S}" if scanner.siemens else f"PPS{scanner.exam}",
                device_key=device.device_key,
                recipe=recipes.encode(recipes.SeriesRecipe(plan.image, plan.acquisition)),
                visible_from=end,
            )
        )
        run = self._run(visit, plan, key, modality, end)
        self._writer.add_run(run)
        return Reference(uid, run.sop_class_uid, run.uid_stem, run.uid_first, run.uid_width, run.count, plan.image)

    def _run(self, visit: Visit, plan: Planned, series_key: int, modality: str, end: float) -> Run:
        stored = plan.stored or _slices(plan, modality)
        scanner, made = visit.scanner, visit.begins + timedelta(seconds=plan.begins)
        stem, first, width = scanner.uids.many(visit.begins, stored.count)
        seconds = (made.hour * 60 + made.minute) * 60 + made.second
        return Run(
            instance_key=self._writer.next_key(Instance, stored.count),
            series_key=series_key,
            count=stored.count,
            uid_stem=stem,
            uid_first=first,
            uid_width=width,
            sop_class_uid=stored.sop_class,
            transfer_syntax_uid=stored.syntax,
            day=f"{made:%Y%m%d}",
            next_day=f"{made + timedelta(days=1):%Y%m%d}",
            began=seconds * 1000 + self._source.randrange(1000),
            step=plan.lasts * 1000 / stored.count,
            fraction=scanner.siemens,
            rows=stored.rows,
            columns=stored.columns,
            bits_allocated=stored.bits,
            frames=stored.frames,
            visible_from=end,
        )

    def _time(self, moment: datetime, scanner: Scanner) -> str:
        """A DICOM TM as the maker writes it."""
        return f"{moment:%H%M%S}.{self._source.randrange(1000):03d}000" if scanner.siemens else f"{moment:%H%M%S}"


def _slices(plan: Planned, modality: str) -> Stored:
    image = plan.image
    assert isinstance(image, ChestCT | HeadCT | BrainMR)
    sop_class = CT_IMAGE_STORAGE if modality == "CT" else MR_IMAGE_STORAGE
    return Stored(image.slices, sop_class, image.matrix, image.matrix)
