"""Where objects are: imported files, and generated ones that are rendered when first wanted."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from dicomhawk.hospital.archive import Archive, cached, render, trim
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.generate import generate
from dicomhawk.hospital.part10 import dataset_offset
from dicomhawk.hospital.rows import Instance
from dicomhawk.settings import Deployment

BUDGET = 1 << 30
NOW = 1_772_600_000.0


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    drawn = Deployment(
        seed="7" * 32,
        hospital="Klinikum Süd",
        locale="de_DE",
        ae_title="ARCHIV",
        uid_root="1.2.826.0.1.3680043.10.77",
    )
    generate(folder, drawn, 8, now=NOW)
    return folder


@pytest.fixture(scope="module")
def catalogue(data: Path) -> Iterator[Catalogue]:
    with Catalogue(data / "hospital/catalogue.sqlite") as opened:
        yield opened


def instance_of(catalogue: Catalogue, modality: str, number: int = 20) -> Instance:
    """An instance of the first series of a modality."""
    sql = "SELECT series_key FROM series JOIN instance USING (series_key) WHERE modality = ? AND instance_number = ?"
    (series_key,) = catalogue.connection.execute(f"{sql} LIMIT 1", (modality, number)).fetchone()
    return catalogue.instances(series_key)[number - 1]


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_an_instance_is_rendered_once_and_is_what_the_catalogue_says(
    data: Path, catalogue: Catalogue, modality: str
) -> None:
    archive, instance = Archive(data), instance_of(catalogue, modality)
    assert archive.path_of(instance) is None
    path = Path(render(str(data), instance.instance_key, BUDGET))
    assert archive.path_of(instance) == path
    read = pydicom.dcmread(path)
    series = catalogue.series(instance.series_key)
    assert series is not None
    study = catalogue.study(series.study_key)
    assert study is not None
    patient = catalogue.patient(study.patient_key)
    assert patient is not None
    assert (read.SOPInstanceUID, read.SeriesInstanceUID) == (instance.sop_uid, series.series_uid)
    assert (read.StudyInstanceUID, read.AccessionNumber) == (study.study_uid, study.accession_number)
    assert (str(read.PatientName), read.PatientID) == (patient.name, patient.patient_id)
    assert (read.InstitutionName, read.Modality) == ("Klinikum Süd", modality)
    assert (read.Rows, read.Columns) == (instance.rows, instance.columns)
    assert read.file_meta.MediaStorageSOPInstanceUID == instance.sop_uid
    assert read.InstitutionAddress == catalogue.info("address")
    status = path.stat()
    assert render(str(data), instance.instance_key, BUDGET) == str(path)
    assert path.stat().st_mtime_ns == status.st_mtime_ns


def test_the_data_set_begins_where_dataset_offset_says(data: Path, catalogue: Catalogue) -> None:
    path = Path(render(str(data), instance_of(catalogue, "CT", 21).instance_key, BUDGET))
    content = path.read_bytes()
    offset = dataset_offset(content)
    assert content[offset : offset + 4] == b"\x08\x00\x05\x00"  # Specific Character Set comes first


def test_a_file_removed_from_the_cache_comes_back_with_the_same_bytes(data: Path, catalogue: Catalogue) -> None:
    instance = instance_of(catalogue, "CT", 22)
    path = Path(render(str(data), instance.instance_key, BUDGET))
    before = path.read_bytes()
    path.unlink()
    assert Archive(data).path_of(instance) is None
    assert Path(render(str(data), instance.instance_key, BUDGET)).read_bytes() == before


def test_several_processes_may_render_at_once(data: Path, catalogue: Catalogue) -> None:
    key = instance_of(catalogue, "CT", 23).instance_key
    here = Path(render(str(data), key, BUDGET))
    expected = here.read_bytes()
    here.unlink()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, context) as pool:
        paths = list(pool.map(render, [str(data)] * 4, [key] * 4, [BUDGET] * 4))
    assert set(paths) == {str(here)}
    assert here.read_bytes() == expected
    assert [path.name for path in here.parent.iterdir() if path.name.startswith(".")] == []


def test_imported_files_are_where_they_are(data: Path, catalogue: Catalogue) -> None:
    imported = replace(instance_of(catalogue, "CT"), path="hospital/imported/a.dcm")
    assert Archive(data).path_of(imported) == data / "hospital/imported/a.dcm"


def test_an_instance_that_is_not_there_is_an_error(data: Path) -> None:
    with pytest.raises(LookupError):
        render(str(data), 10**9, BUDGET)


def test_the_oldest_files_make_room(tmp_path: Path) -> None:
    files = [cached(tmp_path, f"1.2.3.{n}") for n in range(10, 30)]
    for age, path in enumerate(files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(1000))
        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    folder = files[0].parent.parent
    trim(folder, 20_000)
    assert all(path.exists() for path in files)
    trim(folder, 10_000)
    left = [path for path in files if path.exists()]
    assert left == files[-len(left) :]
    assert 5 <= len(left) <= 10
