"""Pacemakers, lines and tubes: in the same veins from all sides and in CT, and told."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import numpy as np

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.findings.story import drawn, lines
from dicomhawk.hospital.findings.telling import Facts, tell
from dicomhawk.hospital.images import devices
from dicomhawk.hospital.images.chest import posture
from dicomhawk.hospital.images.radiograph import on_detector
from dicomhawk.hospital.images.rendering import render
from dicomhawk.hospital.world.illness import findings_of
from tests.hospital.test_images import chest
from tests.hospital.test_images_projection import BODY, radiograph

PACEMAKER = Finding("pacemaker", "p", "", (72.0, -84.0, 104.0), 46.0)
LINE = Finding("central_line", "l", "", (-26.0, -12.0, 58.0), 1.7)
TUBE = Finding("tube", "t", "", (-9.0, -7.0, 90.0), 9.5)


def test_leads_are_where_they_are_said_to_be_in_all_views() -> None:
    wires, plates = devices.parts(PACEMAKER, posture(BODY, "s"))
    assert len(plates) == 2
    for view in ("PA", "LL"):
        plain = radiograph(view=view, noise=0.0, mark=None)
        change = render(msgspec.structs.replace(plain, findings=(PACEMAKER,)), 0).astype(float) - render(plain, 0)
        peaks = []
        for column, row in on_detector(plain, wires[0].points[20:-4:3]).tolist():
            part = change[max(round(row) - 3, 0) : round(row) + 4, round(column) - 3 : round(column) + 4]
            peaks += [part.max()] if part.size else []
        assert np.percentile(peaks, 15) > 100
        assert (change > 700).sum() > 1500  # the generator


def test_ct_has_the_leads_and_streaks_around_the_generator() -> None:
    recipe = chest(noise=1.0, contrast=0.0)
    lie = posture(recipe.body, recipe.study)
    wires, _ = devices.parts(PACEMAKER, lie)
    point = wires[0].points[-20]
    k = round((recipe.top - float(point[0])) / recipe.spacing)
    ill = msgspec.structs.replace(recipe, findings=(PACEMAKER,))
    change = render(ill, k).astype(int) - render(recipe, k)
    assert change.max() > 1500
    assert 3 < (change > 800).sum() < 200


def test_a_central_line_ends_right_of_the_spine_and_a_tube_above_the_carina() -> None:
    lie = posture(BODY, "s")
    (line,), _ = devices.parts(LINE, lie)
    (tube, _), _ = devices.parts(TUBE, lie)
    assert -45 < line.points[-1, 2] < -8
    assert line.points[0, 0] > line.points[-1, 0] + 60
    assert 10 < tube.points[-1, 0] - line.points[-1, 0] < 60


def test_only_patients_in_bed_have_lines_and_they_stay_for_days() -> None:
    when = datetime(2026, 3, 4, 9)
    some = 0
    for number in range(60):
        seed = f"p{number}"
        bed = {f.kind for f in findings_of("xr_bedside", seed, 70.0, when, urgent=True)}
        standing = {f.kind for f in findings_of("xr_chest", seed, 70.0, when, urgent=True)}
        assert not standing & {"central_line", "tube"}
        some += "central_line" in bed
        if lines(seed, when.date()):
            later = lines(seed, when.date() + timedelta(days=1)) + lines(seed, when.date() - timedelta(days=1))
            assert {f.seed for f in lines(seed, when.date())} & {f.seed for f in later}
    assert 10 < some < 45


def test_pacemakers_stay_and_come_with_age() -> None:
    first, last = date(2025, 2, 1), date(2026, 3, 4)
    then, now = (
        {n for n in range(800) if any(f.kind == "pacemaker" for f in drawn("chest", f"p{n}", 80.0, day))}
        for day in (first, last)
    )
    assert then <= now
    assert 10 < len(now) < 120
    young = [n for n in range(300) if any(f.kind == "pacemaker" for f in drawn("chest", f"p{n}", 35.0, last))]
    assert len(young) < 3


def test_reports_tell_of_devices_but_conclude_nothing_from_them() -> None:
    sections = tell(Facts("xr", "da_DK", "s", "xr", "Hoste", findings=(PACEMAKER, TUBE, LINE)))
    assert [s.finding for s in sections[3].statements if s.finding] == [PACEMAKER, TUBE, LINE]
    assert not [s for s in sections[4].statements if s.finding]


def test_the_same_device_is_drawn_alike_every_time() -> None:
    ill = radiograph(findings=(PACEMAKER, LINE), rows=300, columns=360, pixel=1.0)
    assert np.array_equal(render(ill, 0), render(ill, 0))
