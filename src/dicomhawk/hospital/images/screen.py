"""Screens of CT scanners as they are filed with a study: white text on black."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dicomhawk.hospital.images.lettering import write
from dicomhawk.hospital.images.recipe import DoseSheet

LINE = 0.031  # of the height
HEADER = 5  # lines that are left free for whose it is
MARGIN = 0.03
COLUMNS = {"siemens": (0.03, 0.30, 0.38, 0.50, 0.62, 0.76, 0.88), "ge": (0.03, 0.14, 0.34, 0.56, 0.70, 0.84)}
"""Where the cells of a row begin, as parts of the width."""


def render(recipe: DoseSheet, k: int) -> NDArray[np.uint8]:
    """The screen without its header: rows x columns. `k` has no meaning here."""
    image = Image.new("L", (recipe.columns, recipe.rows))
    draw = ImageDraw.Draw(image)
    row = float(HEADER)
    for text in recipe.title:
        _write(draw, recipe.rows, MARGIN, row, text)
        row += 1
    row += 0.6
    if recipe.layout == "ge":
        draw.rectangle(
            (8, row * LINE * recipe.rows - 4, recipe.rows - 8, (row + 1) * LINE * recipe.rows), outline=130
        )
    for cells in recipe.table:
        for column, text in zip(COLUMNS[recipe.layout], cells, strict=False):
            _write(draw, recipe.rows, column, row, text)
        row += 1.15
    row += 0.5
    for text in recipe.footer:
        _write(draw, recipe.rows, MARGIN, row, text)
        row += 1
    return np.asarray(image)


def with_header(screen: NDArray[np.uint8], lines: list[str]) -> NDArray[np.uint8]:
    """The screen with whose it is above."""
    image = Image.fromarray(screen.copy())
    draw = ImageDraw.Draw(image)
    for row, text in enumerate(lines[: HEADER - 1]):
        _write(draw, len(screen), MARGIN, 0.4 + row, text)
    return np.asarray(image)


def _write(draw: ImageDraw.ImageDraw, size: int, column: float, row: float, text: str) -> None:
    write(draw, (round(column * size), round(row * LINE * size)), text, 224, round(size * LINE * 0.8))
