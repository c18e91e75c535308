"""The generated hospital: complete, coherent, from the seed alone, and moving on with time."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dicomhawk.hospital.ahead import CATALOGUE, GenerateError
from dicomhawk.hospital.catalogue import Catalogue, CatalogueWriter
from dicomhawk.hospital.deployment import locales
from dicomhawk.hospital.generate import extend, generate
from dicomhawk.hospital.objects.recipe import DocumentRecipe, decode
from dicomhawk.hospital.rows import Device, Instance, Patient, ScheduledStep, Series, Study
from dicomhawk.hospital.waveforms.recipe import Electrocardiogram
from dicomhawk.settings import Deployment

ZONE = ZoneInfo("Europe/Copenhagen")
NOW = datetime(2026, 3, 4, 11, 0, tzinfo=ZONE).timestamp()
STUDIES = 40
IMAGES = """recipe NOT LIKE '{"document":%'"""


def deployment(seed: str = "5" * 32, **changes: str) -> Deployment:
    values = {"seed": seed, "hospital": "Sygehus Øst", "locale": "da_DK", "ae_title": "PACS"}
    values["uid_root"] = f"1.2.826.0.1.3680043.10.{int(seed[:4], 16)}"
    return Deployment(**(values | changes))


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    data = tmp_path_factory.mktemp("hospital")
    generate(data, deployment(), STUDIES, now=NOW)
    with Catalogue(data / "hospital/catalogue.sqlite") as catalogue:
        yield catalogue


def rows(catalogue: Catalogue, sql: str, *values: Any) -> list[dict[str, Any]]:
    """Rows of a query as dictionaries."""
    cursor = catalogue.connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def moment(day: str, time: str) -> datetime:
    """A DICOM date and time in the hospital's zone."""
    return datetime.strptime(day + time[:6], "%Y%m%d%H%M%S").replace(tzinfo=ZONE)


def test_as_many_studies_are_visible_as_were_asked_for(hospital: Catalogue) -> None:
    assert hospital.count(Study, now=NOW) == STUDIES
    assert hospital.count(Study) > STUDIES
    assert hospital.count(Study, now=NOW + 3 * 86400) > STUDIES
    assert hospital.count(Series, now=NOW) >= 2 * STUDIES
    assert hospital.count(Patient) < hospital.count(Study)
    assert hospital.info("character_set") == "ISO_IR 100"
    assert hospital.info("address")


def test_everything_is_complete(hospital: Catalogue) -> None:
    for study in rows(hospital, "SELECT * FROM study"):
        assert all(study[name] for name in ("study_date", "study_time", "accession_number", "description"))
        series = rows(hospital, "SELECT * FROM series WHERE study_key = ?", study["study_key"])
        assert 2 - (series[0]["modality"] == "ECG") <= len(series) <= 10
        assert len({s["series_number"] for s in series}) == len(series)
    for series in rows(hospital, "SELECT * FROM series"):
        instances = hospital.instances(series["series_key"])
        assert [i.instance_number for i in instances] == list(range(1, len(instances) + 1))
        assert {i.path for i in instances} == {None}
        recipe = decode(series["recipe"])
        if isinstance(recipe, DocumentRecipe):
            assert len(instances) == 1
            continue
        image = recipe.image
        assert getattr(image, "slices", 1) == len(instances)
        size: tuple[int | None, int | None] = (None, None)  # of a waveform
        if not isinstance(image, Electrocardiogram):
            size = (image.matrix, image.matrix) if hasattr(image, "matrix") else (image.rows, image.columns)
        assert {(i.rows, i.columns) for i in instances} == {size}


