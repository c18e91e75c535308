"""Findings: the same in every series and prior, visible where they are said to be, and as they are in life."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from dicomhawk.hospital.findings.model import CHEST_KINDS, Finding, Kind
from dicomhawk.hospital.findings.story import drawn, sites
from dicomhawk.hospital.images.chest_findings import lung_map
from dicomhawk.hospital.images.locating import Spot, spot
from dicomhawk.hospital.images.recipe import Body, BrainMR, ChestCT
from dicomhawk.hospital.images.rendering import render
from tests.hospital.test_images import chest, head

NODULE = Finding("nodule", "n", "rl", (-60.0, 20.0, -10.0), 12.0)
SEEN: dict[Kind, Finding] = {
    "nodule": NODULE,
    "calcified": Finding("calcified", "c", "ll", (65.0, 30.0, 40.0), 8.0),
    "subsolid": Finding("subsolid", "s", "ru", (-70.0, -10.0, 60.0), 15.0),
    "mass": Finding("mass", "m", "lu", (60.0, -20.0, 75.0), 40.0),
    "consolidation": Finding("consolidation", "p", "rl", (-60.0, 45.0, 0.0), 60.0),
    "ground_glass": Finding("ground_glass", "g", "lu", (65.0, -10.0, 50.0), 50.0),
    "effusion": Finding("effusion", "e", "r", (-62.0, 64.0, -30.0), 25.0),
    "pneumothorax": Finding("pneumothorax", "x", "l", (60.0, -62.0, 60.0), 18.0),
    "emphysema": Finding("emphysema", "h", "upper", (-60.0, 0.0, 80.0), 0.7),
    "node": Finding("node", "l", "7", (-4.0, 14.0, 52.0), 18.0),
    "coronary": Finding("coronary", "k", "lad", (45.0, -27.0, 24.0), 20.0),
    "infarct": Finding("infarct", "i", "mca_l", (46.0, -5.0, 12.0), 45.0, 1.0),
    "old_infarct": Finding("old_infarct", "o", "parietal_r", (-45.0, 32.0, 18.0), 28.0, 900.0),
    "haemorrhage": Finding("haemorrhage", "b", "ganglia_l", (27.0, -10.0, 2.0), 30.0, 1.0),
    "tumour": Finding("tumour", "t", "frontal_l", (36.0, -36.0, 18.0), 32.0),
    "meningioma": Finding("meningioma", "y", "convexity_r", (-54.0, -14.0, 25.0), 24.0),
}


def difference(recipe: ChestCT | BrainMR, finding: Finding, k: int) -> NDArray[np.float64]:
    """What a finding changes in a slice."""
    ill = render(msgspec.structs.replace(recipe, findings=(finding,)), k).astype(float)
    return ill - render(recipe, k).astype(float)


def place(recipe: ChestCT | BrainMR, finding: Finding) -> Spot:
    found = spot(recipe, finding)
    assert found is not None
    return found


def around(image: NDArray[np.float64], at: Spot, reach: int) -> NDArray[np.float64]:
    row, column = round(at.row), round(at.column)
    return image[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]


@pytest.mark.parametrize("kind", [kind for kind in SEEN if kind in CHEST_KINDS])
def test_every_finding_of_the_chest_is_in_the_image_where_it_is_said_to_be(kind: Kind) -> None:
    recipe, finding = chest(noise=2.0), SEEN[kind]
    at = place(recipe, finding)
    change = np.abs(difference(recipe, finding, at.slice))
    assert around(change, at, max(int(at.reach), 14)).max() > 60
    far = change[:, :256] if finding.at[0] > 25 else change[:, 300:]
    if kind not in ("emphysema", "node"):
        assert far.max() < 40


@pytest.mark.parametrize("kind", [kind for kind in SEEN if kind not in CHEST_KINDS])
def test_every_finding_of_the_head_is_in_the_image_where_it_is_said_to_be(kind: Kind) -> None:
    recipe, finding = head(snr=200.0), SEEN[kind]
    at = place(recipe, finding)
    change = np.abs(difference(recipe, finding, at.slice))
    assert around(change, at, int(at.reach * 0.5)).mean() > 25
    assert around(change, at, int(at.reach * 0.5)).mean() > 4 * change[:40].mean()


def test_a_nodule_has_the_size_that_it_is_told_to_have() -> None:
    recipe = chest(noise=0.5)
    for size in (6.0, 12.0, 24.0):
        finding = msgspec.structs.replace(NODULE, size=size, kind="mass" if size > 20 else "nodule")
        at = place(recipe, finding)
        image = render(msgspec.structs.replace(recipe, findings=(finding,)), at.slice).astype(float)
        dense = around(image, at, int(at.reach * 1.6)) > -400
        pixel = recipe.fov / recipe.matrix
        across = 2 * (dense.sum() * pixel**2 / np.pi) ** 0.5
        assert abs(across - size) < 0.25 * size + 1.5


def test_a_finding_is_at_the_same_place_in_other_series_and_priors() -> None:
    soft, lung = chest(), chest(kernel="lung", series="two", thickness=5.0, spacing=5.0, slices=60)
    one, other = place(soft, NODULE), place(lung, NODULE)
    assert abs(one.slice * 2.5 - other.slice * 5.0) <= 2.5
    assert (one.row, one.column) == (other.row, other.column)
    earlier = place(chest(study="last year"), NODULE)
    assert abs(earlier.row - one.row) < 25
    assert abs(earlier.column - one.column) < 25
    t2, flair = place(head(), SEEN["tumour"]), place(head(contrast="FLAIR"), SEEN["tumour"])
    assert t2 == flair


def test_fluid_lies_at_the_back_and_air_in_front() -> None:
    recipe = chest(noise=1.0, contrast=0.0)
    fluid, air = SEEN["effusion"], SEEN["pneumothorax"]
    rows = np.arange(512)[:, None]
    wet = difference(recipe, fluid, place(recipe, fluid).slice) > 300
    dry = difference(recipe, air, place(recipe, air).slice) < -60
    assert wet.sum() > 1500
    assert dry.sum() > 800
    assert (rows * wet).sum() / wet.sum() > 290
    assert (rows * dry).sum() / dry.sum() < 240
    inside = render(msgspec.structs.replace(recipe, findings=(fluid,)), place(recipe, fluid).slice)[wet]
    assert -10 < np.median(inside) < 35


def test_a_fresh_infarct_is_bright_in_diffusion_and_dark_in_adc_and_an_old_one_is_not() -> None:
    small = {"acquired": 128, "matrix": 256, "snr": 60.0}
    fresh, old = SEEN["infarct"], SEEN["old_infarct"]
    for finding, bright in ((fresh, 1), (old, -1)):
        for contrast, sign in (("DWI", bright), ("ADC", -bright)):
            recipe = head(contrast=contrast, **small)
            at = place(recipe, finding)
            change = around(difference(recipe, finding, at.slice), at, int(at.reach * 0.4))
            assert sign * np.median(change) > 15


def test_flair_shows_an_infarct_only_after_some_hours() -> None:
    recipe, now = head(contrast="FLAIR", snr=200.0), SEEN["infarct"]
    change = []
    for age in (0.1, 1.0):
        finding = msgspec.structs.replace(now, age=age)
        at = place(recipe, finding)
        change.append(np.median(around(difference(recipe, finding, at.slice), at, int(at.reach * 0.4))))
    assert change[0] < 0.5 * change[1]


def test_blood_changes_its_signal_with_age() -> None:
    def median(age: float, contrast: str) -> float:
        finding = msgspec.structs.replace(SEEN["haemorrhage"], age=age)
        recipe = head(contrast=contrast, snr=200.0)
        at = place(recipe, finding)
        return float(np.median(around(difference(recipe, finding, at.slice), at, int(at.reach * 0.3))))

    assert median(1.0, "T2") < -40
    assert median(12.0, "T2") > 40
    assert median(12.0, "T1") > median(1.0, "T1") + 40


def test_a_mass_pushes_the_ventricle_aside() -> None:
    finding = msgspec.structs.replace(SEEN["haemorrhage"], size=40.0)
    recipe = head(snr=200.0)
    k = place(recipe, finding).slice
    change = np.abs(difference(recipe, finding, k))
    at = place(recipe, finding)
    ring = around(change, at, int(at.reach * 1.7)).sum() - around(change, at, int(at.reach * 1.1)).sum()
    assert ring > 20_000


def test_findings_are_rendered_alike_every_time() -> None:
    for recipe, kinds in ((chest(), CHEST_KINDS), (head(), set(SEEN) - CHEST_KINDS)):
        ill = msgspec.structs.replace(recipe, findings=tuple(SEEN[kind] for kind in SEEN if kind in kinds))
        assert np.array_equal(render(ill, 12), render(ill, 12))


def test_what_lasts_grows_slowly_and_stays_where_it_is() -> None:
    first, today = date(2024, 5, 2), date(2026, 3, 4)
    grown = 0
    for number in range(300):
        then = {f.seed: f for f in drawn("chest", f"p{number}", 64.0, first)}
        now = {f.seed: f for f in drawn("chest", f"p{number}", 65.8, today)}
        for seed in then.keys() & now.keys():
            assert then[seed].at == now[seed].at
            assert then[seed].place == now[seed].place
            grown += now[seed].size > then[seed].size + 2 and now[seed].kind in ("nodule", "mass")
        lasting = {s for s, f in then.items() if f.kind in ("mass", "calcified", "emphysema", "node")}
        assert lasting <= now.keys()
    assert grown >= 3


def test_what_passes_passes() -> None:
    acute = ("consolidation", "effusion", "pneumothorax", "ground_glass")
    for number in range(200):
        days = [date(2025, 1, 1) + timedelta(days=n * 91) for n in range(6)]
        ill = [any(f.kind in acute for f in drawn("chest", f"p{number}", 60.0, day)) for day in days]
        if ill[0] and not all(ill):
            break
    else:
        pytest.fail("nobody got well")


def test_findings_go_with_age_and_urgency() -> None:
    def share(region: str, kinds: set[str], age: float, urgent: bool = False) -> float:
        day = date(2025, 6, 1)
        cases = [drawn(region, f"p{n}", age, day, urgent=urgent) for n in range(400)]  # type: ignore[arg-type]
        return sum(any(f.kind in kinds for f in found) for found in cases) / len(cases)

    assert share("chest", {"coronary"}, 45.0) < 0.2 < share("chest", {"coronary"}, 80.0)
    assert share("head", {"infarct"}, 72.0) < 0.08 < share("head", {"infarct"}, 72.0, urgent=True) < 0.5
    nothing = {"nodule", "mass", "node", "subsolid", "effusion", "consolidation"}
    assert 0.2 < 1 - share("chest", nothing, 40.0) < 0.8


def test_sites_are_in_the_lung_and_in_their_lobe() -> None:
    map_ = lung_map()
    for site in sites():
        x, y, z = site.at
        at = round(66 + z / 2.5), round((194.5 + y / 0.703125 - 1.5) / 4), round((255.5 + x / 0.703125 - 1.5) / 4)
        assert map_[at] > 0
        assert site.lobe[0] == ("r" if x < 0 else "l")
    assert {site.lobe for site in sites()} == {"ru", "rm", "rl", "lu", "ll"}


def test_a_series_that_does_not_show_a_finding_says_so() -> None:
    assert spot(head(), NODULE) is None
    assert spot(chest(), SEEN["tumour"]) is None
    assert spot(chest(top=-60.0, slices=10), NODULE) is None
    other = Body(seed="elsewhere", female=True, age=40.0)
    assert spot(chest(body=other), NODULE) != spot(chest(), NODULE)
