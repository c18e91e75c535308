"""What a tissue gives on an image: relaxation times and the signal equations of MR sequences, and HU of CT.

Times are in ms, at 1.5 and 3 T, in the middle of what reviews of relaxometry report for healthy adults
(Bojorquez 2017; Stanisz 2005); diffusion is in mm²/s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Tissue:
    """Proton density (relative), T1 and T2 at 1.5 and 3 T, apparent diffusion coefficient, HU at 120 kV."""

    density: float
    t1: tuple[float, float]
    t2: tuple[float, float]
    diffusion: float
    hu: float = 30.0


FLUID = Tissue(1.0, (4200, 4200), (1900, 1600), 3.0e-3, 8)
GREY = Tissue(0.83, (960, 1350), (96, 86), 0.84e-3, 36.5)
WHITE = Tissue(0.71, (620, 850), (76, 68), 0.74e-3, 29.5)
MUSCLE = Tissue(0.75, (950, 1300), (46, 40), 1.3e-3, 52)
FAT = Tissue(0.90, (270, 370), (120, 110), 0.05e-3, -100)  # T2 as a train of echoes shows it
LESION = Tissue(0.85, (1200, 1600), (150, 130), 1.3e-3, 23)  # white matter after small-vessel disease


@dataclass(frozen=True)
class Sequence:
    """Times of a spin-echo sequence, with inversion or diffusion weighting where it has them."""

    repetition: float
    echo: float
    inversion: float | None = None
    diffusion: float = 0.0  # s/mm²
    fat: float = 1.0  # what fat suppression leaves of fat


SEQUENCES: dict[str, Sequence] = {
    "T1": Sequence(520, 10),
    "T2": Sequence(4600, 98),
    "FLAIR": Sequence(9000, 92, 2480),
    "DWI": Sequence(5400, 88, diffusion=1000, fat=0.06),
}


def signal(tissue: Tissue, sequence: Sequence, field: float) -> float:
    """Magnitude of the signal, relative to full magnetization."""
    at = 1 if field > 2 else 0
    t1, t2 = tissue.t1[at], tissue.t2[at]
    if sequence.inversion is None:
        along = 1 - math.exp(-sequence.repetition / t1)
    else:
        # The inversion time is set for the fluid to vanish, whatever its T1 at this field.
        along = abs(1 - 2 * math.exp(-sequence.inversion / t1) + math.exp(-sequence.repetition / t1))
        if tissue is FLUID:
            along = 0.05
    return tissue.density * along * math.exp(-sequence.echo / t2) * math.exp(-sequence.diffusion * tissue.diffusion)
