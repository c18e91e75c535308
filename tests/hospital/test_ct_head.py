"""CT of the head: the same head as in MR, with a skull and without a face; findings where they are said to be."""

from __future__ import annotations

import io
import random
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.findings.story import continued, drawn
from dicomhawk.hospital.findings.telling import Facts, tell, words
from dicomhawk.hospital.images import brain, head_ct
from dicomhawk.hospital.images.locating import Spot, spot
from dicomhawk.hospital.images.recipe import Body, HeadCT
from dicomhawk.hospital.images.rendering import render
from dicomhawk.hospital.objects.files import make_file
from dicomhawk.hospital.objects.makers import CT_MODELS, CTModel
from dicomhawk.hospital.objects.recipe import CTAcquisition, SeriesRecipe
from dicomhawk.hospital.world.head_protocols import head_ct as planner
from dicomhawk.hospital.world.planned import Examination, Planned
from tests.hospital.object_samples import ROOT, context_for, dciodvfy, digests, digests_elsewhere, errors_in
from tests.hospital.test_ct_abdomen import SEEN as ABDOMINAL
from tests.hospital.test_ct_abdomen import abdomen
from tests.hospital.test_reports import LOCALES

BODY = Body(seed="ab12", female=False, age=61.0)
SEEN = {
    "haemorrhage": Finding("haemorrhage", "b", "ganglia_l", (27.0, -12.0, -7.0), 32.0, 0.3),
    "infarct": Finding("infarct", "i", "mca_l", (46.0, -5.0, 12.0), 45.0, 2.0),
    "old_infarct": Finding("old_infarct", "o", "parietal_r", (-45.0, 32.0, 18.0), 30.0, 900.0),
    "tumour": Finding("tumour", "t", "frontal_l", (36.0, -36.0, 18.0), 32.0),
    "meningioma": Finding("meningioma", "y", "convexity_r", (-54.0, -14.0, 25.0), 24.0),
    "subdural": Finding("subdural", "s", "r", (-58.0, -6.0, 22.0), 12.0, 1.0),
    "epidural": Finding("epidural", "e", "l", (62.0, -12.0, 2.0), 18.0, 0.1),
    "subarachnoid": Finding("subarachnoid", "a", "cisterns", (0.0, -14.0, -30.0), 60.0, 0.2),
}
BRIGHT = ("haemorrhage", "meningioma", "subdural", "epidural", "subarachnoid")


def head(**changes: object) -> HeadCT:
    """A head in slices of 5 mm; slice 12 goes through the lateral ventricles."""
    plain = HeadCT(
        body=BODY,
        study="monday",
        series="one",
        slices=29,
        first=-50.0,
        spacing=5.0,
        thickness=5.0,
        fov=230.0,
        kernel="soft",
        noise=2.0,
        tuck=15.0,
        holder="narrow",
    )
    return msgspec.structs.replace(plain, **changes)


def place(recipe: HeadCT, finding: Finding) -> Spot:
    found = spot(recipe, finding)
    assert found is not None
    return found


def change(recipe: HeadCT, finding: Finding, k: int) -> NDArray[np.float64]:
    """What a finding changes in a slice."""
    ill = msgspec.structs.replace(recipe, findings=(finding,))
    return render(ill, k).astype(float) - render(recipe, k).astype(float)


def planned(model: CTModel, seed: str) -> list[Planned]:
    """The series of an examination on a scanner of that model."""
    device = context_for(model, 1).device
    exam = Examination(seed, Body(seed, female=False, age=70.0), "ct_head", "CT Head", f"{ROOT}.1", f"{ROOT}.2")
    return list(planner(exam, device, random.Random(seed)))


def scan_of(model: CTModel, image: HeadCT) -> CTAcquisition:
    return CTAcquisition(
        frame_of_reference=f"{ROOT}.5.1.8",
        irradiation_event=f"{ROOT}.5.1.9",
        kvp=120,
        current=280,
        pitch=0.55,
        ctdi=52.0,
        kernel=model.kernels["brain"][0],
        windows=((40, 80), (600, 2800)) if model.maker == "siemens" else ((40, 80),),
        table_height=160.5,
        table_position=-250.25,
        requested="CT Head",
        axial=image.tilt != 0,
    )


def opened(model: CTModel, number: int, image: HeadCT) -> Any:
    """What pydicom reads in a slice."""
    return pydicom.dcmread(
        io.BytesIO(make_file(context_for(model, number), SeriesRecipe(image, scan_of(model, image))))
    )


