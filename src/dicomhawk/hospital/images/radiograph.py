"""Chest radiographs: a projection of the patient, seen by a detector and processed as such machines do.

What limits sharpness is the base, whose slices are 2.5 mm apart: the blur of slices and of linear interpolation is
undone as far as it can be along z, details are raised band by band as multi-scale processing does, and the quantum
noise of the exposure has the full resolution of the detector.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dicomhawk.hospital.images.chest import posture
from dicomhawk.hospital.images.chest_findings import locate
from dicomhawk.hospital.images.fine_detail import details
from dicomhawk.hospital.images.lettering import letter
from dicomhawk.hospital.images.projection import Beam, line_integrals
from dicomhawk.hospital.images.radiograph_findings import changes
from dicomhawk.hospital.images.recipe import Radiograph
from dicomhawk.hospital.images.sampling import F32, generator
from dicomhawk.hospital.images.wires import in_patient, on_patient

ROW, COLUMN = 1.25, 0.75  # mm at the detector: grid of the projection, finer than the base in both directions
SLICE = 2.5  # mm between slices of the base, and their thickness
SHARPEST = 0.19  # line pairs per mm: Nyquist of the base's slices is 0.2
BANDS = ((1.25, 0.92), (1.9, 0.82), (2.1, 0.8), (1.75, 0.82), (1.35, 0.88), (1.1, 0.95))
"""Gain and exponent of each octave of detail, from fine to coarse."""
FINEST_GAIN = 4.4  # of details that are finer than the bands
BASE_GAIN = 0.72  # of what is coarser than all bands
GEOMETRY = {"PA": (1800.0, -165.0), "AP": (1050.0, 140.0), "LL": (1800.0, 215.0)}
"""Distance from source to detector, and place of the detector (mm)."""
EARLY, LATE = (3, 1.3), (1, 1.3)  # how often edges are steepened, and how much; more makes them jagged
PENUMBRA = 0.9  # mm: width of the edge of the collimator's shadow
METAL = 0.3  # attenuation of devices from which on they don't count for the contrast
SCATTER = 0.35  # of the primary exposure that reaches the detector beside it


def render(recipe: Radiograph, k: int) -> NDArray[np.uint16]:
    """The image, rows x columns, as stored: brighter is denser unless `inverted`. `k` has no meaning here."""
    random = generator("radiograph", recipe.series)
    beam = beam_of(recipe)
    ill = changes(recipe.findings, "bed" if recipe.view == "AP" else "upright")
    bone = np.zeros((beam.rows, beam.columns), np.float32)
    depth = line_integrals(recipe.body, recipe.study, beam, ill, bone)
    depth = sharpened(depth, ROW, (beam.columns, round(beam.rows * ROW / COLUMN)))
    if recipe.view == "AP":  # taken in bed
        depth += on_patient(depth.shape, COLUMN, generator("wires", recipe.study))
    lie = posture(recipe.body, recipe.study)
    metal = in_patient(recipe.findings, lie, depth.shape, partial(on_detector, recipe, step=COLUMN), COLUMN)
    depth += metal
    wanted = (recipe.columns, recipe.rows)
    coarse = _processed(depth, recipe)
    image = _resized(_crisp(_crisp(coarse, EARLY), LATE), wanted)
    larger = beam.source / (beam.source - abs(beam.detector)) / recipe.pixel
    image += details(recipe, larger, bone, partial(on_detector, recipe)) * np.float32(FINEST_GAIN * recipe.detail)
    image = _curve(image, _limits(np.where(metal > METAL, np.nan, coarse)), recipe)
    # Photons that are left behind the patient make the noise; processing raises it with the details.
    photons = np.exp(-depth) + np.float32(SCATTER * 0.02)
    noise = np.asarray(recipe.noise * 0.0028 / np.sqrt(photons), np.float32)
    grain = random.standard_normal((recipe.rows + 1, recipe.columns + 1), np.float32)
    grain = grain[1:, 1:] + np.float32(0.45) * (grain[:-1, 1:] + grain[1:, :-1])
    grain *= _resized(noise, wanted, Image.Resampling.BILINEAR)
    image += grain
    _collimate(image, recipe)
    _mark(image, recipe)
    np.clip(image, 0, 1, out=image)
    top = (1 << recipe.bits) - 1
    if recipe.inverted:
        np.subtract(1, image, out=image)
    image *= np.float32(top)
    return np.rint(image).astype(np.uint16)


def beam_of(recipe: Radiograph) -> Beam:
    """The beam that makes the image."""
    source, detector = GEOMETRY[recipe.view]
    return Beam(
        direction="lateral" if recipe.view == "LL" else "frontal",
        source=source,
        detector=detector,
        middle=recipe.middle,
        rows=round(recipe.rows * recipe.pixel / ROW),
        columns=round(recipe.columns * recipe.pixel / COLUMN),
        step=(ROW, COLUMN),
    )


def on_detector(recipe: Radiograph, points: F32, step: float | None = None) -> F32:
    """Column and row (n x 2) of points (n x 3: z, y, x in mm), in pixels of `step` mm, or of the image."""
    beam, pixel = beam_of(recipe), recipe.pixel if step is None else step
    z, y, x = points.T
    along, across = (x, y) if recipe.view == "LL" else (y, x)
    larger = beam.source / (beam.source - np.abs(np.float32(beam.detector) - along)) / np.float32(pixel)
    middle = [(n * recipe.pixel / pixel - 1) / 2 for n in (recipe.rows, recipe.columns)]
    rows = middle[0] - (z - beam.middle[0]) * larger
    return np.stack([middle[1] + (across - beam.middle[1]) * larger, rows], 1).astype(np.float32)


def pixel_of(recipe: Radiograph, at: tuple[float, float, float]) -> tuple[float, float, float]:
    """Row and column at which a place of the base (x, y, z in mm) is seen, and how many pixels a mm there has."""
    z, y, x = locate(posture(recipe.body, recipe.study), at)
    place = np.array([(z, y, x), (z + 1, y, x)], np.float32)
    (column, row), (_, above) = on_detector(recipe, place).tolist()
    return row, column, row - above


def sharpened(grid: F32, row: float, size: tuple[int, int]) -> F32:
    """A projection with rows `row` mm apart, without the blur along z, as an image of `size` (columns, rows)."""
    rows = len(grid)
    # Mirrored at both ends, so that the ends don't ring.
    spectrum = np.fft.rfft(np.concatenate([grid, grid[::-1]]), axis=0)
    f = np.fft.rfftfreq(2 * rows, row)
    blur = np.sinc(f * SLICE) ** 2.4
    gain = np.exp(-((f / SHARPEST) ** 6)) / np.maximum(blur, 0.16)
    sharp = np.fft.irfft(spectrum * gain[:, None], 2 * rows, axis=0)[:rows].astype(np.float32)
    # Columns are sharper than rows; unless they are evened, the spine is full of upright streaks.
    sharp[:, 1:-1] = sharp[:, 1:-1] * np.float32(0.5) + (sharp[:, :-2] + sharp[:, 2:]) * np.float32(0.25)
    return _resized(sharp, size)


def _processed(depth: F32, recipe: Radiograph) -> F32:
    """Multi-scale contrast amplification: small contrasts are raised more than large ones."""
    out = np.zeros_like(depth)
    current = depth
    size = depth.shape[::-1]
    for gain, power in BANDS:
        low = _resized(current, tuple(max(n // 2, 2) for n in current.shape[::-1]), Image.Resampling.BOX)
        band = current - _resized(low, current.shape[::-1])
        scale = np.float32(band.std() + 1e-6)
        raised = (
            np.sign(band) * scale * np.float32(gain * recipe.detail) * (np.abs(band) / scale) ** np.float32(power)
        )
        out += raised if raised.shape == out.shape else _resized(raised, size)
        current = low
    return out + np.float32(BASE_GAIN) * _resized(current, size)


def _crisp(image: F32, steepening: tuple[int, float]) -> F32:
    """Twice the resolution, with edges steepened between what is beside them: no overshoot, no invented detail."""
    rows, columns = image.shape
    fine = _resized(image, (columns * 2, rows * 2))
    often, steepness = steepening
    for _ in range(often):
        up, down = fine[:-2, 1:-1], fine[2:, 1:-1]
        left, right = fine[1:-1, :-2], fine[1:-1, 2:]
        here = fine[1:-1, 1:-1]
        detail = here - (up + down + left + right) * np.float32(0.25)
        low = np.minimum(np.minimum(up, down), np.minimum(left, right))
        high = np.maximum(np.maximum(up, down), np.maximum(left, right))
        steeper = here + detail * np.float32(steepness)
        np.clip(steeper, np.minimum(low, here), np.maximum(high, here), out=steeper)
        fine = np.pad(steeper, 1, mode="edge")
    return fine


def _limits(x: F32) -> tuple[float, float]:
    """What is lung and what is spine in a processed image; NaN is neither."""
    rows, columns = x.shape
    inner = x[rows // 8 : -rows // 6, columns // 6 : -columns // 6]
    low, high = np.nanpercentile(inner, (2, 99))
    return float(low), float(high)


def _curve(x: F32, limits: tuple[float, float], recipe: Radiograph) -> F32:
    """0..1, as a film's characteristic curve: lungs dark, spine bright, both with their contrast. Changes `x`."""
    low, high = limits
    steep = recipe.contrast
    x -= np.float32(low + recipe.brightness * (high - low))
    x *= np.float32(-steep / (high - low))
    np.exp(x, out=x)
    x += 1
    np.reciprocal(x, out=x)
    return x


