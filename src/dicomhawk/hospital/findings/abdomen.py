"""What is wrong with a patient's abdomen on a day: what lasts and grows, and what comes and goes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from dicomhawk.hospital.findings.model import Finding

Place = tuple[float, float, float]

LIVER: dict[str, tuple[Place, ...]] = {
    "liver_r": ((-109.3, -20.7, -80.0), (-98.8, -6.7, -65.0), (-91.8, -31.3, -55.0), (-74.2, -10.2, -50.0)),
    "liver_l": ((-16.5, -58.0, -55.0), (-21.4, -63.6, -65.0)),
}
"""Places (x, y, z in mm from the base's centre) in the lobes, with liver around them."""
CORTEX: dict[str, tuple[Place, ...]] = {
    "kidney_r": ((-81.2, 19.4, -140.0), (-74.2, 7.4, -165.0)),
    "kidney_l": ((101.6, 28.5, -140.0), (96.0, 12.3, -165.0)),
}
SINUS: dict[str, Place] = {"kidney_r": (-60.1, 12.3, -157.5), "kidney_l": (74.9, 19.3, -157.5)}
GALLBLADDER: Place = (-58.7, -58.0, -97.5)
FLOOR = 14.7  # mm from its middle to its back wall, where stones lie
OBSTRUCTED = 24  # days


def drawn_abdomen(
    seed: str,
    age: float,
    own: random.Random,
    now: random.Random,
    episode: tuple[int, float],
    grown: Callable[[float, float], float],
) -> Iterator[Finding]:
    """The findings of the patient `seed`.

    `own` draws what lasts and `now` what belongs to the `episode` (its number, and the days since it began); `grown`
    is a size (mm) between two on that day.
    """
    number, since = episode
    old = min(max((age - 30) / 45, 0.05), 1.2)

    def place(table: dict[str, tuple[Place, ...]]) -> tuple[str, Place]:
        name = own.choice(sorted(table))
        return name, own.choice(table[name])

    if own.random() < 0.20 * old:
        size = own.uniform(5, 17)
        x, y, z = GALLBLADDER
        at = (x, round(y + FLOOR - size / 2, 1), z)
        yield Finding("gallstone", f"{seed}/stone", "", at, round(size, 1))
    extent = own.uniform(0.2, 1.0)
    if own.random() < 0.30:
        yield Finding("steatosis", f"{seed}/fat", "", LIVER["liver_r"][2], round(extent, 2))
    lot = own.random()
    name, at = place(LIVER)
    if lot < 0.10 * old:
        yield Finding("liver_cyst", f"{seed}/cyst", name, at, round(grown(6, own.uniform(9, 38)), 1))
    elif lot < 0.10 * old + 0.045:
        yield Finding("haemangioma", f"{seed}/haemangioma", name, at, round(own.uniform(8, 28), 1))
    elif lot < 0.10 * old + 0.045 + 0.02 * old:
        size = grown(6, own.uniform(18, 40))
        if size >= 9:
            yield Finding("metastases", f"{seed}/metastases", "", LIVER["liver_r"][2], round(size, 1))
    name, at = place(CORTEX)
    if own.random() < 0.24 * old:
        yield Finding("renal_cyst", f"{seed}/kidney", name, at, round(grown(7, own.uniform(12, 42)), 1))
    side = now.choice(sorted(SINUS))
    if now.random() < 0.06 and since < OBSTRUCTED:
        yield Finding("hydronephrosis", f"{seed}/stasis/{number}", side, SINUS[side], round(now.uniform(12, 28), 1))
