"""What lies on a patient in bed and shows on the radiograph: electrodes with their cables, a central line."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from dicomhawk.hospital.images.sampling import F32

SNAP, CABLE, LINE = 2.1, 0.55, 0.45  # attenuation of an electrode's snap, a cable's core, a central venous line
SNAP_SIZE, CABLE_SIZE, LINE_SIZE = 3.6, 1.1, 1.5  # mm
PLACES = ((0.26, 0.16), (0.26, 0.84), (0.74, 0.2), (0.76, 0.82), (0.6, 0.56))
"""Of electrodes, as parts of rows and columns: under the clavicles, at the flanks, beside the sternum."""
CENTRAL_LINE = 0.4  # of the patients
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
    if random.random() < CENTRAL_LINE:
        neck = 0.0, random.uniform(0.38, 0.42) * columns
        tip = random.uniform(0.40, 0.47) * rows, random.uniform(0.44, 0.46) * columns
        bend = random.uniform(0.14, 0.2) * rows, random.uniform(0.39, 0.41) * columns
        total += _stroke(shape, _curve(neck, bend, tip), LINE_SIZE / pixel) * np.float32(LINE)
    return total


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
