"""The heart's electrical vector through one beat, and what each lead sees of it.

A beat is a sum of waves, each with a Gaussian course in time and a fixed direction in Frank's coordinates (mV: x to
the left, y down, z to the back), after the manner of P. E. McSharry et al., "A dynamical model for generating
synthetic electrocardiogram signals", IEEE Trans Biomed Eng 50 (2003). The leads see it as in G. E. Dower et al., "On
deriving the electrocardiogram from vectorcardiographic leads", Clin Cardiol 3 (1980).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.waveforms.recipe import LEADS, THICK, Heart
from dicomhawk.hospital.world.draw import draw

Vector = tuple[float, float, float]

DOWER: dict[str, Vector] = {
    "I": (0.632, -0.235, 0.059),
    "II": (0.235, 1.066, -0.132),
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
}
USUAL_QRS = 92.0  # ms, of the waves below
USUAL_AXIS = 66.0  # of their area, in most chests
ATTEMPTS = 12  # after which the axis is within some degrees


class Wave(NamedTuple):
    """A Gaussian: `at` and its widths before and after it in ms, from the beginning of QRS."""

    at: float
    rise: float
    fall: float
    vector: Vector


@lru_cache(maxsize=64)
def leads_of(person: str) -> NDArray[np.float64]:
    """(12, 3): what the leads see of the vector in a person's chest, in mV; limb leads agree with each other."""
    own = draw("leads", person)
    matrix = {name: np.array(row) for name, row in DOWER.items()}
    body, chest = own.gauss(1.0, 0.14), own.gauss(1.0, 0.18)
    for name, row in matrix.items():
        if name.startswith("V"):
            turn = np.array([own.gauss(0, 0.07), own.gauss(0, 0.05), own.gauss(0, 0.07)])
            matrix[name] = row * max(chest, 0.45) * max(own.gauss(1, 0.08), 0.6) + turn
    one, two = matrix["I"], matrix["II"]
    matrix |= {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    return np.array([matrix[name] for name in LEADS]) * max(body, 0.5)


def _turned(vector: Vector, degrees: float) -> Vector:
    x, y, z = vector
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return c * x - s * y, s * x + c * y, z


def _times(vector: Vector, factor: float) -> Vector:
    return vector[0] * factor, vector[1] * factor, vector[2] * factor


def atrial(heart: Heart, person: str, *, early: bool = False) -> Iterator[Wave]:
    """The P wave, if there is one; `early`: from elsewhere in the atria."""
    if heart.rhythm in ("fibrillation", "flutter", "paced"):
        return
    own = draw("p", person)
    size, begins = max(own.gauss(1, 0.2), 0.4), -heart.pr
    turn = own.gauss(-24, 11)
    right, left = (0.03, 0.10, -0.045), (0.075, 0.055, 0.055)
    if early:
        right, left, begins = (-0.02, -0.07, -0.03), (0.05, -0.04, 0.05), begins + 15
    yield Wave(begins + 36, 13, 16, _times(_turned(right, turn), size))
    yield Wave(begins + 66, 16, 15, _times(_turned(left, turn), size))


def ventricular(heart: Heart, person: str) -> Iterator[Wave]:
    """QRS, ST, T and U of a beat that comes from above, or of a paced one."""
    if heart.rhythm == "paced":
        yield from _wide(heart.qrs, heart.qt, (0.75, -1.0, 0.6), notch=0.25)
        yield Wave(-4, 0.7, 0.7, (0.8, 1.6, 0.5))
        return
    own = draw("qrs", person)
    if heart.block == "left":
        yield from _wide(
            heart.qrs, heart.qt, _turned((1.05, 0.35, 0.95), heart.axis - 10), notch=own.uniform(0.2, 0.5)
        )
        yield from _injury(heart)
        return
    yield from _narrow(heart, person)
    yield from _repolarization(heart, person)
    yield from _injury(heart)


def _narrow(heart: Heart, person: str) -> list[Wave]:
    """QRS, its strongest waves turned until its axis is what it should be."""
    turn = heart.axis - USUAL_AXIS
    for _ in range(ATTEMPTS):
        waves = list(_at_angle(heart, person, turn))
        turn += 0.6 * _turns(heart.axis - axis(person, early(heart, waves)))
    return waves


def early(heart: Heart, waves: Iterable[Wave]) -> list[Wave]:
    """The waves that QRS's axis is read from: what a block to the right delays says nothing of it."""
    end = heart.qrs * (0.6 if heart.block == "right" else 1.0)
    return [wave for wave in waves if 0 <= wave.at < end]


def axis(person: str, waves: Iterable[Wave]) -> float:
    """The direction (degrees) of the waves' area in the frontal plane, as leads I and aVF see it."""
    matrix, area = leads_of(person), np.zeros(3)
    for wave in waves:
        area += np.array(wave.vector) * (wave.rise + wave.fall)
    one, foot = float(matrix[0] @ area), float(matrix[5] @ area)
    return math.degrees(math.atan2(foot * 2 / math.sqrt(3), one))


def _turns(degrees: float) -> float:
    return (degrees + 180) % 360 - 180


def _at_angle(heart: Heart, person: str, turn: float) -> Iterator[Wave]:
    own = draw("narrow", person)
    scale = 1.0 if heart.block == "right" else heart.qrs / USUAL_QRS
    size = heart.thick * max(own.gauss(1, 0.12), 0.6)
    septum = _times((-0.16, 0.02, -0.26), max(own.gauss(1, 0.25), 0.3))
    if heart.block == "left_anterior":
        septum = (-0.12, 0.22, -0.2)
    main = _turned((0.98, 0.98, 0.22 + own.gauss(0, 0.12)), turn)
    late = _turned((0.28, 0.15, 0.72), turn * 0.7)
    last = (-0.22, -0.18 - 0.15 * (heart.block == "left_anterior"), 0.34)
    if heart.scar == "anterior":
        septum, late = (-0.05, 0.0, 0.55), (0.05, late[1], 0.55)
        main = (main[0] * 0.75, main[1], main[2] + 0.6)
    elif heart.scar == "inferior":
        yield Wave(21 * scale, 10 * scale, 10 * scale, (0.12, -0.62, 0.0))
        septum = (septum[0] * 0.5, -0.12, septum[2])
        main = (main[0], main[1] * 0.85, main[2])
    elif heart.scar == "lateral":
        yield Wave(21 * scale, 9 * scale, 9 * scale, (-0.6, 0.0, -0.12))
        main = (main[0] * 0.6, main[1], main[2] - 0.25)
    yield Wave(13 * scale, 6 * scale, 7 * scale, septum)
    yield Wave(39 * scale, 8.5 * scale, 9 * scale, _times(main, size))
    yield Wave(54 * scale, 8 * scale, 9.5 * scale, _times(late, size))
    yield Wave(72 * scale, 7.5 * scale, 8 * scale, last)
    if heart.block in ("right", "incomplete_right"):
        strength = 1.0 if heart.block == "right" else 0.45
        wide = 0.19 if heart.block == "right" else 0.09
        yield Wave(heart.qrs * 0.72, heart.qrs * wide, heart.qrs * wide * 0.8, _times((-0.62, 0.05, -0.62), strength))


def _repolarization(heart: Heart, person: str) -> Iterator[Wave]:
    own = draw("t", person)
    size = heart.repolarization * max(own.gauss(1, 0.18), 0.5)
    tail = heart.qt * 0.088
    top = heart.qt - 2.3 * tail
    vector = _turned((0.30, 0.20, -0.20 + own.gauss(0, 0.04)), (heart.axis - USUAL_AXIS) * 0.25)
    if heart.block == "right":
        vector = (vector[0] + 0.08, vector[1], vector[2] + 0.30)
    if heart.scar == "inferior":
        vector = (vector[0], -0.12, vector[2])
    elif heart.scar == "anterior":
        vector = (vector[0] * 0.3, vector[1], 0.10)
    elif heart.scar == "lateral":
        vector = (-0.1, vector[1], vector[2])
    if heart.thick > THICK:
        vector = (-0.16, vector[1] * 0.3, vector[2] * 1.3)
    yield Wave(top, tail * 1.75, tail, _times(vector, size))
    yield Wave(heart.qt + 45, 26, 34, _times(vector, 0.06))
    if heart.strain:
        middle = (heart.qrs + top) / 2
        yield Wave(
            middle, middle * 0.33, (top - middle) * 0.7, (-heart.strain, -heart.strain * 0.4, 0.1 * heart.strain)
        )


_RAISED: dict[str, Vector] = {
    "inferior": (-0.12, 0.30, 0.08),
    "anterior": (0.14, 0.0, -0.34),
    "lateral": (0.34, -0.1, 0),
}


def _injury(heart: Heart) -> Iterator[Wave]:
    """The current of injury: from the J point into the T wave."""
    if heart.injury != "none":
        vector = _RAISED[heart.injury]
        yield Wave(heart.qrs + 60, 34, 95, vector)
        yield Wave(heart.qt * 0.72, heart.qt * 0.16, heart.qt * 0.1, _times(vector, 0.8))


def _wide(qrs: float, qt: float, vector: Vector, notch: float) -> Iterator[Wave]:
    """A beat that spreads through the muscle: wide, notched, and with ST and T against it."""
    x, y, z = vector
    yield Wave(qrs * 0.34, qrs * 0.13, qrs * 0.15, (x * 0.8, y * 0.9, z * 0.55))
    yield Wave(qrs * 0.63, qrs * 0.14, qrs * 0.14, (x * (0.62 + notch), y * 0.7, z * 0.95))
    against = _times(vector, -0.36)
    tail = qt * 0.095
    top = qt - 2.3 * tail
    yield Wave(top, tail * 2.1, tail, against)
    yield Wave((qrs + top) / 2, top * 0.2, top * 0.16, _times(vector, -0.10))


def ectopic(person: str, number: int) -> list[Wave]:
    """A ventricular extrasystole; a person's mostly come from one place."""
    own = draw("ectopic", person, number if draw("foci", person).random() < 0.2 else 0)
    angle = own.choice((100, 100, -70, 30)) + own.gauss(0, 12)
    forward = own.choice((-0.9, 0.9, 1.1))
    vector = (1.5 * math.cos(math.radians(angle)), 1.5 * math.sin(math.radians(angle)), forward)
    return list(_wide(own.uniform(140, 168), own.uniform(400, 440), vector, own.uniform(0.0, 0.3)))
