"""Projections of the chest: line integrals of attenuation through the same warped body that a CT slice shows.

Rays are followed plane by plane across the beam. Each plane's points are moved with the beam's divergence, then by
the patient's warp, and looked up in the base's attenuation, which the pack holds twice: fine across the body from
the front, and fine across it from the side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images.chest import EDGE, Posture, base_chest, posture
from dicomhawk.hospital.images.chest_findings import pleural_distance
from dicomhawk.hospital.images.pack import base_pack
from dicomhawk.hospital.images.recipe import Body
from dicomhawk.hospital.images.sampling import CELL, F32, trilinear, upsample

Direction = Literal["frontal", "lateral"]

PLANES = 4  # planes across the beam between two nodes of the lattice
MARGIN = 12.0  # mm outside the skin where rays still have to be followed
BONE = 205.0  # stored attenuation from which on it is bone
SHOULDER = 52.0  # mm: how far beyond the edge of the base its cut shoulders are rounded off

Nodes = tuple[F32, F32, F32]
"""z, y, x at the nodes of a lattice, one more each way than there are cells of `CELL` x `CELL` pixels."""


@dataclass
class Plane:
    """What the rays pass in one plane across them; changes of it are made in `values`."""

    values: F32  # attenuation, in units of 1 / `unit()` per mm
    points: Nodes  # mm, as in `recipe`
    voxels: Nodes  # of the base
    along: int  # axis of the rays: 1 (y) or 2 (x)
    thick: float  # mm from one plane to the next
    lie: Posture

    @cached_property
    def depth(self) -> F32:
        """mm to the pleura at the nodes, inside positive."""
        return pleural_distance(*self.voxels)

    @cached_property
    def base(self) -> Nodes:
        """z, y, x at the nodes in mm of the base."""
        chest = base_chest()
        z, y, x = (
            (v - np.float32(c)) * np.float32(s)
            for v, c, s in zip(self.voxels, chest.centre, chest.spacing, strict=True)
        )
        return z, y, x

    def moved(self, along: float) -> Plane:
        """The plane so many mm further along the rays, near enough for fields that change slowly."""
        step = np.float32(along / base_chest().spacing[self.along])
        voxels = list(self.voxels)
        voxels[self.along] = voxels[self.along] + step
        return Plane(self.values, self.points, (voxels[0], voxels[1], voxels[2]), self.along, self.thick, self.lie)

    def part(self, near: NDArray[np.bool_]) -> Part | None:
        """The cells around the nodes that are `near`; None if none are."""
        found = []
        for axis in (1, 0):
            at = np.nonzero(near.any(axis))[0]
            if not len(at):
                return None
            found.append(slice(max(int(at[0]) - 1, 0), min(int(at[-1]) + 1, near.shape[1 - axis] - 1)))
        return Part(self.values, found[0], found[1])


@dataclass
class Part:
    """Some cells of a plane."""

    whole: F32
    rows: slice
    columns: slice

    @property
    def view(self) -> F32:
        """The attenuation at the pixels of the cells, to be changed in place."""
        at = [slice(each.start * CELL, each.stop * CELL) for each in (self.rows, self.columns)]
        return self.whole[at[0], at[1]]

    def pixels(self, nodes: F32) -> F32:
        """A field that is given at the nodes of the plane at the pixels of the cells."""
        where = slice(self.rows.start, self.rows.stop + 1), slice(self.columns.start, self.columns.stop + 1)
        return upsample(np.ascontiguousarray(nodes[where], np.float32))


Change = Callable[[Plane], None]
"""What a finding does to a plane."""


@dataclass(frozen=True)
class Beam:
    """An X-ray beam and the grid on which it is measured; lengths in mm.

    `frontal` rays run along y, `lateral` ones along x. The grid is at the detector, with `step` between rows and
    between columns, its middle on the central ray, which passes z `middle[0]` and x (frontal) or y (lateral)
    `middle[1]`. Without `fan` in z, the table moves: that is a localizer.
    """

    direction: Direction
    source: float  # from source to detector
    detector: float  # from the patient's centre to the detector, along the axis of the rays, with its sign
    middle: tuple[float, float]
    rows: int
    columns: int
    step: tuple[float, float]
    fan: bool = True


@lru_cache(maxsize=2)
def attenuation(direction: Direction) -> NDArray[np.uint16]:
    """The base's attenuation as (plane across the beam, z, finer axis), in units of 1 / `unit()` per mm."""
    pack = base_pack()
    count = int(pack.index["projection"][direction])
    return np.stack([pack.plane(direction, k) for k in range(count)]).astype(np.uint16)


def unit() -> float:
    """Stored attenuation that is 1 per mm."""
    return float(base_pack().index["projection"]["unit"])


