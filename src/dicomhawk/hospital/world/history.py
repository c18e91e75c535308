"""The hospital's history and near future, examination after examination in the order of time."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from dicomhawk.hospital.ahead import DAYS as AHEAD_DAYS
from dicomhawk.hospital.ahead import Reached
from dicomhawk.hospital.catalogue import CatalogueWriter
from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.objects.document_recipe import Reference
from dicomhawk.hospital.rows import Device, Patient, Study
from dicomhawk.hospital.world import calendar
from dicomhawk.hospital.world.calendar import Calendar, Scale, Slot
from dicomhawk.hospital.world.devices import devices
from dicomhawk.hospital.world.documents import Facet, documents, style
from dicomhawk.hospital.world.draw import Weighted, draw, token
from dicomhawk.hospital.world.filing import TRANSFER, Files, Staff, Visit
from dicomhawk.hospital.world.illness import SUBJECTS, findings_of, with_findings
from dicomhawk.hospital.world.kinds import DEMAND, URGENT_WARDS, Kind
from dicomhawk.hospital.world.locale import WARDS, locale
from dicomhawk.hospital.world.numbers import Accessions
from dicomhawk.hospital.world.patients import Due, Known, Patients
from dicomhawk.hospital.world.people import Registry
from dicomhawk.hospital.world.planned import Examination, Planned
from dicomhawk.hospital.world.planners import PLANNERS, SPIRALS, suits
from dicomhawk.hospital.world.scanners import Scanner
from dicomhawk.hospital.world.scanners import State as ScannerState
from dicomhawk.hospital.world.schedule import Order, is_missed, steps
from dicomhawk.settings import Deployment

REFERRERS = 3  # physicians of each ward who order examinations
READERS, OPERATORS = 7, 12
SHIFT_HOURS = 8
ON_SHIFT = 3  # operators


class State(Reached, frozen=True):
    """What a history must know to go on later, beside what is in the catalogue."""

    daily: float
    rotation: int
    registered: int
    accessions: tuple[int, str | None, int]
    scanners: dict[str, ScannerState]  # by key of the device
    due: list[Due]


class History:
    """Draws everything from the deployment's seed; `begin` or `resume` puts it into the catalogue.

    `rotation`: how often people and images have been exchanged for others; devices, staff and the ways of the
    hospital stay. `taken`: Patient IDs that are in the catalogue already.
    """

    def __init__(
        self, writer: CatalogueWriter, deployment: Deployment, *, rotation: int = 0, taken: Iterable[str] = ()
    ) -> None:
        seed = deployment.seed
        self._writer, self._deployment, self._rotation = writer, deployment, rotation
        self._epoch = f"{seed}/{rotation}" if rotation else seed
        self._locale = locale(deployment.locale)
        self._registry = Registry(self._locale, seed, taken, rotation=rotation)
        hospital = draw(seed, "world")
        self._department = hospital.choice(self._locale.places["department"])
        self._street = hospital.choice(self._locale.places["addresses"]).replace("#", str(hospital.randrange(1, 120)))
        self._postcode = hospital.choice(self._locale.places["postcodes"])
        self._arc = hospital.randrange(2, 90)  # of study UIDs, which the information system gives
        self._accessions = Accessions(deployment.hospital, draw(self._epoch, "accessions"))
        self._referrers = {
            ward: [self._registry.physician(n * len(WARDS) + place, "referring") for n in range(REFERRERS)]
            for place, ward in enumerate(WARDS)
        }
        self._readers = [self._registry.physician(n, "reader") for n in range(READERS)]
        self._operators = [self._registry.physician(n, "operator") for n in range(OPERATORS)]
        self._wards = {kind: _weighted(demand.wards) for kind, demand in DEMAND.items()}
        self._urgent_wards = _weighted(URGENT_WARDS)
        self._scanners: list[Scanner] = []
        self._style = style(seed)

    def info(self) -> dict[str, str]:
        """Properties of the whole hospital for the catalogue."""
        return {
            "character_set": self._locale.charset,
            "address": self._street.replace("{postcode}", self._postcode),
            "time_zone": self._locale.timezone,
        }

    def begin(self, scale: Scale, now: float) -> Iterator[tuple[int, int]]:
        """Write devices, then study after study, those to come with their appointments.

        Yields how many are done, and of how many. `now` is in POSIX seconds.
        """
        made = devices(self._deployment, self._department, self._writer.next_key(Device))
        self._writer.add_all(made)
        days = self._open(made, draw(self._epoch, "history"))
        past = days.past(scale, now, self._source)
        today = datetime.fromtimestamp(now, self._locale.zone()).date()
        self._last_day, self._daily = today + timedelta(days=AHEAD_DAYS), scale.daily
        ahead = days.ahead(self._daily, today, self._last_day, now, self._source) if scale.studies else []
        yield from self._write(past, ahead, now)

    def resume(
        self, state: State, made: list[Device], known: Iterable[Known], until: date
    ) -> Iterator[tuple[int, int]]:
        """Go on after `state` up to and with the day `until`; yields as `begin` does.

        `made` are the devices and `known` the patients that are in the catalogue.
        """
        last = date.fromisoformat(state.last_day)
        days = self._open(made, draw(self._epoch, "history", state.last_day))
        for scanner in self._scanners:
            scanner.resume(state.scanners[str(scanner.device.device_key)])
        self._accessions.state = state.accessions
        self._registry.count = state.registered
        for patient in known:
            self._patients.add(patient)
            self._files.written.add(patient.key)
        self._patients.resume(state.due, last.toordinal())
        self._last_day, self._daily = max(until, last), state.daily
        midnight = (
            datetime.combine(last + timedelta(days=1), datetime.min.time(), self._locale.zone()).timestamp() - 1
        )
        ahead = days.ahead(self._daily, last + timedelta(days=1), self._last_day, midnight, self._source)
        yield from self._write([], ahead, midnight)

    def state(self) -> State:
        """For `resume`."""
        return State(
            last_day=self._last_day.isoformat(),
            daily=self._daily,
            rotation=self._rotation,
            registered=self._registry.count,
            accessions=self._accessions.state,
            scanners={str(scanner.device.device_key): scanner.state() for scanner in self._scanners},
            due=list(self._patients.due()),
        )

    def _open(self, made: list[Device], source: random.Random) -> Calendar:
        """Open the department with these devices; what is drawn from now on comes from `source`."""
        self._source = source
        machines = [device for device in made if device.role == "modality"]
        self._scanners = [
            Scanner(device, number, self._locale, self._deployment.seed, self._epoch)
            for number, device in enumerate(machines)
        ]
        modalities = {device.modality for device in machines}
        kinds: list[Kind] = [kind for kind in PLANNERS if not modalities.isdisjoint(DEMAND[kind].modalities)]
        self._fitting = {kind: self._fit_for(kind) for kind in kinds}
        self._patients = Patients(self._registry, kinds)
        self._files = Files(
            self._writer, self._deployment.hospital, self._department, self._locale.issuer, self._source
        )
        return Calendar(self._locale.zone(), self._locale.holidays, self._locale.slow, kinds)

    def _fit_for(self, kind: Kind) -> list[Scanner]:
        able = [scanner for scanner in self._scanners if scanner.device.modality in DEMAND[kind].modalities]
        return [scanner for scanner in able if suits(kind, scanner.device)] or able

    def _write(self, past: list[Slot], ahead: list[Slot], now: float) -> Iterator[tuple[int, int]]:
        # One patient at a time; but nothing that was to be over now may slip into the future.
        settled = datetime.fromtimestamp(now, self._locale.zone()) - calendar.SETTLED / 2
        for number, slot in enumerate(past):
            self._examine(self._visit(slot, settled), slot, ahead=False)
            yield number + 1, len(past) + len(ahead)
        for number, slot in enumerate(ahead, len(past)):
            self._examine(self._visit(slot, None), slot, ahead=True)
            yield number + 1, len(past) + len(ahead)

    def _visit(self, slot: Slot, latest: datetime | None) -> Visit:
        known, kind = self._patients.choose(slot, self._source)
        fitting = self._fitting[kind]
        free = [scanner for scanner in fitting if scanner.is_free(slot.moment)]
        scanner = self._source.choice(free or fitting)
        begins = scanner.occupy(slot.moment, self._source.randint(*DEMAND[kind].minutes), latest, self._source)
        if known is None:
            known = self._patients.new(slot, self._writer.next_key(Patient))
        return Visit(begins, kind, slot.urgent, known, scanner)

    def _examine(self, visit: Visit, slot: Slot, *, ahead: bool) -> None:
        source, begins = self._source, visit.begins
        study_key = self._writer.next_key(Study)
        # Numbers are given out in the order of the orders, whatever has to wait then.
        order = self._order(visit, slot, study_key)
        person = visit.known.person
        findings = findings_of(
            visit.kind,
            person.seed,
            person.age_on(begins.date()),
            begins,
            urgent=visit.urgent,
            before=visit.known.before,
        )
        planned = [with_findings(plan, findings) for plan in self._planned(visit, order)]
        began = begins.timestamp()
        ends = [began + plan.begins + plan.lasts + TRANSFER for plan in planned]
        self._files.patient(visit, min(ends))
        if ahead:
            missed = is_missed(visit, source)
            self._writer.add_all(steps(self._writer, visit, order, ends[-1], source, missed=missed))
            if missed:
                return
        self._patients.examined(visit.known, visit.kind, begins, source)
        references = self._files.study(visit, order, study_key, planned, ends, self._staff(visit))
        self._write_up(visit, order, study_key, planned, references, findings, max(ends))

    def _write_up(
        self,
        visit: Visit,
        order: Order,
        study_key: int,
        planned: list[Planned],
        references: list[Reference],
        findings: tuple[Finding, ...],
        over: float,
    ) -> None:
        begins, known = visit.begins, visit.known
        subject = SUBJECTS.get(visit.kind, visit.kind)
        prior, before = known.before.get(subject, (None, ()))
        facet = Facet(
            seed=token(self._epoch, "papers", study_key),
            kind=visit.kind,
            urgent=visit.urgent,
            locale=self._locale.name,
            reason=order.reason,
            findings=findings,
            prior=prior,
            before=before,
            began=begins,
            over=datetime.fromtimestamp(over, begins.tzinfo),
        )
        known.before[subject] = (f"{begins:%Y%m%d}", findings)
        arc = self._style.arc + self._rotation
        stem = f"{self._deployment.uid_root}.{arc}.{begins:%y%m%d}.{study_key}"
        papers = documents(facet, planned, references, visit.scanner.device, self._style)
        for number, paper in enumerate(papers, 1):
            self._files.paper(visit, paper, study_key, f"{stem}.{number}")

    def _order(self, visit: Visit, slot: Slot, study_key: int) -> Order:
        source, tables = self._source, self._locale
        ward = (self._urgent_wards if visit.urgent else self._wards[visit.kind]).pick(source)
        return Order(
            accession=self._accessions.next(slot.moment),
            study_uid=f"{self._deployment.uid_root}.{self._arc}.{visit.begins:%Y%m%d%H%M%S}.{study_key}",
            description=source.choice(tables.studies[visit.kind]),
            referring=source.choice(self._referrers[ward]),
            ward=tables.wards[ward],
            reason=source.choice(tables.reasons_for(visit.kind)),
            room=visit.scanner.room,
        )

    def _planned(self, visit: Visit, order: Order) -> Iterator[Planned]:
        scanner, begins, person = visit.scanner, visit.begins, visit.known.person
        frame, planning, event = (scanner.uids.one(begins) for _ in range(3))
        more = (scanner.uids.one(begins) for _ in range(SPIRALS.get(visit.kind, 1) - 1))
        exam = Examination(
            seed=token(self._epoch, "study", f"{begins:%Y%m%d%H%M%S}", person.identifier),
            body=person.body_on(begins.date()),
            kind=visit.kind,
            requested=order.description,
            frame_of_reference=frame,
            irradiation_event=event,
            events=(event, *more),
            planning_event=planning,
            labels=self._locale.labels,
            locale=self._locale.name,
            reason=order.reason,
            ward=order.ward,
            urgent=visit.urgent,
        )
        return PLANNERS[visit.kind](exam, scanner.device, self._source)

    def _staff(self, visit: Visit) -> Staff:
        """Operators work in shifts, and readers have their modalities."""
        shift = visit.begins.toordinal() * (24 // SHIFT_HOURS) + visit.begins.hour // SHIFT_HOURS
        operator = self._operators[(shift * 5 + self._source.randrange(ON_SHIFT)) % OPERATORS]
        first = 0 if visit.scanner.device.modality == "MR" else 2
        return Staff(operator, self._readers[first + self._source.randrange(READERS - 2)])


def _weighted(weights: dict[str, float]) -> Weighted:
    return Weighted(list(weights), list(weights.values()))
