"""Pixels of a stranger's object: decoded here, in the sandbox, and nowhere else."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from ....hospital.displays import DisplayError, View
from ....hospital.elements import DEFLATED_LE, EXPLICIT_LE
from ....hospital.pictures import bounded, image_of, stored_values
from ....hospital.pixels import Pixels, PixelsError
from ..model import Image
from .layout import Layout

MAX_SIDE: Final = 512
"""Rows and columns of a preview."""
MAX_PIXELS: Final = 32 << 20
"""Pixels of a frame that is decoded."""

Samples = NDArray[Any]


def opened(layout: Layout, size: int) -> Pixels:
    """The pixels of an object that can be decoded. Raises `DisplayError`."""
    deflated = layout.inflated is not None
    start, end = (0, len(layout.body)) if deflated else (layout.dataset, size)
    syntax = EXPLICIT_LE if layout.syntax in (DEFLATED_LE, "") else layout.syntax
    try:
        pixels = Pixels(memoryview(layout.body)[start:end], syntax)
    except (PixelsError, ValueError) as error:
        raise DisplayError(str(error)) from None
    bounded(pixels, trusted=True)  # all decoders: this is the place for them
    if pixels.shape.rows * pixels.shape.columns * pixels.shape.samples > MAX_PIXELS:
        raise DisplayError(f"{pixels.shape.rows} x {pixels.shape.columns} pixels")
    return pixels


def preview(layout: Layout, size: int) -> Image:
    """A frame from the middle, as a viewer shows it. Raises `DisplayError`."""
    pixels = opened(layout, size)
    view = View(frame=(pixels.count + 1) // 2, columns=MAX_SIDE, rows=MAX_SIDE)
    if max(pixels.shape.rows, pixels.shape.columns) <= MAX_SIDE:
        view = View(frame=view.frame)
    return of_pillow(image_of(pixels, view, trusted=True))


def of_pillow(image: Pillow.Image) -> Image:
    """The image in 8 bits, grey or RGB, at most `MAX_SIDE` high and wide."""
    image = image if image.mode in ("L", "RGB") else image.convert("RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE), Pillow.Resampling.BOX)
    return Image(image.width, image.height, 1 if image.mode == "L" else 3, image.tobytes())


def values_of(pixels: Pixels, number: int) -> Samples:
    """The samples of a frame as numbers that can be subtracted from each other. Raises `DisplayError`."""
    samples = stored_values(pixels, number, trusted=True)[0]
    return samples.astype(np.int32 if samples.itemsize <= 2 else np.int64)
