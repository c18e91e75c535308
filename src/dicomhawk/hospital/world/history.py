"""The hospital's history and near future as rows of the catalogue, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dicomhawk.hospital.catalogue import CatalogueWriter
from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.objects import recipe as recipes
from dicomhawk.hospital.objects.ct import CT_IMAGE_STORAGE
from dicomhawk.hospital.objects.makers import CTModel, model_of
from dicomhawk.hospital.objects.mr import MR_IMAGE_STORAGE
from dicomhawk.hospital.rows import Device, Instance, Patient, Series, Study
from dicomhawk.hospital.world import calendar
from dicomhawk.hospital.world.devices import devices
from dicomhawk.hospital.world.draw import draw, token
from dicomhawk.hospital.world.locale import locale
from dicomhawk.hospital.world.numbers import Accessions
from dicomhawk.hospital.world.people import Person, Registry
from dicomhawk.hospital.world.protocols import Examination, Kind, Planned, ct_series, mr_series
from dicomhawk.hospital.world.schedule import Order, booked_at, steps
from dicomhawk.hospital.world.uids import DeviceUids
from dicomhawk.settings import Deployment

CT_SHARE = 0.58
RETURNING = 0.36  # of the visits: by somebody who was here before
SHORTEST_RETURN = timedelta(days=12)
TRANSFER = 45.0  # seconds from the last image until the series is in the archive
MISSED = 0.04  # of the orders to come: the patient won't
FIRST_SERIES = 2  # the first one is the planning image, which stays on the scanner


@dataclass
class Visit:
    """One examination: when, on what, of whom."""

    begins: datetime
    device: Device
    kind: Kind
    person: Person
    patient_key: int


@dataclass
class _Known:
    """A patient who was here."""

    person: Person
    key: int
    last: datetime
    modality: str


@dataclass
class _Scanner:
    """What a scanner counts, and until when it is in use."""

    device: Device
    uids: DeviceUids
    room: str
    exam: int
    free: datetime | None = None

    @property
    def siemens(self) -> bool:
        """Whether it writes as that maker's machines do."""
        return model_of(self.device.manufacturer, self.device.model).maker == "siemens"


