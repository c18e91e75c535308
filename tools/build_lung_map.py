"""Make the map of the lungs that findings are placed and drawn by, from the base pack.

    cd src/dicomhawk/hospital
    python ../../../tools/build_lung_map.py images/lungs.npy.xz findings/sites.json

The map is the signed distance to the pleura (inside positive) in half millimetres, int8, at every slice and every
fourth row and column of the base chest. The sites are places (x, y, z in mm from the base's centre) for nodules, with
lobe, depth below the pleura and the least attenuation of a ray from the front. Needs numpy, scipy, pillow and the
package itself.
"""

from __future__ import annotations

import io
import json
import lzma
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dicomhawk.hospital.images.chest import base_chest
from dicomhawk.hospital.images.pack import base_pack
from dicomhawk.hospital.images.projection import attenuation, unit

STEP = 4  # rows and columns of the base to one of the map
LUNG, AIRWAY = -450, -935  # HU below which a voxel of the map is lung, and where it is the trachea's air
HILUM = 7.0  # mm of vessels and bronchi that still count as lung
LIMIT = 60.0  # mm: no distance is told more precisely
SITES = 150  # on each side
APART = 11.0  # mm between two sites
FISSURE = 11.0  # mm on either side of where a fissure may be that get no site


def envelope(hu: NDArray[np.float32], size: tuple[float, ...]) -> NDArray[np.bool_]:
    """The inside of the pleura: lung with its vessels, without the trachea."""
    labels, count = ndimage.label(hu < LUNG)
    rim = [labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]]
    outside = set(np.unique(np.concatenate([part.ravel() for part in rim])))
    volumes = ndimage.sum(labels > 0, labels, range(count + 1)) * np.prod(size) / 1000
    lungs = [n for n in range(1, count + 1) if n not in outside and volumes[n] > 150]
    lung = np.isin(labels, lungs)
    # The airways: what has no lung in it, grown from the top of the trachea.
    labels, _ = ndimage.label(ndimage.binary_opening(hu < AIRWAY) & lung)
    middle = labels[:, 40:62, 56:70]
    trachea = np.bincount(middle[100:].ravel()[middle[100:].ravel() > 0]).argmax()
    lung &= ~ndimage.binary_dilation(labels == trachea, iterations=2)
    radii = [max(1, round(HILUM / s)) for s in size]
    z, y, x = np.ogrid[tuple(slice(-r, r + 1) for r in radii)]
    ball = (z / radii[0]) ** 2 + (y / radii[1]) ** 2 + (x / radii[2]) ** 2 <= 1
    half = lung.shape[2] // 2
    closed = np.zeros_like(lung)
    for side in (slice(0, half), slice(half, None)):
        part = np.zeros_like(lung)
        part[:, :, side] = lung[:, :, side]
        closed |= ndimage.binary_closing(part, ball)
    return ndimage.binary_fill_holes(closed)


def lobe(x: float, y: float, z: float) -> str | None:
    """The lobe of a place in the base; None where a fissure is near."""
    oblique = y - (70 - (95 - z) * 0.65)
    if abs(oblique) < FISSURE * 1.4:
        return None
    side = "r" if x < 0 else "l"
    if oblique > 0:
        return side + "l"
    if side == "r" and abs(z - 12) < FISSURE:
        return None
    return "rm" if side == "r" and z < 12 else side + "u"


def shaded(x: float, z: float) -> float:
    """The least attenuation along y near a place: what a radiograph from the front has to see a nodule through."""
    chest = base_chest()
    whole = attenuation("frontal").sum(0, dtype=np.float64)
    whole *= int(base_pack().index["projection"]["planes"]) * chest.spacing[1] / unit()
    k, j = round(z / chest.spacing[0] + chest.centre[0]), round(x / chest.spacing[2] + chest.centre[2])
    return float(whole[k - 2 : k + 3, j - 8 : j + 9].min())


def main() -> None:
    map_path, sites_path = map(Path, sys.argv[1:])
    chest = base_chest()
    size = (chest.spacing[0], chest.spacing[1] * STEP, chest.spacing[2] * STEP)
    count, rows, columns = chest.shape
    hu = np.empty((count, rows // STEP, columns // STEP), np.float32)
    for k in range(count):
        plane = chest.native(k)[: rows // STEP * STEP, : columns // STEP * STEP].astype(np.float32)
        hu[k] = plane.reshape(rows // STEP, STEP, columns // STEP, STEP).mean((1, 3))
    inside = envelope(hu, size)
    distance = ndimage.distance_transform_edt(inside, size) - ndimage.distance_transform_edt(~inside, size)
    stored = np.rint(np.clip(distance, -LIMIT, LIMIT) * 2).astype(np.int8)
    buffer = io.BytesIO()
    np.save(buffer, stored)
    map_path.write_bytes(lzma.compress(buffer.getvalue(), preset=9))

    random = np.random.default_rng(7)
    candidates = np.argwhere((distance > 3.5) & (distance < 45) & (hu < -780))
    random.shuffle(candidates)
    made: list[dict[str, object]] = []
    places: list[NDArray[np.float64]] = []
    left = {-1: SITES, 1: SITES}
    for k, i, j in candidates:
        z = (k - chest.centre[0]) * size[0]
        y = (i * STEP + (STEP - 1) / 2 - chest.centre[1]) * chest.spacing[1]
        x = (j * STEP + (STEP - 1) / 2 - chest.centre[2]) * chest.spacing[2]
        place, where, side = np.array([x, y, z]), lobe(x, y, z), -1 if x < 0 else 1
        if where is None or not left[side] or any(np.sum((place - p) ** 2) < APART**2 for p in places):
            continue
        left[side] -= 1
        places.append(place)
        at = [round(float(v), 1) for v in place]
        shade = round(shaded(place[0], place[2]), 2)
        made.append({"at": at, "lobe": where, "depth": round(float(distance[k, i, j]), 1), "shade": shade})
    lines = ",\n".join(json.dumps(site) for site in made)
    sites_path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
