"""What is written about a study: report, dose report, key images, annotations; when, and in which form."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.findings.telling import STATES, Facts, Subject, heading
from dicomhawk.hospital.findings.vocabulary import words
from dicomhawk.hospital.images.recipe import (
    AbdomenCT,
    BrainMR,
    ChestCT,
    DoseSheet,
    HeadCT,
    Radiograph,
    Scout,
    Ultrasound,
)
from dicomhawk.hospital.objects.document_recipe import (
    Document,
    DosePart,
    DoseReport,
    KeyObjects,
    Presentation,
    Reference,
    Report,
)
from dicomhawk.hospital.objects.documents import SYSTEMS
from dicomhawk.hospital.objects.dose import DOSE_SR
from dicomhawk.hospital.objects.ko import KEY_OBJECT_SELECTION
from dicomhawk.hospital.objects.makers import CTModel, model_of
from dicomhawk.hospital.objects.pdf import ENCAPSULATED_PDF
from dicomhawk.hospital.objects.pr import GRAYSCALE_PRESENTATION
from dicomhawk.hospital.objects.recipe import CTAcquisition
from dicomhawk.hospital.objects.report import BASIC_TEXT_SR, ENHANCED_SR
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.waveforms.recipe import Electrocardiogram
from dicomhawk.hospital.world.dose_sheets import LOCALIZER_DLP, OVERSCAN
from dicomhawk.hospital.world.draw import draw
from dicomhawk.hospital.world.illness import SUBJECTS
from dicomhawk.hospital.world.kinds import Kind
from dicomhawk.hospital.world.planned import Planned

_TARGETS: dict[Subject, Literal["head", "abdomen"]] = {"ct_head": "head", "ct_abdomen": "abdomen"}
"""Target regions of dose reports that aren't the chest."""
NOWHERE = ("emphysema", "coronary", "steatosis")
"""Findings that no arrow can point at."""
NARROW = ("nodule", "calcified", "subsolid", "pneumothorax", "emphysema", "ground_glass", "consolidation")
"""Findings that are shown in a window for lungs."""
READ_BY_PHYSICIANS = 0.7  # of the electrocardiograms; for the others the cart's own reading has to do
LOCALIZING = 100.0  # mm/s: of the table
KEY_SERIES = ("Key Images", "KEY IMAGES", "Key Object Selection", "Key Objects", "Key Image Note", "KO", "Key Img")
STATE_SERIES = ("Presentation State", "Presentation States", "PRESENTATION STATE", "GSPS", "PR", "PS Series", "Marks")
"""How workstations call the series that their users make."""
FIRST_HOUR, LAST_HOUR = 7, 19  # when reports of what isn't urgent are signed


@dataclass(frozen=True)
class Style:
    """How a hospital writes: the same for all of its studies."""

    system: int
    form: Literal["basic", "enhanced", "pdf"]
    arc: int  # of UIDs, below the deployment's root; rotations count on from there
    number: int  # Series Number of reports
    keys: float  # part of the studies with findings that get key images
    states: float  # and annotations
    dose: bool
    key_series: str
    state_series: str


@dataclass(frozen=True)
class Facet:
    """What the documents of a study must know of it."""

    seed: str
    kind: Kind
    urgent: bool
    locale: str
    reason: str
    findings: tuple[Finding, ...]
    prior: str | None  # DA
    before: tuple[Finding, ...]
    began: datetime
    over: datetime  # the last image is in the archive


@dataclass(frozen=True)
class Paper:
    """A document: the facts of its series, and its recipe. `at`: when it was written."""

    modality: str
    number: int
    description: str
    sop_class: str
    at: datetime
    document: Document
    system: int = 0
    by_scanner: bool = False


def style(seed: str) -> Style:
    """The hospital's, from the deployment's seed."""
    own = draw(seed, "documents")
    forms: tuple[Literal["basic", "enhanced", "pdf"], ...] = ("basic", "enhanced", "pdf")
    return Style(
        system=own.randrange(len(SYSTEMS)),
        form=own.choices(forms, (5, 3, 3))[0],
        arc=own.randrange(100, 240),
        number=own.choice((900, 901, 1000, 601, 701)),
        keys=own.choice((0.0, 0.25, 0.5)),
        states=own.choice((0.0, 0.15, 0.35)),
        dose=own.random() < 0.85,
        key_series=own.choice(KEY_SERIES),
        state_series=own.choice(STATE_SERIES),
    )


