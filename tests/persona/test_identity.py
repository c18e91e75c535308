"""What a deployment says it is: the product's own names, one of its versions', or made-up ones."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dicomhawk.persona.model import Persona
from dicomhawk.settings import Deployment


def deployment(seed: int) -> Deployment:
    return Deployment(
        seed=f"{seed:032x}", hospital="Any", locale="en_GB", ae_title="ANY", uid_root="1.2.826.0.1.3680043.9.1"
    )


def persona(**identity: object) -> Persona:
    return Persona.model_validate({"name": "a", "title": "A", "identity": identity})


def test_a_version_is_drawn_for_each_deployment_and_stays() -> None:
    names = ("one-1", "one-2", "one-3")
    some = persona(implementation_version_names=names)
    drawn = [some.policy(deployment(seed)).implementation_version_name for seed in range(40)]
    assert set(drawn) == set(names)
    assert drawn == [some.policy(deployment(seed)).implementation_version_name for seed in range(40)]


def test_a_name_of_its_own_is_the_same_everywhere() -> None:
    some = persona(implementation_version_name="PRODUCT_1")
    assert {some.policy(deployment(seed)).implementation_version_name for seed in range(5)} == {"PRODUCT_1"}


@pytest.mark.parametrize(
    "identity",
    [
        {"implementation_version_name": "A", "implementation_version_names": ["B"]},
        {"implementation_version_names": ["A" * 17]},
        {"implementation_version_names": [""]},
    ],
)
def test_a_name_fits_its_element_and_there_is_one_source_of_it(identity: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        persona(**identity)
