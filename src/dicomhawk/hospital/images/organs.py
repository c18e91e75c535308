"""How a patient's organs differ from the base's within the same ribs: heart, mediastinum, diaphragm, vessels.

The warp of the whole body bends slowly, so that bones stay bones, and leaves everybody the base's heart and vessels.
These bend more, each by itself: the heart in size, axis and place, the mediastinum in width, the diaphragm in height,
and what is within the lungs on a scale of two centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dicomhawk.hospital.images.recipe import Body
from dicomhawk.hospital.images.sampling import F32, Warp, generator

CALM = 26.0  # mm below the pleura from where on the lung bends freely
STILL = 2.0
HALO = 0.17  # of an organ's radius, over which what is around it gives way
CORE = 1.22
BOX = (332.5, 360.0, 360.0)  # mm: of the base, z, y, x


@dataclass(frozen=True)
class _Ball:
    """A region of the base, x, y, z in mm from its centre, and half axes."""

    centre: tuple[float, float, float]
    half: tuple[float, float, float]

    def weight(self, z: F32, y: F32, x: F32) -> tuple[F32, list[F32]]:
        """1 within and 0 far away, and z, y, x from the centre."""
        offsets = [p - np.float32(c) for p, c in zip((z, y, x), self.centre[::-1], strict=True)]
        squares = [(o * np.float32(1 / h)) ** 2 for o, h in zip(offsets, self.half[::-1], strict=True)]
        radius = np.sqrt(squares[0] + squares[1] + squares[2])
        return np.asarray(1 / (1 + np.exp((radius - np.float32(CORE)) / np.float32(HALO))), np.float32), offsets


HEART = _Ball((26.0, -25.0, -14.0), (58.0, 50.0, 54.0))
GREAT_VESSELS = _Ball((6.0, 8.0, 78.0), (38.0, 46.0, 40.0))
DOMES = ((-58.0, 4.0, -8.0), (60.0, 0.0, -28.0))
"""x, y, z of the tops of the diaphragm."""
DOME = (46.0, 62.0, 52.0)


class Organs:
    """The organs of one patient."""

    def __init__(self, body: Body) -> None:
        person = generator("organs", body.seed)
        self._lungs = Warp(person, ((13, 17, 17), (6.5, 7.5, 7.5)))
        size = person.normal(1, 0.045, 3) * body.heart
        tilt, turn = np.deg2rad(person.normal(0, (7.0, 6.0)))
        self._heart = np.array(
            [
                [1 / size[0], turn * 0.4, -tilt],
                [-turn * 0.4, 1 / size[1], -turn],
                [tilt, turn, 1 / size[2]],
            ],
            np.float32,
        )
        self._heart_place = person.normal(0, (3.0, 3.0, 3.5)).astype(np.float32)
        self._width = np.float32(1 / np.clip(person.normal(1, 0.1), 0.8, 1.28))
        # A deeper dome is looked up further up in the base.
        self._domes = person.normal(0, 7.0, 2) + body.inflated

    def moved(self, z: F32, y: F32, x: F32, pleura: F32) -> list[F32]:
        """Places of the base (mm) that are seen at places of the base; `pleura`: mm to it, inside positive."""
        calm = np.clip((pleura - np.float32(STILL)) * np.float32(1 / (CALM - STILL)), 0, 1)
        shift = self._lungs.at(
            *(p * np.float32(1 / n) + np.float32(0.5) for p, n in zip((z, y, x), BOX, strict=True))
        )
        moved = shift * (calm * calm * (3 - 2 * calm))
        weight, from_heart = HEART.weight(z, y, x)
        for i in range(3):
            wanted = sum(self._heart[i, j] * from_heart[j] for j in range(3)) + self._heart_place[i]
            moved[i] += (wanted - from_heart[i]) * weight
        weight, from_middle = GREAT_VESSELS.weight(z, y, x)
        moved[2] += from_middle[2] * (self._width - 1) * weight
        for (middle_x, middle_y, middle_z), drop in zip(DOMES, self._domes, strict=True):
            away = ((x - middle_x) / DOME[0]) ** 2 + ((y - middle_y) / DOME[1]) ** 2 + ((z - middle_z) / DOME[2]) ** 2
            moved[0] += np.float32(drop) * np.exp(-away.astype(np.float32))
        return [z + moved[0], y + moved[1], x + moved[2]]
