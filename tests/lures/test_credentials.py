"""Honeycredentials: drawn for each deployment, in its language, and recognised."""

from __future__ import annotations

import pytest

from dicomhawk.hospital.deployment import locales
from dicomhawk.lures.credentials import bait_titles, credentials, match
from dicomhawk.lures.scene import scene
from dicomhawk.settings import HoneyCredential
from tests.lures.laying import deployment


@pytest.mark.parametrize("locale", locales())
def test_each_country_has_its_own(locale: str) -> None:
    made = credentials(deployment(3, locale))
    assert {one.place for one in made} == {"page", "study", "config", "environment", "basic", "dicom", "document"}
    assert {one.role for one in made} == {"reader", "administrator"}
    assert len({one.username for one in made}) == len(made)
    for one in made:
        assert 6 <= len(one.password) <= 40 and (one.username + one.password).isascii()
        assert ":" not in one.username and not any(letter.isspace() for letter in one.username + one.password)
    words = scene(deployment(3, locale)).words
    assert any(one.password.startswith(tuple(words["seasons"])) for one in made)


def test_they_stay_and_no_two_deployments_have_the_same() -> None:
    assert credentials(deployment(1)) == credentials(deployment(1))
    passwords = [one.password for number in range(30) for one in credentials(deployment(number))]
    assert len(set(passwords)) > 0.85 * len(passwords)  # people's are alike
    for place in ("config", "environment"):
        drawn = {one.password for n in range(30) for one in credentials(deployment(n)) if one.place == place}
        assert len(drawn) == 30


def test_a_pair_is_recognised_with_its_name_in_any_case() -> None:
    made = credentials(deployment(), [HoneyCredential(username="Radiology", password="Letmein#1", role="reader")])
    for one in made:
        assert match(made, one.username.upper(), one.password) == one
        assert match(made, one.username, one.password + "x") is None
        assert match(made, one.username, "") is None
    assert made[-1].lure == "credential/operator-1"
    assert match(made, made[0].username, made[1].password) is None


def test_titles_fit_and_point_at_nobody() -> None:
    for number in range(40):
        titles = bait_titles(deployment(number))
        assert len({title.remote.ae_title for title in titles}) == 2
        for title in titles:
            assert title.remote.host.startswith(("10.", "192.168.", "172."))


@pytest.mark.parametrize("locale", locales())
def test_the_scene_is_a_hospital_s_and_private(locale: str) -> None:
    at = scene(deployment(5, locale))
    assert at.place.isascii() and at.place.isalnum()
    assert at.domain.rpartition(".")[2] in ("local", "lan", "intra", "internal", "intern")
    addresses = [at.archive.address, *(machine.address for machine in at.machines.values())]
    assert len(set(addresses)) == len(addresses)
    assert all(address.startswith(("10.", "192.168.", "172.")) for address in addresses)
    assert len(set(at.readers)) == 6
