"""The whole catalogue of two hospitals: whatever two places say of the same thing, they say alike."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dicomhawk.hospital import archive
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.deployment import draw_deployment
from dicomhawk.hospital.findings.seen import on_radiograph
from dicomhawk.hospital.findings.telling import STATES, tell
from dicomhawk.hospital.generate import generate
from dicomhawk.hospital.images.recipe import ChestCT, HeadCT, Radiograph, Scout, Ultrasound
from dicomhawk.hospital.objects.document_recipe import DoseReport, KeyObjects, Presentation, Reference, Report
from dicomhawk.hospital.objects.makers import model_of
from dicomhawk.hospital.objects.recipe import CTAcquisition, DocumentRecipe, SeriesRecipe, decode
from dicomhawk.settings import Deployment

STUDIES = 350
NOW = datetime(2026, 3, 4, 11, 0, tzinfo=ZoneInfo("Europe/Copenhagen")).timestamp()
CLASSES = {
    "1.2.840.10008.5.1.4.1.1.1": {"CR"},
    "1.2.840.10008.5.1.4.1.1.1.1": {"DX"},
    "1.2.840.10008.5.1.4.1.1.2": {"CT"},
    "1.2.840.10008.5.1.4.1.1.4": {"MR"},
    "1.2.840.10008.5.1.4.1.1.6.1": {"US"},
    "1.2.840.10008.5.1.4.1.1.3.1": {"US"},
    "1.2.840.10008.5.1.4.1.1.7": {"OT", "CT"},
    "1.2.840.10008.5.1.4.1.1.9.1.1": {"ECG"},
    "1.2.840.10008.5.1.4.1.1.9.1.2": {"ECG"},
    "1.2.840.10008.5.1.4.1.1.11.1": {"PR"},
    "1.2.840.10008.5.1.4.1.1.88.11": {"SR"},
    "1.2.840.10008.5.1.4.1.1.88.22": {"SR"},
    "1.2.840.10008.5.1.4.1.1.88.59": {"KO"},
    "1.2.840.10008.5.1.4.1.1.88.67": {"SR"},
    "1.2.840.10008.5.1.4.1.1.104.1": {"OT", "DOC", "ECG"},
}
"""Modalities of the series that instances of a SOP class are in (PS3.4 B.5, PS3.3 C.7.3.1.1.1)."""
KINDS_OF_SUBJECTS = {
    "chest": {"CT"},
    "ct_head": {"CT"},
    "ct_abdomen": {"CT"},
    "head": {"MR"},
    "xr": {"CR", "DX"},
    "us": {"US"},
    "ecg": {"ECG"},
}
Row = dict[str, Any]


class World:
    """A hospital's catalogue, read once."""

    def __init__(self, deployment: Deployment, catalogue: Catalogue) -> None:
        self.deployment = deployment
        self._connection = catalogue.connection
        self.patients = {row["patient_key"]: row for row in self.rows("SELECT * FROM patient")}
        self.studies = {row["study_key"]: row for row in self.rows("SELECT * FROM study ORDER BY study_key")}
        self.devices = {row["device_key"]: row for row in self.rows("SELECT * FROM device")}
        self.series = self.rows("SELECT * FROM series ORDER BY series_key")
        self.instances = self.rows("SELECT * FROM instance")
        self.recipes = {row["series_key"]: decode(row["recipe"]) for row in self.series if row["recipe"]}
        self.of_study: dict[int, list[Row]] = defaultdict(list)
        for row in self.series:
            self.of_study[row["study_key"]].append(row)

    def rows(self, sql: str) -> list[Row]:
        cursor = self._connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def images(self, study: int) -> Iterator[tuple[Row, SeriesRecipe]]:
        """The series of a study that aren't documents."""
        for row in self.of_study[study]:
            recipe = self.recipes.get(row["series_key"])
            if isinstance(recipe, SeriesRecipe):
                yield row, recipe

    def documents(self, study: int) -> Iterator[tuple[Row, Any]]:
        for row in self.of_study[study]:
            recipe = self.recipes.get(row["series_key"])
            if isinstance(recipe, DocumentRecipe):
                yield row, recipe.document

    def reports(self) -> Iterator[tuple[Row, Row, Report]]:
        """All reports with their studies and series."""
        for key, study in self.studies.items():
            for row, document in self.documents(key):
                if isinstance(document, Report):
                    yield study, row, document


