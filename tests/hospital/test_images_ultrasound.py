"""Ultrasound: sectors of grey, the patient's organs, calipers that measure them, letters."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from PIL import Image, ImageDraw

from dicomhawk.hospital.images import ultrasound
from dicomhawk.hospital.images.lettering import write
from dicomhawk.hospital.images.recipe import Body, Scan, Ultrasound
from dicomhawk.hospital.images.rendering import render

BODY = Body(seed="ub0", female=True, age=61.0)


def examination(*scans: Scan, **changes: object) -> Ultrasound:
    """An examination on a screen of 960 x 720."""
    usual = Ultrasound(BODY, "s", "t", scans, rows=720, columns=960, gain=0.0, dynamic_range=54.0)
    return msgspec.structs.replace(usual, **changes)


@pytest.mark.parametrize("window", list(ultrasound.POSES))
def test_every_window_shows_tissue_in_a_sector_and_nothing_around_it(window: str) -> None:
    recipe = examination(Scan(window, 140.0))
    image = render(recipe, 0)
    assert image.shape == (720, 960)
    assert image.dtype == np.uint8
    sector = ultrasound.sector_of(recipe, recipe.scans[0])
    y, x = np.mgrid[:720, :960]
    radius = np.hypot(x - sector.centre[0], y - sector.centre[1]) / sector.scale - ultrasound.RADIUS
    assert image[(radius < -1) | (radius > 141)].max() == 0
    column, row = (round(v) for v in sector.pixel(0.0, 50.0))
    assert image[row - 60 : row + 60, column - 60 : column + 60].mean() > 25


def test_the_same_recipe_gives_the_same_pixels() -> None:
    recipe = examination(Scan("liver", 150.0), Scan("liver", 150.0))
    assert np.array_equal(render(recipe, 0), render(recipe, 0))
    assert not np.array_equal(render(recipe, 0), render(recipe, 1))


def test_a_loop_moves() -> None:
    frames = render(examination(Scan("kidney_right", 130.0), frames=4), 0).astype(float)
    assert frames.shape == (4, 720, 960)
    assert 1 < np.abs(frames[3] - frames[0]).mean() < 40


def test_calipers_measure_a_kidney_of_usual_length() -> None:
    for seed in ("a", "b", "c"):
        recipe = examination(Scan("kidney_right", 140.0, measured=True), body=Body(seed=seed, female=True, age=50.0))
        found = ultrasound.calipers(recipe, 0)
        if found is None:
            continue
        first, second, length = found
        scale = ultrasound.sector_of(recipe, recipe.scans[0]).scale
        assert np.hypot(second[0] - first[0], second[1] - first[1]) / scale == pytest.approx(length, rel=1e-3)
        assert 75 < length < 135
    assert ultrasound.calipers(examination(Scan("kidney_right", 140.0)), 0) is None
    assert ultrasound.calipers(examination(Scan("aorta", 140.0, measured=True)), 0) is None


def test_the_gallbladder_is_black_where_there_is_one() -> None:
    darkest = []
    for seed in ("g1", "g2", "g3", "g4"):
        recipe = examination(Scan("gallbladder", 120.0), body=Body(seed=seed, female=True, age=50.0))
        image = render(recipe, 0).astype(float)
        sector = ultrasound.sector_of(recipe, recipe.scans[0])
        column, row = (round(v) for v in sector.pixel(0.0, 45.0))
        part = image[row - 150 : row + 150, column - 150 : column + 150]
        blocks = part.reshape(15, 20, 15, 20).mean((1, 3))
        darkest.append(blocks.min())
    assert min(darkest) < 15


def ink(text: str) -> int:
    image = Image.new("L", (60, 60))
    write(ImageDraw.Draw(image), (8, 12), text, 255, 30)
    return int(np.asarray(image).astype(int).sum())


@pytest.mark.parametrize(
    ("letter", "base"), [("å", "a"), ("ö", "o"), ("é", "e"), ("ñ", "n"), ("ç", "c"), ("ø", "o"), ("Å", "A")]
)
def test_letters_with_marks_are_put_together(letter: str, base: str) -> None:
    assert ink(letter) > ink(base) > 0


def test_letters_of_other_scripts_are_question_marks() -> None:
    assert ink("山") == ink("?")
    assert ink("æ") > ink("a")
