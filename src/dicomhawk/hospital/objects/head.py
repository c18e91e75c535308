"""The attributes of a generated object without its pixels, which take fifty times as long."""

from __future__ import annotations

from typing import Final

import numpy as np

from dicomhawk.hospital.elements import EXPLICIT_LE, DataSet, Element, encode
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.files import BUILDERS
from dicomhawk.hospital.objects.recipe import DocumentRecipe, SeriesRecipe
from dicomhawk.hospital.pixels import PIXEL_DATA

OF_PIXELS: Final = frozenset((0x00280106, 0x00280107, 0x00282112))
"""Attributes that only the pixels tell: Smallest and Largest Image Pixel Value, Lossy Image Compression Ratio."""


def attributes(context: Context, recipe: SeriesRecipe | DocumentRecipe) -> bytes | None:
    """The data set of an image in Explicit VR Little Endian, without what only the pixels tell, and sixteen bytes in
    their place; None: it is no image, and quickly made as a whole."""
    instance = context.instance
    if isinstance(recipe, DocumentRecipe) or instance.rows is None or instance.columns is None:
        return None
    builder = BUILDERS[type(recipe.image)]
    shape: tuple[int, ...] = (instance.rows, instance.columns)
    if instance.frames is not None:
        shape = (instance.frames, *shape)
    kind = np.uint8 if instance.bits_allocated == 8 else np.int16 if context.series.modality == "CT" else np.uint16
    made = builder(context, recipe.image, recipe.acquisition, np.zeros(shape, kind))
    found: DataSet = {tag: each for tag, each in made.data_set.items() if tag not in OF_PIXELS}
    vr = "OW" if kind is not np.uint8 and PIXEL_DATA in found else "OB"
    found[PIXEL_DATA] = Element(PIXEL_DATA, vr, bytes(16))
    return encode(found, EXPLICIT_LE)