def test_series_come_from_devices_of_their_modality(hospital: Catalogue) -> None:
    for series in rows(hospital, f"SELECT * FROM series WHERE {IMAGES}"):
        device = hospital.device(series["device_key"])
        assert device is not None
        assert device.role == "modality"
        assert (device.modality, device.station_name) == (series["modality"], series["station_name"])
        assert (device.manufacturer, device.model) == (series["manufacturer"], series["model"])
        assert series["series_uid"].startswith(f"{device.uid_root}.")
        assert all(i.sop_uid.startswith(f"{device.uid_root}.") for i in hospital.instances(series["series_key"]))


def test_times_are_in_order(hospital: Catalogue) -> None:
    for row in rows(hospital, "SELECT s.*, t.study_date, t.study_time FROM series s JOIN study t USING (study_key)"):
        began = moment(row["study_date"], row["study_time"])
        series = moment(row["series_date"], row["series_time"])
        assert began < series
        instances = hospital.instances(row["series_key"])
        made = [moment(i.content_date or "", i.content_time or "") for i in instances]
        assert made == sorted(made)
        assert series - timedelta(seconds=1) <= made[0]
        assert made[-1].timestamp() < row["visible_from"] < made[-1].timestamp() + 600
        assert {i.visible_from for i in instances} == {row["visible_from"]}
    early = "SELECT count(*) AS n FROM study t JOIN series s USING (study_key) WHERE s.visible_from < t.visible_from"
    assert rows(hospital, early)[0]["n"] == 0


def test_ages_are_those_of_the_birth_dates(hospital: Catalogue) -> None:
    for row in rows(
        hospital, "SELECT p.birth_date, s.study_date, s.patient_age FROM study s JOIN patient p USING (patient_key)"
    ):
        years = int(row["study_date"][:4]) - int(row["birth_date"][:4])
        years -= row["study_date"][4:] < row["birth_date"][4:]
        assert row["patient_age"] == f"{years:03d}Y"


def test_one_scanner_takes_one_patient_at_a_time(hospital: Catalogue) -> None:
    query = (
        "SELECT device_key, min(t.visible_from) AS began, max(s.visible_from) AS ended FROM series s"
        " JOIN study t USING (study_key) WHERE t.visible_from > ? GROUP BY study_key ORDER BY device_key, began"
    )
    found = rows(hospital, query, NOW)
    overlapping = [
        (a, b)
        for a, b in itertools.pairwise(found)
        if a["device_key"] == b["device_key"] and b["began"] < a["began"] + 240
    ]
    assert overlapping == []


def test_uids_are_valid_unique_and_ours(hospital: Catalogue) -> None:
    uids = [
        row["uid"]
        for row in rows(
            hospital,
            "SELECT study_uid AS uid FROM study UNION ALL SELECT series_uid FROM series"
            " UNION ALL SELECT sop_uid FROM instance",
        )
    ]
    for row in rows(hospital, "SELECT recipe FROM series GROUP BY study_key"):
        frame = getattr(decode(row["recipe"]).acquisition, "frame_of_reference", None)
        uids += [frame] if frame else []
    assert len(set(uids)) == len(uids)
    for uid in uids:
        assert len(uid) <= 64
        assert uid.startswith(deployment().uid_root + ".")
        assert all(part == str(int(part)) for part in uid.split("."))


def person_of(recipe: str) -> str:
    """The patient's seed in the recipe of a series."""
    image = json.loads(recipe)["image"]
    return str(image["body"]["seed"] if "body" in image else image["person"])


def test_patients_come_back(hospital: Catalogue) -> None:
    visits = rows(hospital, "SELECT count(*) AS n FROM study GROUP BY patient_key")
    assert max(row["n"] for row in visits) >= 2
    for row in rows(hospital, "SELECT patient_key FROM study GROUP BY patient_key HAVING count(*) > 1"):
        seeds = {
            person_of(found["recipe"])
            for found in rows(
                hospital,
                f"SELECT recipe FROM series JOIN study USING (study_key) WHERE patient_key = ? AND {IMAGES}",
                row["patient_key"],
            )
        }
        assert len(seeds) == 1


