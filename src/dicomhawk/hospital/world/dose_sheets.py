"""The doses of a CT examination, as the scanner sums them up on a screen of its own."""

from __future__ import annotations

import random

from dicomhawk.hospital.images.recipe import DoseSheet
from dicomhawk.hospital.objects.makers import CTModel
from dicomhawk.hospital.objects.recipe import CaptureAcquisition, CTAcquisition
from dicomhawk.hospital.objects.sc import SECONDARY_CAPTURE_STORAGE
from dicomhawk.hospital.world.planned import Examination, Planned, Stored

SIEMENS_SERIES, GE_SERIES = 501, 999
OVERSCAN = 26.0  # mm that a spiral is longer than what is reconstructed


def dose_sheet(
    exam: Examination,
    model: CTModel,
    scan: CTAcquisition,
    localizer: Planned,
    top: float,
    length: float,
    begins: int,
    source: random.Random,
) -> Planned:
    """The sheet of a spiral from `top` down `length` (mm), acquired as `scan` says; filed at `begins` (s)."""
    siemens = model.maker == "siemens"
    product = round(scan.ctdi * (length + OVERSCAN) / 10, 2)
    planning = localizer.acquisition
    assert isinstance(planning, CTAcquisition)
    if siemens:
        low = source.uniform(0.94, 1.06)
        mas = round(scan.current * model.rotation / scan.pitch)
        title: tuple[str, ...] = (f"Total mAs {round(mas * length / 52)}    Total DLP {product + 1.4:.0f} mGycm",)
        table: tuple[tuple[str, ...], ...] = (
            ("", "Scan", "KV", "mAs / ref.", "CTDIvol*", "DLP", "TI"),
            ("", "", "", "", "mGy", "mGycm", "s"),
            ("Patient Position H-SP", "", "", "", "", "", ""),
            (
                localizer.description.split()[0],
                "1",
                "120",
                f"{planning.current} mA",
                f"{planning.ctdi:.2f} L",
                "1.4",
                f"{length / 100:.1f}",
            ),
            (
                "Thorax",
                "2",
                f"{scan.kvp}",
                f"{mas} / {round(mas * low)}",
                f"{scan.ctdi:.2f} L",
                f"{product:.1f}",
                f"{model.rotation}",
            ),
        )
        footer: tuple[str, ...] = ("*: L = 32cm, S = 16cm",)
    else:
        upper = scan.table_position + top + OVERSCAN / 2
        title = ("Dose Report",)
        first, last = (f"{'S' if at >= 0 else 'I'}{abs(at):.3f}" for at in (upper, upper - length - OVERSCAN))
        table = (
            ("Series", "Type", "Scan Range", "CTDIvol", "DLP", "Phantom"),
            ("", "", "(mm)", "(mGy)", "(mGy-cm)", "cm"),
            ("1", "Scout", "-", "-", "-", "-"),
            ("2", "Helical", f"{first}-{last}", f"{scan.ctdi:.2f}", f"{product:.2f}", "Body 32"),
        )
        footer = (f"Total Exam DLP:   {product:.2f}", "1/1")
    image = DoseSheet(body=exam.body, title=title, table=table, footer=footer, layout="siemens" if siemens else "ge")
    return Planned(
        image,
        CaptureAcquisition(exam.requested),
        "Patient Protocol" if siemens else "Dose Report",
        "",
        "CHEST",
        begins,
        1.0,
        stored=Stored(1, SECONDARY_CAPTURE_STORAGE, image.rows, image.columns, bits=8),
        number=SIEMENS_SERIES if siemens else GE_SERIES,
    )