@pytest.mark.soak
def test_another_process_renders_the_same_bytes() -> None:
    recipes = [head(findings=tuple(SEEN.values()), kernel="bone"), abdomen(findings=tuple(ABDOMINAL.values()))]
    elsewhere = digests_elsewhere(recipes, 12)
    render(head(body=Body(seed="x", female=True, age=88.0)), 3)
    render(abdomen(contrast=1.0, portal=0.0), 12)
    assert elsewhere == digests(recipes, 12)


def test_tissues_have_their_density() -> None:
    image = render(head(), 12)
    assert image.dtype == np.int16
    within = image[130:390, 130:390]
    assert 27 < np.median(within) < 39
    assert ((within > 0) & (within < 16)).sum() > 400  # ventricles
    assert (image > 900).sum() > 5000  # skull
    assert (image[:20] <= -900).all()


def test_bone_is_sharper_in_its_own_kernel() -> None:
    def steepest(**changes: object) -> float:
        return float(
            np.percentile(np.abs(np.diff(render(head(noise=0.1, **changes), 60).astype(float), axis=1)), 99.5)
        )

    thin = {"slices": 145, "spacing": 1.0, "thickness": 1.0}
    assert steepest(kernel="bone", **thin) > 1.1 * steepest(**thin)


def test_age_widens_the_ventricles_and_darkens_the_white_matter() -> None:
    def fluid(age: float) -> int:
        image = render(head(body=msgspec.structs.replace(BODY, age=age)), 13)[150:340, 190:320]
        return int(((image > -5) & (image < 20)).sum())

    assert fluid(86.0) > 1.2 * fluid(25.0)


