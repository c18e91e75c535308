"""The product's logo and icon: drawn, from the seed, as a small firm's designer would have."""

from __future__ import annotations

import io
import math
import random
from html import escape
from typing import Final

from PIL import Image, ImageDraw

_SIZE: Final = 48
_SCALE: Final = 4
"""Times which an icon is drawn larger, so that its edges come out smooth."""


class Mark:
    """A figure of some shapes; each is a list of points (0 to 48) and a colour."""

    def __init__(self, source: random.Random, first: str, second: str) -> None:
        self.colours = first, second
        self.shapes: list[tuple[list[tuple[float, float]], str]] = []
        source.choice((self._rings, self._bars, self._petals, self._tiles, self._slices))(source)

    def _add(self, points: list[tuple[float, float]], colour: int) -> None:
        self.shapes.append(([(round(x, 2), round(y, 2)) for x, y in points], self.colours[colour % 2]))

    def _rings(self, source: random.Random) -> None:
        turn, part = source.uniform(0, 360), source.uniform(200, 330)
        for number, radius in enumerate((22, 14.5, 7)[: source.choice((2, 3))]):
            start = turn + number * source.uniform(40, 170)
            width = source.uniform(3.2, 5)
            outer = _arc(24, 24, radius, start, part)
            inner = _arc(24, 24, radius - width, start, part)[::-1]
            self._add(outer + inner, number)

    def _bars(self, source: random.Random) -> None:
        count = source.randint(3, 6)
        width = 40 / count
        slant = source.uniform(-6, 6)
        for number in range(count):
            x, top = 4 + number * width, source.uniform(4, 30)
            right = x + width * source.uniform(0.62, 0.8)
            self._add(
                [(x + slant / 2, top), (right + slant / 2, top), (right - slant / 2, 44), (x - slant / 2, 44)], number
            )

    def _petals(self, source: random.Random) -> None:
        count, turn, wide = source.randint(3, 7), source.uniform(0, 360), source.uniform(14, 30)
        for number in range(count):
            angle = turn + number * 360 / count
            tip, left, right = _at(22, angle), _at(12, angle - wide), _at(12, angle + wide)
            self._add([_at(source.uniform(2, 4), angle), left, tip, right], number)

    def _tiles(self, source: random.Random) -> None:
        cells = [(x, y) for x in range(3) for y in range(3)]
        gap = source.uniform(1, 3)
        for number, (x, y) in enumerate(source.sample(cells, source.randint(4, 7))):
            left, top, size = 3 + x * 14, 3 + y * 14, 14 - gap
            self._add([(left, top), (left + size, top), (left + size, top + size), (left, top + size)], number)

    def _slices(self, source: random.Random) -> None:
        count, lean = source.randint(3, 5), source.uniform(4, 10)
        for number in range(count):
            y = 6 + number * 36 / count
            self._add([(4 + lean, y), (44, y - lean / 3), (44 - lean, y + 5.5), (4, y + 5.5 + lean / 3)], number)


def svg(mark: Mark, words: str, ink: str, source: random.Random, font: str) -> str:
    """The logo: the figure, and the product's name beside it."""
    size = source.choice((22, 24, 26))
    weight = source.choice(("400", "600", "700"))
    gap = source.randint(56, 62)
    width = gap + int(len(words) * size * 0.64) + 8
    figure = "".join(
        f'<polygon fill="{colour}" points="{" ".join(f"{x:g},{y:g}" for x, y in points)}"/>'
        for points, colour in mark.shapes
    )
    text = (
        f'<text x="{gap}" y="{source.choice((32, 33, 34))}" font-family="{escape(font)}" font-size="{size}" '
        f'font-weight="{weight}" fill="{ink}">{escape(words)}</text>'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 48" width="{width}" height="48">'
    return f"{head}{figure}{text}</svg>"


def icon(mark: Mark) -> bytes:
    """The figure as an ICO of 16 and 32 pixels."""
    image = Image.new("RGBA", (_SIZE * _SCALE, _SIZE * _SCALE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    for points, colour in mark.shapes:
        pen.polygon([(x * _SCALE, y * _SCALE) for x, y in points], fill=colour)
    out = io.BytesIO()
    image.resize((32, 32), Image.Resampling.LANCZOS).save(out, "ICO", sizes=[(16, 16), (32, 32)])
    return out.getvalue()


def _at(radius: float, angle: float) -> tuple[float, float]:
    return 24 + radius * math.cos(math.radians(angle)), 24 + radius * math.sin(math.radians(angle))


def _arc(x: float, y: float, radius: float, start: float, part: float) -> list[tuple[float, float]]:
    steps = 40
    turns = (math.radians(start + part * step / steps) for step in range(steps + 1))
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
