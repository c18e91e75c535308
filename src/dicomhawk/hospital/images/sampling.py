"""Drawing and interpolating: seeded generators, smooth warps, coarse lattices and trilinear look-up.

Everything here is elementwise float32 arithmetic in a fixed order, so that the same key gives the same bytes in
every process.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I16 = NDArray[np.int16]

CELL = 8  # pixels between two nodes of a coarse lattice: warps bend far more slowly than that


def generator(*key: object) -> np.random.Generator:
    """A Philox generator keyed by the SHA-256 of `key`: the same key gives the same numbers everywhere."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def nodes(pixels: int, cells: int) -> F32:
    """Pixel positions, relative to the image's centre, of the cells + 1 nodes that span `pixels` pixels."""
    positions = np.arange(cells + 1, dtype=np.float32) * np.float32(pixels / cells)
    return positions - np.float32((pixels - 1) / 2)


def upsample(lattice: F32, cell: int = CELL) -> F32:
    """Linear interpolation of an (m + 1) x (n + 1) lattice at the m * cell x n * cell pixels that it spans."""
    m, n = lattice.shape[0] - 1, lattice.shape[1] - 1
    wide = np.empty((m + 1, n, cell), np.float32)
    step = (lattice[:, 1:] - lattice[:, :-1]) * np.float32(1 / cell)
    for j in range(cell):
        np.multiply(step, np.float32(j), out=wide[:, :, j])
        wide[:, :, j] += lattice[:, :-1]
    rows = wide.reshape(m + 1, n * cell)
    out = np.empty((m, cell, n * cell), np.float32)
    step = (rows[1:] - rows[:-1]) * np.float32(1 / cell)
    for j in range(cell):
        np.multiply(step, np.float32(j), out=out[:, j])
        out[:, j] += rows[:-1]
    return out.reshape(m * cell, n * cell)


def spline_weights(positions: F32, points: int) -> F32:
    """Cubic B-spline weights, len(positions) x points, of evenly spaced control points; positions in 0..1."""
    at = np.clip(positions, 0, 1).astype(np.float32)[:, None] * np.float32(points - 3) + np.float32(1)
    d = np.abs(at - np.arange(points, dtype=np.float32)[None])
    near = np.float32(2 / 3) - d * d + d * d * d * np.float32(0.5)
    far = np.clip(2 - d, 0, None)
    return np.asarray(np.where(d < 1, near, far * far * far * np.float32(1 / 6)), np.float32)


class Warp:
    """A smooth random displacement field, in mm, over a box of relative coordinates 0..1."""

    SAMPLES = (33, 49, 49)  # the field is tabulated once for each patient, then looked up

    def __init__(self, random: np.random.Generator, *levels: tuple[tuple[int, int, int], tuple[float, ...]]) -> None:
        """Each level is a grid of control points (z, y, x) and the standard deviation of its shifts (z, y, x)."""
        self._field = np.zeros((3, *self.SAMPLES), np.float32)
        ends = [np.linspace(0, 1, n, dtype=np.float32) for n in self.SAMPLES]
        for grid, sd in levels:
            control = (random.standard_normal((3, *grid)) * np.reshape(sd, (3, 1, 1, 1))).astype(np.float32)
            wz, wy, wx = (spline_weights(end, n) for end, n in zip(ends, grid, strict=True))
            along_x = np.einsum("iabc,xc->iabx", control, wx)
            along_y = np.einsum("iabx,yb->iayx", along_x, wy)
            self._field += np.einsum("iayx,za->izyx", along_y, wz)

    def at(self, z: F32, y: F32, x: F32) -> F32:
        """Displacement (3, ...) at points of any shape."""
        scaled = [a * np.float32(n - 1) for a, n in zip((z, y, x), self.SAMPLES, strict=True)]
        return np.stack([trilinear(axis, *scaled) for axis in self._field])


def trilinear(volume: NDArray[np.generic], z: F32, y: F32, x: F32) -> F32:
    """Values of a C-contiguous volume at voxel coordinates; outside, those of the nearest edge."""
    depth, height, width = volume.shape
    z, y, x = (np.clip(a, np.float32(0), np.float32(n - 1.001)) for a, n in ((z, depth), (y, height), (x, width)))
    z0, y0, x0 = z.astype(np.intp), y.astype(np.intp), x.astype(np.intp)
    fz, fy, fx = z - z0.astype(np.float32), y - y0.astype(np.float32), x - x0.astype(np.float32)
    index = (z0 * height + y0) * width + x0
    flat = volume.reshape(-1)

    def line(offset: int) -> F32:
        a: F32 = flat[offset:].take(index).astype(np.float32)
        b: F32 = flat[offset + 1 :].take(index).astype(np.float32)
        b -= a
        b *= fx
        a += b
        return a

    def face(offset: int) -> F32:
        a, b = line(offset), line(offset + width)
        b -= a
        b *= fy
        a += b
        return a

    low, high = face(0), face(height * width)
    high -= low
    high *= fz
    low += high
    return low