def test_ct_and_mr_show_the_same_head() -> None:
    finding = SEEN["tumour"]
    at = place(head(tuck=0.0), finding)
    assert at.slice > 5
    there = head_ct.place(head(tuck=15.0), 12.0, np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    again = head_ct.place(head(tuck=5.0, tilt=10.0), 12.0, np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    assert np.linalg.norm(np.subtract(there, again)) < 5  # the middle of a slice moves little, however it is tilted


@pytest.mark.parametrize("kind", SEEN)
def test_every_finding_is_in_the_image_where_it_is_said_to_be(kind: str) -> None:
    recipe, finding = head(noise=0.5), SEEN[kind]
    at = place(recipe, finding)
    made = change(recipe, finding, at.slice)
    row, column = round(at.row), round(at.column)
    reach = max(int(at.reach * 0.5), 6)
    around = made[row - reach : row + reach, column - reach : column + reach]
    if kind in ("subdural", "epidural", "subarachnoid"):
        assert (made > 18).sum() > 150
    else:
        assert (np.median(around) > 5) == (kind in BRIGHT)
        assert np.abs(around).mean() > 4
    assert np.abs(made[:25]).max() < 3


def test_a_subdural_haematoma_lies_along_its_side_and_moves_the_midline() -> None:
    recipe = head(noise=0.5)
    k = place(recipe, SEEN["subdural"]).slice
    blood = change(recipe, SEEN["subdural"], k) > 18
    assert blood[:, :256].sum() > 20 * blood[:, 300:].sum()
    across = np.nonzero(blood.any(0))[0]
    assert np.ptp(np.nonzero(blood.any(1))[0]) > 1.5 * np.ptp(across[across < 256])


def test_blood_darkens_with_age() -> None:
    def density(days: float) -> float:
        finding = msgspec.structs.replace(SEEN["subdural"], age=days, seed="old")
        recipe = head(noise=0.5, findings=(finding,))
        fresh = change(head(noise=0.5), SEEN["subdural"], place(recipe, finding).slice) > 18
        return float(np.median(render(recipe, place(recipe, finding).slice)[fresh]))

    assert density(0.1) > 58 > density(9.0) > density(30.0)


@pytest.mark.parametrize("model", CT_MODELS, ids=lambda model: model.key)
def test_dciodvfy_finds_no_error(model: CTModel, tmp_path: Path) -> None:
    image = head(tilt=9.0 if model.tilts else 0.0, padding=-1024 if model.maker == "siemens" else -3024)
    report = dciodvfy(make_file(context_for(model, 4), SeriesRecipe(image, scan_of(model, image))), tmp_path)
    assert "Image" in report
    assert errors_in(report) == []


@pytest.mark.parametrize("model", CT_MODELS, ids=lambda model: model.key)
def test_slices_are_stacked_along_the_table_however_the_gantry_is_tilted(model: CTModel) -> None:
    image = head(tilt=12.0 if model.tilts else 0.0)
    first, second = (opened(model, number, image) for number in (1, 2))
    row, column = np.split(np.array(first.ImageOrientationPatient, float), 2)
    assert np.allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=1e-6)
    assert float(first.GantryDetectorTilt) == image.tilt
    assert np.degrees(np.arcsin(-column[2])) == pytest.approx(image.tilt, abs=1e-3)
    step = np.subtract(second.ImagePositionPatient, first.ImagePositionPatient).astype(float)
    assert step == pytest.approx([0, 0, 5.0], abs=1e-4)
    assert first.CTDIPhantomTypeCodeSequence[0].CodeValue == "113690" if model.maker == "siemens" else True
    assert ("SpiralPitchFactor" in first) == (image.tilt == 0)


def test_a_finding_has_one_place_in_the_patient_whatever_the_reconstruction() -> None:
    model, finding = CT_MODELS[0], SEEN["haemorrhage"]

    def patient(image: HeadCT) -> NDArray[np.float64]:
        at = place(image, finding)
        data = opened(model, at.slice + 1, image)
        row, column = np.split(np.array(data.ImageOrientationPatient, float), 2)
        spacing = float(data.PixelSpacing[0])
        return np.array(data.ImagePositionPatient, float) + spacing * (row * at.column + column * at.row)

    thick, thin = head(), head(slices=145, spacing=1.0, thickness=1.0, kernel="bone", fov=250.0)
    assert np.linalg.norm(patient(thick) - patient(thin)) < 3.2


@pytest.mark.parametrize("model", CT_MODELS, ids=lambda model: model.key)
def test_protocols_keep_to_the_scanner_and_leave_the_face_out(model: CTModel) -> None:
    for number in range(12):
        series = planned(model, f"exam{number}")
        images = [plan.image for plan in series if isinstance(plan.image, HeadCT)]
        scans = [plan.acquisition for plan in series if isinstance(plan.acquisition, CTAcquisition)]
        assert images[0].kernel == "soft"
        assert len({scan.irradiation_event for scan in scans}) == 1
        assert {scan.kernel for scan in scans} <= {*model.kernels["brain"], *model.kernels["bone"]}
        for image, scan in zip(images, scans, strict=True):
            assert scan.axial == (image.tilt != 0)
            assert model.tilts or not scan.axial
            assert 13.5 < image.tilt + image.tuck < 19
        # Nothing of what was blurred in front of and below a plane through the eyebrows.
        down = np.linspace(-image.fov / 2, 0, 24, dtype=np.float32)[:, None]
        right = np.linspace(-60, 60, 24, dtype=np.float32)[None]
        z, y, _ = brain.head(image.body).voxels(head_ct.place(image, 0, down, right))
        z, y = z - brain.EDGE, y - brain.EDGE
        below = (46 - (y - 20) * 0.42) - z
        assert below[(y > 8) & (y < 60)].max() < 16


def test_what_is_acute_stays_until_the_next_examination() -> None:
    before = (SEEN["subdural"], SEEN["old_infarct"])
    now = continued((), before, 2)
    assert [(f.kind, f.age, f.size) for f in now] == [("subdural", 3.0, 12.0)]
    later = continued((), before, 30)[0]
    assert later.size < 12
    assert later.age == 31
    assert continued((), before, 200) == ()


def test_bleedings_between_brain_and_skull_come_with_emergencies() -> None:
    day = date(2026, 3, 4)
    kinds = ("subdural", "epidural", "subarachnoid")
    urgent, planned_ = (
        sum(any(f.kind in kinds for f in drawn("head", f"p{n}", 72.0, day, urgent=flag)) for n in range(800))
        for flag in (True, False)
    )
    assert 16 < urgent < 130
    assert planned_ < urgent / 2


@pytest.mark.parametrize("locale", LOCALES)
def test_reports_tell_of_ct_and_not_of_mr(locale: str) -> None:
    table = words(locale)
    for kind, finding in SEEN.items():
        facts = Facts("ct_head", locale, "seed", "ct_head", "?", findings=(finding,), lesions=20)
        sections = {section.key: section for section in tell(facts)}
        said = sections["findings"].statements
        assert said[0].finding == finding
        assert "ADC" not in said[0].text
        assert not set("{}") & set(said[0].text)
        assert any(statement.text in table["white_ct_head"]["many"] for statement in said)
        normal = table["normal"]["ct_head"]
        if kind in ("haemorrhage", "subdural", "epidural", "subarachnoid"):
            assert not any(statement.text in normal["blood"] for statement in said)
        if kind != "subarachnoid":
            assert not any(statement.text in normal["mass"] for statement in said)