@pytest.fixture(scope="module", params=[("c0" * 16, "da_DK"), ("17" * 16, "en_US")], ids=lambda p: str(p[1]))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    seed, locale = request.param
    deployment, data = draw_deployment(seed=seed, locale=locale), tmp_path_factory.mktemp("coherence")
    generate(data, deployment, STUDIES, now=NOW)
    with Catalogue(data / archive.CATALOGUE) as catalogue:
        yield World(deployment, catalogue)


def day_of(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()


def moment_of(day: str, time: str) -> datetime:
    return datetime.strptime(day + time[:6], "%Y%m%d%H%M%S")


def test_ages_agree_with_birth_dates(world: World) -> None:
    for study in world.studies.values():
        born, seen = day_of(world.patients[study["patient_key"]]["birth_date"]), day_of(study["study_date"])
        years = seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day))
        assert study["patient_age"] == f"{years:03d}Y"
        assert 16 <= years < 110


def test_modality_maker_and_model_are_those_of_the_device(world: World) -> None:
    sop_classes: dict[int, set[str]] = defaultdict(set)
    for instance in world.instances:
        sop_classes[instance["series_key"]].add(instance["sop_class_uid"])
    for series in world.series:
        device, recipe = world.devices[series["device_key"]], world.recipes[series["series_key"]]
        (sop_class,) = sop_classes[series["series_key"]]
        assert series["modality"] in CLASSES[sop_class]
        if isinstance(recipe, SeriesRecipe):
            assert series["modality"] in (device["modality"], "OT", "SR", "PR")
            assert (series["manufacturer"], series["model"]) == (device["manufacturer"], device["model"])
            assert series["station_name"] == device["station_name"]
            assert model_of(device["manufacturer"], device["model"]) is not None
        else:
            assert series["modality"] in ("SR", "KO", "PR", "OT", "DOC")


def test_dates_are_in_order(world: World) -> None:
    for key, study in world.studies.items():
        began = moment_of(study["study_date"], study["study_time"])
        shown = [(moment_of(row["series_date"], row["series_time"]), row) for row, _ in world.images(key)]
        written = [(moment_of(row["series_date"], row["series_time"]), row) for row, _ in world.documents(key)]
        assert shown
        assert all(began <= at for at, _ in shown)
        assert all((at - began).total_seconds() < 4 * 3600 for at, _ in shown)
        assert [at for at, _ in shown] == sorted(at for at, _ in shown)
        last = max(at for at, _ in shown)
        assert all(at >= last for at, _ in written)
        assert study["visible_from"] <= min(row["visible_from"] for _, row in shown)
        assert all(row["visible_from"] >= study["visible_from"] for _, row in shown + written)
        for at, row in shown + written:
            assert row["visible_from"] > at.replace(tzinfo=ZoneInfo("Europe/Copenhagen")).timestamp() - 12 * 3600
    for series in world.series:
        assert day_of(series["series_date"]) >= day_of(world.studies[series["study_key"]]["study_date"])


def test_instances_follow_their_series(world: World) -> None:
    series = {row["series_key"]: row for row in world.series}
    numbers: dict[int, list[int]] = defaultdict(list)
    for instance in world.instances:
        own = series[instance["series_key"]]
        numbers[instance["series_key"]].append(instance["instance_number"])
        taken = moment_of(instance["content_date"], instance["content_time"])
        assert taken >= moment_of(own["series_date"], own["series_time"]).replace(microsecond=0)
    for found in numbers.values():
        assert sorted(found) == list(range(1, len(found) + 1))


