"""Letters in images: lead markers on radiographs, the overlay of an ultrasound machine."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from dicomhawk.hospital.images.sampling import F32


@lru_cache(maxsize=16)
def font(size: float) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow."""
    made = ImageFont.load_default(size)
    assert isinstance(made, ImageFont.FreeTypeFont)
    return made


def letter(text: str, height: float, angle: float = 0.0, blur: float = 0.0) -> F32:
    """0..1 where the letters are, in an array just large enough; `height` of a capital in pixels, bold."""
    used = font(height / 0.7)
    stroke = max(1, round(height * 0.05))
    left, top, right, bottom = used.getbbox(text, stroke_width=stroke)
    edge = round(height * 0.25)
    size = (round(right - left) + 2 * edge, round(bottom - top) + 2 * edge)
    image = Image.new("L", size)
    ImageDraw.Draw(image).text((edge - left, edge - top), text, fill=255, font=used, stroke_width=stroke)
    if angle:
        image = image.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    return np.asarray(image, np.float32) / np.float32(255)
