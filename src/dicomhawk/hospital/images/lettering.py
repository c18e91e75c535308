"""Letters in images: lead markers on radiographs, the overlay of an ultrasound machine.

The font is the one that comes with Pillow, which has no letters beyond ASCII: those with marks are put together.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from dicomhawk.hospital.images.sampling import F32

Colour = tuple[int, int, int] | int

_RING, _DOTS, _ACUTE, _GRAVE, _HAT, _TILDE, _CEDILLA = (
    "\u030a",
    "\u0308",
    "\u0301",
    "\u0300",
    "\u0302",
    "\u0303",
    "\u0327",
)
_SLASHED = {"ø": "o", "Ø": "O"}
_TOGETHER = {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
_OVERLAP = 0.1  # of the size, of the two letters of one
_SPELLED = {"ß": "ss", "ð": "d", "þ": "th", "’": "'", "–": "-"}


@lru_cache(maxsize=16)
def font(size: float) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow."""
    made = ImageFont.load_default(size)
    assert isinstance(made, ImageFont.FreeTypeFont)
    return made


def write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, fill: Colour, size: float) -> None:
    """Draw a line of text with its upper left corner at `at` (column, row), `size` pixels high."""
    used, (column, row) = font(size), at
    for letter_ in text:
        if letter_ in _TOGETHER:
            first, second = tuple(_TOGETHER[letter_])
            draw.text((column, row), first, fill=fill, font=used)
            column += used.getlength(first) - _OVERLAP * size
            draw.text((column, row), second, fill=fill, font=used)
            column += used.getlength(second)
            continue
        spelled = unicodedata.normalize("NFD", _SPELLED.get(letter_, letter_))
        base = _SLASHED.get(letter_, "".join(c for c in spelled if ord(c) < 128) or "?")
        draw.text((column, row), base, fill=fill, font=used)
        box = used.getbbox(base)
        for mark in (c for c in spelled if unicodedata.combining(c)):
            _mark(draw, mark, (column + box[0], row + box[1], column + box[2], row + box[3]), size, fill)
        if letter_ in _SLASHED:
            draw.line(
                (column + box[0], row + box[3], column + box[2], row + box[1]),
                fill=fill,
                width=max(1, round(size / 16)),
            )
        column += used.getlength(base)


def _mark(
    draw: ImageDraw.ImageDraw, mark: str, box: tuple[float, float, float, float], size: float, fill: Colour
) -> None:
    """A diacritic at a letter that fills `box` (left, top, right, bottom)."""
    left, top, right, bottom = box
    middle, unit = (left + right) / 2, size * 0.09
    up = top - unit * 1.4
    width = max(1, round(size / 14))
    if mark == _RING:
        draw.ellipse((middle - unit, up - unit, middle + unit, up + unit), outline=fill, width=1)
    elif mark == _DOTS:
        for x in (round(middle - unit * 1.5), round(middle + unit * 1.5)):
            draw.rectangle((x, round(up), x + width - 1, round(up) + width - 1), fill=fill)
    elif mark == _CEDILLA:
        draw.line((middle, bottom, middle - unit * 0.5, bottom + unit * 1.6), fill=fill, width=width)
    else:
        rises = {_ACUTE: (1, -1), _GRAVE: (-1, 1), _HAT: (1, -1, 1), _TILDE: (1, -1, 1)}.get(mark, (0, 0))
        step = 3 * unit / (len(rises) - 1)
        points = [(middle - 1.5 * unit + n * step, up + unit * 0.8 * rise) for n, rise in enumerate(rises)]
        draw.line(points, fill=fill, width=width)


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