def _collimate(image: F32, recipe: Radiograph) -> None:
    """The collimator's shadow, or the black that the machine puts in its place."""
    top, right, bottom, left = (edge / recipe.pixel for edge in recipe.collimation)
    soft = PENUMBRA / recipe.pixel
    inside = []
    for size, before, after in ((image.shape[0], top, bottom), (image.shape[1], left, right)):
        at = np.arange(size, dtype=np.float32)
        inside.append(np.clip(np.minimum(at - before, size - 1 - after - at) / soft + 0.5, 0, 1).astype(np.float32))
    image -= np.float32(recipe.shutter)
    image *= inside[0][:, None]
    image *= inside[1][None]
    image += np.float32(recipe.shutter)


def _mark(image: F32, recipe: Radiograph) -> None:
    """The lead letter that was laid on the detector: it is as white as metal, and seldom straight."""
    mark = recipe.mark
    if mark is None:
        return
    shape = letter(
        mark.text, mark.height / recipe.pixel, mark.angle, blur=0.0 if mark.electronic else 0.22 / recipe.pixel
    )
    row, column = round(mark.row * image.shape[0]), round(mark.column * image.shape[1])
    part = image[row : row + shape.shape[0], column : column + shape.shape[1]]
    shape = shape[: part.shape[0], : part.shape[1]]
    part += (np.float32(0.985) - part) * shape


def _resized(a: F32, size: tuple[int, ...], how: Image.Resampling = Image.Resampling.BICUBIC) -> F32:
    return np.array(Image.fromarray(np.ascontiguousarray(a, np.float32)).resize((size[0], size[1]), how))
