"""The world: identifiers with their checks, names, devices, UIDs, calendar, all from the seed."""

from __future__ import annotations

import ipaddress
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from dicomhawk.hospital.objects.ecg_makers import ECGModel
from dicomhawk.hospital.objects.makers import CTModel, MRModel, model_of
from dicomhawk.hospital.objects.us_makers import USModel
from dicomhawk.hospital.objects.xray_makers import XRayModel
from dicomhawk.hospital.rows import Device
from dicomhawk.hospital.world.devices import devices
from dicomhawk.hospital.world.draw import Weighted, digits, draw
from dicomhawk.hospital.world.locale import available, locale
from dicomhawk.hospital.world.numbers import Accessions
from dicomhawk.hospital.world.people import Person, Registry
from dicomhawk.hospital.world.uids import DeviceUids
from dicomhawk.settings import Deployment

DAY = date(2026, 3, 4)


def deployment(seed: str = "5" * 32, root: str = "1.2.826.0.1.3680043.10.1234") -> Deployment:
    return Deployment(seed=seed, hospital="Sygehus Øst", locale="da_DK", ae_title="PACS", uid_root=root)


def people(name: str, seed: str = "5" * 32, count: int = 60) -> list[Person]:
    registry = Registry(locale(name), seed)
    return [registry.patient((60.0, 15.0), DAY) for _ in range(count)]


def test_a_locale_without_tables_gets_a_neighbours() -> None:
    assert locale("de_AT").name == "de_DE"
    assert locale("fo_DK").name == "da_DK"
    assert locale("nn_NO").name == "nb_NO"
    assert locale("xx_XX").name == "en_GB"


@pytest.mark.parametrize("name", available())
def test_people_are_themselves_and_nobody_twice(name: str) -> None:
    made = people(name)
    assert len({person.identifier for person in made}) == len(made)
    assert made == people(name)
    assert {person.seed for person in made}.isdisjoint(person.seed for person in people(name, "6" * 32))
    for person in made:
        assert 17 <= person.age_on(DAY) <= 96
        assert 1.4 < person.height < 2.15
        assert 35 < person.weight < 220
        body = person.body_on(DAY)
        assert (body.breast > 0) == (person.sex == "F")
        assert body == person.body_on(DAY)


def test_age_is_in_completed_years() -> None:
    person = people("da_DK", count=1)[0]
    birthday = person.birth.replace(year=2026) if (person.birth.day, person.birth.month) != (29, 2) else DAY
    assert int(person.age_string(birthday)[:3]) == birthday.year - person.birth.year
    assert int(person.age_string(birthday - timedelta(days=1))[:3]) == birthday.year - person.birth.year - 1


def test_names_are_as_frequent_as_in_the_country() -> None:
    names = Weighted.parse("Nielsen 229, Jensen 225,\nØstergaard 10")
    drawn = Counter(names.pick(draw("n", k)) for k in range(3000))
    assert drawn["Nielsen"] > 10 * drawn["Østergaard"] > 0


def test_digits_fill_a_pattern() -> None:
    made = digits("CT##-#", random.Random(1))
    assert made[:2] == "CT"
    assert made[4] == "-"
    assert made[2] != "0"


@pytest.mark.parametrize("seed", [f"{n:032x}" for n in range(12)])
def test_a_deployments_devices_are_coherent(seed: str) -> None:
    made = devices(deployment(seed), "Radiologi", 1)
    roles = Counter(device.role for device in made)
    assert 7 <= roles["modality"] <= 15
    assert 2 <= roles["workstation"] <= 3
    assert roles["archive"] == 1
    assert len({device.ae_title for device in made}) == len(made)
    assert len({device.host for device in made}) == len(made)
    assert [device.device_key for device in made] == list(range(1, len(made) + 1))
    for device in made:
        assert 1 <= len(device.ae_title) <= 16
        assert ipaddress.ip_address(device.host).is_private
        if device.role == "modality":
            check_scanner(device)


def check_scanner(device: Device) -> None:
    model = model_of(device.manufacturer, device.model)
    made_for = {
        CTModel: ("CT",),
        MRModel: ("MR",),
        XRayModel: ("CR", "DX"),
        USModel: ("US",),
        ECGModel: ("ECG",),
    }[type(model)]
    assert device.modality in made_for
    assert device.software in model.software
    assert device.uid_root is not None
    assert device.uid_root.startswith("1.2.826.0.1.3680043.10.1234.")
    assert device.station_name
    assert "#" not in device.station_name + (device.serial or "")
    assert "%" not in device.station_name


def test_two_deployments_have_no_machine_in_common() -> None:
    one, two = (devices(deployment(seed), "R", 1) for seed in ("1" * 32, "2" * 32))
    for name in ("host", "serial", "uid_root"):
        values = [{getattr(device, name) for device in made} - {None} for made in (one, two)]
        assert values[0].isdisjoint(values[1])


@pytest.mark.parametrize("length", [12, 27, 33, 40])
@pytest.mark.parametrize("seed", ["a" * 32, "b" * 32, "c" * 32])
def test_uids_are_valid_and_unique_under_long_roots_too(length: int, seed: str) -> None:
    root = ("1.2.826.0.1." + "3" * 40)[:length].rstrip(".")
    given_out: list[str] = []
    for device in devices(deployment(seed, root), "R", 1):
        if device.uid_root is None:
            continue
        maker = model_of(device.manufacturer, device.model).maker
        uids = DeviceUids(device.uid_root, maker, draw(seed, device.device_key))
        for n in range(30):
            moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=11 * n)
            given_out.append(uids.one(moment))
            stem, first, width = uids.many(moment, 40)
            given_out += [f"{stem}{number:0{width}d}" for number in range(first, first + 40)]
    assert len(set(given_out)) == len(given_out)
    for uid in given_out:
        assert len(uid) <= 64
        assert uid.startswith(root + ".")
        assert all(part == str(int(part)) for part in uid.split("."))


@pytest.mark.parametrize("seed", range(8))
def test_accession_numbers_fit_and_are_given_once(seed: int) -> None:
    numbers = Accessions("Sygehus Øst Ålborg", random.Random(seed))
    made = [numbers.next(datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(hours=3 * n)) for n in range(300)]
    assert len(set(made)) == 300
    assert all(0 < len(number) <= 16 and number.isascii() for number in made)