def test_uids_are_unique_and_under_their_roots(world: World) -> None:
    every = [row["study_uid"] for row in world.studies.values()]
    every += [row["series_uid"] for row in world.series] + [row["sop_uid"] for row in world.instances]
    assert len(set(every)) == len(every)
    assert all(re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*))+", uid) and len(uid) <= 64 for uid in every)
    root = world.deployment.uid_root
    assert all(uid.startswith(f"{root}.") for uid in every)
    series = {row["series_key"]: row for row in world.series}
    made = {row["series_key"]: world.devices[row["device_key"]]["uid_root"] for row in world.series}
    for key, row in series.items():
        if isinstance(world.recipes[key], SeriesRecipe):
            assert row["series_uid"].startswith(f"{made[key]}.")
    for instance in world.instances:
        key = instance["series_key"]
        own = made[key] if isinstance(world.recipes[key], SeriesRecipe) else series[key]["series_uid"]
        assert instance["sop_uid"].startswith(f"{own}.")
    for device in world.devices.values():
        assert device["uid_root"] is None or device["uid_root"].startswith(f"{root}.")


def test_series_numbers_are_unique_in_a_study(world: World) -> None:
    for series in world.of_study.values():
        numbers = [row["series_number"] for row in series]
        assert len(set(numbers)) == len(numbers)
        assert all(number > 0 for number in numbers)
        images = [row["series_number"] for row in series if row["modality"] in ("CT", "MR", "CR", "DX", "US")]
        assert images == sorted(images)


def test_accession_numbers_and_patient_ids_are_unique(world: World) -> None:
    for column, table in (("accession_number", world.studies), ("patient_id", world.patients)):
        assert max(Counter(row[column] for row in table.values()).values()) == 1


def test_reports_tell_what_the_images_show_and_nothing_else(world: World) -> None:
    kinds: Counter[str] = Counter()
    for study, _, report in world.reports():
        facts = report.facts
        images = [recipe.image for _, recipe in world.images(study["study_key"])]
        for image in images:
            if isinstance(image, ChestCT | HeadCT | Radiograph | Ultrasound | Scout):
                assert image.findings == facts.findings
        devices = {world.devices[row["device_key"]]["modality"] for row, _ in world.images(study["study_key"])}
        assert devices <= KINDS_OF_SUBJECTS[facts.subject]
        sections = {section.key: section for section in tell(facts)}
        told = [s for s in sections["findings"].statements if s.finding is not None]
        assert [s.finding for s in told] == list(facts.findings)
        for statement in told:
            finding = statement.finding
            assert finding is not None
            kinds[f"{facts.subject}/{finding.kind}"] += 1
            in_millimetres = facts.subject in ("chest", "us") or finding.kind in ("nodule", "mass", "calcified")
            if finding.kind not in STATES and in_millimetres:
                assert str(round(finding.size)) in statement.text
        if facts.subject == "xr":
            assert all(map(on_radiograph, facts.findings))
    assert len([kind for kind in kinds if kind.startswith("xr/")]) >= 5
    assert len([kind for kind in kinds if kind.startswith("us/")]) >= 3
    assert len([kind for kind in kinds if kind.startswith("chest/")]) >= 6


def test_comparisons_are_with_the_last_examination_of_the_same_kind(world: World) -> None:
    last: dict[tuple[int, str], tuple[str, Any]] = {}
    compared = 0
    for study, _, report in world.reports():
        facts = report.facts
        key = (study["patient_key"], facts.subject)
        if facts.prior is not None and key in last:
            compared += 1
            day, found = last[key]
            assert day <= study["study_date"]
            if facts.subject != "ecg":  # not all have a report
                assert (facts.prior, facts.before) == (day, found)
        last[key] = (study["study_date"], facts.findings)
    assert compared > 10


def test_a_patients_lasting_findings_are_the_same_in_all_kinds_of_examinations(world: World) -> None:
    seen: dict[str, set[Any]] = defaultdict(set)
    for _, _, report in world.reports():
        for finding in report.facts.findings:
            # A tumour that grows becomes a mass where it was a nodule.
            if finding.kind in ("mass", "nodule", "calcified", "emphysema", "pacemaker", "gallstone", "renal_cyst"):
                seen[finding.seed].add((finding.place, finding.at))
    assert len(seen) > 40
    assert all(len(places) == 1 for places in seen.values())


def test_ultrasound_measures_what_the_report_says(world: World) -> None:
    measured = 0
    for study, _, report in world.reports():
        if report.facts.subject != "us":
            continue
        (image, *_) = [r.image for _, r in world.images(study["study_key"]) if isinstance(r.image, Ultrasound)]
        looked = {scan.finding for scan in image.scans if scan.finding and scan.measured}
        wanted = {f.seed for f in report.facts.findings if f.kind != "steatosis"}
        assert looked == wanted
        measured += len(looked)
    assert measured >= 3


