"""CT of the upper abdomen: phases of the medium, organs, findings, and what a study of several spirals is made of."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from dicomhawk.hospital import images
from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.findings.telling import Facts, tell, words
from dicomhawk.hospital.images.abdomen import KIDNEY, LIVER, SPLEEN, organs
from dicomhawk.hospital.images.abdomen_findings import SHOWN, metastases
from dicomhawk.hospital.images.chest import base_chest
from dicomhawk.hospital.images.locating import Spot, spot
from dicomhawk.hospital.images.recipe import AbdomenCT, Body, DoseSheet, Scout
from dicomhawk.hospital.images.rendering import render
from dicomhawk.hospital.objects.files import make_file
from dicomhawk.hospital.objects.makers import CT_MODELS, CTModel
from dicomhawk.hospital.objects.recipe import CTAcquisition, SeriesRecipe
from dicomhawk.hospital.world.abdomen_protocols import abdomen_ct as planner
from dicomhawk.hospital.world.planned import Examination, Planned
from tests.hospital.object_samples import ROOT, context_for, dciodvfy, errors_in, recipe_for
from tests.hospital.test_reports import LOCALES

BODY = Body(seed="ab12", female=False, age=61.0)
SEEN = {
    "liver_cyst": Finding("liver_cyst", "c", "liver_r", (-98.8, -6.7, -65.0), 28.0),
    "haemangioma": Finding("haemangioma", "h", "liver_r", (-91.8, -31.3, -55.0), 28.0),
    "metastases": Finding("metastases", "m", "", (-91.8, -31.3, -55.0), 30.0),
    "renal_cyst": Finding("renal_cyst", "r", "kidney_l", (101.6, 28.5, -140.0), 34.0),
    "hydronephrosis": Finding("hydronephrosis", "y", "kidney_r", (-60.1, 12.3, -157.5), 22.0),
    "gallstone": Finding("gallstone", "g", "", (-58.7, -50.3, -97.5), 14.0),
    "steatosis": Finding("steatosis", "s", "", (-91.8, -31.3, -55.0), 0.9),
}


def abdomen(**changes: object) -> AbdomenCT:
    """An upper abdomen in the portal venous phase, in slices of 5 mm."""
    plain = AbdomenCT(
        body=BODY,
        study="monday",
        series="one",
        slices=34,
        top=5.0,
        spacing=5.0,
        thickness=5.0,
        fov=370.0,
        contrast=0.0,
        kernel="soft",
        noise=1.0,
        table="cradle",
        portal=1.0,
    )
    return msgspec.structs.replace(plain, **changes)


def place(recipe: AbdomenCT, finding: Finding) -> Spot:
    found = spot(recipe, finding)
    assert found is not None
    return found


def around(image: NDArray[np.int16], at: Spot, reach: int) -> NDArray[np.float64]:
    row, column = round(at.row), round(at.column)
    return image[row - reach : row + reach + 1, column - reach : column + reach + 1].astype(float)


def density(recipe: AbdomenCT, organ: tuple[float, float, float]) -> float:
    """HU around a place of the base."""
    at = place(recipe, Finding("liver_cyst", "", "", organ, 10.0))
    return float(np.median(around(render(recipe, at.slice), at, 5)))


def planned(model: CTModel, seed: str, *, urgent: bool = False) -> list[Planned]:
    """The series of an examination on a scanner of that model."""
    exam = Examination(
        seed,
        Body(seed, female=True, age=60.0),
        "ct_abdomen",
        "CT Upper abdomen",
        f"{ROOT}.1",
        f"{ROOT}.2",
        events=(f"{ROOT}.2", f"{ROOT}.3", f"{ROOT}.4"),
        urgent=urgent,
    )
    return list(planner(exam, context_for(model, 1).device, random.Random(seed)))


def middle_of(organ: int, low: int, high: int, side: int) -> tuple[float, float, float]:
    """A place (x, y, z in mm) well within an organ of the base, on one side (-1: the patient's right)."""
    chest, volume = base_chest(), organs(organ).copy()
    volume[:low], volume[high:] = 0, 0
    half = volume.shape[2] // 2
    volume[:, :, slice(half, None) if side < 0 else slice(0, half)] = 0
    k = int(volume.sum((1, 2)).argmax())
    rows, columns = np.nonzero(volume[k])
    best = max(
        range(0, len(rows), 7),
        key=lambda n: int((volume[k, rows[n] - 6 : rows[n] + 7, columns[n] - 6 : columns[n] + 7] > 0).sum()),
    )
    voxel = (k, 2 * rows[best], 2 * columns[best])
    z, y, x = ((v - c) * s for v, c, s in zip(voxel, chest.centre, chest.spacing, strict=True))
    return float(x), float(y), float(z)


def test_organs_take_up_the_medium_in_their_phases() -> None:
    liver, spleen = middle_of(LIVER, 34, 52, -1), middle_of(SPLEEN, 34, 48, 1)
    phases = {"native": (0.0, 0.0), "arterial": (1.0, 0.1), "portal": (0.0, 1.0)}
    found = {
        name: [density(abdomen(contrast=c, portal=p), organ) for organ in (liver, spleen)]
        for name, (c, p) in phases.items()
    }
    assert 45 < found["native"][0] < 65
    assert found["native"][0] + 10 < found["arterial"][0] < found["portal"][0] - 12
    assert 95 < found["portal"][0] < 135
    assert 40 < found["native"][1] < 62
    assert found["arterial"][1] > 95
    assert 100 < found["portal"][1] < 140


def test_nobody_has_the_cyst_of_the_base() -> None:
    base_chest().native(18)
    kidney = organs(KIDNEY)[18, :, 128:]
    rows, columns = np.nonzero(kidney)
    native = base_chest().native(18)[2 * rows, 256 + 2 * columns]
    assert np.mean((native > -30) & (native < 25)) < 0.03


@pytest.mark.parametrize("kind", SEEN)
def test_every_finding_is_in_the_image_where_it_is_said_to_be(kind: str) -> None:
    recipe, finding = abdomen(), SEEN[kind]
    at = place(recipe, finding)
    ill = msgspec.structs.replace(recipe, findings=(finding,))
    sick, well = (around(render(r, at.slice), at, max(int(at.reach * 0.5), 5)) for r in (ill, recipe))
    difference = float(np.median(sick - well))
    if kind == "gallstone":
        assert difference > 60
    elif kind == "haemangioma":
        assert (sick - well).max() > 15
        assert difference < -15
    else:
        assert difference < -25
    assert kind in SHOWN


def test_several_metastases_are_apart_and_the_largest_is_where_it_is_said_to_be() -> None:
    single = metastases(SEEN["metastases"])
    assert len(single) >= 3
    assert single[0].at == SEEN["metastases"].at
    assert all(one.size < single[0].size for one in single[1:])


def test_all_packs_together_are_small() -> None:
    folder = Path(images.__file__).parent
    assert sum(path.stat().st_size for kind in ("*.zip", "*.xz") for path in folder.glob(kind)) < 20e6


@pytest.mark.parametrize("model", CT_MODELS, ids=lambda model: model.key)
def test_dciodvfy_finds_no_error(model: CTModel, tmp_path: Path) -> None:
    scan = recipe_for(model).acquisition
    report = dciodvfy(make_file(context_for(model, 10), SeriesRecipe(abdomen(), scan)), tmp_path)
    assert "Image" in report
    assert errors_in(report) == []


@pytest.mark.parametrize("model", CT_MODELS, ids=lambda model: model.key)
def test_each_phase_is_a_spiral_of_its_own_on_the_dose_sheet(model: CTModel) -> None:
    spirals = set()
    for number in range(16):
        series = planned(model, f"exam{number}", urgent=number % 2 == 0)
        assert isinstance(series[0].image, Scout)
        slices = [(p.image, p.acquisition) for p in series if isinstance(p.image, AbdomenCT)]
        events: dict[str, set[tuple[float, float]]] = {}
        for image, scan in slices:
            assert isinstance(scan, CTAcquisition)
            events.setdefault(scan.irradiation_event, set()).add((image.contrast, image.portal))
            assert (scan.agent is None) == (image.contrast + image.portal == 0)
            bottom = image.top - (image.slices - 1) * image.spacing
            assert bottom > -160 * image.body.height
        assert all(len(phases) == 1 for phases in events.values())
        sheet = next(p.image for p in series if isinstance(p.image, DoseSheet))
        rows = [row for row in sheet.table if any(name in row for name in ("Abdomen", "Helical"))]
        assert len(rows) == len(events)
        spirals.add(len(events))
    assert spirals >= {1, 2}


@pytest.mark.parametrize("locale", LOCALES)
def test_reports_tell_of_ct_and_not_of_ultrasound(locale: str) -> None:
    table = words(locale)
    for kind, finding in SEEN.items():
        sections = {
            s.key: s for s in tell(Facts("ct_abdomen", locale, "seed", "ct_abdomen", "?", findings=(finding,)))
        }
        said = sections["findings"].statements
        assert said[0].finding == finding
        assert not set("{}") & set(said[0].text)
        if kind in table["found_ct_abdomen"]:
            pattern = [text.split("{")[0] for text in table["found_ct_abdomen"][kind]]
            assert any(said[0].text.startswith(start[:1].upper() + start[1:]) for start in pattern)
        topic = "kidneys" if kind in ("renal_cyst", "hydronephrosis") else "liver"
        assert not any(statement.text in table["normal"]["ct_abdomen"][topic] for statement in said)
    assert {"ct_abdomen", "ct_abdomen_native", "ct_abdomen_phases"} <= table["technique"].keys()
