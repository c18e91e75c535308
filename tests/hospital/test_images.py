"""Rendering: the same bytes everywhere, anatomy and physics in their places, and nobody's face."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.hospital.images import brain, sampling, tissue
from dicomhawk.hospital.images.pack import base_pack
from dicomhawk.hospital.images.recipe import Body, BrainMR, ChestCT
from dicomhawk.hospital.images.rendering import render
from tests.hospital.object_samples import digests, digests_elsewhere

BODY = Body(seed="ab12", female=False, age=61.0)


def chest(**changes: object) -> ChestCT:
    """A chest CT of 2.5 mm slices; slice 60 goes through the heart, slice 100 through the liver."""
    plain = ChestCT(
        body=BODY,
        study="monday",
        series="one",
        slices=120,
        top=150.0,
        spacing=2.5,
        thickness=2.5,
        fov=350.0,
        contrast=1.0,
        kernel="soft",
        noise=8.0,
        table="cradle",
    )
    return msgspec.structs.replace(plain, **changes)


def head(**changes: object) -> BrainMR:
    """An axial MR of the brain; slice 12 goes through the lateral ventricles."""
    plain = BrainMR(
        body=BODY,
        study="monday",
        series="one",
        slices=24,
        contrast="T2",
        plane="axial",
        first=-56.0,
        spacing=5.5,
        thickness=5.0,
        fov=230.0,
        acquired=256,
        snr=30.0,
        tilt=15.0,
    )
    return msgspec.structs.replace(plain, **changes)


def test_another_process_renders_the_same_bytes() -> None:
    recipes = [chest(), head()]
    elsewhere = digests_elsewhere(recipes, 11)
    assert elsewhere == digests(recipes, 11)


def test_a_slice_does_not_depend_on_what_was_rendered_before() -> None:
    first = render(chest(), 60)
    render(head(), 5)
    render(chest(contrast=0.0, body=Body(seed="cd", female=True, age=40.0)), 20)
    assert np.array_equal(render(chest(), 60), first)


def test_ct_shows_air_lung_soft_tissue_and_bone() -> None:
    image = render(chest(), 60)
    assert image.shape == (512, 512)
    assert image.dtype == np.int16
    assert (image[round_corner(image)] == -1024).all()
    inside = image[150:380, 100:420]
    assert (inside < -600).mean() > 0.2  # lung
    assert ((inside > 0) & (inside < 90)).mean() > 0.05  # muscle
    assert (inside > 700).sum() > 50  # cortical bone
    assert image.min() >= -1024
    assert image.max() <= 3071


def round_corner(image: np.ndarray) -> np.ndarray:
    """The pixels well outside the round field of view."""
    axis = np.arange(len(image)) - (len(image) - 1) / 2
    return axis[:, None] ** 2 + axis[None] ** 2 > (len(image) / 2 + 1) ** 2


def test_contrast_medium_brightens_the_heart_by_its_dose() -> None:
    native, half, full = (render(chest(contrast=dose), 55)[180:300, 230:330].astype(int) for dose in (0.0, 0.5, 1.0))
    bright = full > 250
    assert bright.sum() > 1000
    assert 20 < native[bright].mean() < 70
    assert native[bright].mean() + 60 < half[bright].mean() < full[bright].mean() - 60


def test_padding_is_what_the_maker_uses() -> None:
    image = render(chest(padding=-3024), 60)
    assert (image[round_corner(image)] == -3024).all()
    assert (image[~round_field(image)] >= -1024).all()


def round_field(image: np.ndarray) -> np.ndarray:
    """The pixels that may be outside the field of view."""
    axis = np.arange(len(image)) - (len(image) - 1) / 2
    return axis[:, None] ** 2 + axis[None] ** 2 > (len(image) / 2 - 2) ** 2


def test_noise_follows_the_dose_and_the_lung_kernel_is_sharper() -> None:
    def roughness(**changes: object) -> float:
        liver = render(chest(contrast=0.0, **changes), 88)[215:255, 130:170].astype(float)
        return float(np.median(np.abs(liver - np.median(liver))))

    quiet, loud = roughness(noise=5.0), roughness(noise=20.0)
    assert loud > 2.5 * quiet
    soft = np.abs(np.diff(render(chest(noise=5.0), 45).astype(float), axis=1)).mean()
    lung = np.abs(np.diff(render(chest(noise=5.0, kernel="lung"), 45).astype(float), axis=1)).mean()
    assert lung > 1.15 * soft


def test_fat_makes_a_patient_wider_and_leaves_the_ribs() -> None:
    def widths(fat: float) -> tuple[int, int]:
        stout = msgspec.structs.replace(BODY, fat=fat)
        image = render(chest(body=stout, contrast=0.0, noise=1.0, fov=420.0), 70)[:330]
        body = np.nonzero((image > -300).any(0))[0]
        bone = np.nonzero((image > 350).sum(0) > 2)[0]
        return int(body[-1] - body[0]), int(bone[-1] - bone[0])

    thin, stout = widths(-4.0), widths(20.0)
    assert stout[0] > thin[0] + 25
    assert abs(stout[1] - thin[1]) < 12


def test_a_patient_looks_like_themselves_in_a_prior_and_unlike_others() -> None:
    def slices(body: Body, study: str) -> np.ndarray:
        image = render(chest(body=body, study=study, noise=1.0, contrast=0.0), 60)[::4, ::4]
        return (image > -300).astype(float).ravel()

    today, prior = slices(BODY, "monday"), slices(BODY, "last year")
    other = slices(Body(seed="zz", female=False, age=50.0, girth=1.06), "monday")
    assert not np.array_equal(today, prior)
    assert np.corrcoef(today, prior)[0, 1] > np.corrcoef(today, other)[0, 1]


def test_thick_slices_are_made_of_their_neighbours() -> None:
    thin, thick = render(chest(noise=0.01), 60), render(chest(noise=0.01, thickness=5.0, spacing=5.0), 30)
    lung = (slice(200, 330), slice(130, 200))
    assert thick[lung].astype(float).std() < 0.95 * thin[lung].astype(float).std()


def test_mr_shows_fluid_bright_on_t2_and_dark_on_flair() -> None:
    t2, flair = render(head(), 12).astype(float), render(head(contrast="FLAIR"), 12).astype(float)
    assert t2.shape == flair.shape == (512, 512)
    assert render(head(), 12).dtype == np.uint16
    middle = (slice(180, 320), slice(215, 300))
    ventricle = t2[middle] > 1.5 * np.median(t2[middle])
    assert ventricle.sum() > 300
    assert flair[middle][ventricle].mean() < 0.6 * np.median(flair[middle])


@pytest.mark.parametrize("contrast", ["T1", "T2", "FLAIR", "DWI", "ADC"])
def test_every_mr_contrast_fills_the_head_and_leaves_air_dark(contrast: str) -> None:
    small = {"acquired": 128, "matrix": 256} if contrast in ("DWI", "ADC") else {}
    image = render(head(contrast=contrast, **small), 11).astype(float)
    n = len(image)
    assert image[n // 3 : 2 * n // 3, n // 3 : 2 * n // 3].mean() > 4 * image[: n // 16, : n // 16].mean()
    assert image.max() <= 4095


def test_age_widens_the_ventricles() -> None:
    def fluid(age: float) -> int:
        old = msgspec.structs.replace(BODY, age=age)
        image = render(head(body=old), 13).astype(float)[160:330, 200:312]
        return int((image > 1.6 * np.median(image)).sum())

    assert fluid(84.0) > 1.2 * fluid(25.0)


@pytest.mark.parametrize(("plane", "tilt"), [("axial", 15.0), ("coronal", 4.0)])
def test_slices_of_a_stack_are_parallel_and_evenly_spaced(plane: str, tilt: float) -> None:
    recipe = head(plane=plane, tilt=tilt)
    row, column, normal = brain.directions(recipe)
    assert np.allclose([row @ row, column @ column, row @ column, normal @ normal], [1, 1, 0, 1])
    step = brain.slice_centre(recipe, 4) - brain.slice_centre(recipe, 3)
    assert np.allclose(step, normal * recipe.spacing)


def test_signal_equations_order_the_tissues_as_radiologists_know_them() -> None:
    for field in (1.5, 3.0):
        t1, t2, flair, dwi = (
            [tissue.signal(kind, tissue.SEQUENCES[name], field) for kind in (tissue.FLUID, tissue.GREY, tissue.WHITE)]
            for name in ("T1", "T2", "FLAIR", "DWI")
        )
        assert t1[0] < t1[1] < t1[2]
        assert t2[0] > t2[1] > t2[2]
        assert flair[0] < flair[2] < flair[1]
        assert dwi[0] < dwi[2] < dwi[1]


def test_the_pack_has_no_face() -> None:
    """Where Colin27 has its eyes, nose and mouth, only fog is left: no edge of theirs survives."""
    pack = base_pack()
    volume = np.stack([pack.plane("t1", k) for k in range(37)]).astype(float)
    front, brain_stem = volume[:, :30], volume[:, 100:140, 60:120]
    assert np.abs(np.diff(front, axis=2)).max() <= 3
    assert np.abs(np.diff(brain_stem, axis=2)).max() > 30


def test_the_pack_is_small() -> None:
    names = base_pack()._zip.infolist()
    assert 8e6 < sum(info.file_size for info in names) < 15e6


@given(st.integers(2, 9), st.integers(2, 9), st.floats(-5, 5), st.floats(-5, 5))
def test_upsampling_is_exact_for_planes(rows: int, columns: int, a: float, b: float) -> None:
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    fine = sampling.upsample((a * y + b * x).astype(np.float32), 4)
    v, u = np.mgrid[: (rows - 1) * 4, : (columns - 1) * 4] / 4
    assert np.allclose(fine, a * v + b * u, atol=1e-3)


@given(st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=20), st.integers(4, 20))
def test_spline_weights_sum_to_one(positions: list[float], points: int) -> None:
    weights = sampling.spline_weights(np.array(positions, np.float32), points)
    assert np.allclose(weights.sum(1), 1, atol=1e-5)


@given(st.lists(st.tuples(*[st.floats(-3, 9, width=32)] * 3), min_size=1, max_size=20))
def test_trilinear_is_exact_for_linear_volumes_and_clamps(points: list[tuple[float, float, float]]) -> None:
    z, y, x = np.mgrid[:5, :6, :7]
    volume = (100 * z + 10 * y + x).astype(np.int16)
    at = np.array(points, np.float32).T
    clamped = [np.clip(a, 0, n - 1) for a, n in zip(at, volume.shape, strict=True)]
    expected = 100 * clamped[0] + 10 * clamped[1] + clamped[2]
    assert np.allclose(sampling.trilinear(volume, *at), expected, atol=0.2)


def test_generators_depend_on_every_part_of_their_key() -> None:
    draws = {float(sampling.generator(*key).random()) for key in (("a", 1), ("a", 2), ("b", 1), ("a",))}
    assert len(draws) == 4