def documents(
    facet: Facet, planned: Sequence[Planned], references: Sequence[Reference], device: Device, own: Style
) -> Iterator[Paper]:
    """All that is written about a study; `references` are its series with images."""
    source = draw(facet.seed, "papers")
    if device.modality == "CT" and own.dose:
        yield from _dose(facet, planned, device)
    subject = SUBJECTS.get(facet.kind)
    if subject is None or (subject == "ecg" and source.random() >= READ_BY_PHYSICIANS):
        return
    signed = _signed(facet, source)
    facts = Facts(
        subject=subject,
        locale=facet.locale,
        seed=facet.seed,
        technique=_technique(facet.kind, planned),
        reason=facet.reason,
        findings=facet.findings,
        prior=facet.prior,
        before=facet.before,
        diffusion=any(isinstance(p.image, BrainMR) and p.image.contrast == "DWI" for p in planned),
        tracing=next((p.image for p in planned if isinstance(p.image, Electrocardiogram)), None),
    )
    shown = _best(references, facet.findings)
    pointed = tuple(f for f in facet.findings if f.kind not in NOWHERE)
    if pointed and shown and source.random() < own.keys:
        keys = KeyObjects(pointed[:3], shown, own.system, facet.locale)
        at = signed - timedelta(minutes=source.randrange(1, 12))
        yield Paper("KO", own.number + 2, own.key_series, KEY_OBJECT_SELECTION, at, keys, own.system)
    grey = bool(shown) and not isinstance(shown[0].image, Ultrasound)
    if pointed and grey and source.random() < own.states:
        at = signed - timedelta(minutes=source.randrange(1, 12))
        state = _state(facet, pointed[0], shown, own)
        yield Paper("PR", own.number + 1, own.state_series, GRAYSCALE_PRESENTATION, at, state, own.system)
    sop_class = {"basic": BASIC_TEXT_SR, "enhanced": ENHANCED_SR, "pdf": ENCAPSULATED_PDF}[own.form]
    title = heading(facts)
    report = Report(facts, own.form, own.system, shown)
    yield Paper("OT" if own.form == "pdf" else "SR", own.number, title, sop_class, signed, report, own.system)


def _best(references: Sequence[Reference], findings: tuple[Finding, ...]) -> tuple[Reference, ...]:
    """The series that documents refer to: the one that shows most, and another where it has the detail."""
    if not references:
        return ()
    images = [r for r in references if isinstance(r.image, ChestCT | HeadCT | BrainMR | Radiograph)]
    images += [r for r in references if isinstance(r.image, Ultrasound) and r.image.frames == 1]
    if not images:
        return ()
    order = {"DWI": 0, "FLAIR": 1, "T2": 2}
    acute = any(f.kind == "infarct" for f in findings)

    def rank(reference: Reference) -> float:
        image = reference.image
        if isinstance(image, Radiograph | Ultrasound):
            return float(isinstance(image, Radiograph) and image.view == "LL")
        if isinstance(image, AbdomenCT):
            return float(image.portal < 0.5)
        if isinstance(image, ChestCT):
            return float(image.kernel != ("lung" if findings and findings[0].kind in NARROW else "soft"))
        if isinstance(image, HeadCT):
            return float(image.kernel != "soft")
        assert isinstance(image, BrainMR)
        return float(order.get(image.contrast, 4) if acute else {"FLAIR": 0, "T2": 1}.get(image.contrast, 3))

    return (min(images, key=rank),)


def _signed(facet: Facet, source: random.Random) -> datetime:
    """When the report is signed: urgent ones soon, others hours later and in working hours."""
    if facet.urgent:
        return facet.over + timedelta(minutes=source.uniform(14, 95))
    at = facet.over + timedelta(hours=min(source.lognormvariate(1.2, 0.8), 40))
    if at.hour >= LAST_HOUR:
        at = _morning(at + timedelta(days=1), source)
    elif at.hour < FIRST_HOUR:
        at = _morning(at, source)
    while at.weekday() >= 5:
        at = _morning(at + timedelta(days=1), source)
    return max(at, facet.over + timedelta(minutes=5))


def _morning(day: datetime, source: random.Random) -> datetime:
    return day.replace(hour=FIRST_HOUR + source.randrange(5), minute=source.randrange(60))


def _technique(kind: Kind, planned: Sequence[Planned]) -> str:
    if SUBJECTS[kind] == "chest":
        return (
            "ct_contrast" if any(isinstance(p.image, ChestCT) and p.image.contrast for p in planned) else "ct_native"
        )
    if kind == "ct_abdomen":
        phases = {p.image.portal + p.image.contrast > 0 for p in planned if isinstance(p.image, AbdomenCT)}
        return "ct_abdomen_native" if phases == {False} else "ct_abdomen_phases" if len(phases) > 1 else kind
    prefix = kind.partition("_")[0]
    return kind if prefix == "ct" else prefix


