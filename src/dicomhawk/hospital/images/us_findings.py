"""Findings in ultrasound of the abdomen: what they scatter and what they stop, along the beams.

Cysts and dilated pelvises are black and let more pass to what is behind them; stones send everything back; a fatty
liver scatters more and lets less pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.findings.abdomen import SINUS
from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images.chest import Posture
from dicomhawk.hospital.images.chest_findings import locate, ripple, waves
from dicomhawk.hospital.images.sampling import F32, generator, upsample

FLUID = 0.004  # scatter of what has no echoes
WALL = 0.055  # of the radius: a cyst's wall as it is seen
LIVER, HYPO = 0.24, 0.085  # scatter of the liver, and of metastases
BRIGHT = 3.0  # scatter of a haemangioma, relative to the liver's
HALO = 0.04
BONE = 2
FAT_SCATTER, FAT_LOSS = 1.0, 0.011  # what severe steatosis adds: part of the scatter, and per mm
KIDNEY = (50.0, 31.0, 31.0)  # mm, z, y, x: from the sinus to where no kidney is any more
CALYCES = ((0.0, 12.0), (21.0, 9.0), (-21.0, 9.0), (33.0, 4.0))
"""Of a dilated kidney: mm along it from the middle of the sinus, and outwards."""
METASTASES = (4, 8)
SCATTERED = 34.0  # mm: standard deviation of the distance between metastases


@dataclass
class Beams:
    """What lies along the beams, samples x beams, to be changed in place."""

    scatter: F32
    stops: NDArray[np.uint8]
    loss: F32  # per mm, beside that of tissue
    points: tuple[F32, F32, F32]  # z, y, x of the patient in mm, at the nodes
    lie: Posture

    def offsets(self, place: tuple[float, float, float]) -> list[F32]:
        """z, y, x of all samples in mm from a place of the patient."""
        return [upsample(p - np.float32(c)) for p, c in zip(self.points, place, strict=True)]

    def empty(self, inside: NDArray[np.bool_], wall: F32 | None = None) -> None:
        """Fluid, with a wall around it that shines where the beam meets it."""
        if wall is not None:
            np.maximum(self.scatter, wall, out=self.scatter)
        self.scatter[inside] = FLUID
        self.stops[inside] = 0


def draw(findings: Sequence[Finding], beams: Beams) -> None:
    """Draw all findings that ultrasound shows."""
    for finding in findings:
        if finding.kind in _PAINTERS:
            _PAINTERS[finding.kind](finding, beams)


def _ball(finding: Finding, beams: Beams, at: tuple[float, float, float], size: float, rough: float) -> F32:
    """Distance from the middle of an uneven ball, in radii."""
    z, y, x = beams.offsets(locate(beams.lie, at))
    distance = np.sqrt(z * z + y * y + x * x) + np.float32(1e-3)
    if rough:
        edge = ripple(waves(finding.seed, 7, 1.5, 4.5), z / distance, y / distance, x / distance)
        distance = distance / (1 + np.float32(rough) * edge)
    return np.asarray(distance * np.float32(2 / size), np.float32)


def _cyst(finding: Finding, beams: Beams) -> None:
    radius = _ball(finding, beams, finding.at, finding.size, 0.02)
    wall = np.exp(-(((radius - 1 - WALL) / np.float32(WALL)) ** 2)) * np.float32(0.5)
    beams.empty(radius < 1, wall.astype(np.float32))


def _haemangioma(finding: Finding, beams: Beams) -> None:
    radius = _ball(finding, beams, finding.at, finding.size, 0.05)
    weight = np.clip((1 - radius) * 6 + np.float32(0.5), 0, 1)
    # Brighter than the liver around it, fatty or not.
    beams.scatter += (np.maximum(beams.scatter, np.float32(LIVER)) * np.float32(BRIGHT) - beams.scatter) * weight
    beams.stops[radius < 1] = 0


def _metastases(finding: Finding, beams: Beams) -> None:
    random = generator("metastases", finding.seed)
    count = int(random.integers(*METASTASES))
    for number in range(count):
        shift = random.normal(0, SCATTERED, 3) if number else np.zeros(3)
        size = finding.size * (1.0 if not number else random.uniform(0.35, 0.85))
        x, y, z = (float(a + s) for a, s in zip(finding.at, shift * (0.9, 0.6, 0.6), strict=True))
        radius = _ball(finding, beams, (x, y, z), size, 0.06)
        liver = np.clip((beams.scatter - 0.16) * 20, 0, 1) * np.clip((0.3 - beams.scatter) * 40, 0, 1)
        liver = np.ones_like(liver) if not number else liver
        halo = np.clip((np.float32(1.16) - radius) * 9, 0, 1) * liver
        beams.scatter += (np.float32(HALO) - beams.scatter) * halo * np.float32(0.8)
        core = np.clip((np.float32(0.92) - radius) * 7, 0, 1) * liver
        beams.scatter += (np.float32(HYPO) - beams.scatter) * core


def _gallstone(finding: Finding, beams: Beams) -> None:
    radius = _ball(finding, beams, finding.at, finding.size, 0.04)
    beams.stops[radius < 1] = BONE
    beams.scatter[radius < 1] = 0.9


def _steatosis(finding: Finding, beams: Beams) -> None:
    fatty = np.clip((beams.scatter - np.float32(0.14)) * 12, 0, 1)
    for at in SINUS.values():
        z, y, x = beams.offsets(locate(beams.lie, at))
        radius = (z / KIDNEY[0]) ** 2 + (y / KIDNEY[1]) ** 2 + (x / KIDNEY[2]) ** 2
        fatty *= np.clip((radius - np.float32(0.9)) * 5, 0, 1)
    beams.scatter *= 1 + fatty * np.float32(FAT_SCATTER * finding.size)
    beams.loss += fatty * np.float32(FAT_LOSS * finding.size)


def _hydronephrosis(finding: Finding, beams: Beams) -> None:
    z, y, x = beams.offsets(locate(beams.lie, finding.at))
    half = np.float32(finding.size / 2)
    outwards = np.float32(1 if finding.at[0] > 0 else -1)
    inside = (z / (half * 1.7)) ** 2 + (y / half) ** 2 + (x / half) ** 2 < 1
    own = generator("calyces", finding.seed)
    for along, out in CALYCES:
        size = half * np.float32(own.uniform(0.5, 0.75))
        along, out = along + own.normal(0, 2), out + own.normal(0, 1.5)
        # A calyx is a cup on a stem that comes from the pelvis.
        at = np.clip((z * np.float32(along) + x * outwards * np.float32(out)) / np.float32(along**2 + out**2), 0, 1)
        stem = (z - at * along) ** 2 + y * y + (x * outwards - at * out) ** 2
        inside |= stem < (size * (np.float32(0.35) + np.float32(0.65) * at**3)) ** 2
    beams.empty(inside)


_PAINTERS: dict[str, Callable[[Finding, Beams], None]] = {
    "gallstone": _gallstone,
    "steatosis": _steatosis,
    "liver_cyst": _cyst,
    "renal_cyst": _cyst,
    "haemangioma": _haemangioma,
    "metastases": _metastases,
    "hydronephrosis": _hydronephrosis,
}
