#!/usr/bin/env python3
"""Contact sheets of a generated hospital, for people to look at: by kind of image, twelve patients drawn at random.

Makes a hospital in a temporary folder, renders what is needed, and writes one JPEG for each kind into a folder.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dicomhawk.hospital import archive
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.hospital.generate import generate

COLUMNS, ROWS, TILE, GAP = 4, 3, 320, 4
PAPER = (250, 165)  # mm of an electrocardiogram's page
PER_MM = 4  # pixels
ON_PAPER = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"), ("II",))
STUDIES = 400
CACHE_BUDGET = 2 << 30
QUALITY = 82
KINDS = {
    "ct": "type = 'chest_ct'",
    "ct_head": "type = 'head_ct'",
    "ct_abdomen": "type = 'abdomen_ct'",
    "localizer": "type = 'scout'",
    "mr": "modality = 'MR'",
    "radiograph": "modality IN ('CR', 'DX')",
    "ultrasound": "modality = 'US'",
    "ecg": "modality = 'ECG'",
    "dose": "modality = 'OT'",
}
"""Which series a sheet shows, by modality, or by the type of image of its recipe."""
SERIES = (
    "SELECT series_key, first, n FROM (SELECT series_key, modality, patient_key, min(instance_key) AS first, "
    "count(*) AS n, recipe ->> '$.image.type' AS type FROM instance JOIN series USING (series_key) "
    "JOIN study USING (study_key) GROUP BY series_key) "
    "WHERE {where} GROUP BY patient_key ORDER BY series_key"
)


def shown(data: pydicom.Dataset) -> NDArray[np.uint8]:
    """An image as a viewer would show it at first: its first window, its middle frame."""
    pixels: NDArray[Any] = data.pixel_array
    if int(data.get("NumberOfFrames", 1)) > 1:
        pixels = pixels[len(pixels) // 2]
    if pixels.ndim == 3:
        return pixels.astype(np.uint8)
    values = pixels * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
    centre, width = (_first(data.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None:
        low, high = np.percentile(values, (1, 99))
        centre, width = (low + high) / 2, high - low
    grey = np.clip((values - centre) / max(width, 1) + 0.5, 0, 1)
    if data.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    return (grey * 255).astype(np.uint8)


def paper(data: pydicom.Dataset) -> Image.Image:
    """An electrocardiogram as it is printed: 25 mm a second and 10 mm a millivolt, and what its cart says of it."""
    page = Image.new("RGB", (PAPER[0] * PER_MM, PAPER[1] * PER_MM), "white")
    draw = ImageDraw.Draw(page)
    for mm in range(PAPER[0]):
        colour = (247, 212, 212) if mm % 5 else (236, 160, 160)
        draw.line((mm * PER_MM, 0, mm * PER_MM, page.height), fill=colour)
        draw.line((0, mm * PER_MM, page.width, mm * PER_MM), fill=colour)
    group, values = data.WaveformSequence[0], data.waveform_array(0) / 1000
    names = [str(channel.ChannelLabel) for channel in group.ChannelDefinitionSequence]
    rate = float(group.SamplingFrequency)
    for row, leads in enumerate(ON_PAPER if len(names) == 12 else [(name,) for name in names]):
        for column, lead in enumerate(leads):
            seconds = 10 / len(leads)
            begin, end = int(column * seconds * rate), int((column + 1) * seconds * rate)
            signal, level = values[begin:end, names.index(lead)], (28 + 40 * row) * PER_MM
            at = [(25 * (begin + n) / rate * PER_MM, level - v * 10 * PER_MM) for n, v in enumerate(signal)]
            draw.line(at, fill="black", width=2)
            draw.text((at[0][0] + 6, level - 17 * PER_MM), lead, fill="navy", font_size=18)
    said = [
        str(item.UnformattedTextValue) for item in data.WaveformAnnotationSequence if "UnformattedTextValue" in item
    ]
    draw.text((8, 6), "; ".join(said), fill="navy", font_size=20)
    return page


def _first(value: Any) -> float | None:
    if value is None:
        return None
    return float(value[0] if isinstance(value, pydicom.multival.MultiValue) else value)


def sheet(folder: Path, catalogue: Catalogue, where: str, source: random.Random) -> Image.Image | None:
    """The contact sheet of a kind; None if the hospital has nothing of it."""
    series = catalogue.connection.execute(SERIES.format(where=where)).fetchall()
    if not series:
        return None
    side = 3 * TILE // 2 if "ECG" in where else TILE
    high = side * PAPER[1] // PAPER[0] if "ECG" in where else side
    made = Image.new("RGB", (COLUMNS * side, ROWS * high))
    for place, (_, first, count) in enumerate(source.sample(series, min(len(series), COLUMNS * ROWS))):
        key = first + int(count * source.uniform(0.25, 0.75)) if count > 3 else first
        data = pydicom.dcmread(archive.render(str(folder), key, CACHE_BUDGET))
        tile = paper(data) if "WaveformSequence" in data else Image.fromarray(shown(data))
        tile.thumbnail((side - GAP, side - GAP), Image.Resampling.LANCZOS)
        row, column = divmod(place, COLUMNS)
        left, top = (side - tile.width) // 2, (high - tile.height) // 2
        made.paste(tile.convert("RGB"), (column * side + left, row * high + top))
    return made


def main() -> None:
    """Write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the sheets")
    parser.add_argument("--seed", default="ab" * 16, help="of the deployment, hexadecimal")
    parser.add_argument("--locale", default="en_GB")
    parser.add_argument("--only", action="append", choices=list(KINDS), help="can be repeated")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gallery-") as name:
        folder = Path(name)
        generate(folder, draw_deployment(seed=options.seed, locale=options.locale), STUDIES, now=time.time())
        with Catalogue(folder / archive.CATALOGUE) as catalogue:
            for kind in options.only or KINDS:
                made = sheet(folder, catalogue, KINDS[kind], random.Random(f"gallery {options.seed} {kind}"))
                if made is None:
                    print(f"{kind}: none")
                    continue
                made.save(options.out / f"{kind}.jpg", quality=QUALITY)
                print(f"{kind}: {options.out / f'{kind}.jpg'}")


if __name__ == "__main__":
    main()
