"""Which of a patient's findings an examination shows: a radiograph has no more in it than its report tells."""

from __future__ import annotations

from functools import cache

from dicomhawk.hospital.findings.model import Finding, Kind
from dicomhawk.hospital.findings.story import sites

SHADE = 2.35  # attenuation from the front: heart, spine and what is below the diaphragm hide nodules
LEAST_ON_RADIOGRAPH: dict[Kind, float] = {
    "nodule": 10.0,
    "calcified": 6.0,
    "mass": 0.0,
    "consolidation": 30.0,
    "ground_glass": 48.0,
    "effusion": 11.0,
    "pneumothorax": 9.0,
    "emphysema": 0.5,
    "cardiomegaly": 0.0,
    "pacemaker": 0.0,
    "central_line": 0.0,
    "tube": 0.0,
}
"""Smallest sizes, as `Finding.size`; other kinds aren't seen."""
_HIDDEN: frozenset[Kind] = frozenset(("nodule", "calcified"))


@cache
def _shades() -> dict[tuple[float, float, float], float]:
    return {site.at: site.shade for site in sites()}


def on_radiograph(finding: Finding) -> bool:
    """Whether a radiograph of the chest shows a finding."""
    least = LEAST_ON_RADIOGRAPH.get(finding.kind)
    if least is None or finding.size < least:
        return False
    return finding.kind not in _HIDDEN or _shades().get(finding.at, 0.0) < SHADE
