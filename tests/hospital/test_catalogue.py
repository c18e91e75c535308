"""The catalogue's writer and reader."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from dicomhawk.hospital.catalogue import Catalogue, CatalogueError, CatalogueWriter
from dicomhawk.hospital.names import folded_groups
from dicomhawk.hospital.rows import Device, Instance, Patient, ScheduledStep, Series, Study

DEVICE = Device(device_key=1, role="modality", ae_title="CT1", host="10.1.1.1", port=104, modality="CT")
PATIENT = Patient(
    patient_key=1,
    patient_id="0101-1",
    issuer=None,
    name="Yamada^Tarou=山田^太郎=やまだ^たろう",
    birth_date="19700101",
    sex="M",
    visible_from=5.0,
)
STUDY = Study(
    study_key=1,
    patient_key=1,
    study_uid="1.2.3",
    study_date="20240102",
    study_time="101112",
    accession_number="A1",
    study_id="S1",
    referring_physician="",
    description="CT THORAX",
)
SERIES = Series(
    series_key=1, study_key=1, series_uid="1.2.3.4", modality="CT", series_number=1, description=None, device_key=1
)
INSTANCE = Instance(
    instance_key=1,
    series_key=1,
    sop_uid="1.2.3.4.5",
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    instance_number=1,
    rows=512,
    visible_from=7.5,
)
STEP = ScheduledStep(
    step_key=1,
    patient_key=1,
    study_uid="1.2.9",
    accession_number="A2",
    requested_procedure_id="R1",
    requested_procedure_description="CT",
    step_id="P1",
    step_description="CT",
    modality="CT",
    station_ae="CT1",
    start_date="20240103",
    start_time="0900",
    status="SCHEDULED",
)
ROWS = [DEVICE, PATIENT, STUDY, SERIES, INSTANCE, STEP]


def test_rows_come_back_as_they_were_added(tmp_path: Path) -> None:
    with CatalogueWriter(tmp_path / "new" / "catalogue.sqlite") as writer:
        writer.add_all(ROWS)
        writer.set_info("hospital", "Rigshospitalet")
        writer.set_info("hospital", "Hvidovre")
    with Catalogue(tmp_path / "new" / "catalogue.sqlite") as catalogue:
        assert catalogue.devices() == [DEVICE]
        assert catalogue.device_by_ae("CT1") == catalogue.device(1) == DEVICE
        assert catalogue.device_by_ae("ct1") is None
        assert catalogue.patient(1) == PATIENT
        assert catalogue.study(1) == STUDY
        assert catalogue.series(1) == SERIES
        assert catalogue.instance(1) == INSTANCE
        assert catalogue.instance(2) is None
        assert catalogue.instances(1) == [INSTANCE]
        assert catalogue.info("hospital") == "Hvidovre"
        assert catalogue.info("nothing") is None


def test_counts_are_of_what_is_visible(tmp_path: Path) -> None:
    with CatalogueWriter(tmp_path / "c") as writer:
        for row in ROWS:
            writer.add(row)
    with Catalogue(tmp_path / "c") as catalogue:
        assert catalogue.count(Instance) == 1
        assert catalogue.count(Instance, now=7.4) == 0
        assert catalogue.count(Instance, now=7.5) == 1
        assert catalogue.count(Device, now=0) == 1


def test_keys_continue_after_those_in_the_table(tmp_path: Path) -> None:
    with CatalogueWriter(tmp_path / "c") as writer:
        assert [writer.next_key(Patient), writer.next_key(Patient), writer.next_key(Study)] == [1, 2, 1]
        writer.add(PATIENT)
        assert writer.key_of(Patient, "0101-1") == 1
        assert writer.key_of(Study, "1.2.3") is None
    with CatalogueWriter(tmp_path / "c") as writer:
        assert writer.next_key(Patient) == 2


def test_what_was_added_is_taken_back_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), CatalogueWriter(tmp_path / "c") as writer:
        writer.add(DEVICE)
        writer.commit()
        writer.add(PATIENT)
        raise ZeroDivisionError
    with Catalogue(tmp_path / "c") as catalogue:
        assert catalogue.count(Device) == 1
        assert catalogue.count(Patient) == 0


@pytest.mark.parametrize("rows", [[STUDY], [PATIENT, STUDY, STUDY]], ids=["no parent", "UID twice"])
def test_rows_that_contradict_the_catalogue_are_refused(tmp_path: Path, rows: list[Study]) -> None:
    with pytest.raises(CatalogueError), CatalogueWriter(tmp_path / "a") as writer:
        writer.add_all(rows)
    with pytest.raises(CatalogueError), CatalogueWriter(tmp_path / "b") as writer:
        for row in rows:
            writer.add(row)


def test_readers_see_commits_while_a_writer_is_at_work_and_nothing_else(tmp_path: Path) -> None:
    with CatalogueWriter(tmp_path / "c") as writer:
        writer.commit()
        with Catalogue(tmp_path / "c") as catalogue:
            before = catalogue.data_version()
            writer.add(DEVICE)
            assert catalogue.devices() == []
            writer.commit()
            assert catalogue.devices() == [DEVICE]
            assert catalogue.data_version() != before


def test_a_catalogue_is_opened_for_reading_only(tmp_path: Path) -> None:
    with CatalogueWriter(tmp_path / "c"):
        pass
    with Catalogue(tmp_path / "c") as catalogue, pytest.raises(sqlite3.OperationalError, match="readonly"):
        catalogue.connection.execute("DELETE FROM device")


def test_what_is_not_a_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError):
        Catalogue(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
    (tmp_path / "text").write_text("not a database, and long enough for its header to be read as one" * 9)
    with pytest.raises(CatalogueError):
        Catalogue(tmp_path / "text")
    with pytest.raises(CatalogueError):
        CatalogueWriter(tmp_path / "text")
    connection = sqlite3.connect(tmp_path / "newer")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(CatalogueError, match="99"):
        Catalogue(tmp_path / "newer")
    with pytest.raises(CatalogueError, match="99"):
        CatalogueWriter(tmp_path / "newer")


def _write_and_die(path: Path) -> None:
    writer = CatalogueWriter(path)
    writer.add(DEVICE)
    writer.commit()
    writer.add(PATIENT)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_writer_leaves_what_it_committed(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(tmp_path / "c",))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    with Catalogue(tmp_path / "c") as catalogue:
        assert catalogue.devices() == [DEVICE]
        assert catalogue.count(Patient) == 0
    with CatalogueWriter(tmp_path / "c") as writer:
        writer.add(PATIENT)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("Doe ^JOHN^^^", ("doe^john", "", "")),
        ("Yamada^Tarou=山田^太郎", ("yamada^tarou", "山田^太郎", "")),
        ("=Ægir", ("", "ægir", "")),
        ("A\u030angstro\u0308m^Å", ("ångström^å", "", "")),
        ("a^b^c^d^e^f=b=c=d", ("a^b^c^d^e^f", "b", "c=d")),
        ("", ("", "", "")),
    ],
)
def test_names_are_folded_by_group_and_component(name: str, groups: tuple[str, str, str]) -> None:
    assert folded_groups(name) == groups
