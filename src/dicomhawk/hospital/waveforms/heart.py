"""Whose heart beats how: drawn from the patient, with age, and from the day.

Shares are those of a hospital's patients, not of a population: atrial fibrillation, blocks and scars grow with age
as in published cohorts (J. Heeringa et al., Eur Heart J 27 (2006); P. R. Rijnbeek et al., J Electrocardiol 47 (2014),
for the limits of what is normal by age and sex).
"""

from __future__ import annotations

import math
import random
from typing import Any

from msgspec.structs import replace

from dicomhawk.hospital.waveforms.recipe import THICK, Block, Heart, Rhythm, Wall
from dicomhawk.hospital.world.draw import clipped, draw


def heart(person: str, age: float, *, female: bool, study: str, urgent: bool) -> Heart:
    """How the patient `person` has it on the day of `study`, at `age` years."""
    own, today = draw("heart", person), draw("heart today", study)
    years = max(age - 45, 0) / 40  # 0 at 45, 1 at 85
    lots = [own.random() for _ in range(6)]
    rhythm = _rhythm(lots[0], own.random(), years, today)
    block = _block(lots[1], years)
    scar: Wall = "none"
    if lots[2] < 0.02 + 0.09 * years:
        scar = own.choice(("inferior", "inferior", "anterior", "anterior", "lateral"))
    axis = _axis(own, age, block)
    rate = _rate(own, today, rhythm, urgent=urgent)
    qrs = own.gauss(91 if female else 97, 8) + {"right": 46, "left": 56, "incomplete_right": 14}.get(block, 0)
    qrs = min(max(qrs, 74), 176)
    pr = clipped(own, 158 + 14 * years, 20, 112, 290) + (70 if lots[3] < 0.03 + 0.07 * years else 0)
    thick = 1.0
    if lots[4] < 0.04 + 0.1 * years:
        thick = own.uniform(1.35, 1.62)
    elif age < 35:
        thick = own.uniform(1.0, 1.22)
    made = Heart(
        rate=round(rate, 1),
        axis=round(axis, 1),
        pr=round(pr - max(rate - 75, 0) * 0.35 + today.gauss(0, 3)),
        qrs=round(qrs + today.gauss(0, 1.5)),
        qt=400.0,
        rhythm=rhythm,
        block=block,
        breathing=round(max(0.10 - 0.0011 * age + own.gauss(0, 0.018), 0.008), 3),
        scar=scar,
        thick=round(thick, 2),
        # A thick wall has its own way of inverting T.
        repolarization=_repolarization(own, lots[5], years) if thick <= THICK else 1.0,
    )
    made = replace(made, **_today(made, own, today, years, urgent=urgent))
    if made.rhythm == "paced":
        made = replace(made, qrs=round(own.uniform(152, 182)), block="none", scar="none", injury="none", strain=0.0)
    return replace(made, qt=_qt(made, own, female=female))


def _rhythm(lot: float, second: float, years: float, today: random.Random) -> Rhythm:
    if lot < 0.015 * years + 0.05 * years**2:
        return "fibrillation"
    if lot < 0.03 * years + 0.08 * years**2:  # it comes and goes
        return "fibrillation" if today.random() < 0.35 else "sinus"
    if lot > 1 - 0.012 * years:
        return "flutter" if today.random() < 0.5 else "sinus"
    return "paced" if second < 0.045 * years**2 else "sinus"


def _block(lot: float, years: float) -> Block:
    blocks: tuple[tuple[Block, float], ...] = (
        ("incomplete_right", 0.03),
        ("right", 0.015 + 0.06 * years),
        ("left", 0.004 + 0.035 * years),
        ("left_anterior", 0.012 + 0.05 * years),
    )
    for block, share in blocks:
        if lot < share:
            return block
        lot -= share
    return "none"


def _axis(own: random.Random, age: float, block: Block) -> float:
    if block == "left_anterior":
        return own.uniform(-62, -46)
    return clipped(own, 76 - 0.6 * max(age - 20, 0), 22, -38, 104)


def _rate(own: random.Random, today: random.Random, rhythm: Rhythm, *, urgent: bool) -> float:
    usual = clipped(own, 71, 9, 50, 98)
    if rhythm == "paced":
        return own.choice((60.0, 60.0, 70.0))
    if rhythm == "flutter":
        return today.choice((72.0, 75.0, 78.0))
    excited = today.lognormvariate(2.1, 0.8) if urgent else today.gauss(0, 4)
    if rhythm == "fibrillation":
        return min(max(usual + 10 + excited * 1.6, 52), 152)
    return min(max(usual + excited, 44), 136)


def _repolarization(own: random.Random, lot: float, years: float) -> float:
    if lot < 0.05 + 0.08 * years:
        return round(own.uniform(0.15, 0.4), 2)
    if lot < 0.07 + 0.12 * years:
        return round(own.uniform(-0.5, -0.3), 2)
    return round(own.uniform(0.75, 1.25) * (1 - 0.2 * years), 2)


def _today(made: Heart, own: random.Random, today: random.Random, years: float, *, urgent: bool) -> dict[str, Any]:
    """What is so on this day only, or comes and goes."""
    changes: dict[str, Any] = {}
    if own.random() < 0.06 + 0.14 * years and made.rhythm != "paced":
        changes["early_ventricular"] = today.choice((0, 1, 1, 2, 3))
    if own.random() < 0.08 + 0.12 * years and made.rhythm == "sinus":
        changes["early_atrial"] = today.choice((0, 1, 1, 2))
    if not urgent or made.block == "left":
        return changes
    lot = today.random()
    if lot < 0.01 + 0.03 * years:
        changes |= {"injury": today.choice(("inferior", "inferior", "anterior", "lateral")), "scar": "none"}
    elif lot < 0.03 + 0.09 * years:
        changes |= {"strain": round(today.uniform(0.07, 0.16), 2)}
    return changes


def _qt(made: Heart, own: random.Random, *, female: bool) -> float:
    """By Fridericia's root, which is nearer to hearts than Bazett's; wide beats end later."""
    usual = own.gauss(412 if female else 402, 14)
    return float(round(min(usual * math.cbrt(60 / made.rate) + max(made.qrs - 105, 0) * 0.6, 560)))
