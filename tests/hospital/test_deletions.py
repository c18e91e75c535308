"""What visitors deleted, and how each then sees the hospital."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomhawk.hospital import deletions
from dicomhawk.hospital.catalogue import Catalogue
from dicomhawk.hospital.kept import classes_of
from dicomhawk.hospital.query import Model, find
from dicomhawk.hospital.retrieval import retrieve
from dicomhawk.hospital.uploads import Uploads
from tests.hospital.small_hospital import NOW, build, keys
from tests.hospital.test_uploads import ME, OTHER, add, head


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    build(tmp_path / "catalogue.sqlite", more=3)
    return Catalogue(tmp_path / "catalogue.sqlite")


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads.sqlite")


def ids_of(catalogue: Catalogue) -> list[tuple[str, ...]]:
    """Identifiers of the hospital's instances, from the patient's down."""
    return catalogue.connection.execute(
        "SELECT patient_id, study_uid, series_uid, sop_uid FROM instance JOIN series USING (series_key) "
        "JOIN study USING (study_key) JOIN patient USING (patient_key) WHERE study.visible_from <= ? "
        "ORDER BY 1, 2, 3, 4",
        (NOW,),
    ).fetchall()


def fetched(catalogue: Catalogue, uploads: Uploads, visitor: str, study: str) -> list[str]:
    asked = keys(g00080052="STUDY", g0020000D=study)
    found = retrieve(catalogue, Model.STUDY_ROOT, asked, now=NOW, uploads=uploads, visitor=visitor)
    return sorted(each.sop_uid for each in found)


def counted(catalogue: Catalogue, uploads: Uploads, visitor: str) -> dict[str, int]:
    """Studies, and how many instances each is said to have."""
    asked = keys(g00080052="STUDY", g0020000D="", g00201208="")
    matches = find(catalogue, Model.STUDY_ROOT, asked, now=NOW, uploads=uploads, visitor=visitor)
    rows = (match.values() for match in matches if match is not None)
    return {str(row[0x0020000D]): int(str(row[0x00201208])) for row in rows}


@pytest.mark.parametrize("level", range(1, 5))
def test_what_is_deleted_is_gone_for_its_visitor(catalogue: Catalogue, uploads: Uploads, level: int) -> None:
    everything = ids_of(catalogue)
    gone = next(ids for ids in everything if ids[0] == "P1")[:level]
    assert uploads.delete(ME, catalogue, gone, [])
    left = [ids for ids in everything if ids[:level] != gone]
    assert len(left) < len(everything)
    for visitor, expected in ((ME, left), (OTHER, everything)):
        for study in {ids[1] for ids in everything}:
            assert fetched(catalogue, uploads, visitor, study) == sorted(
                ids[3] for ids in expected if ids[1] == study
            )
        assert counted(catalogue, uploads, visitor) == {
            study: sum(ids[1] == study for ids in expected) for study in {ids[1] for ids in expected}
        }
        kept = classes_of([ids[3] for ids in everything], catalogue, uploads, visitor=visitor, now=NOW)
        assert set(kept) == {ids[3] for ids in expected}


def test_everything_can_be_deleted_piece_by_piece(catalogue: Catalogue, uploads: Uploads) -> None:
    everything = ids_of(catalogue)
    for number, ids in enumerate(everything, 1):
        assert uploads.delete(ME, catalogue, ids, [])
        assert sum(counted(catalogue, uploads, ME).values()) == len(everything) - number


def test_what_is_stored_after_a_deletion_is_there(catalogue: Catalogue, uploads: Uploads) -> None:
    patient, study, series, sop = next(ids for ids in ids_of(catalogue) if ids[0] == "P1")
    for gone in ((patient, study), (patient,)):
        assert uploads.delete(ME, catalogue, gone, [])
        add(uploads, sop, head(patient, study, series))
        assert fetched(catalogue, uploads, ME, study) == [sop]
        assert counted(catalogue, uploads, ME)[study] == 1
        (key,) = uploads.connection.execute("SELECT instance_key FROM instance").fetchone()
        assert uploads.delete(ME, catalogue, gone, [key])
        assert study not in counted(catalogue, uploads, ME)


def test_there_is_a_limit(catalogue: Catalogue, uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletions, "MAX_TOUCHED", 5)
    everything = ids_of(catalogue)
    first = next(ids for ids in everything if ids[0] == "P2")
    assert uploads.delete(ME, catalogue, first, [])
    for patient in ("P1", "P3"):
        part = next(ids for ids in everything if ids[0] == patient)
        assert not uploads.delete(ME, catalogue, part, [])
        assert uploads.delete(ME, catalogue, part[:1], [])  # a patient costs nothing
    assert uploads.delete(OTHER, catalogue, first, [])
