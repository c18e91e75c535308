"""CT of the upper abdomen: its phases, each a spiral of its own, and their reconstructions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from dicomhawk.hospital.images.recipe import AbdomenCT
from dicomhawk.hospital.objects.makers import CTModel, model_of
from dicomhawk.hospital.objects.recipe import CTAcquisition
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.dose_sheets import ABDOMEN, dose_sheet, planning_of
from dicomhawk.hospital.world.draw import clipped, token
from dicomhawk.hospital.world.localizers import localizer
from dicomhawk.hospital.world.planned import Examination, Planned
from dicomhawk.hospital.world.protocols import AGENTS, BASE_FIELD, from_slice

DOME, KIDNEYS = 71.0, 4.5  # base slices: above the diaphragm, and the last that is safely within the base
LOCALIZED_FROM = 88.0  # mm in the base: upper end of the localizer
WAIT = (28, 40)  # seconds from the arterial to the portal venous phase


@dataclass(frozen=True)
class _Phase:
    """When after the injection a spiral was: how much medium is in arteries, and in portal vein and organs."""

    name: str  # as scanners call it
    arterial: float
    portal: float


_NATIVE = _Phase("", 0.0, 0.0)
_PORTAL = _Phase("VEN", 0.0, 1.0)
_ARTERIAL = _Phase("ART", 0.95, 0.1)
_PROTOCOLS = ((_PORTAL,), (_PORTAL,), (_PORTAL,), (_ARTERIAL, _PORTAL), (_NATIVE, _ARTERIAL, _PORTAL))
_URGENT = ((_PORTAL,), (_PORTAL,), (_PORTAL,), (_NATIVE,))


def abdomen_ct(exam: Examination, device: Device, source: random.Random) -> Iterator[Planned]:
    """Series of a CT of the upper abdomen for the device that it is made on."""
    model = model_of(device.manufacturer, device.model)
    assert isinstance(model, CTModel)
    siemens, body = model.maker == "siemens", exam.body
    phases = source.choice(_URGENT if exam.urgent else _PROTOCOLS)
    thickness, spacing, _ = source.choices(model.slices, [weight for *_, weight in model.slices])[0]
    top = from_slice(DOME + source.uniform(-1.5, 2), body)
    length = top - from_slice(KIDNEYS + source.uniform(-1, 1), body)
    field = round(BASE_FIELD * body.girth + 1.5 * max(body.fat, -3) + source.uniform(2, 14))
    current = int(clipped(source, 235, 45, 120, 480) * (1 + (body.girth - 1) * 2))
    noise = 11.5 * (235 / current) ** 0.4 * (2.5 / thickness) ** 0.5 * (1 + max(body.fat, 0) * 0.012)
    kvp = source.choice((100, 120, 120, 120)) if phases != (_NATIVE,) else 120
    scan = CTAcquisition(
        frame_of_reference=exam.frame_of_reference,
        irradiation_event=exam.irradiation_event,
        kvp=kvp,
        current=current,
        pitch=source.choice(model.pitch),
        ctdi=round(current * 0.036 * (kvp / 120) ** 2.5 * source.uniform(0.95, 1.05), 6),
        kernel="",
        windows=(),
        table_height=round(source.uniform(128, 172), 1 if siemens else 6),
        table_position=round(source.uniform(-520, -260) if siemens else source.uniform(60, 150), 1),
        requested=exam.requested,
    )
    medium = replace(
        scan,
        agent=source.choice(AGENTS),
        agent_volume=source.choice((80, 90, 100, 110, 120)),
        flow=source.choice((2.5, 3.0, 3.5, 4.0)),
    )
    dose, strength = source.uniform(0.86, 1.08), token(exam.seed, "series")
    protocol = _protocol(siemens, len(phases), source)
    begins = source.randrange(160, 420)
    planning = localizer(exam, model, scan, begins, source, region=ABDOMEN, top=LOCALIZED_FROM)
    yield planning
    spirals, number = [], 0
    kernel = source.choice(model.kernels["soft"])
    for order, phase in enumerate(phases):
        acquired = replace(
            medium if phase.arterial or phase.portal else scan,
            acquisition=order + (2 if siemens else 1),
            irradiation_event=exam.events[order],
            kernel=kernel,
            windows=((40, 400), (-600, 1200)) if siemens else ((40, 400),),
        )
        spirals.append(acquired)
        steps = [(thickness, spacing)]
        if thickness < 3 and source.random() < 0.4:
            steps.append((5.0, 5.0))
        for thick, step in steps:
            image = AbdomenCT(
                body=body,
                study=exam.seed,
                series=f"{strength}{number}",
                slices=int(length / step) + 1,
                top=round(top, 2),
                spacing=step,
                thickness=thick,
                fov=float(field),
                contrast=round(phase.arterial * dose, 2),
                kernel="soft",
                noise=round(noise * (thickness / thick) ** 0.5, 2),
                table=model.table,
                padding=-1024 if siemens else -3024,
                portal=round(phase.portal * dose, 2),
            )
            description = _description(siemens, phase, thick, kernel, source)
            yield Planned(image, acquired, description, protocol, "ABDOMEN", begins, length / 46)
            number += 1
            begins += source.randrange(5, 9)
        begins += source.randrange(*WAIT)
    yield dose_sheet(
        exam, model, spirals, planning_of(planning), top, length, begins + source.randrange(10, 60), source, ABDOMEN
    )


def _protocol(siemens: bool, phases: int, source: random.Random) -> str:
    if siemens:
        routine = source.choice(("AbdRoutine", "Abdomen", "UpperAbd", "Liver")) if phases == 1 else "Liver_MultiPhase"
        return f"{source.randrange(1, 9)}_{routine}"
    routine = source.choice(("ROUTINE ABDOMEN", "UPPER ABDOMEN", "LIVER")) if phases == 1 else "LIVER MULTIPHASE"
    return f"6.{source.randrange(1, 20)} {routine}"


def _description(siemens: bool, phase: _Phase, thick: float, kernel: str, source: random.Random) -> str:
    if siemens:
        name = " ".join(part for part in ("Abdomen", phase.name.capitalize()) if part)
        return f"{name}  {thick:.1f}  {kernel.replace(chr(92), '  ')}"
    name = {"": "W/O", "ART": "ARTERIAL", "VEN": "PORTAL VENOUS"}[phase.name]
    return source.choice((f"AX {thick:g} {name}", f"{name} {thick:g}MM", name))
