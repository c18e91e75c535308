"""What ultrasound machines burn into their images: whose they are, settings, scales, measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dicomhawk.hospital.images import ultrasound
from dicomhawk.hospital.images.lettering import write
from dicomhawk.hospital.images.recipe import Scan, Ultrasound
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.recipe import USAcquisition
from dicomhawk.hospital.objects.us_makers import USModel

Colour = tuple[int, int, int]
WHITE, GREY, BLUE, GREEN, YELLOW = (236, 236, 236), (176, 176, 176), (120, 170, 235), (120, 214, 130), (246, 214, 82)
NOTHING = (0, 0, 0)  # colour that is not drawn over the sector


@dataclass(frozen=True)
class _Shown:
    """Everything that a layout draws from."""

    context: Context
    model: USModel
    recipe: Ultrasound
    scan: Scan
    setting: USAcquisition
    draw: ImageDraw.ImageDraw

    @property
    def line(self) -> float:
        """Height of a line of text in pixels."""
        return self.recipe.rows / 46

    def write(self, column: float, row: float, text: str, colour: Colour, size: float = 1.0) -> None:
        """Text with its upper left corner at these parts of the image's width and height."""
        at = (round(column * self.recipe.columns), round(row * self.recipe.rows))
        write(self.draw, at, text, colour, round(self.line * 0.8 * size))

    def column(self, at: float, top: float, lines: list[str], colour: Colour, first: Colour | None = None) -> None:
        """Lines of text below one another."""
        for number, text in enumerate(lines):
            self.write(
                at,
                top + number * self.line * 1.05 / self.recipe.rows,
                text,
                first if first and not number else colour,
            )


def draw(context: Context, model: USModel, recipe: Ultrasound, setting: USAcquisition, k: int) -> NDArray[np.uint8]:
    """Rows x columns x 3: the overlay of instance `k`; black where the sector shows."""
    image = Image.new("RGB", (recipe.columns, recipe.rows))
    shown = _Shown(context, model, recipe, recipe.scans[k], setting, ImageDraw.Draw(image))
    _LAYOUTS[model.layout](shown)
    _ruler(shown)
    _measurement(shown, ultrasound.calipers(recipe, k))
    if shown.scan.label:
        shown.write(0.16, 0.86, shown.scan.label, WHITE if model.layout != "logiq" else YELLOW, 1.25)
    return np.asarray(image)


def _name(context: Context) -> str:
    family, _, given = context.patient.name.split("=")[0].partition("^")
    return ", ".join(part for part in (family, given.replace("^", " ").strip()) if part)


def _when(context: Context, pattern: str) -> str:
    day, moment = context.instance.content_date or "00000000", context.instance.content_time or "000000"
    parts = {"Y": day[:4], "m": day[4:6], "d": day[6:8], "H": moment[:2], "M": moment[2:4], "S": moment[4:6]}
    return "".join(parts.get(letter, letter) for letter in pattern)


def _indices(shown: _Shown) -> str:
    return f"MI {shown.setting.mechanical_index:.1f}  TIs {shown.setting.thermal_index:.1f}"


def _logiq(shown: _Shown) -> None:
    recipe, setting, context = shown.recipe, shown.setting, shown.context
    shown.draw.rectangle((0, 0, recipe.columns, round(recipe.rows * 0.062)), fill=(24, 30, 42))
    shown.write(0.012, 0.006, _name(context), WHITE)
    shown.write(0.012, 0.034, context.patient.patient_id, GREY)
    shown.write(0.40, 0.006, (context.series.institution or "")[:28], GREY)
    shown.write(0.40, 0.034, _when(context, "d/m/Y  H:M:S"), GREY)
    shown.write(0.68, 0.006, f"{setting.transducer}  {setting.preset}", GREY)
    shown.write(0.68, 0.034, _indices(shown), GREY)
    lines = ["B", f"Frq  {setting.frequency:.1f}", f"Gn  {setting.gain}", "S/A  2/1", "Map  F/0"]
    lines += [f"D  {shown.scan.depth / 10:.1f}", f"DR  {setting.dynamic_range}", "FR  26", "AO%  100"]
    shown.column(0.885, 0.16, lines, GREEN, YELLOW)
    _bar(shown, 0.016, 0.14)
    _sign(shown, "circle")


def _epiq(shown: _Shown) -> None:
    recipe, setting, context = shown.recipe, shown.setting, shown.context
    shown.write(0.012, 0.008, _name(context), WHITE)
    shown.write(0.012, 0.036, context.patient.patient_id, WHITE)
    shown.write(0.42, 0.008, (context.series.institution or "")[:28], WHITE)
    shown.write(0.42, 0.036, f"{setting.transducer}/{setting.preset}", WHITE)
    shown.write(0.78, 0.008, _when(context, "d/m/Y H:M:S"), WHITE)
    shown.write(0.78, 0.036, f"TIS{setting.thermal_index:.1f}  MI {setting.mechanical_index:.1f}", WHITE)
    lines = [
        "FR 31Hz",
        "R1",
        "",
        "2D",
        f" {55 + setting.gain % 12}%",
        f" C {setting.dynamic_range}",
        " P Low",
        " HGen",
    ]
    shown.column(0.012, 0.10, lines, GREY)
    shown.write(0.93, 0.10, "M3", GREY)
    _bar(shown, 0.955, 0.14)
    _sign(shown, "P")
    shown.draw.line((0, round(recipe.rows * 0.068), recipe.columns, round(recipe.rows * 0.068)), fill=(60, 60, 60))


