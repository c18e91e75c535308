"""Metal and plastic in radiographs: electrodes with their cables on a patient in bed, and devices in the chest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images import devices
from dicomhawk.hospital.images.chest import Posture
from dicomhawk.hospital.images.sampling import F32

SNAP, CABLE = 2.1, 0.55  # attenuation of an electrode's snap, a cable's core
SNAP_SIZE, CABLE_SIZE = 3.6, 1.1  # mm
PLACES = ((0.26, 0.16), (0.26, 0.84), (0.74, 0.2), (0.76, 0.82), (0.6, 0.56))
"""Of electrodes, as parts of rows and columns: under the clavicles, at the flanks, beside the sternum."""
OVERSAMPLED = 2


def on_patient(shape: tuple[int, int], pixel: float, random: np.random.Generator) -> F32:
    """Attenuation by what lies on a patient, rows x columns of `pixel` mm."""
    rows, columns = shape
    total = np.zeros(shape, np.float32)
    used = [PLACES[n] for n in sorted(random.permutation(len(PLACES))[: int(random.integers(3, 6))])]
    side = -0.05 if random.random() < 0.5 else 1.05  # the monitor's
    for row, column in used:
        at = (row + random.normal(0, 0.03)) * rows, (column + random.normal(0, 0.025)) * columns
        end = random.uniform(0.55, 1.05) * rows, side * columns
        bend = random.uniform(0.5, 0.9) * rows, random.uniform(0.2, 0.8) * columns
        total += _stroke(shape, _curve(at, bend, end), CABLE_SIZE / pixel) * np.float32(CABLE)
        total += _disc(shape, at, SNAP_SIZE / pixel) * np.float32(SNAP)
    return total


def in_patient(
    findings: Sequence[Finding], lie: Posture, shape: tuple[int, int], project: Callable[[F32], F32], pixel: float
) -> F32:
    """Attenuation by the devices among the findings, rows x columns of `pixel` mm.

    `project` takes points (n x 3: z, y, x in mm) to columns and rows (n x 2).
    """
    total = np.zeros(shape, np.float32)
    for finding in findings:
        wires, plates = devices.parts(finding, lie)
        for wire in wires:
            points = [(float(c), float(r)) for c, r in project(wire.points)]
            total += _stroke(shape, points, wire.width / pixel) * np.float32(wire.attenuation)
        for plate in plates:
            total += _plate(shape, project(plate.outline)) * np.float32(plate.attenuation)
    return total


def _plate(shape: tuple[int, int], points: F32) -> F32:
    """The shadow of something between two outlines of as many points."""
    image = Image.new("L", (shape[1] * OVERSAMPLED, shape[0] * OVERSAMPLED))
    pen, half = ImageDraw.Draw(image), len(points) // 2
    front, back = (
        [(float(c) * OVERSAMPLED, float(r) * OVERSAMPLED) for c, r in part] for part in (points[:half], points[half:])
    )
    for polygon in (front, back, *zip(front, [*front[1:], front[0]], [*back[1:], back[0]], back, strict=True)):
        pen.polygon(list(polygon), fill=255)
    return _reduced(image)


def _curve(
    first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]
) -> list[tuple[float, float]]:
    """Points (column, row) of a quadratic Bezier curve between points (row, column)."""
    t = np.linspace(0, 1, 60)[:, None]
    points = (1 - t) ** 2 * np.array(first) + 2 * t * (1 - t) * np.array(middle) + t**2 * np.array(last)
    return [(float(column), float(row)) for row, column in points]


def _stroke(shape: tuple[int, int], points: list[tuple[float, float]], width: float) -> F32:
    image = Image.new("L", (shape[1] * OVERSAMPLED, shape[0] * OVERSAMPLED))
    scaled = [(column * OVERSAMPLED, row * OVERSAMPLED) for column, row in points]
    ImageDraw.Draw(image).line(scaled, fill=255, width=max(1, round(width * OVERSAMPLED)), joint="curve")
    return _reduced(image)


def _disc(shape: tuple[int, int], at: tuple[float, float], size: float) -> F32:
    image = Image.new("L", (shape[1] * OVERSAMPLED, shape[0] * OVERSAMPLED))
    row, column, half = at[0] * OVERSAMPLED, at[1] * OVERSAMPLED, size * OVERSAMPLED / 2
    ImageDraw.Draw(image).ellipse((column - half, row - half, column + half, row + half), fill=255)
    return _reduced(image)


def _reduced(image: Image.Image) -> F32:
    return np.asarray(image.reduce(OVERSAMPLED), np.float32) / np.float32(255)
