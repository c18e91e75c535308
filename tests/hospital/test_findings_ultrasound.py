"""Findings of ultrasound: where the sonographer has looked at them, as large as the report says."""

from __future__ import annotations

import random
from datetime import date

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from dicomhawk.hospital.findings.abdomen import CORTEX, FLOOR, GALLBLADDER, LIVER, SINUS
from dicomhawk.hospital.findings.model import Finding, Kind
from dicomhawk.hospital.findings.story import drawn
from dicomhawk.hospital.findings.telling import Facts, tell
from dicomhawk.hospital.images import ultrasound
from dicomhawk.hospital.images.locating import spot
from dicomhawk.hospital.images.recipe import Body, Scan, Ultrasound, Window
from dicomhawk.hospital.images.rendering import render
from dicomhawk.hospital.objects.us_makers import US_MODELS
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.illness import with_findings
from dicomhawk.hospital.world.planned import Examination
from dicomhawk.hospital.world.sonography import sonograms
from tests.hospital.test_images_ultrasound import BODY, examination

CYST = Finding("liver_cyst", "c", "liver_r", LIVER["liver_r"][0], 24.0)
STONE = Finding("gallstone", "s", "", (GALLBLADDER[0], GALLBLADDER[1] + FLOOR - 6, GALLBLADDER[2]), 12.0)


def seen(finding: Finding, window: Window = "liver", body: Body = BODY) -> Ultrasound:
    """An image of a finding, with calipers."""
    return examination(Scan(window, 140.0, measured=True, finding=finding.seed), findings=(finding,), body=body)


def around(image: NDArray[np.uint8], row: float, column: float, reach: float) -> NDArray[np.float64]:
    top, left, half = round(row - reach), round(column - reach), round(2 * reach)
    return image[max(top, 0) : top + half, max(left, 0) : left + half].astype(float)


@pytest.mark.parametrize("place", [(name, at) for table in (LIVER, CORTEX) for name in table for at in table[name]])
def test_cysts_are_black_where_they_are_said_to_be(place: tuple[str, tuple[float, float, float]]) -> None:
    name, at = place
    recipe = seen(Finding("liver_cyst" if name in LIVER else "renal_cyst", "c", name, at, 26.0))
    found = spot(recipe, recipe.findings[0])
    assert found is not None
    image = render(recipe, 0)
    inside = around(image, found.row, found.column, found.reach * 0.6)
    outside = around(image, found.row, found.column, found.reach * 2)
    assert np.median(inside) < 30
    assert outside.mean() > 3 * inside.mean()


@pytest.mark.parametrize("size", [8.0, 15.0, 31.0])
def test_calipers_measure_what_is_in_the_picture(size: float) -> None:
    recipe = seen(msgspec.structs.replace(CYST, size=size))
    measured = ultrasound.calipers(recipe, 0)
    assert measured is not None
    (left, row), (right, _), length = measured
    assert length == pytest.approx(size, abs=0.2)
    line = render(recipe, 0)[round(row) - 2 : round(row) + 3].mean(0)
    margin = 6 * ultrasound.sector_of(recipe, recipe.scans[0]).scale
    inside, outer = line[round(left + margin / 4) : round(right - margin / 4)], line[round(right + margin / 2) :][:60]
    assert inside.mean() < 0.5 * outer.mean()


def test_a_stone_is_bright_and_throws_a_shadow() -> None:
    recipe = seen(STONE, "gallbladder")
    with_it, without = (render(r, 0).astype(float) for r in (recipe, msgspec.structs.replace(recipe, findings=())))
    found = spot(recipe, STONE)
    assert found is not None
    column, row = round(found.column), round(found.row)
    assert with_it[row - 25 : row + 5, column - 8 : column + 8].max() > 150
    shadow = slice(row + 80, row + 200)
    assert with_it[shadow, column - 8 : column + 8].mean() < 0.5 * without[shadow, column - 8 : column + 8].mean()
    bare = next(n for n in range(60) if not ultrasound.has_gallbladder(Body(f"b{n}", True, 50.0)))
    assert render(seen(STONE, "gallbladder", Body(f"b{bare}", True, 50.0)), 0).any()


@pytest.mark.parametrize(("kind", "sign"), [("haemangioma", 1), ("metastases", -1)])
def test_liver_lesions_differ_from_the_liver(kind: Kind, sign: int) -> None:
    recipe = seen(Finding(kind, "h", "liver_r", LIVER["liver_r"][2], 24.0))
    found = spot(recipe, recipe.findings[0])
    assert found is not None
    plain = render(msgspec.structs.replace(recipe, findings=()), 0)
    assert plain.shape == (720, 960)
    image = render(recipe, 0)
    inner = around(image, found.row, found.column, found.reach * 0.6).mean()
    ring = around(image, found.row, found.column, found.reach * 2.2).mean()
    assert sign * (inner - ring) > 12


