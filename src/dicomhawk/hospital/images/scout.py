"""CT localizers: the body of the CT series after them, projected while the table moves through a standing fan."""

from __future__ import annotations

import numpy as np

from dicomhawk.hospital.images.chest import table_height
from dicomhawk.hospital.images.projection import Beam, line_integrals
from dicomhawk.hospital.images.radiograph import sharpened
from dicomhawk.hospital.images.radiograph_findings import changes
from dicomhawk.hospital.images.recipe import Scout
from dicomhawk.hospital.images.sampling import F32, I16, generator

SOURCE, ISOCENTRE = 1040.0, 570.0  # mm from the tube to the detector and to the axis of rotation
ROW = 1.25  # mm: no finer than the base
SCALE, AIR = 255.0, -1000.0  # HU for an attenuation of 1, and for none
HALF_TABLE = {"cradle": 205.0, "slab": 215.0, "shell": 200.0}  # mm
TABLE = 0.16  # attenuation of a table from above


def render(recipe: Scout, k: int) -> I16:
    """Image `k` of the series in the units of its scanner, which are like HU: rows x columns, int16."""
    direction = recipe.directions[k]
    height = recipe.rows * recipe.pixel[0]
    magnified = SOURCE / ISOCENTRE
    rows, width = round(height / ROW), recipe.columns * recipe.pixel[1]
    columns = round(width / 0.8)
    beam = Beam(
        direction=direction,
        source=SOURCE,
        detector=SOURCE - ISOCENTRE,
        middle=(recipe.top - height / 2, 0.0),
        rows=rows,
        columns=columns,
        step=(ROW, width / columns * magnified),
        fan=False,
    )
    ill = changes(recipe.findings, "flat")
    depth = line_integrals(recipe.body, recipe.study, beam, ill) + _table(recipe, direction == "frontal", columns)
    image = sharpened(depth, ROW, (recipe.columns, recipe.rows))
    random = generator("scout", recipe.series, k)
    noise = random.standard_normal(image.shape, np.float32) * np.exp(image * np.float32(0.42))
    streak = random.standard_normal((recipe.rows, 1), np.float32) * np.float32(0.004)
    image += noise * np.float32(recipe.noise) + streak
    hu = np.clip(image * np.float32(SCALE) + np.float32(AIR), -1024, 3071)
    return np.asarray(np.rint(hu), np.int16)


def _table(recipe: Scout, frontal: bool, columns: int) -> F32:
    """Attenuation of the table, the same in every row."""
    at = (np.arange(columns, dtype=np.float32) - np.float32((columns - 1) / 2)) * np.float32(
        recipe.columns * recipe.pixel[1] / columns
    )
    if frontal:
        edge = np.abs(at) - np.float32(HALF_TABLE[recipe.table])
        made = TABLE / (1 + np.exp(edge / 1.2)) + 0.35 * np.exp(-(((edge + 4) / 2.2) ** 2))
    else:
        below = at - np.float32(table_height(recipe.body, recipe.study, recipe.top, recipe.rows * recipe.pixel[0]))
        made = 1.1 * np.exp(-((below / 1.2) ** 2)) + 0.8 * np.exp(-(((below - 24) / 1.2) ** 2))
        made += 0.12 * ((below > 0) & (below < 24))
    return np.asarray(made, np.float32)[None]
