"""Make the skull that head CT is rendered with, from the base pack's head, which has no face any more.

    cd src/dicomhawk/hospital/images
    python ../../../../tools/build_skull.py skull.npz.xz

Two volumes on the grid of the head, uint8, in one LZMA-compressed NPZ:

- ``bone``: signed distance to the surface of bone, inside positive, in quarters of a millimetre from 128;
- ``within``: as (HU + 1000) / 12, what bone is filled with: diploë, dense bone of the petrous pyramids, air of the
  mastoid and of the frontal sinuses; elsewhere what has no signal is, air or dura and tendons.

What is bone follows from where T1-weighted MR has no signal between the brain and the scalp. The cells of the mastoid
and the sinuses are invented. Needs numpy, scipy, pillow and the package itself.
"""

from __future__ import annotations

import io
import lzma
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dicomhawk.hospital.images.brain import EDGE, base

HEAD_FROM = 24  # T1 value: less is air, or bone
BONE_BELOW = 44  # T1 value, smoothed: more is marrow or soft tissue
DEEPEST = 17.0  # mm between the brain and the outside of the skull
SCALP = 2.2  # mm that are scalp at least
CLOSED = 4  # mm of marrow between two dark tables
THINNEST = 3.2  # mm from the brain to the outside of the thinnest bone
VAULT, SQUAMA = 42, 50.0  # slice from which on there is bone everywhere, and how far (mm) from the midline it is thin
PETROUS = ((18, 62), (78, 136))  # slices and rows of the skull base's dense bone
LATERAL = 42.0  # mm from the midline: the mastoid
CELLS = 0.55  # where the cells' noise is air
SINUS = (62.0, 14.0, 15.0)  # slice of the frontal sinuses' middle, half their height and half their width, mm
NECK = (20, 160)  # slice below which, and row behind which there are only muscles
OCCIPUT = 8.0  # mm from the brain to which there is bone nevertheless
DURA, MUSCLE = 30, 50  # HU of what has no signal
THICKER = 0.35  # mm that the dark dura and fluid add to the vault
DISTANCE_UNIT, DENSITY_UNIT = 4, 12


def noise(shape: tuple[int, ...], sigma: float, seed: int) -> NDArray[np.float32]:
    """Smooth noise of standard deviation 1."""
    white = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    smooth = ndimage.gaussian_filter(white, sigma)
    return np.asarray(smooth / smooth.std(), np.float32)


