"""Radiographs and localizers: the patient of the CT, seen from elsewhere."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from dicomhawk.hospital.images import vessels
from dicomhawk.hospital.images.organs import Organs
from dicomhawk.hospital.images.projection import Beam, Plane, line_integrals
from dicomhawk.hospital.images.recipe import Body, Mark, Radiograph, Scout
from dicomhawk.hospital.images.rendering import render
from tests.hospital.object_samples import BODY, rendered


def radiograph(**changes: object) -> Radiograph:
    """A small chest radiograph."""
    usual = Radiograph(
        body=BODY,
        study="s",
        series="t",
        view="PA",
        middle=(15.0, 0.0),
        rows=640,
        columns=760,
        pixel=0.5,
        noise=1.0,
        mark=Mark("R", 0.08, 0.06, 14.0),
    )
    return msgspec.structs.replace(usual, **changes)


def test_a_radiograph_shows_lungs_heart_and_spine_where_they_are() -> None:
    image = rendered(radiograph(), 0).astype(float)
    assert image.shape == (640, 760)
    assert image.max() <= 4095
    level = image[250:290]
    spine, right, left = level[:, 370:400].mean(), level[:, 180:260].mean(), level[:, 500:560].mean()
    assert spine > right + 1000
    assert spine > left + 1000
    heart, opposite = image[330:360, 430:480].mean(), image[330:360, 280:330].mean()
    assert heart > opposite + 500  # the heart is on the patient's left, which is on the right
    assert image[560:600, 300:460].mean() > right + 1000


def test_the_same_recipe_gives_the_same_pixels_and_another_body_others() -> None:
    assert np.array_equal(rendered(radiograph(), 0), render(radiograph(), 0))
    other = render(radiograph(body=Body(seed="cd34", female=False, age=40.0)), 0).astype(float)
    assert np.abs(other - rendered(radiograph(), 0)).mean() > 100


def test_inverted_images_are_the_complement() -> None:
    plain, inverted = rendered(radiograph(), 0), rendered(radiograph(inverted=True), 0)
    assert np.abs(plain.astype(int) + inverted - 4095).max() <= 1


def test_the_collimator_darkens_what_it_covers() -> None:
    image = rendered(radiograph(collimation=(20.0, 10.0, 30.0, 40.0), mark=None), 0)
    assert image[:35].max() == image[-55:].max() == image[:, :75].max() == image[:, -15:].max() == 0
    assert image[60:500, 100:700].min() >= 0
    shuttered = rendered(radiograph(collimation=(20.0, 10.0, 30.0, 40.0), shutter=0.9), 0)
    assert np.abs(shuttered[:35].astype(float) / 4095 - 0.9).max() < 0.02


def test_the_letter_is_where_it_was_laid() -> None:
    with_mark, without = rendered(radiograph(), 0).astype(int), rendered(radiograph(mark=None), 0).astype(int)
    rows, columns = np.nonzero(np.abs(with_mark - without) > 200)
    assert 640 * 0.06 < rows.min() < rows.max() < 640 * 0.2
    assert 760 * 0.04 < columns.min() < columns.max() < 760 * 0.16


@pytest.mark.parametrize("view", ["PA", "AP", "LL"])
def test_all_views_are_as_large_as_asked_for(view: str) -> None:
    image = rendered(radiograph(view=view, rows=401, columns=333, bits=14), 0)
    assert image.shape == (401, 333)
    assert 4095 < image.max() <= 16383


def test_nearer_to_the_source_is_larger() -> None:
    far, near = (
        line_integrals(BODY, "s", Beam("frontal", source, -165.0, (0.0, 0.0), 160, 280, (2.0, 2.0)))
        for source in (4000.0, 900.0)
    )
    assert (near > 0.3).sum() > 1.1 * (far > 0.3).sum()


def test_a_change_of_the_attenuation_is_seen_in_the_projection() -> None:
    beam = Beam("frontal", 1800.0, -165.0, (0.0, 0.0), 160, 240, (2.0, 2.0))
    at = (40.0, 20.0, -70.0)

    def ball(plane: Plane) -> None:
        part = plane.part(np.ones(plane.points[0].shape, bool))
        assert part is not None
        z, y, x = (part.pixels(p) for p in plane.points)
        inside = (z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 < 15.0**2
        part.view[inside] = 175  # water

    more = line_integrals(BODY, "s", beam, [ball]) - line_integrals(BODY, "s", beam)
    row, column = np.unravel_index(np.argmax(more), more.shape)
    assert abs(row - (79.5 - at[0] * 1.1 / 2)) < 4
    assert abs(column - (119.5 + at[2] * 1.1 / 2)) < 4
    assert 0.15 < more.max() < 0.6


@pytest.mark.parametrize(("pixel", "columns"), [((1.0, 1.0), 512), ((0.545455, 0.596847), 888)])
def test_localizers_show_body_air_and_table(pixel: tuple[float, float], columns: int) -> None:
    rows = round(310 / pixel[0])
    scout = Scout(BODY, "s", "t", ("frontal", "lateral"), 160.0, rows, columns, pixel, 0.004, "slab")
    assert scout.slices == 2
    for k in (0, 1):
        image = rendered(scout, k)
        assert image.shape == (rows, columns)
        assert image.dtype == np.int16
        assert image[:, :4].max() < -900
        assert image[rows // 2, columns // 2] > -700
    frontal = rendered(scout, 0).astype(float)
    assert frontal[rows // 2, round(columns / 2 - 212 / pixel[1])] > frontal[:, :4].mean() + 20  # edge of the table


def test_a_patient_in_bed_has_electrodes_and_others_have_none() -> None:
    """Metal is narrower and denser than anything that grows."""

    def spots(image: np.ndarray) -> int:
        detail = image[2:-2, 2:-2].astype(float) - (image[:-4, 2:-2].astype(float) + image[4:, 2:-2]) / 2
        return int((detail[60:-60, 60:-60] > 500).sum())

    small = {"noise": 0.0, "mark": None}
    assert spots(rendered(radiograph(view="AP", **small), 0)) > 20 + spots(rendered(radiograph(**small), 0))


def detailed(image: np.ndarray, pixel: float, low: float, high: float) -> float:
    """Part of the middle's power that is between two frequencies (line pairs per mm)."""
    side = 512
    top, left = (n // 2 - side // 2 for n in image.shape)
    part = image[top : top + side, left : left + side].astype(float)
    window = np.hanning(side)
    power = np.abs(np.fft.fft2((part - part.mean()) * window[:, None] * window)) ** 2
    f = np.fft.fftfreq(side, pixel)
    radius = np.hypot(f[:, None], f[None])
    return float(power[(radius >= low) & (radius < high)].sum() / power.sum())


def test_radiographs_have_detail_that_is_finer_than_the_base() -> None:
    """Its slices are 2.5 mm apart: nothing of it is finer than 0.4 line pairs per mm."""
    for seed in ("ab12", "cd34"):
        fine = radiograph(body=Body(seed, True, 61.0), rows=1300, columns=1400, pixel=0.28, noise=0.0, mark=None)
        assert detailed(rendered(fine, 0), 0.28, 0.4, 1.2) > 1e-4


def test_everybody_has_vessels_of_their_own_and_keeps_them() -> None:
    one, other = vessels.tree("one"), vessels.tree("other")
    assert np.array_equal(one.ends, vessels.tree.__wrapped__("one").ends)
    assert 3000 < len(one.ends) < 6000
    assert one.radii.max() > 6 * one.radii.min()
    near = np.linalg.norm(one.starts[:40, None] - other.starts[None, :40], axis=2).min(1)
    assert np.median(near) > 3
    # A branch is never wider than what feeds it.
    feeding = {tuple(end): radius for end, radius in zip(one.ends.tolist(), one.radii.tolist(), strict=True)}
    for start, radius in zip(one.starts.tolist(), one.radii.tolist(), strict=True):
        assert radius <= feeding.get(tuple(start), 99.0)


def test_organs_of_two_patients_differ_within_the_same_ribs() -> None:
    z, y, x = (np.full((1, 1), v, np.float32) for v in (20.0, -10.0, 70.0))
    pleura = np.full((1, 1), 30.0, np.float32)
    moved = np.array([Organs(Body(f"o{n}", True, 50.0)).moved(z, y, x, pleura) for n in range(12)])[:, :, 0, 0]
    assert (moved.std(0) > 1.5).all()
    far = [np.full((1, 1), v, np.float32) for v in (20.0, 160.0, 0.0)]  # behind the spine
    still = np.array(Organs(Body("o1", True, 50.0)).moved(far[0], far[1], far[2], -pleura))[:, 0, 0]
    assert np.abs(still - (20.0, 160.0, 0.0)).max() < 1.0
