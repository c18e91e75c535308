"""The doses of a CT examination, as the scanner sums them up on a screen of its own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from dicomhawk.hospital.images.recipe import DoseSheet
from dicomhawk.hospital.objects.makers import CTModel
from dicomhawk.hospital.objects.recipe import CaptureAcquisition, CTAcquisition
from dicomhawk.hospital.objects.sc import SECONDARY_CAPTURE_STORAGE
from dicomhawk.hospital.world.planned import Examination, Planned, Stored

SIEMENS_SERIES, GE_SERIES = 501, 999
LOCALIZER_DLP = 1.4  # mGy cm, where the maker's sheet has it
OVERSCAN = 26.0  # mm that a spiral is longer than what is reconstructed


@dataclass(frozen=True)
class Region:
    """A part of the body, as the sheets name it, and the phantom that its dose is given for."""

    name: str
    body_part: str
    letter: str
    phantom: str


THORAX = Region("Thorax", "CHEST", "L", "Body 32")
ABDOMEN = Region("Abdomen", "ABDOMEN", "L", "Body 32")
HEAD = Region("Head", "HEAD", "S", "Head 16")


@dataclass(frozen=True)
class Planning:
    """The localizer on the sheet: its name, mA and CTDIvol (mGy)."""

    name: str
    current: int
    ctdi: float


def planning_of(localizer: Planned) -> Planning:
    """The localizer that was filed with the study."""
    scan = localizer.acquisition
    assert isinstance(scan, CTAcquisition)
    return Planning(localizer.description.split()[0], scan.current, scan.ctdi)


def dose_sheet(
    exam: Examination,
    model: CTModel,
    scans: Sequence[CTAcquisition],
    planning: Planning,
    top: float,
    length: float,
    begins: int,
    source: random.Random,
    region: Region = THORAX,
) -> Planned:
    """The sheet of one or several scans from `top` down `length` (mm), as acquired; filed at `begins` (s)."""
    siemens = model.maker == "siemens"
    products = [round(scan.ctdi * (length + OVERSCAN) / 10, 2) for scan in scans]
    if siemens:
        low = source.uniform(0.94, 1.06)
        rotation = 1.0 if region is HEAD else model.rotation
        charges = [round(scan.current * rotation / scan.pitch) for scan in scans]
        charge = round(sum(charges) * length / 52)
        title: tuple[str, ...] = (f"Total mAs {charge}    Total DLP {sum(products) + LOCALIZER_DLP:.0f} mGycm",)
        table: tuple[tuple[str, ...], ...] = (
            ("", "Scan", "KV", "mAs / ref.", "CTDIvol*", "DLP", "TI"),
            ("", "", "", "", "mGy", "mGycm", "s"),
            ("Patient Position H-SP", "", "", "", "", "", ""),
            (
                planning.name,
                "1",
                "120",
                f"{planning.current} mA",
                f"{planning.ctdi:.2f} {region.letter}",
                f"{LOCALIZER_DLP}",
                f"{length / 100:.1f}",
            ),
            *(
                (
                    region.name,
                    f"{number}",
                    f"{scan.kvp}",
                    f"{mas} / {round(mas * low)}",
                    f"{scan.ctdi:.2f} {region.letter}",
                    f"{product:.1f}",
                    f"{rotation}",
                )
                for number, (scan, mas, product) in enumerate(zip(scans, charges, products, strict=True), 2)
            ),
        )
        footer: tuple[str, ...] = ("*: L = 32cm, S = 16cm",)
    else:
        upper = scans[0].table_position + top + OVERSCAN / 2
        title = ("Dose Report",)
        first, last = (f"{'S' if at >= 0 else 'I'}{abs(at):.3f}" for at in (upper, upper - length - OVERSCAN))
        table = (
            ("Series", "Type", "Scan Range", "CTDIvol", "DLP", "Phantom"),
            ("", "", "(mm)", "(mGy)", "(mGy-cm)", "cm"),
            ("1", "Scout", "-", "-", "-", "-"),
            *(
                (
                    f"{number}",
                    "Axial" if scan.axial else "Helical",
                    f"{first}-{last}",
                    f"{scan.ctdi:.2f}",
                    f"{product:.2f}",
                    region.phantom,
                )
                for number, (scan, product) in enumerate(zip(scans, products, strict=True), 2)
            ),
        )
        footer = (f"Total Exam DLP:   {sum(products):.2f}", "1/1")
    image = DoseSheet(body=exam.body, title=title, table=table, footer=footer, layout="siemens" if siemens else "ge")
    return Planned(
        image,
        CaptureAcquisition(exam.requested),
        "Patient Protocol" if siemens else "Dose Report",
        "",
        region.body_part,
        begins,
        1.0,
        stored=Stored(1, SECONDARY_CAPTURE_STORAGE, image.rows, image.columns, bits=8),
        number=SIEMENS_SERIES if siemens else GE_SERIES,
    )
