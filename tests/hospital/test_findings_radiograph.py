"""Findings of radiographs: seen from the front and from the side where CT has them, told as far as they are seen."""

from __future__ import annotations

import io
from datetime import date
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from dicomhawk.hospital.findings.model import Finding, Kind
from dicomhawk.hospital.findings.seen import LEAST_ON_RADIOGRAPH, on_radiograph
from dicomhawk.hospital.findings.story import drawn, sites
from dicomhawk.hospital.findings.telling import Facts, tell
from dicomhawk.hospital.images.chest import posture
from dicomhawk.hospital.images.chest_findings import locate
from dicomhawk.hospital.images.illness import altered
from dicomhawk.hospital.images.locating import spot
from dicomhawk.hospital.images.projection import line_integrals
from dicomhawk.hospital.images.radiograph import COLUMN, ROW, beam_of
from dicomhawk.hospital.images.radiograph_findings import Position, changes
from dicomhawk.hospital.images.recipe import Radiograph, Scout
from dicomhawk.hospital.images.rendering import render
from dicomhawk.hospital.objects.document_recipe import Presentation, Reference
from dicomhawk.hospital.objects.files import make_file
from dicomhawk.hospital.objects.recipe import DocumentRecipe
from dicomhawk.hospital.objects.xray import CR_IMAGE_STORAGE
from tests.hospital.object_samples import dciodvfy, errors_in
from tests.hospital.test_images_projection import BODY, radiograph
from tests.hospital.test_reports import context_for

SEEN: dict[Kind, Finding] = {
    "nodule": Finding("nodule", "n", "lu", (70.0, -20.0, 60.0), 14.0),
    "calcified": Finding("calcified", "c", "ru", (-70.0, -20.0, 60.0), 8.0),
    "mass": Finding("mass", "m", "lu", (60.0, -20.0, 75.0), 40.0),
    "consolidation": Finding("consolidation", "p", "rm", (-60.0, -45.0, 10.0), 60.0),
    "ground_glass": Finding("ground_glass", "g", "lu", (65.0, -10.0, 50.0), 55.0),
    "effusion": Finding("effusion", "e", "r", (-62.0, 64.0, -30.0), 25.0),
    "pneumothorax": Finding("pneumothorax", "x", "l", (60.0, -62.0, 60.0), 18.0),
    "emphysema": Finding("emphysema", "h", "upper", (-60.0, 0.0, 80.0), 0.7),
}


@cache
def healthy() -> tuple[Radiograph, NDArray[np.generic]]:
    """A radiograph without findings, noise and marks, and its picture."""
    recipe = radiograph(noise=0.0, mark=None)
    return recipe, render(recipe, 0)


def added(recipe: Radiograph, finding: Finding) -> NDArray[np.float32]:
    """The attenuation that a finding adds, as the beam of a radiograph sees it."""
    beam = beam_of(recipe)
    position: Position = "bed" if recipe.view == "AP" else "upright"
    with_it = line_integrals(recipe.body, recipe.study, beam, changes([finding], position))
    return with_it - without(recipe)


@cache
def without(recipe: Radiograph) -> NDArray[np.float32]:
    """The attenuation of somebody without findings."""
    return line_integrals(recipe.body, recipe.study, beam_of(recipe))


def middle_of(change: NDArray[np.float32], recipe: Radiograph) -> tuple[float, float]:
    """Height (mm above the image's middle) and place across (mm from it) of a change, at the detector."""
    weight = np.abs(change)
    rows, columns = np.mgrid[: change.shape[0], : change.shape[1]]
    row, column = (rows * weight).sum() / weight.sum(), (columns * weight).sum() / weight.sum()
    return -(row - change.shape[0] / 2) * ROW, (column - change.shape[1] / 2) * COLUMN


@pytest.mark.parametrize("kind", ["nodule", "calcified", "mass", "consolidation", "ground_glass"])
def test_both_views_show_a_finding_where_ct_has_it(kind: Kind) -> None:
    finding = SEEN[kind]
    z, y, x = locate(posture(BODY, "s"), finding.at)
    for view, across in (("PA", x), ("LL", y)):
        recipe = radiograph(view=view)
        change = added(recipe, finding)
        height, column = middle_of(change, recipe)
        assert change.max() > (0.05 if kind in ("ground_glass", "calcified") else 0.12)
        assert height == pytest.approx((z - recipe.middle[0]) * 1.1, abs=0.14 * abs(z) + 6)
        assert column == pytest.approx((across - recipe.middle[1]) * 1.1, abs=0.14 * abs(across) + 6)


@pytest.mark.parametrize("kind", list(SEEN))
def test_every_finding_changes_the_picture(kind: Kind) -> None:
    plain, picture = healthy()
    ill = altered(plain, [SEEN[kind]])
    change = np.abs(render(ill, 0).astype(float) - picture)
    assert np.percentile(change, 99.98) > 60


def test_fluid_sinks_and_air_rises_in_somebody_who_stands() -> None:
    recipe = radiograph()
    fluid, air = added(recipe, SEEN["effusion"]), added(recipe, SEEN["pneumothorax"])
    assert fluid.max() > 0.4
    assert middle_of(np.clip(fluid, 0, None), recipe)[0] < -30
    assert middle_of(np.clip(air, None, 0), recipe)[0] > 60
    half = fluid.shape[1] // 2
    assert fluid[:, :half].sum() > 20 * abs(fluid[:, half:].sum())  # the patient's right is on the left
    assert np.abs(air[:, half:]).sum() > 20 * np.abs(air[:, :half]).sum()


