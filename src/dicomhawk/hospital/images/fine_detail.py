"""What a radiograph shows that is finer than the base: small vessels of the lungs, and the trabeculae of bone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from dicomhawk.hospital.images.chest import posture
from dicomhawk.hospital.images.recipe import Radiograph
from dicomhawk.hospital.images.sampling import F32, generator
from dicomhawk.hospital.images.vessels import vessels_of

WATER = 0.0175  # attenuation per mm
STEPS = 6  # of radius, that vessels are drawn in
FULL = 0.12  # attenuation of what is drawn white
THIN_GAIN, THIN = 1.5, 0.7  # by how much the processing raises thin vessels more, and the radius (mm) of half of it
STROKES = ((2.0, 0.55), (1.1, 0.45))  # breadth in radii, and part of the attenuation
CURVE = 6  # points of a vessel's path
PENUMBRA = 0.2  # mm: by the focal spot
TILE = 1024
COARSEST, FINEST = 0.18, 1.1  # line pairs per mm of trabeculae
TRABECULAE = 0.032  # of the bone's attenuation: standard deviation


def details(recipe: Radiograph, larger: float, bone: F32, project: Callable[[F32], F32]) -> F32:
    """Attenuation that is finer than the projection's grid, rows x columns of the image.

    `larger`: pixels to a mm of the patient; `project` takes points (n x 3: z, y, x in mm) to columns and rows.
    """
    made = _vessels(recipe, larger, project)
    made += _trabeculae(recipe, bone)
    return made


def _vessels(recipe: Radiograph, larger: float, project: Callable[[F32], F32]) -> F32:
    found = vessels_of(posture(recipe.body, recipe.study), recipe.body)
    a, b, c = (project(points) for points in (found.starts, found.middles, found.ends))
    # A quadratic curve through the middle.
    part = np.linspace(0, 1, CURVE, dtype=np.float32)[:, None, None]
    paths = (1 - part) ** 2 * a + 2 * part * (1 - part) * (2 * b - (a + c) / 2) + part**2 * c
    paths = paths.transpose(1, 0, 2).reshape(len(a), -1)
    thinnest, widest = float(found.radii.min()), float(found.radii.max())
    order = np.minimum(np.log(found.radii / thinnest) * (STEPS / np.log(widest / thinnest)), STEPS - 1).astype(int)
    # Two strokes, one in the other, make a rod rounder than one.
    layers = [Image.new("L", (recipe.columns, recipe.rows)) for _ in STROKES]
    for step in np.unique(order):
        chosen = order == step
        radius = float(found.radii[chosen].mean())
        depth = 2 * radius * WATER * (THIN_GAIN / (1 + radius / THIN)) / FULL * 255
        for layer, (breadth, share) in zip(layers, STROKES, strict=True):
            wide = max(breadth * radius * larger, 0.6)
            width, pen = max(1, round(wide)), ImageDraw.Draw(layer)
            for path in paths[chosen].tolist():
                pen.line(path, fill=round(depth * share * min(wide / width, 1)), width=width, joint="curve")
    outer, inner = layers
    blurred = ImageChops.add(outer, inner).filter(ImageFilter.GaussianBlur(PENUMBRA / recipe.pixel))
    return np.asarray(blurred, np.float32) * np.float32(FULL / 255)


@cache
def _texture(pixel: float) -> F32:
    """Band-limited noise of standard deviation 1, `TILE` x `TILE` of `pixel` mm, that repeats without a seam."""
    source = generator("trabeculae")
    f = np.fft.fftfreq(TILE, pixel)
    radius = np.hypot(f[:, None], f[None]) + 1e-6
    transfer = np.where((radius > COARSEST) & (radius < FINEST), radius**-0.9, 0)
    made = np.fft.ifft2(np.fft.fft2(source.standard_normal((TILE, TILE))) * transfer).real
    return np.asarray(made / made.std(), np.float32)


def _trabeculae(recipe: Radiograph, bone: F32) -> F32:
    own = generator("trabeculae", recipe.body.seed)
    texture = np.roll(_texture(recipe.pixel), tuple(own.integers(0, TILE, 2)), (0, 1))
    repeat = (-(-recipe.rows // TILE), -(-recipe.columns // TILE))
    whole = np.tile(texture, repeat)[: recipe.rows, : recipe.columns]
    image = Image.fromarray(bone * np.float32(TRABECULAE))
    whole *= np.asarray(image.resize((recipe.columns, recipe.rows), Image.Resampling.BILINEAR))
    return whole
