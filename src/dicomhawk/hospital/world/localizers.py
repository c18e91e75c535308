"""The planning images of CT: what they cover, and how each maker's scanners make and name them."""

from __future__ import annotations

import random

from msgspec.structs import replace

from dicomhawk.hospital.images.recipe import Scout
from dicomhawk.hospital.objects.ct import CT_IMAGE_STORAGE
from dicomhawk.hospital.objects.makers import CTModel
from dicomhawk.hospital.objects.recipe import CTAcquisition
from dicomhawk.hospital.world.dose_sheets import THORAX, Region
from dicomhawk.hospital.world.draw import token
from dicomhawk.hospital.world.planned import Examination, Planned, Stored

TOP, BOTTOM = 162.0, -158.0  # mm in the base: as far as it goes
SIEMENS_PIXEL, SIEMENS_COLUMNS = (1.0, 1.0), 512
GE_PIXEL, GE_COLUMNS = (0.545455, 0.596847), 888
WINDOWS = ((-150, 1100), (50, 1300))  # from the front, from the side
BEFORE = (50, 120)  # seconds before the first spiral
PROTOCOLS = {"CHEST": ("ThoraxRoutine", "Thorax", "Chest"), "ABDOMEN": ("AbdRoutine", "Abdomen", "UpperAbd")}


def localizer(
    exam: Examination,
    model: CTModel,
    scan: CTAcquisition,
    begins: int,
    source: random.Random,
    *,
    region: Region = THORAX,
    top: float = TOP,
) -> Planned:
    """The localizers, from `top` (mm in the base) down, of a CT whose first spiral `begins` (s) and is acquired as
    `scan` says."""
    siemens = model.maker == "siemens"
    both = source.random() < (0.2 if siemens else 0.9)
    pixel, columns = (SIEMENS_PIXEL, SIEMENS_COLUMNS) if siemens else (GE_PIXEL, GE_COLUMNS)
    top = top * exam.body.height + source.uniform(-4, 2)
    rows = round((top - BOTTOM * exam.body.height) / pixel[0])
    image = Scout(
        body=exam.body,
        study=exam.seed,
        series=token(exam.seed, "localizer"),
        directions=("frontal", "lateral") if both else ("frontal",),
        top=round(top, 2),
        rows=rows,
        columns=columns,
        pixel=pixel,
        noise=0.004,
        table=model.table,
    )
    kernel = source.choice(("T20f", "T80f", "T20s")) if siemens else ""
    acquisition = replace(
        scan,
        irradiation_event=exam.planning_event or scan.irradiation_event,
        kvp=120,
        current=source.choice((35, 36, 50) if siemens else (10, 20, 40)),
        ctdi=0.11,
        kernel=kernel,
        windows=WINDOWS,
        acquisition=1,
        agent=None,
    )
    name = f"Topogram  0.6  {kernel}" if siemens else source.choice(("SCOUT", "Scout", "1.1 SCOUTS"))
    protocol = source.choice(PROTOCOLS[region.body_part]) if siemens else f"{region.body_part} ROUTINE"
    return Planned(
        image,
        acquisition,
        name,
        protocol,
        region.body_part,
        max(begins - source.randrange(*BEFORE), 15),
        float(6 * len(image.directions)),
        stored=Stored(len(image.directions), CT_IMAGE_STORAGE, rows, columns),
        number=1,
    )
