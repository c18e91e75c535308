"""Orders and the worklist: scheduled procedure steps that become studies, with a status that moves on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dicomhawk.hospital.catalogue import CatalogueWriter
from dicomhawk.hospital.rows import ScheduledStep

if TYPE_CHECKING:
    from dicomhawk.hospital.world.history import Visit

LONGEST_WAIT = 12  # days between an order and its examination, as far as the worklist has it
ARRIVES = timedelta(minutes=18)  # before the examination begins


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


def booked_at(kind: str, begins: datetime, source: random.Random) -> datetime:
    """When an examination was put on the worklist: emergencies shortly before, others on an earlier day."""
    if kind == "mr_acute" or not 7 <= begins.hour < 17:
        return begins - timedelta(minutes=source.randrange(25, 150))
    day = begins - timedelta(days=source.randrange(1, LONGEST_WAIT))
    return day.replace(hour=source.randrange(8, 17), minute=source.randrange(60))


def steps(
    writer: CatalogueWriter, visit: Visit, order: Order, booked: datetime, ends: float
) -> Iterator[ScheduledStep]:
    """The rows of one order, one for each status while it lasts."""
    device, begins = visit.device, visit.begins
    planned = begins.replace(minute=begins.minute // 5 * 5, second=0)
    arrives, starts = (begins - ARRIVES).timestamp(), begins.timestamp()
    spans = (("SCHEDULED", booked.timestamp(), arrives), ("ARRIVED", arrives, starts), ("STARTED", starts, ends))
    for status, visible_from, visible_until in spans:
        if visible_from >= visible_until:
            continue
        yield ScheduledStep(
            step_key=writer.next_key(ScheduledStep),
            patient_key=visit.patient_key,
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
            priority="STAT" if visit.kind == "mr_acute" else "ROUTINE",
            reason=order.reason,
            patient_weight=f"{visit.person.weight:g}",
            visible_from=visible_from,
            visible_until=visible_until,
        )