def test_the_worklist_turns_into_studies(hospital: Catalogue) -> None:
    steps = rows(hospital, "SELECT * FROM scheduled_step ORDER BY step_id, visible_from")
    assert steps
    tomorrow = datetime.fromtimestamp(NOW, ZONE) + timedelta(days=1)
    assert any(step["start_date"] == f"{tomorrow:%Y%m%d}" for step in steps)
    made = {row["study_uid"]: row for row in rows(hospital, "SELECT * FROM study")}
    assert sum(step["study_uid"] in made for step in steps) > 0.7 * len(steps)
    for one, other in itertools.pairwise(steps):
        if one["step_id"] == other["step_id"]:
            assert one["visible_until"] == other["visible_from"]
            assert (one["status"], other["status"]) in {("SCHEDULED", "ARRIVED"), ("ARRIVED", "STARTED")}
    for step in steps:
        device = hospital.device_by_ae(step["station_ae"])
        assert device is not None
        assert device.modality == step["modality"]
        patient = hospital.patient(step["patient_key"])
        assert patient is not None
        if step["study_uid"] in made:
            # Booked patients are in the worklist; the archive knows them from their first study on.
            assert patient.visible_from <= made[step["study_uid"]]["visible_from"]
            assert made[step["study_uid"]]["accession_number"] == step["accession_number"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """A hospital with some hundred studies, in a country of which little else is tested."""
    data = tmp_path_factory.mktemp("large")
    generate(data, deployment("7" * 32, locale="nb_NO"), 400, now=NOW)
    with Catalogue(data / "hospital/catalogue.sqlite") as catalogue:
        yield catalogue


def none(catalogue: Catalogue, sql: str) -> bool:
    """Whether a query for contradictions finds none."""
    return catalogue.connection.execute(sql).fetchone() is None


_ALL = "instance i JOIN series e USING (series_key) JOIN study t USING (study_key) JOIN patient p USING (patient_key)"


def test_the_whole_catalogue_is_coherent(large: Catalogue) -> None:
    assert none(large, f"SELECT 1 FROM {_ALL} WHERE content_date || content_time < study_date || study_time")
    assert none(large, f"SELECT 1 FROM {_ALL} WHERE series_date || series_time < study_date || study_time")
    assert none(large, f"SELECT 1 FROM {_ALL} WHERE birth_date >= study_date")
    assert none(large, f"SELECT 1 FROM {_ALL} WHERE i.visible_from < e.visible_from")
    assert none(
        large, "SELECT 1 FROM series JOIN study t USING (study_key) WHERE series.visible_from < t.visible_from"
    )
    assert none(
        large, "SELECT 1 FROM study JOIN patient p USING (patient_key) WHERE study.visible_from < p.visible_from"
    )
    age = "substr(study_date, 1, 4) - substr(birth_date, 1, 4) - (substr(study_date, 5) < substr(birth_date, 5))"
    assert none(
        large, f"SELECT 1 FROM study JOIN patient USING (patient_key) WHERE patient_age <> printf('%03dY', {age})"
    )
    assert none(large, "SELECT 1 FROM series GROUP BY study_key, series_number HAVING count(*) > 1")
    assert none(large, "SELECT 1 FROM series GROUP BY study_key HAVING count(DISTINCT device_key) > 1")
    assert none(
        large,
        "SELECT 1 FROM series s JOIN device d USING (device_key)"
        f" WHERE {IMAGES} AND (s.modality <> d.modality OR s.model <> d.model OR d.role <> 'modality')",
    )
    assert none(large, "SELECT 1 FROM study GROUP BY accession_number HAVING count(*) > 1")
    for table, column in (("study", "study_uid"), ("series", "series_uid"), ("instance", "sop_uid")):
        assert none(large, f"SELECT 1 FROM {table} GROUP BY {column} HAVING count(*) > 1")
        assert none(large, f"SELECT 1 FROM {table} WHERE {column} NOT LIKE '{deployment('7' * 32).uid_root}.%'")
        assert none(large, f"SELECT 1 FROM {table} WHERE length({column}) > 64")
    assert none(
        large,
        f"SELECT 1 FROM {_ALL} JOIN device USING (device_key)"
        f" WHERE {IMAGES} AND substr(sop_uid, 1, length(uid_root)) <> uid_root",
    )
    assert none(large, "SELECT 1 FROM instance GROUP BY series_key HAVING max(instance_number) <> count(*)")


def test_little_is_the_same_in_all_studies(large: Catalogue) -> None:
    for table, column, fewest in (
        ("study", "study_time", 350),
        ("study", "referring_physician", 12),
        ("study", "reading_physicians", 5),
        ("study", "patient_weight", 30),
        ("series", "description", 6),
        ("series", "operators", 8),
        ("scheduled_step", "reason", 8),
        ("scheduled_step", "patient_location", 4),
    ):
        sql = f'SELECT count(DISTINCT "{column}") FROM {table}'
        assert large.connection.execute(sql).fetchone()[0] >= fewest, column


def everything(data: Path) -> list[list[tuple[Any, ...]]]:
    with Catalogue(data / "hospital/catalogue.sqlite") as catalogue:
        return [
            catalogue.connection.execute(f"SELECT * FROM {table}").fetchall()
            for table in ("device", "patient", "study", "series", "instance", "scheduled_step", "info")
        ]


def test_the_seed_and_the_moment_decide_everything(tmp_path: Path) -> None:
    for name in ("one", "again"):
        generate(tmp_path / name, deployment(), 6, now=NOW)
    assert everything(tmp_path / "one") == everything(tmp_path / "again")


def test_two_seeds_share_nothing_that_names_a_person_or_a_thing(tmp_path: Path) -> None:
    found = []
    for seed in ("1" * 32, "2" * 32):
        generate(tmp_path / seed, deployment(seed), 12, now=NOW)
        with Catalogue(tmp_path / seed / "hospital/catalogue.sqlite") as catalogue:
            columns = ("patient_id FROM patient", "name FROM patient", "accession_number FROM study")
            columns += ("study_uid FROM study", "series_uid FROM series", "sop_uid FROM instance", "host FROM device")
            found.append([{row[0] for row in catalogue.connection.execute(f"SELECT {c}")} for c in columns])
            recipes = catalogue.connection.execute(f"SELECT recipe FROM series WHERE {IMAGES}")
            found[-1].append({person_of(row[0]) for row in recipes})
    for one, other in zip(*found, strict=True):
        assert one.isdisjoint(other)


@pytest.mark.parametrize("locale", [name for name in locales() if name != "da_DK"])
def test_other_countries(locale: str, tmp_path: Path) -> None:
    generate(tmp_path, deployment(locale=locale), 3, now=NOW)
    with Catalogue(tmp_path / "hospital/catalogue.sqlite") as catalogue:
        assert catalogue.count(Study, now=NOW) == 3


def test_a_long_uid_root_is_enough(tmp_path: Path) -> None:
    root = "1.2.826.0.1.3680043.10." + "9" * 17
    generate(tmp_path, deployment(uid_root=root), 3, now=NOW)
    with Catalogue(tmp_path / "hospital/catalogue.sqlite") as catalogue:
        uids = catalogue.connection.execute(
            "SELECT sop_uid FROM instance UNION ALL SELECT study_uid FROM study"
        ).fetchall()
        assert all(len(uid) <= 64 and uid.startswith(root + ".") for (uid,) in uids)


def test_no_studies_leave_the_devices(tmp_path: Path) -> None:
    generate(tmp_path, deployment(), 0, now=NOW)
    with Catalogue(tmp_path / "hospital/catalogue.sqlite") as catalogue:
        assert [catalogue.count(kind) for kind in (Patient, Study, Series, Instance, ScheduledStep)] == [0] * 5
        assert catalogue.count(Device) >= 6
        assert catalogue.device_by_ae("PACS") is not None


def test_progress_is_told_for_each_study(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    generate(tmp_path, deployment(), 4, now=NOW, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert {total for _, total in told} == {len(told)}


def test_a_generated_catalogue_is_replaced_and_the_cache_emptied(tmp_path: Path) -> None:
    generate(tmp_path, deployment("1" * 32), 3, now=NOW)
    stale = tmp_path / "hospital/cache/11/1.2.11.dcm"
    stale.parent.mkdir(parents=True)
    stale.touch()
    generate(tmp_path, deployment("2" * 32), 5, now=NOW)
    with Catalogue(tmp_path / "hospital/catalogue.sqlite") as catalogue:
        assert catalogue.count(Study, now=NOW) == 5
    assert not stale.exists()
    assert not list((tmp_path / "hospital").glob("*.new*"))


def import_one(data: Path) -> None:
    """Put a study with a file into the catalogue, as an import would."""
    with CatalogueWriter(data / "hospital/catalogue.sqlite") as writer:
        keys = [writer.next_key(kind) for kind in (Patient, Study, Series, Instance)]
        writer.add(Patient(patient_key=keys[0], patient_id="X", issuer=None, name="X^Y", birth_date="", sex="F"))
        empty = {"accession_number": "", "study_id": "", "referring_physician": "", "description": ""}
        writer.add(
            Study(study_key=keys[1], patient_key=keys[0], study_uid="1.2", study_date="", study_time="", **empty)
        )
        writer.add(
            Series(
                series_key=keys[2],
                study_key=keys[1],
                series_uid="1.2.3",
                modality="CT",
                series_number=1,
                description=None,
            )
        )
        writer.add(
            Instance(
                instance_key=keys[3],
                series_key=keys[2],
                sop_uid="1.2.3.4",
                sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
                transfer_syntax_uid="1.2.840.10008.1.2.1",
                instance_number=1,
                path="hospital/imported/x.dcm",
            )
        )


def test_a_hospital_is_added_to_what_was_imported(tmp_path: Path) -> None:
    import_one(tmp_path)
    generate(tmp_path, deployment(), 3, now=NOW)
    with Catalogue(tmp_path / "hospital/catalogue.sqlite") as catalogue:
        assert catalogue.count(Study, now=NOW) == 4
    generate(tmp_path, deployment("2" * 32), 5, now=NOW)
    with Catalogue(tmp_path / "hospital/catalogue.sqlite") as catalogue:
        assert catalogue.count(Study, now=NOW) == 6
        (imported,) = rows(catalogue, "SELECT * FROM instance WHERE path IS NOT NULL")
        assert imported["sop_uid"] == "1.2.3.4"
        assert rows(catalogue, "SELECT patient_id FROM patient WHERE name = 'X^Y'") == [{"patient_id": "X"}]


def identities(data: Path) -> dict[str, set[Any]]:
    """What names people, devices and things."""
    queries = {
        "patients": "SELECT patient_id FROM patient",
        "named": "SELECT name || birth_date FROM patient",
        "studies": "SELECT study_uid FROM study UNION ALL SELECT sop_uid FROM instance",
        "accessions": "SELECT accession_number FROM study",
        "bodies": "SELECT json_extract(recipe, '$.image.body.seed') FROM series",
        "devices": "SELECT ae_title || host || coalesce(serial || station_name || uid_root, '') FROM device",
        "hospital": "SELECT value FROM info WHERE key IN ('address', 'character_set')",
        "departments": "SELECT institution || department FROM series",
    }
    with Catalogue(data / CATALOGUE) as catalogue:
        return {name: {row[0] for row in catalogue.connection.execute(sql)} for name, sql in queries.items()}


@pytest.mark.parametrize("locale", ["da_DK", "fr_FR"])
def test_rotation_exchanges_people_and_images_and_nothing_else(tmp_path: Path, locale: str) -> None:
    drawn = deployment(locale=locale)
    import_one(tmp_path)
    generate(tmp_path, drawn, 30, now=NOW)
    before = identities(tmp_path)
    generate(tmp_path, drawn, 30, now=NOW + 86400, rotate=True)
    after = identities(tmp_path)
    for name in ("devices", "hospital", "departments"):
        assert after[name] == before[name]
    assert after["patients"] & before["patients"] == {"X"}
    assert after["studies"] & before["studies"] == {"1.2", "1.2.3.4"}
    assert after["bodies"] & before["bodies"] == {None}
    assert len(after["named"] & before["named"]) < 3
    generate(tmp_path, drawn, 30, now=NOW + 86400)  # built again: still the second people
    assert identities(tmp_path) == after
    generate(tmp_path, drawn, 30, now=NOW + 86400, rotate=True)
    assert identities(tmp_path)["patients"] & (before["patients"] | after["patients"]) == {"X"}


def test_a_hospital_goes_on_when_few_days_are_left(tmp_path: Path) -> None:
    generate(tmp_path, deployment(), 60, now=NOW)
    day = 86400.0
    assert not extend(tmp_path, deployment(), now=NOW + 7 * day)
    before = identities(tmp_path)
    assert extend(tmp_path, deployment(), now=NOW + 30 * day)
    after = identities(tmp_path)
    for name in ("patients", "studies", "accessions"):
        assert before[name] < after[name]
    assert after["devices"] == before["devices"]
    with Catalogue(tmp_path / CATALOGUE) as catalogue:
        last = catalogue.connection.execute("SELECT max(study_date) FROM study").fetchone()[0]
        assert last >= f"{datetime.fromtimestamp(NOW + 60 * day, ZONE):%Y%m%d}"
        test_the_worklist_turns_into_studies(catalogue)
        test_uids_are_valid_unique_and_ours(catalogue)
        test_patients_come_back(catalogue)
        assert none(catalogue, "SELECT 1 FROM study GROUP BY accession_number HAVING count(*) > 1")
        came_back = (
            "SELECT 1 FROM study WHERE study_date > '20260410'"
            " AND patient_key IN (SELECT patient_key FROM study WHERE study_date < '20260301')"
        )
        assert not none(catalogue, came_back)
    assert not extend(tmp_path, deployment(), now=NOW + 30 * day)


def test_only_generated_hospitals_are_continued(tmp_path: Path) -> None:
    import_one(tmp_path)
    assert not extend(tmp_path, deployment(), now=NOW)
    with pytest.raises(GenerateError, match="continued"):
        extend(tmp_path / "nothing", deployment(), now=NOW)


def test_scale_is_what_was_asked_for(tmp_path: Path) -> None:
    generate(tmp_path, deployment(), 50, now=NOW, years=0.5, per_day=12.0)
    with Catalogue(tmp_path / CATALOGUE) as catalogue:
        first = catalogue.connection.execute("SELECT min(study_date) FROM study").fetchone()[0]
        assert "20250831" < first < "20251130"
        assert catalogue.count(Study, now=NOW) == 50
        assert 120 < catalogue.count(Study) - 50 < 400  # in five weeks


def test_a_file_that_is_no_catalogue_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hospital/catalogue.sqlite"
    path.parent.mkdir()
    path.write_bytes(b"something else")
    with pytest.raises(GenerateError):
        generate(tmp_path, deployment(), 1, now=NOW)
    assert path.read_bytes() == b"something else"
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_run_leaves_nothing_half_made(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, deployment(), 5, now=NOW, progress=interrupt)
    assert not list((tmp_path / "hospital").iterdir())
    generate(tmp_path, deployment(), 5, now=NOW)
    with sqlite3.connect(tmp_path / "hospital/catalogue.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
