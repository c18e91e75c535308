"""Orders and the worklist: scheduled procedure steps that become studies, with a status that moves on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from dicomhawk.hospital.catalogue import CatalogueWriter
from dicomhawk.hospital.rows import ScheduledStep

if TYPE_CHECKING:
    from dicomhawk.hospital.world.filing import Visit

LONGEST_WAIT = 12  # days between an order and its examination, as far as the worklist has it
ARRIVES = timedelta(minutes=18)  # before the examination begins
GRID = 5  # minutes between which nothing is booked
ORDERED = (25, 150)  # minutes between an emergency's order and its examination
MISSED = 0.04  # of the appointments: the patient doesn't come
OFFICE = (8, 17)  # hours in which appointments are made


@dataclass(frozen=True)
class Order:
    """What the information system knows of an examination."""

    accession: str
    study_uid: str
    description: str
    referring: str
    ward: str
    reason: str
    room: str


def is_missed(visit: Visit, source: random.Random) -> bool:
    """Whether the patient doesn't come."""
    return not visit.urgent and source.random() < MISSED


def steps(
    writer: CatalogueWriter, visit: Visit, order: Order, ends: float, source: random.Random, *, missed: bool
) -> Iterator[ScheduledStep]:
    """The rows of one order, one for each status while it lasts; the last one until `ends` (POSIX seconds).

    An appointment that is missed stays in the worklist until the end of its day.
    """
    device, begins = visit.scanner.device, visit.begins
    booked = _booked_at(visit, source)
    planned = booked if visit.urgent else begins
    planned = planned.replace(minute=planned.minute // GRID * GRID, second=0)
    arrives, starts = (begins - ARRIVES).timestamp(), begins.timestamp()
    spans = [("SCHEDULED", booked.timestamp(), arrives), ("ARRIVED", arrives, starts), ("STARTED", starts, ends)]
    if missed:
        midnight = datetime.combine(begins.date() + timedelta(days=1), time(), begins.tzinfo)
        spans = [("SCHEDULED", booked.timestamp(), midnight.timestamp())]
    for status, visible_from, visible_until in spans:
        if visible_from >= visible_until:
            continue
        yield ScheduledStep(
            step_key=writer.next_key(ScheduledStep),
            patient_key=visit.known.key,
            study_uid=order.study_uid,
            accession_number=order.accession,
            requested_procedure_id=order.accession,
            requested_procedure_description=order.description,
            step_id=order.accession,
            step_description=order.description,
            modality=device.modality or "",
            station_ae=device.ae_title,
            start_date=f"{planned:%Y%m%d}",
            start_time=f"{planned:%H%M}00",
            status=status,
            station_name=device.station_name,
            location=order.room,
            performing_physician="",
            referring_physician=order.referring,
            requesting_physician=order.referring,
            patient_location=order.ward,
            priority="STAT" if visit.urgent else "ROUTINE",
            reason=order.reason,
            patient_weight=f"{visit.known.person.weight:g}",
            visible_from=visible_from,
            visible_until=visible_until,
        )


def _booked_at(visit: Visit, source: random.Random) -> datetime:
    """When an examination was put on the worklist: emergencies shortly before, others on an earlier day."""
    if visit.urgent:
        return visit.begins - timedelta(minutes=source.randrange(*ORDERED))
    day = visit.begins - timedelta(days=source.randrange(1, LONGEST_WAIT))
    return day.replace(hour=source.randrange(*OFFICE), minute=source.randrange(60))