def head_of(t1: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Everything within the skin."""
    head = ndimage.binary_closing(np.pad(t1 > HEAD_FROM, 8), iterations=6)[8:-8, 8:-8, 8:-8]
    for k in range(len(head)):
        head[k] = ndimage.binary_fill_holes(head[k])
    labels, _ = ndimage.label(head)
    return np.asarray(labels == np.bincount(labels.ravel())[1:].argmax() + 1)


def bone_of(
    t1: NDArray[np.float32], brain: NDArray[np.bool_], head: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Bone with its marrow and air, and mm from the brain."""
    inner = ndimage.binary_closing(np.pad(brain, 8), iterations=3)[8:-8, 8:-8, 8:-8]
    away = ndimage.distance_transform_edt(~inner).astype(np.float32)
    depth = ndimage.distance_transform_edt(head).astype(np.float32)
    dark = ndimage.gaussian_filter(t1, 0.6) < BONE_BELOW
    room = head & ~inner & (away > 0.7) & (away < DEEPEST) & (depth > SCALP)
    bone = dark & room
    ball = ndimage.generate_binary_structure(3, 1)
    closed = ndimage.binary_closing(bone, ball, iterations=CLOSED) & room
    bone = ndimage.binary_opening(bone | closed, iterations=1)
    # The squama of the temporal bone is thinner than a voxel in places.
    z, _, x = np.ogrid[: bone.shape[0], : bone.shape[1], : bone.shape[2]]
    bone |= room & (away < THINNEST) & (z > VAULT) & (np.abs(x - bone.shape[2] / 2) > SQUAMA)
    labels, count = ndimage.label(bone)
    sizes = ndimage.sum(bone, labels, range(count + 1))
    return np.asarray(labels == int(np.argmax(sizes))), away


def within_of(t1: NDArray[np.float32], bone: NDArray[np.bool_], distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """HU of what bone is filled with."""
    shape = t1.shape
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    middle = (shape[2] - 1) / 2
    marrow = np.interp(ndimage.gaussian_filter(t1, 0.8), (10, 30, 60, 110, 170), (1150, 950, 620, 400, 300))
    texture = noise(shape, 0.8, 1)
    made = marrow + texture * 110
    (low, high), (front, back) = PETROUS
    base_of_skull = np.clip((high - z) / 8, 0, 1) * np.clip((z - low) / 6, 0, 1)
    base_of_skull = base_of_skull * np.clip((y - front) / 8, 0, 1) * np.clip((back - y) / 8, 0, 1)
    made = made + base_of_skull * (1500 + texture * 150 - made)
    # The mastoid is full of air cells from the ear to behind it.
    lateral = np.clip((np.abs(x - middle) - LATERAL) / 6, 0, 1) * base_of_skull
    cells = np.clip((noise(shape, 1.1, 2) - CELLS) * 2.5, 0, 1) * np.clip(distance - 1.6, 0, 1)
    made = made + cells * np.clip(lateral * 2, 0, 1) * (-850 - made)
    # Sphenoid and ethmoid, as far as they are not out of the field of view.
    low = (np.abs(x - middle) < 14) & (y < 86) & (z < 45)
    made = made + low * np.clip(distance - 1.2, 0, 1) * np.clip(noise(shape, 4, 4) + 1.8, 0, 1) * (-950 - made)
    # Two unlike frontal sinuses with a septum beside the midline.
    uneven = noise(shape, 5, 3)
    at, tall, wide = SINUS
    reach = np.abs(x - middle + 1.5) - 0.8
    round_ = ((z - at) / tall) ** 2 + ((reach - wide * 0.45) / (wide * 0.55)) ** 2 + 0.18 * uneven
    sinus = np.clip((1 - round_) * 2.5, 0, 1) * np.clip(reach, 0, 1) * (y < 60) * np.clip(distance - 1.1, 0, 1)
    return np.asarray(made + sinus * (-980 - made), np.float32)


def main() -> None:
    """Build the file named on the command line."""
    cut = slice(EDGE, -EDGE)
    t1, brain = (volume[cut, cut, cut] for volume in base())
    value = t1.astype(np.float32)
    head = head_of(value)
    # Where the base's neck fades out, it goes on as muscle.
    head[: NECK[0]] |= head[NECK[0]]
    bone, away = bone_of(value, brain > 128, head)
    bone[: NECK[0] + 4, NECK[1] :] &= away[: NECK[0] + 4, NECK[1] :] < OCCIPUT
    distance = ndimage.distance_transform_edt(bone) - ndimage.distance_transform_edt(~bone)
    distance = distance.astype(np.float32)
    vault = np.clip((np.arange(len(bone)) - 60) / 12, 0, 1).astype(np.float32)[:, None, None]
    # The inner table is smoother than what the fluid in front of it leaves to be seen.
    distance = (
        ndimage.gaussian_filter(distance, 0.7) * (1 - vault)
        + (ndimage.gaussian_filter(distance, 1.7) - np.float32(THICKER)) * vault
    )
    filled = within_of(value, bone, distance)
    soft = np.full(len(head), DURA, np.float32)
    soft[: NECK[0] + 4] = MUSCLE
    filled = np.where(distance > -1.5, filled, np.where(head, soft[:, None, None], -1000))
    out = io.BytesIO()
    np.savez(
        out,
        bone=np.rint(np.clip(128 + distance * DISTANCE_UNIT, 0, 255)).astype(np.uint8),
        within=np.rint(np.clip((filled + 1000) / DENSITY_UNIT, 0, 255)).astype(np.uint8),
    )
    Path(sys.argv[1]).write_bytes(lzma.compress(out.getvalue(), preset=9))


if __name__ == "__main__":
    main()
