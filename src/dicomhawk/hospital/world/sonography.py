"""Ultrasound of the abdomen: which windows are looked through, with what settings."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.findings.model import Finding, Kind
from dicomhawk.hospital.images.recipe import Scan, Ultrasound, Window
from dicomhawk.hospital.objects.compression import JPEG_BASELINE, RLE
from dicomhawk.hospital.objects.makers import model_of
from dicomhawk.hospital.objects.recipe import USAcquisition
from dicomhawk.hospital.objects.us import US_IMAGE_STORAGE, US_MULTIFRAME_STORAGE
from dicomhawk.hospital.objects.us_makers import USModel
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.draw import draw, token
from dicomhawk.hospital.world.planned import Examination, Planned, Stored

COMPRESSING = 0.35  # of the devices
LOOPS = 0.3  # of the examinations have some
LABELLED = 0.8

_SYNTAXES = {"jpeg": JPEG_BASELINE, "rle": RLE, "explicit": EXPLICIT_LE}
_DEPTHS: dict[Window, float] = {
    "liver": 155,
    "liver_across": 160,
    "kidney_right": 130,
    "kidney_right_across": 125,
    "kidney_left": 125,
    "spleen": 135,
    "gallbladder": 115,
    "pancreas": 120,
    "aorta": 135,
}
"""mm, in the order of an examination."""
_MEASURED = ("kidney_right", "kidney_left")
_WINDOWS: dict[tuple[Kind, str], Window] = {
    ("gallstone", ""): "gallbladder",
    ("liver_cyst", ""): "liver",
    ("haemangioma", ""): "liver",
    ("metastases", ""): "liver",
    ("renal_cyst", "kidney_r"): "kidney_right",
    ("renal_cyst", "kidney_l"): "kidney_left",
    ("hydronephrosis", "kidney_r"): "kidney_right",
    ("hydronephrosis", "kidney_l"): "kidney_left",
}
"""With which window findings are looked at, by kind and place."""
_PRESETS = {
    "logiq": ("Abdomen", "Abd Gen", "ABD 1", "Abd Diff", "ABD_Std"),
    "epiq": ("Abd General", "Abd Pen", "ABD GEN", "Abd Adult", "Abd Vasc"),
    "acuson": ("Abdomen", "ABDO", "Abd Detail", "Abdomen 2", "ABD"),
    "aplio": ("Abdomen", "ABDOMEN", "Abd Std", "Liver", "ABD-1"),
}
"""By the machines' layouts; a machine has two, since whoever installs it makes them."""


def sonograms(exam: Examination, device: Device, source: random.Random) -> Iterator[Planned]:
    """A series of images, and perhaps one of loops."""
    model = model_of(device.manufacturer, device.model)
    assert isinstance(model, USModel)
    transducer, frequency = model.transducers[0] if source.random() < 0.8 else model.transducers[-1]
    scans = [
        _scan(exam, window, source)
        for window in _DEPTHS
        for _ in range(source.choice((1, 1, 2)) if source.random() < 0.9 else 0)
    ]
    rows, columns = model.size
    image = Ultrasound(
        body=exam.body,
        study=exam.seed,
        series=token(exam.seed, "images"),
        scans=tuple(scans) or (_scan(exam, "liver", source),),
        rows=rows,
        columns=columns,
        gain=round(source.uniform(-2, 2), 1),
        dynamic_range=round(source.uniform(51, 58), 1),
    )
    setting = USAcquisition(
        requested=exam.requested,
        transducer=transducer,
        frequency=frequency,
        gain=source.randrange(42, 58),
        dynamic_range=source.choice((60, 63, 66, 69, 72)),
        mechanical_index=round(source.uniform(0.8, 1.4), 1),
        thermal_index=round(source.uniform(0.2, 1.1), 1),
        preset=source.choice(draw(device.serial, "presets").sample(_PRESETS[model.layout], k=2)),
    )
    compresses = draw(device.serial, "syntax").random() < COMPRESSING
    syntax = _SYNTAXES[model.syntax] if compresses else EXPLICIT_LE
    begins, lasts = source.randrange(60, 180), len(image.scans) * source.uniform(18, 45)
    stored = Stored(len(image.scans), US_IMAGE_STORAGE, rows, columns, bits=8, syntax=syntax)
    name = setting.preset
    yield Planned(image, setting, name, name, "ABDOMEN", begins, lasts, stored=stored, number=1)
    if source.random() < LOOPS:
        chosen = source.sample(image.scans, k=min(2, len(image.scans)))
        loops = replace(
            image,
            series=token(exam.seed, "loops"),
            scans=tuple(replace(scan, measured=False) for scan in chosen),
            frames=source.randrange(14, 25),
        )
        stored = Stored(
            len(chosen), US_MULTIFRAME_STORAGE, rows, columns, bits=8, frames=loops.frames, syntax=JPEG_BASELINE
        )
        later = begins + round(lasts) + source.randrange(10, 40)
        yield Planned(loops, setting, f"{name} Cine", name, "ABDOMEN", later, 30.0, stored=stored)


def looked_closer(plan: Planned, findings: Sequence[Finding]) -> Planned:
    """The series with an image or two more of each finding that is measured, where the sonographer came upon it."""
    image, stored = plan.image, plan.stored
    if not isinstance(image, Ultrasound) or image.frames > 1 or stored is None:
        return plan
    scans = list(image.scans)
    for finding in findings:
        window = _WINDOWS.get((finding.kind, finding.place)) or _WINDOWS.get((finding.kind, ""))
        if window is None:
            continue
        source = draw(image.series, "closer", finding.seed)
        known = next((scan for scan in scans if scan.window == window), None)
        place = max((n for n, scan in enumerate(scans, 1) if scan.window == window), default=len(scans))
        depth = known.depth if known is not None else _DEPTHS[window]
        seen = Scan(
            window,
            max(depth, 130.0),
            (round(source.gauss(0, 6), 1), 0.0),
            measured=True,
            finding=finding.seed,
            label=known.label if known is not None else "",
        )
        # Measured, and as a rule once more without the calipers in the way.
        views = [replace(seen, measured=False)] if source.random() < 0.7 else []
        scans[place:place] = [*views, seen]
    longer = plan.lasts * len(scans) / len(image.scans)
    return dataclasses.replace(
        plan,
        image=replace(image, scans=tuple(scans)),
        lasts=longer,
        stored=dataclasses.replace(stored, count=len(scans)),
    )


def _scan(exam: Examination, window: Window, source: random.Random) -> Scan:
    depth = _DEPTHS[window] + max(exam.body.fat, -6) * 1.2 + source.choice((-10, 0, 0, 10))
    return Scan(
        window=window,
        depth=float(round(depth / 5) * 5),
        shift=(round(source.gauss(0, 7), 1), round(source.gauss(0, 4), 1)),
        measured=window in _MEASURED and source.random() < 0.75,
        label=exam.labels.get(window, "") if source.random() < LABELLED else "",
    )