def line_integrals(
    body: Body, study: str, beam: Beam, changes: Sequence[Change] = (), bone: F32 | None = None
) -> F32:
    """Attenuation along each ray, rows x columns: row 0 uppermost, column 0 at the lowest x or y.

    The part of it that is bone's is added to `bone`, of the same shape.
    """
    lattice = _Lattice(body, study, beam)
    volume = attenuation(beam.direction)
    thick = int(base_pack().index["projection"]["planes"])
    total = np.zeros((lattice.height * CELL, lattice.width * CELL), np.float32)
    for plane in range(lattice.planes):
        part = lattice.inside(plane)
        if part is None:
            continue
        rows, columns = part
        z, y, x = (upsample(a) for a in lattice.voxels(plane, rows, columns))
        across, fine = (y, x) if beam.direction == "frontal" else (x, y)
        across -= np.float32((thick - 1) / 2)
        across *= np.float32(1 / thick)
        values = trilinear(volume, across, z, fine)
        values *= _rounded(x)
        if changes:
            seen = lattice.plane(plane, rows, columns, values)
            for change in changes:
                change(seen)
        where = (slice(rows.start * CELL, rows.stop * CELL), slice(columns.start * CELL, columns.stop * CELL))
        total[where] += values
        if bone is not None:
            part_of = bone[where]
            part_of += np.maximum(values[: part_of.shape[0], : part_of.shape[1]] - np.float32(BONE), 0)
    if bone is not None:
        bone *= np.float32(lattice.spacing / unit())
    total *= np.float32(lattice.spacing / unit())
    return total[: beam.rows, : beam.columns]


def _rounded(x: F32) -> F32:
    """What is left beyond the edges of the base's scan, where its shoulders are cut: they become round."""
    chest = base_chest()
    beyond = np.abs(x - np.float32(chest.centre[2])) * np.float32(chest.spacing[2]) - np.float32(EDGE)
    beyond *= np.float32(1 / SHOULDER)
    np.clip(beyond, 0, 1, out=beyond)
    return np.asarray(np.sqrt(1 - beyond * beyond), np.float32)


class _Lattice:
    """Where the rays' points are in the base, at every eighth pixel of every fourth plane."""

    def __init__(self, body: Body, study: str, beam: Beam) -> None:
        chest = base_chest()
        axis = 1 if beam.direction == "frontal" else 2
        depth = chest.shape[axis] * chest.spacing[axis] * max(body.girth, 1.0) * 1.08 + 2 * max(body.fat, 0)
        depth += body.breast if axis == 1 else 0.0
        thick = int(base_pack().index["projection"]["planes"])
        self.spacing = thick * chest.spacing[axis]
        self._cells = int(np.ceil(depth / self.spacing / PLANES))
        self.planes = self._cells * PLANES
        self.height, self.width = -(-beam.rows // CELL), -(-beam.columns // CELL)
        along = (
            np.arange(self._cells + 1, dtype=np.float32) * PLANES - np.float32((self.planes - 1) / 2)
        ) * np.float32(self.spacing)
        down = np.arange(self.height + 1, dtype=np.float32) * CELL - np.float32((beam.rows - 1) / 2)
        right = np.arange(self.width + 1, dtype=np.float32) * CELL - np.float32((beam.columns - 1) / 2)
        smaller = 1 - np.abs(np.float32(beam.detector) - along) / np.float32(beam.source)
        shape = np.ones((self._cells + 1, self.height + 1, self.width + 1), np.float32)
        upright = smaller[:, None, None] if beam.fan else np.float32(1)
        z = np.float32(beam.middle[0]) - shape * down[None, :, None] * np.float32(beam.step[0]) * upright
        fine = (
            np.float32(beam.middle[1])
            + shape * right[None, None, :] * np.float32(beam.step[1]) * smaller[:, None, None]
        )
        across = shape * along[:, None, None]
        self._points = (z, across, fine) if axis == 1 else (z, fine, across)
        self._lie, self._axis = posture(body, study), axis
        self._voxels, self._outside = self._lie.voxels(*self._points)

    def inside(self, plane: int) -> tuple[slice, slice] | None:
        """The cells of a plane that have some of the body, or None."""
        near = self._between(self._outside, plane) < MARGIN
        if not near.any():
            return None
        found = []
        for axis, size in ((1, self.height), (0, self.width)):
            at = np.nonzero(near.any(axis))[0]
            found.append(slice(max(int(at[0]) - 1, 0), min(int(at[-1]) + 1, size)))
        return None if any(each.stop <= each.start for each in found) else (found[0], found[1])

    def voxels(self, plane: int, rows: slice, columns: slice) -> list[F32]:
        """Nodes of the lattice in a plane, in the base's voxels (z, y, x)."""
        return self._of(self._voxels, plane, rows, columns)

    def plane(self, plane: int, rows: slice, columns: slice, values: F32) -> Plane:
        """The plane as findings see it; `values` are its attenuation in those cells."""
        z, y, x = self._of(self._points, plane, rows, columns)
        v, w, u = self.voxels(plane, rows, columns)
        return Plane(values, (z, y, x), (v, w, u), self._axis, self.spacing, self._lie)

    def _of(self, fields: Sequence[F32], plane: int, rows: slice, columns: slice) -> list[F32]:
        where = (slice(rows.start, rows.stop + 1), slice(columns.start, columns.stop + 1))
        return [self._between(a, plane)[where] for a in fields]

    def _between(self, nodes: F32, plane: int) -> F32:
        cell, part = divmod(plane, PLANES)
        weight = np.float32(part / PLANES)
        return np.asarray(nodes[cell] * (1 - weight) + nodes[cell + 1] * weight, np.float32)