def test_doses_have_the_irradiations_of_their_images(world: World) -> None:
    reports = 0
    for key in world.studies:
        events: dict[str, set[bool]] = defaultdict(set)
        for _, recipe in world.images(key):
            if isinstance(recipe.acquisition, CTAcquisition):
                events[recipe.acquisition.irradiation_event].add(isinstance(recipe.image, Scout))
        assert all(len(kinds) == 1 for kinds in events.values())  # a localizer is no spiral
        for _, document in world.documents(key):
            if isinstance(document, DoseReport):
                reports += 1
                assert {part.event for part in document.parts} == set(events)
                assert {part.event for part in document.parts if not part.spiral} == {
                    event for event, kinds in events.items() if kinds == {True}
                }
    by_device = Counter(device["modality"] for device in world.devices.values())
    assert reports > 20 or not by_device["CT"]


def test_documents_point_at_series_of_their_study(world: World) -> None:
    for key in world.studies:
        series = {row["series_uid"]: row for row, _ in world.images(key)}
        for _, document in world.documents(key):
            references: tuple[Reference, ...] = ()
            if isinstance(document, Report | KeyObjects):
                references = document.references
            elif isinstance(document, Presentation):
                references = (document.reference,)
            for reference in references:
                assert reference.series_uid in series
                kept = world.recipes[series[reference.series_uid]["series_key"]]
                assert isinstance(kept, SeriesRecipe)
                assert reference.image == kept.image


def test_nothing_is_constant_that_varies_in_real_archives(world: World) -> None:
    """Columns of the catalogue, and how each kind of series was acquired."""
    rows = {"study": list(world.studies.values()), "patient": list(world.patients.values()), "series": world.series}
    varied = {
        "study": (
            "study_time",
            "referring_physician",
            "description",
            "patient_age",
            "patient_size",
            "patient_weight",
        ),
        "patient": ("name", "birth_date", "sex"),
        "series": ("series_time", "description", "operators", "station_name", "protocol_name", "series_number"),
    }
    for table, columns in varied.items():
        for column in columns:
            values = Counter(row[column] for row in rows[table])
            assert len(values) > 1, (table, column)
            assert max(values.values()) < 0.75 * len(rows[table]) or column in ("operators", "protocol_name"), column
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for recipe in world.recipes.values():
        if isinstance(recipe, SeriesRecipe):
            by_kind[type(recipe.image).__name__].append(
                msgspec.to_builtins(recipe.acquisition) | msgspec.to_builtins(recipe.image)
            )
    usual = {"type", "matrix", "acquisition", "frames", "padding", "field", "axial", "tilt", "noise", "agent"}
    usual |= {"inversion_time", "detail", "shutter", "inverted", "bits", "bandwidth", "holder", "table", "kernel"}
    usual |= {
        "grid",
        "rows",
        "columns",
        "pixel",
        "target",
        "averages",
        "kvp",
        "ctdi",
        "windows",
        "layout",
        "coil",
        "locale",
    }
    for kind, found in by_kind.items():
        if len(found) < 20 or kind == "Electrocardiogram":  # all have twelve leads and one calibration
            continue
        for name in set().union(*found) - usual:
            assert len({str(row.get(name)) for row in found}) > 1, (kind, name)


def test_bodies_of_a_patient_are_the_same_person(world: World) -> None:
    """Seed and height stay; age goes with the day."""
    bodies: dict[int, list[tuple[str, Any]]] = defaultdict(list)
    for key, study in world.studies.items():
        for _, recipe in world.images(key):
            body = getattr(recipe.image, "body", None)
            if body is not None:
                bodies[study["patient_key"]].append((study["study_date"], body))
    several = 0
    for found in bodies.values():
        assert len({body.seed for _, body in found}) == 1
        for (first, one), (second, other) in itertools.pairwise(sorted(found, key=lambda item: item[0])):
            several += first != second
            years = (day_of(second) - day_of(first)).days / 365.2425
            assert other.age - one.age == pytest.approx(years, abs=0.02)
            assert (one.height, one.female) == (other.height, other.female)
    assert several > 20
