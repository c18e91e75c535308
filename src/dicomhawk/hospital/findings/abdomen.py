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
SMALLEST = 9.0  # mm: smaller metastases aren't seen


def drawn_abdomen(
    seed: str,
    age: float,
    episode: tuple[int, float],
    own: Callable[..., random.Random],
    grown: Callable[[random.Random, float, float], float],
) -> Iterator[Finding]:
    """The findings of the patient `seed`.

    `episode`: number of the patient's episode, and days since it began. `own` makes a source from what it is for;
    `grown` is a size (mm) between two on that day.
    """
    number, since = episode
    old = min(max((age - 30) / 45, 0.05), 1.2)

    def lesion(
        name: str, share: float, table: dict[str, tuple[Place, ...]]
    ) -> tuple[random.Random, str, Place] | None:
        source = own(seed, name)
        where = source.choice(sorted(table))
        at = source.choice(table[where])
        return (source, where, at) if source.random() < share else None

    stone, fat = own(seed, "stone"), own(seed, "fat")
    if stone.random() < 0.20 * old:
        size = round(stone.uniform(5, 17), 1)
        x, y, z = GALLBLADDER
        yield Finding("gallstone", f"{seed}/stone", "", (x, round(y + FLOOR - size / 2, 1), z), size)
    if fat.random() < 0.30:
        yield Finding("steatosis", f"{seed}/fat", "", LIVER["liver_r"][2], round(fat.uniform(0.2, 1.0), 2))
    taken = None
    if found := lesion("liver cyst", 0.10 * old, LIVER):
        source, where, taken = found
        yield Finding("liver_cyst", f"{seed}/cyst", where, taken, round(grown(source, 6, source.uniform(9, 38)), 1))
    if (found := lesion("haemangioma", 0.05, LIVER)) and found[2] != taken:
        source, where, at = found
        yield Finding("haemangioma", f"{seed}/haemangioma", where, at, round(source.uniform(8, 28), 1))
    if (found := lesion("metastases", 0.02 * old, LIVER)) and taken is None:
        size = grown(found[0], 6, found[0].uniform(18, 40))
        if size >= SMALLEST:
            yield Finding("metastases", f"{seed}/metastases", "", LIVER["liver_r"][2], round(size, 1))
    if found := lesion("renal cyst", 0.24 * old, CORTEX):
        source, where, at = found
        yield Finding("renal_cyst", f"{seed}/kidney", where, at, round(grown(source, 7, source.uniform(12, 42)), 1))
    now = own(seed, "stasis", number)
    side = now.choice(sorted(SINUS))
    if now.random() < 0.06 and since < OBSTRUCTED:
        size = round(now.uniform(12, 28), 1)
        yield Finding("hydronephrosis", f"{seed}/stasis/{number}", side, SINUS[side], size)