def _state(facet: Facet, finding: Finding, shown: tuple[Reference, ...], own: Style) -> Presentation:
    reference = shown[0]
    image = reference.image
    if isinstance(image, BrainMR):
        window = (round(image.gain * 0.85), round(image.gain * 1.7))
    elif isinstance(image, Radiograph):
        window = (1 << (image.bits - 1), 1 << image.bits)
    elif isinstance(image, HeadCT):
        window = (40, 80)
    else:
        window = (-600, 1500) if isinstance(image, ChestCT) and image.kernel == "lung" else (40, 400)
    size = "" if finding.kind in STATES else f" {round(finding.size)} mm"
    text = f"{words(facet.locale)['names'][finding.kind]}{size}"
    return Presentation(finding, reference, window, "PRESENTATION", text, own.system)


def _dose(facet: Facet, planned: Sequence[Planned], device: Device) -> Iterator[Paper]:
    model = model_of(device.manufacturer, device.model)
    assert isinstance(model, CTModel)
    parts: dict[str, DosePart] = {}
    sheet = _on_sheet(planned)
    first, last = facet.over, facet.began
    for plan in planned:
        scan, image = plan.acquisition, plan.image
        if not isinstance(scan, CTAcquisition) or scan.irradiation_event in parts:
            continue
        if isinstance(image, Scout):
            parts[scan.irradiation_event] = _localizer(plan.protocol, image, scan, siemens=model.maker == "siemens")
            first = min(first, facet.began + timedelta(seconds=plan.begins))
        if not isinstance(image, ChestCT | HeadCT):
            continue
        spirals = sum(part.spiral for part in parts.values())
        length = round((image.slices - 1) * image.spacing + OVERSCAN, 1)
        rotation = 1.0 if isinstance(image, HeadCT) else model.rotation
        seconds = round(length / (model.collimation[1] * (1 if scan.axial else scan.pitch)) * rotation, 2)
        parts[scan.irradiation_event] = DosePart(
            event=scan.irradiation_event,
            protocol=plan.protocol,
            spiral=True,
            seconds=seconds,
            length=length,
            pitch=scan.pitch,
            kvp=scan.kvp,
            current=scan.current,
            highest_current=min(round(scan.current * 1.33), model.tube_limits[1]),
            ctdi=round(scan.ctdi, 2),
            dlp=sheet[spirals] if spirals < len(sheet) else round(scan.ctdi * length / 10, 2),
            axial=scan.axial,
        )
        began = facet.began + timedelta(seconds=plan.begins)
        first, last = min(first, began), max(last, began + timedelta(seconds=seconds))
    if not any(part.spiral for part in parts.values()):
        return
    siemens = model.maker == "siemens"
    region: Literal["chest", "head", "abdomen"] = _TARGETS.get(SUBJECTS[facet.kind], "chest")
    report = DoseReport(tuple(parts.values()), region, f"{first:%Y%m%d%H%M%S}", f"{last:%Y%m%d%H%M%S}")
    name, number = ("Patient Protocol", 502) if siemens else ("Dose Report", 997)
    yield Paper("SR", number, name, DOSE_SR, facet.over, report, by_scanner=True)


def _localizer(protocol: str, image: Scout, scan: CTAcquisition, *, siemens: bool) -> DosePart:
    """The irradiation of the planning images: as the sheets have it, one maker's have a dose, the other's none."""
    length = round(image.rows * image.pixel[0], 1)
    return DosePart(
        event=scan.irradiation_event,
        protocol=protocol,
        spiral=False,
        seconds=round(length / LOCALIZING, 2),
        length=length,
        pitch=0.0,
        kvp=scan.kvp,
        current=scan.current,
        highest_current=scan.current,
        ctdi=scan.ctdi,
        dlp=LOCALIZER_DLP if siemens else 0.0,
    )


def _on_sheet(planned: Sequence[Planned]) -> list[float]:
    """The dose length products of the scans as the scanner's own sheet has them, so that both agree."""
    for plan in planned:
        if isinstance(plan.image, DoseSheet):
            table = plan.image.table
            column = next(n for n, name in enumerate(table[0]) if name.startswith("DLP"))
            first = next(n for n, row in enumerate(table) if "2" in row[:2])
            return [float(row[column]) for row in table[first:]]
    return []