def _acuson(shown: _Shown) -> None:
    setting, context = shown.setting, shown.context
    shown.write(0.012, 0.008, _name(context), YELLOW)
    shown.write(0.012, 0.036, context.patient.patient_id, GREY)
    shown.write(0.36, 0.008, (context.series.institution or "")[:30], GREY)
    shown.write(0.36, 0.036, setting.preset, GREY)
    shown.write(0.78, 0.008, _when(context, "d.m.Y"), GREY)
    shown.write(0.78, 0.036, _when(context, "H:M:S"), GREY)
    lines = [
        setting.transducer,
        "",
        "2D",
        f"H{setting.frequency + 0.5:.2f} MHz",
        f"{setting.gain - 45} dB / DR {setting.dynamic_range}",
    ]
    lines += [
        "SC 2",
        "MapE / ST0",
        "E2 / P3",
        "",
        f"MI {setting.mechanical_index:.1f}",
        f"TIS {setting.thermal_index:.1f}",
        "",
        "28 fps",
    ]
    shown.column(0.012, 0.11, lines, GREY, WHITE)
    _bar(shown, 0.965, 0.11)
    _sign(shown, "S")


def _aplio(shown: _Shown) -> None:
    setting, context = shown.setting, shown.context
    shown.write(0.012, 0.010, f"ID: {context.patient.patient_id}", GREY)
    shown.write(0.012, 0.038, _name(context), WHITE)
    shown.write(0.40, 0.010, setting.preset, GREEN)
    shown.write(0.40, 0.038, (context.series.institution or "")[:26], GREY)
    shown.write(0.76, 0.010, _when(context, "Y/m/d"), GREY)
    shown.write(0.76, 0.038, _when(context, "H:M:S"), GREY)
    lines = [setting.transducer, f"diffT{setting.frequency + 1.5:.1f}", f"{24 + setting.gain % 9} fps", "Qscan"]
    lines += [f"G:{setting.gain + 30}", f"DR:{setting.dynamic_range}", "A:3", "P:2", "", _indices(shown)]
    shown.column(0.865, 0.13, lines, GREY, GREEN)
    _bar(shown, 0.02, 0.13)
    _sign(shown, "circle")


_LAYOUTS: dict[str, Callable[[_Shown], None]] = {"logiq": _logiq, "epiq": _epiq, "acuson": _acuson, "aplio": _aplio}


def _bar(shown: _Shown, column: float, row: float) -> None:
    """The grey values of the image, from white to black."""
    left, top = round(column * shown.recipe.columns), round(row * shown.recipe.rows)
    height, width = round(0.2 * shown.recipe.rows), round(0.012 * shown.recipe.columns)
    for y in range(height):
        grey = round(250 * (1 - y / height)) + 4
        shown.draw.line((left, top + y, left + width, top + y), fill=(grey, grey, grey))


def _sign(shown: _Shown, kind: str) -> None:
    """The maker's sign at the side of the transducer's mark."""
    sector = ultrasound.sector_of(shown.recipe, shown.scan)
    half = float(np.sin(ultrasound.SECTOR / 2)) * ultrasound.RADIUS
    column, row = sector.pixel(-half - 9, 0.0)
    size = shown.line * 0.55
    if kind == "circle":
        shown.draw.ellipse((column - size, row - size, column + size, row + size), outline=BLUE, width=2)
    else:
        write(shown.draw, (column - size, row - size), kind, BLUE, round(size * 2))


def _ruler(shown: _Shown) -> None:
    """Depth in cm at the right of the sector, with the focus."""
    sector = ultrasound.sector_of(shown.recipe, shown.scan)
    right = float(np.sin(ultrasound.SECTOR / 2)) * (ultrasound.RADIUS + shown.scan.depth) * 0.98
    right = min(right, (0.845 * shown.recipe.columns - sector.centre[0]) / sector.scale)
    for number in range(int(shown.scan.depth // 10) + 1):
        column, row = sector.pixel(right, number * 10)
        long = number % 5 == 0
        shown.draw.line((column, row, column + (10 if long else 5), row), fill=GREY)
        if long and shown.model.layout in ("logiq", "aplio", "epiq"):
            size = round(shown.line * 0.62)
            write(shown.draw, (column + 13, row - size * 0.6), str(number), GREY, size)
    column, row = sector.pixel(right, shown.scan.depth * 0.55)
    shown.draw.polygon([(column - 3, row), (column - 11, row - 5), (column - 11, row + 5)], fill=BLUE)


def _measurement(shown: _Shown, ends: tuple[tuple[float, float], tuple[float, float], float] | None) -> None:
    if ends is None:
        return
    first, second, length = ends
    size = shown.line * 0.32
    for column, row in (first, second):
        shown.draw.line((column - size, row, column + size, row), fill=YELLOW)
        shown.draw.line((column, row - size, column, row + size), fill=YELLOW)
    steps = max(int(np.hypot(second[0] - first[0], second[1] - first[1]) / 7), 2)
    for part in np.linspace(0, 1, steps)[1:-1]:
        shown.draw.point(tuple(a + (b - a) * float(part) for a, b in zip(first, second, strict=True)), fill=YELLOW)
    text = {"logiq": f"1  L  {length / 10:.2f} cm", "epiq": f"+ Dist {length / 10:.1f} cm"}.get(
        shown.model.layout, f"A  {length:.1f} mm"
    )
    shown.write(0.012, 0.93, text, YELLOW)
