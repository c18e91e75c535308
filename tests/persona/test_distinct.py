"""No two installations share anything that the real product does not have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.persona.distinct import Common, Observed, common, observe
from dicomhawk.persona.model import load

NOW = 1_780_000_000.0
FEW, MANY = 14, 50
"""Deployments: what fifty have in common, few have as well."""
STUDIES = 10


pytestmark = pytest.mark.timeout(600)  # that many hospitals, with an image of each kind


@pytest.fixture(scope="module", params=[FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def deployments(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Observed]:
    """What is seen of so many deployments."""
    persona = load("plain")
    return [
        observe(
            tmp_path_factory.mktemp("deployment"),
            persona,
            draw_deployment(seed=f"{n:032x}"),
            STUDIES,
            NOW,
        )
        for n in range(request.param)
    ]


def test_nothing_is_the_same_in_all_deployments(deployments: list[Observed]) -> None:
    assert common(deployments, load("plain")) == []


def test_what_is_the_same_is_found(deployments: list[Observed]) -> None:
    spoiled = [
        seen
        | {
            "ae title": frozenset({f"PACS{100 + n}"}),
            "series.description": seen["series.description"] | {"Thorax 2.0 Lung"},
            "study.study_uid": frozenset({f"1.2.826.0.1.3680043.9.7.{n}"}),
            "CT (0018,1000) LO": frozenset({"64123"}),
            "AC ImplementationVersionName.name": frozenset({"ARCHIVE_1"}),
        }
        for n, seen in enumerate(deployments)
    ]
    assert common(spoiled, load("plain")) == [
        Common("AC ImplementationVersionName.name", "value", "ARCHIVE_1"),
        Common("CT (0018,1000) LO", "value", "64123"),
        Common("ae title", "shape", "AAAA999"),
        Common("series.description", "value", "Thorax 2.0 Lung"),
        Common("study.study_uid", "beginning", "1.2.826.0.1.3680043.9.7"),
    ]


def test_what_the_product_itself_has_in_common_does_not_count(tmp_path: Path) -> None:
    persona = load("orthanc")
    seen = [observe(tmp_path / str(n), persona, draw_deployment(seed=f"{n:032x}"), 1, NOW) for n in range(2)]
    places = {entry.place for entry in common(seen, persona)}
    assert not {place for place in places if place.startswith("AC ")}
    assert {entry.place for entry in common(seen, load("plain"))} >= {"AC ImplementationClassUID.uid"}