def test_a_haemangioma_is_seen_in_a_fatty_liver_too() -> None:
    lesion = Finding("haemangioma", "h", "liver_l", LIVER["liver_l"][0], 24.0)
    fat = Finding("steatosis", "f", "", LIVER["liver_r"][2], 0.6)
    recipe = msgspec.structs.replace(seen(lesion), findings=(fat, lesion))
    found = spot(recipe, lesion)
    assert found is not None
    image = render(recipe, 0)
    inner = around(image, found.row, found.column, found.reach * 0.6).mean()
    assert inner > 12 + around(image, found.row, found.column, found.reach * 2.2).mean()


def test_a_fatty_liver_is_brighter_than_the_kidney_and_darker_far_away() -> None:
    recipe = examination(Scan("kidney_right", 140.0), findings=())
    fat = msgspec.structs.replace(recipe, findings=(Finding("steatosis", "f", "", LIVER["liver_r"][2], 0.9),))
    usual, fatty = render(recipe, 0).astype(float), render(fat, 0).astype(float)
    sector = ultrasound.sector_of(recipe, recipe.scans[0])
    _, near = sector.pixel(0, 40)
    column, deep = sector.pixel(0, 128)
    part = slice(round(column) - 120, round(column) + 120)

    def ratio(image: NDArray[np.float64]) -> float:
        near_part = image[round(near) - 40 : round(near) + 40, part].mean()
        return float(near_part / image[round(deep) - 20 : round(deep) + 20, part].mean())

    assert ratio(fatty) > 1.15 * ratio(usual)


def test_a_dilated_kidney_is_black_inside() -> None:
    for name, at in SINUS.items():
        recipe = seen(Finding("hydronephrosis", "d", name, at, 22.0), "kidney_right")
        found = spot(recipe, recipe.findings[0])
        assert found is not None
        assert np.median(around(render(recipe, 0), found.row, found.column, found.reach * 0.5)) < 15
        measured = ultrasound.calipers(recipe, 0)
        assert measured is not None
        assert measured[2] == pytest.approx(22.0, abs=0.3)


def planned(findings: tuple[Finding, ...]) -> Ultrasound:
    model = US_MODELS[0]
    device = Device(
        device_key=1,
        role="modality",
        ae_title="U",
        host="h",
        port=1,
        manufacturer=model.manufacturer,
        model=model.model,
    )
    exam = Examination("e", BODY, "us_abdomen", "US", "1.2", "1.3")
    plan = with_findings(next(iter(sonograms(exam, device, random.Random(4)))), findings)
    image, stored = plan.image, plan.stored
    assert isinstance(image, Ultrasound)
    assert stored is not None
    assert stored.count == image.slices
    return image


def test_the_sonographer_looks_at_findings_with_calipers() -> None:
    usual, more = planned(()), planned((CYST, STONE))
    assert usual.slices < more.slices
    for finding in (CYST, STONE):
        found = spot(more, finding)
        assert found is not None
        assert more.scans[found.slice].measured
        assert more.scans[found.slice].finding == finding.seed


def test_reports_tell_of_all_that_is_in_the_pictures() -> None:
    kinds = set()
    for number in range(300):
        found = drawn("abdomen", f"p{number}", 66.0, date(2026, 3, 4))
        sections = tell(Facts("us", "en_GB", f"{number}", "us", "Pain", findings=found))
        told = [s for s in sections[3].statements if s.finding]
        assert [s.finding for s in told] == list(found)
        for statement in told:
            assert statement.finding is not None
            if statement.finding.kind != "steatosis":
                assert f"{round(statement.finding.size)} mm" in statement.text
        if any(f.kind in ("gallstone", "steatosis") for f in found):
            assert "Normal abdominal" not in sections[4].statements[0].text
        kinds |= {f.kind for f in found}
    assert kinds >= {"gallstone", "steatosis", "liver_cyst", "haemangioma", "renal_cyst", "hydronephrosis"}


def test_what_lasts_is_there_again_and_not_smaller() -> None:
    for number in range(200):
        then = {f.seed: f for f in drawn("abdomen", f"p{number}", 60.0, date(2024, 3, 4))}
        now = {f.seed: f for f in drawn("abdomen", f"p{number}", 62.0, date(2026, 3, 4))}
        for seed, finding in then.items():
            if finding.kind in ("gallstone", "liver_cyst", "renal_cyst", "haemangioma"):
                assert now[seed].at == finding.at
                assert now[seed].size >= finding.size