def test_more_fluid_stands_higher() -> None:
    tops = []
    for size in (12.0, 20.0, 32.0):
        change = added(radiograph(), msgspec.structs.replace(SEEN["effusion"], size=size))
        tops.append(int(np.nonzero((change > 0.15).sum(1) > 20)[0][0]))
    assert tops[0] > tops[1] > tops[2]


def test_a_large_heart_is_wide_and_inflated_lungs_are_long() -> None:
    beam = beam_of(radiograph())
    heart = Finding("cardiomegaly", "w", "", (26.0, -25.0, -14.0), 1.35)

    def depth(*findings: Finding) -> NDArray[np.float32]:
        recipe = altered(radiograph(), findings)
        return line_integrals(recipe.body, "s", beam)

    usual, large, long = depth(), depth(heart), depth(msgspec.structs.replace(SEEN["emphysema"], size=1.0))
    rows = slice(round(beam.rows * 0.5), round(beam.rows * 0.62))
    assert (large - usual)[rows].max() > 0.5
    assert np.clip(large - usual, 0, None)[rows].sum() > 3 * np.clip(usual - large, 0, None)[rows].sum()
    below = slice(round(beam.rows * 0.55), round(beam.rows * 0.7))
    assert (long - usual)[below].min() < -0.5
    assert (long - usual)[below].mean() < 0


def test_localizers_show_the_findings_of_their_ct() -> None:
    scout = Scout(BODY, "s", "t", ("frontal",), 160.0, 310, 512, (1.0, 1.0), 0.004, "slab")
    ill = altered(scout, [SEEN["mass"]])
    assert (render(ill, 0).astype(int) - render(scout, 0)).max() > 40


def test_what_a_report_tells_is_in_the_picture_and_nothing_else() -> None:
    told: set[str] = set()
    for number in range(400):
        found = drawn("chest", f"p{number}", 66.0, date(2026, 3, 4), urgent=number % 2 == 0)
        shown = tuple(filter(on_radiograph, found))
        assert all(finding.kind in LEAST_ON_RADIOGRAPH for finding in shown)
        said = tell(Facts("xr", "en_GB", f"{number}", "xr", "Cough", findings=shown))
        kinds = [s.finding.kind for s in said[3].statements if s.finding]
        assert kinds == [finding.kind for finding in shown]
        told |= set(kinds)
        if "effusion" in kinds:
            assert "angles are clear" not in " ".join(s.text for s in said[3].statements)
        if "cardiomegaly" in kinds:
            assert "normal" not in " ".join(s.text.lower() for s in said[3].statements if s.finding is None)
    assert told >= {"nodule", "mass", "consolidation", "effusion", "pneumothorax", "emphysema", "cardiomegaly"}


def test_nodules_behind_heart_and_diaphragm_are_not_told() -> None:
    hidden = [site for site in sites() if not on_radiograph(Finding("nodule", "n", site.lobe, site.at, 14.0))]
    assert 0.05 < len(hidden) / len(sites()) < 0.4
    assert on_radiograph(SEEN["nodule"])
    assert not on_radiograph(msgspec.structs.replace(SEEN["nodule"], size=7.0))
    assert not on_radiograph(Finding("coronary", "k", "lad", (45.0, -27.0, 24.0), 20.0))


def test_a_ct_after_the_radiograph_has_the_same_story() -> None:
    both = 0
    for number in range(300):
        then = filter(on_radiograph, drawn("chest", f"p{number}", 66.0, date(2026, 3, 4)))
        now = {f.seed: f for f in drawn("chest", f"p{number}", 66.0, date(2026, 3, 9))}
        for finding in then:
            if finding.kind in ("mass", "consolidation", "cardiomegaly", "emphysema") and finding.seed in now:
                both += 1
                assert (now[finding.seed].place, now[finding.seed].at) == (finding.place, finding.at)
    assert both > 20


@pytest.mark.parametrize("inverted", [False, True])
def test_annotations_of_radiographs_point_at_the_finding(inverted: bool, tmp_path: Path) -> None:
    image = radiograph(inverted=inverted, findings=(SEEN["mass"],))
    reference = Reference("1.2.3", CR_IMAGE_STORAGE, "1.2.3.", 1, 1, 1, image)
    state = Presentation(SEEN["mass"], reference, (2048, 4096), "PRESENTATION", "mass 40 mm", 0)
    made = make_file(context_for("presentation"), DocumentRecipe(state))
    data = pydicom.dcmread(io.BytesIO(made))
    place = spot(image, SEEN["mass"])
    assert place is not None
    column, row = data.GraphicAnnotationSequence[0].GraphicObjectSequence[0].GraphicData[-2:]
    assert np.hypot(column - place.column, row - place.row) < 1.3 * place.reach + 12
    assert data.DisplayedAreaSelectionSequence[0].DisplayedAreaBottomRightHandCorner == [760, 640]
    assert data.PresentationLUTShape == ("INVERSE" if inverted else "IDENTITY")
    assert errors_in(dciodvfy(made, tmp_path, "-new")) == []