class History:
    """Draws everything from the deployment's seed; `write` puts it into the catalogue."""

    def __init__(self, writer: CatalogueWriter, deployment: Deployment, now: float) -> None:
        self._writer, self._deployment, self._now = writer, deployment, now
        self._locale = locale(deployment.locale)
        self._source = draw(deployment.seed, "world")
        self._registry = Registry(self._locale, deployment.seed)
        self._accessions = Accessions(deployment.hospital, self._source)
        self._department = self._source.choice(self._locale.places["department"])
        self._arc = self._source.randrange(2, 90)  # of study UIDs, which the information system gives
        self._referring = [self._registry.physician(n, "referring") for n in range(18)]
        self._readers = [self._registry.physician(n, "reader") for n in range(7)]
        self._operators = [self._registry.physician(n, "operator") for n in range(9)]
        self._known: list[_Known] = []
        self._written: set[int] = set()  # keys of patients

    def info(self) -> dict[str, str]:
        """Properties of the whole hospital for the catalogue."""
        places, source = self._locale.places, self._source
        street = source.choice(places["addresses"]).replace("#", str(source.randrange(1, 120)))
        return {
            "character_set": self._locale.charset,
            "address": street.replace("{postcode}", source.choice(places["postcodes"])),
            "time_zone": self._locale.timezone,
        }

    def write(self, studies: int) -> Iterator[tuple[int, int]]:
        """Write devices, then study after study; yields how many are done, and of how many."""
        self._scanners = self._write_devices()
        zone = self._locale.zone()
        moments = calendar.past(studies, self._now, zone, self._source)
        moments += calendar.ahead(studies, self._now, zone, self._source)
        for number, moment in enumerate(moments):
            scanner = self._scanner(moment)
            visit = self._visit(moment, scanner, ahead=number >= studies)
            self._examine(visit, scanner, ahead=number >= studies)
            yield number + 1, len(moments)

    def _write_devices(self) -> list[_Scanner]:
        made = devices(self._deployment, self._department, self._writer.next_key(Device))
        self._writer.add_all(made)
        scanners = []
        for number, device in enumerate(d for d in made if d.role == "modality"):
            maker = model_of(device.manufacturer, device.model).maker
            uids = DeviceUids(device.uid_root or "", maker, draw(self._deployment.seed, "uids", number))
            kinds = self._locale.places["rooms"]
            named = kinds[2] if self._source.random() < 0.3 else kinds[0 if device.modality == "CT" else 1]
            room = named.replace("#", str(number + 1))
            scanners.append(_Scanner(device, uids, room, self._source.randrange(900, 9000)))
        return scanners

    def _scanner(self, moment: datetime) -> _Scanner:
        """A scanner of a drawn modality, if possible one that is free."""
        modality = "CT" if self._source.random() < CT_SHARE else "MR"
        fitting = [s for s in self._scanners if s.device.modality == modality]
        free = [s for s in fitting if s.free is None or s.free <= moment]
        return self._source.choice(free or fitting)

    def _visit(self, moment: datetime, scanner: _Scanner, *, ahead: bool) -> Visit:
        source, modality = self._source, scanner.device.modality or ""
        begins = moment
        if scanner.free is not None and scanner.free > moment:
            # One patient at a time; but nothing that was to be over now may slip into the future.
            later = scanner.free + timedelta(seconds=source.randrange(20, 300))
            begins = (
                later if ahead or later.timestamp() < self._now - calendar.SETTLED.total_seconds() / 2 else moment
            )
        minutes = source.randrange(12, 24) if modality == "CT" else source.randrange(24, 42)
        scanner.free = begins + timedelta(minutes=minutes)
        kind = self._kind(modality, begins)
        back = [k for k in self._known if k.modality == modality and begins - k.last > SHORTEST_RETURN]
        if back and source.random() < RETURNING:
            known = source.choice(back)
            known.last = begins
            if modality == "CT" and source.random() < 0.7:
                kind = "ct_follow"
            return Visit(begins, scanner.device, kind, known.person, known.key)
        ages = (66.0, 13.0) if modality == "CT" else (53.0, 18.0)
        person, key = self._registry.patient(ages, begins.date()), self._writer.next_key(Patient)
        self._known.append(_Known(person, key, begins, modality))
        return Visit(begins, scanner.device, kind, person, key)

    def _kind(self, modality: str, begins: datetime) -> Kind:
        if modality == "CT":
            return "ct_native" if self._source.random() < 0.34 else "ct_contrast"
        urgent = begins.weekday() > 4 or not 8 <= begins.hour < 16
        return "mr_acute" if self._source.random() < (0.8 if urgent else 0.2) else "mr_plain"

    def _examine(self, visit: Visit, scanner: _Scanner, *, ahead: bool) -> None:
        source, begins = self._source, visit.begins
        description = source.choice(self._locale.studies[visit.kind])
        study_key = self._writer.next_key(Study)
        order = Order(
            accession=self._accessions.next(begins),
            study_uid=f"{self._deployment.uid_root}.{self._arc}.{begins:%Y%m%d}{begins:%H%M%S}.{study_key}",
            description=description,
            referring=source.choice(self._referring),
            ward=source.choice([*self._locale.wards.values()]),
            reason=source.choice(self._locale.reasons_for(visit.kind)),
            room=scanner.room,
        )
        planned = list(self._planned(visit, scanner, description))
        ends = [(begins + timedelta(seconds=p.begins + p.lasts + TRANSFER)).timestamp() for p in planned]
        booked = booked_at(visit.kind, begins, source) if ahead else None
        self._write_patient(visit, ends[0])
        if booked is not None:
            self._writer.add_all(steps(self._writer, visit, order, booked, ends[-1]))
            if source.random() < MISSED:
                return
        self._writer.add(self._study_row(visit, scanner, order, study_key, ends[0]))
        operator = source.choice(self._operators)
        for number, (plan, end) in enumerate(zip(planned, ends, strict=True)):
            series = self._series_row(visit, scanner, plan, study_key, FIRST_SERIES + number, operator, end)
            self._writer.add(series)
            self._writer.add_all(self._instances(visit, scanner, plan, series, end))

    def _planned(self, visit: Visit, scanner: _Scanner, requested: str) -> Iterator[Planned]:
        model = model_of(visit.device.manufacturer, visit.device.model)
        exam = Examination(
            seed=token(visit.person.seed, visit.begins.isoformat()),
            body=visit.person.body_on(visit.begins.date()),
            kind=visit.kind,
            requested=requested,
            frame_of_reference=scanner.uids.one(visit.begins),
            irradiation_event=scanner.uids.one(visit.begins),
        )
        return (
            ct_series(exam, model, self._source)
            if isinstance(model, CTModel)
            else mr_series(exam, model, self._source)
        )

    def _write_patient(self, visit: Visit, visible_from: float) -> None:
        if visit.patient_key in self._written:
            return
        self._written.add(visit.patient_key)
        person = visit.person
        self._writer.add(
            Patient(
                patient_key=visit.patient_key,
                patient_id=person.identifier,
                issuer=self._locale.issuer,
                name=person.name,
                birth_date=f"{person.birth:%Y%m%d}",
                sex=person.sex,
                visible_from=visible_from,
            )
        )

    def _study_row(self, visit: Visit, scanner: _Scanner, order: Order, key: int, visible_from: float) -> Study:
        begins, person = visit.begins, visit.person
        scanner.exam += self._source.randrange(1, 9)
        return Study(
            study_key=key,
            patient_key=visit.patient_key,
            study_uid=order.study_uid,
            study_date=f"{begins:%Y%m%d}",
            study_time=_time(begins, scanner.siemens, self._source.randrange(1000)),
            accession_number=order.accession,
            study_id="1" if scanner.siemens else str(scanner.exam),
            referring_physician=order.referring,
            description=order.description,
            reading_physicians=self._source.choice(self._readers),
            patient_age=person.age_string(begins.date()),
            patient_size=f"{person.height:.2f}",
            patient_weight=f"{person.weight:g}",
            visible_from=visible_from,
        )

    def _series_row(
        self, visit: Visit, scanner: _Scanner, plan: Planned, study_key: int, number: int, operator: str, end: float
    ) -> Series:
        device, begins, siemens = visit.device, visit.begins, scanner.siemens
        made = begins + timedelta(seconds=plan.begins)
        return Series(
            series_key=self._writer.next_key(Series),
            study_key=study_key,
            series_uid=scanner.uids.one(made),
            modality=device.modality or "",
            series_number=number,
            description=plan.description,
            series_date=f"{made:%Y%m%d}",
            series_time=_time(made, siemens, self._source.randrange(1000)),
            body_part=plan.body_part,
            protocol_name=plan.protocol,
            performing_physician="",
            operators=operator,
            station_name=device.station_name,
            institution=self._deployment.hospital,
            department=self._department,
            manufacturer=device.manufacturer,
            model=device.model,
            step_start_date=f"{begins:%Y%m%d}",
            step_start_time=_time(begins, siemens, 0),
            step_id=f"{device.modality}{begins:%Y%m%d%H%M%S}" if siemens else f"PPS{scanner.exam}",
            device_key=device.device_key,
            recipe=recipes.encode(recipes.SeriesRecipe(plan.image, plan.acquisition)),
            visible_from=end,
        )

    def _instances(
        self, visit: Visit, scanner: _Scanner, plan: Planned, series: Series, end: float
    ) -> Iterator[Instance]:
        count, siemens = plan.image.slices, scanner.siemens
        begins = visit.begins + timedelta(seconds=plan.begins)
        midnight = begins.replace(hour=0, minute=0, second=0, microsecond=0)
        first, step = (begins - midnight).total_seconds(), plan.lasts / count
        uids = scanner.uids.many(begins, count)
        sop_class = CT_IMAGE_STORAGE if series.modality == "CT" else MR_IMAGE_STORAGE
        next_key, matrix, series_key = self._writer.next_key, plan.image.matrix, series.series_key
        for k, uid in enumerate(uids):
            days, seconds = divmod(first + step * k, 86400)
            date = series.series_date if not days else f"{midnight + timedelta(days=days):%Y%m%d}"
            minute, second = divmod(int(seconds), 60)
            time = f"{minute // 60:02d}{minute % 60:02d}{second:02d}"
            yield Instance(
                instance_key=next_key(Instance),
                series_key=series_key,
                sop_uid=uid,
                sop_class_uid=sop_class,
                transfer_syntax_uid=EXPLICIT_LE,
                instance_number=k + 1,
                content_date=date,
                content_time=f"{time}.{int(seconds % 1 * 1000):03d}000" if siemens else time,
                rows=matrix,
                columns=matrix,
                bits_allocated=16,
                visible_from=end,
            )


def _time(moment: datetime, siemens: bool, milliseconds: int) -> str:
    """A DICOM TM as the maker writes it."""
    return f"{moment:%H%M%S}.{milliseconds:03d}000" if siemens else f"{moment:%H%M%S}"
