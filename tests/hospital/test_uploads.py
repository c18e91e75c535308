"""What visitors stored, and how each sees it in the hospital."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.hospital import uploads as uploads_module
from dicomhawk.hospital.attributes import ATTRIBUTES
from dicomhawk.hospital.catalogue import Catalogue, CatalogueWriter
from dicomhawk.hospital.elements import EXPLICIT_LE, DataSet, Element
from dicomhawk.hospital.heads import MAX_TEXT, describe
from dicomhawk.hospital.instances import InstanceRef
from dicomhawk.hospital.query import Match, Model, find
from dicomhawk.hospital.retrieval import retrieve
from dicomhawk.hospital.rows import Patient
from dicomhawk.hospital.uploads import AddOutcome, Uploads, UploadsError
from tests.hospital.small_hospital import CT, MR, NOW, build, column, keys, read, step

STUDY_UID, SERIES_UID, SOP_UID, PATIENT_ID = 0x0020000D, 0x0020000E, 0x00080018, 0x00100020
COUNTS = {"g00201206": "", "g00201208": "", "g00080061": ""}
ME, OTHER = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    build(tmp_path / "catalogue.sqlite")
    return Catalogue(tmp_path / "catalogue.sqlite")


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads.sqlite")


def head(
    patient_id: str = "EVIL", study: str = "9.1", series: str = "9.1.1", modality: str = "OT", **more: str
) -> DataSet:
    values = {"g00100010": "Hacker^Mallory", "g00080020": "20240505", "g00200013": "7"} | more
    return keys(g00100020=patient_id, g0020000D=study, g0020000E=series, g00080060=modality, **values)


def add(
    uploads: Uploads, sop_uid: str, found: DataSet | None = None, visitor: str = ME, **more: object
) -> AddOutcome:
    arguments: dict[str, object] = {
        "sop_class_uid": CT,
        "transfer_syntax_uid": EXPLICIT_LE,
        "path": f"objects/{sop_uid}",
        "size": 123,
        "now": NOW,
    }
    return uploads.add(visitor, head() if found is None else found, sop_uid=sop_uid, **(arguments | more))  # type: ignore[arg-type]


class View:
    """The hospital as a visitor sees it."""

    def __init__(self, catalogue: Catalogue, uploads: Uploads, visitor: str = ME) -> None:
        self._catalogue, self._uploads, self._visitor = catalogue, uploads, visitor

    def find(self, identifier: DataSet, model: Model = Model.PATIENT_ROOT) -> list[Match]:
        matches = find(
            self._catalogue,
            model,
            identifier,
            now=NOW,
            uploads=self._uploads,
            visitor=self._visitor,
            relational=True,
        )
        return [match for match in matches if match]

    def studies(self, **values: str) -> list[object]:
        return column(self.find(keys("STUDY", g0020000D="", **values)), STUDY_UID)

    def counts(self, study_uid: str) -> list[object]:
        (match,) = self.find(keys("STUDY", g0020000D=study_uid, **COUNTS))
        return [match.values()[tag] for tag in (0x00201206, 0x00201208, 0x00080061)]

    def retrieve(self, identifier: DataSet) -> list[InstanceRef]:
        found = retrieve(
            self._catalogue,
            Model.STUDY_ROOT,
            identifier,
            now=NOW,
            uploads=self._uploads,
            visitor=self._visitor,
        )
        refs = list(found)
        assert len(refs) == len(found)
        return refs


def test_a_visitor_finds_and_gets_its_own_object_and_nobody_else_does(catalogue: Catalogue, uploads: Uploads) -> None:
    me, other = View(catalogue, uploads), View(catalogue, uploads, OTHER)
    assert me.studies(g00100010="hack*") == []
    assert add(uploads, "9.1.1.1") is AddOutcome.NEW
    assert me.studies(g00100010="hack*") == ["9.1"]
    assert me.studies() == ["1.1", "1.2", "1.3", "1.4", "9.1"]
    assert me.counts("9.1") == [1, 1, "OT"]
    assert me.studies(g00080061="OT") == ["9.1"]
    (ref,) = me.retrieve(keys("STUDY", g0020000D="9.1"))
    assert ref == InstanceRef(
        instance_key=ref.instance_key,
        sop_uid="9.1.1.1",
        sop_class_uid=CT,
        transfer_syntax_uid=EXPLICIT_LE,
        study_uid="9.1",
        series_uid="9.1.1",
        path="objects/9.1.1.1",
        size=123,
        origin="upload",
    )
    assert ref.instance_key > 0
    assert other.studies() == ["1.1", "1.2", "1.3", "1.4"]
    assert other.retrieve(keys("STUDY", g0020000D="9.1")) == []


def test_all_levels_of_an_upload_are_found(catalogue: Catalogue, uploads: Uploads) -> None:
    add(uploads, "9.1.1.1")
    me = View(catalogue, uploads)
    identifier = keys("PATIENT", g00100020="EVIL", g00100010="", g00201204="")
    (patient,) = me.find(identifier)
    assert read(patient).PatientName == "Hacker^Mallory"
    assert patient.values()[0x00201204] == 1
    assert column(me.find(keys("SERIES", g0020000D="9.1", g0020000E="", g00201209="1")), SERIES_UID) == ["9.1.1"]
    (image,) = me.find(keys("IMAGE", g0020000D="9.1", g00080018="", g00200013="7", g00080016=""))
    assert image.values()[SOP_UID] == "9.1.1.1"
    assert image.values()[0x00080016] == CT


def test_an_object_stored_into_a_study_of_the_hospital_is_counted_in_it(
    catalogue: Catalogue, uploads: Uploads
) -> None:
    add(uploads, "9.9.1", head("P1", "1.1", "9.9", "OT"))
    add(uploads, "9.9.2", head("P1", "1.1", "1.1.1", "CT"))
    me, other = View(catalogue, uploads), View(catalogue, uploads, OTHER)
    assert me.studies() == ["1.1", "1.2", "1.3", "1.4"]
    assert me.counts("1.1") == [3, 6, "CT\\OT\\SR"]
    assert me.studies(g00080061="OT") == ["1.1"]
    assert me.studies(g00100010="Ågård*") == ["1.1", "1.2"]
    (patient,) = me.find(keys("PATIENT", g00100020="P1", g00100010="", g00201204=""))
    assert patient.values()[0x00100010] == "Ågård^Søren^^Dr", "the hospital's word on its patient stands"
    assert patient.values()[0x00201204] == 8
    refs = me.retrieve(keys("STUDY", g0020000D="1.1"))
    assert [ref.origin for ref in refs].count("upload") == 2
    assert len(refs) == 6
    assert other.counts("1.1") == [2, 4, "CT\\SR"]
    assert len(other.retrieve(keys("STUDY", g0020000D="1.1"))) == 4


def test_a_new_study_of_a_patient_of_the_hospital_is_this_patients(catalogue: Catalogue, uploads: Uploads) -> None:
    add(uploads, "9.1.1.1", head("P3"))
    (patient,) = View(catalogue, uploads).find(keys("PATIENT", g00100020="P3", g00201200=""))
    assert patient.values()[0x00201200] == 2
    (study,) = View(catalogue, uploads).find(keys("STUDY", g0020000D="9.1", g00100010=""))
    assert study.values()[0x00100010] == "Aalto^Anna"


def test_studies_to_come_still_come_in_their_time(catalogue: Catalogue, uploads: Uploads) -> None:
    add(uploads, "9.1.1.1", head("P3"))
    assert "1.5" not in View(catalogue, uploads).studies()
    later = find(catalogue, Model.STUDY_ROOT, keys("STUDY", g0020000D=""), now=1500.0, uploads=uploads, visitor=ME)
    assert column(later, STUDY_UID) == ["1.1", "1.2", "1.3", "1.4", "1.5", "9.1"]


def test_an_instance_of_the_hospital_stored_again_is_the_visitors(catalogue: Catalogue, uploads: Uploads) -> None:
    add(uploads, "1.2.1.1", head("P1", "1.2", "1.2.1", "MR"), sop_class_uid=MR)
    me = View(catalogue, uploads)
    assert me.counts("1.2") == [1, 2, "MR"]
    assert {ref.sop_uid: ref.origin for ref in me.retrieve(keys("STUDY", g0020000D="1.2"))} == {
        "1.2.1.1": "upload",
        "1.2.1.2": "catalogue",
    }


def test_storing_again(catalogue: Catalogue, uploads: Uploads) -> None:
    me = View(catalogue, uploads)
    assert add(uploads, "9.1.1.1") is AddOutcome.NEW
    assert me.counts("9.1") == [1, 1, "OT"]
    assert add(uploads, "9.1.1.1") is AddOutcome.SAME
    assert add(uploads, "9.1.1.1", path="objects/b", overwrite=False) is AddOutcome.KEPT
    assert [ref.path for ref in me.retrieve(keys("STUDY", g0020000D="9.1"))] == ["objects/9.1.1.1"]
    assert add(uploads, "9.1.1.1", path="objects/b") is AddOutcome.REPLACED
    assert [ref.path for ref in me.retrieve(keys("STUDY", g0020000D="9.1"))] == ["objects/b"]
    assert me.counts("9.1") == [1, 1, "OT"]
    assert add(uploads, "9.1.1.1", visitor=OTHER) is AddOutcome.NEW


def test_an_object_that_moves_leaves_nothing_behind(catalogue: Catalogue, uploads: Uploads) -> None:
    me = View(catalogue, uploads)
    add(uploads, "9.1.1.1")
    assert me.studies(g00100020="EVIL") == ["9.1"]
    add(uploads, "9.1.1.1", head("OTHER", "9.2", "9.2.1"), path="objects/b")
    assert me.studies() == ["1.1", "1.2", "1.3", "1.4", "9.2"]
    assert me.find(keys("PATIENT", g00100020="EVIL")) == []


def test_an_import_shows_at_once(catalogue: Catalogue, uploads: Uploads, tmp_path: Path) -> None:
    add(uploads, "9.1.1.1", head("P3"))
    me = View(catalogue, uploads)
    assert me.find(keys("PATIENT", g00100020="P4")) == []
    with CatalogueWriter(tmp_path / "catalogue.sqlite") as writer:
        writer.add(
            Patient(
                patient_key=writer.next_key(Patient),
                patient_id="P4",
                issuer=None,
                name="New^Patient",
                birth_date="",
                sex="",
            )
        )
        step(writer, 3)
    assert len(me.find(keys("PATIENT", g00100020="P4"))) == 1
    add(uploads, "9.1.1.2", head("P4"))
    (study,) = me.find(keys("STUDY", g0020000D="9.1", g00100020="", g00201208=""))
    assert study.values()[PATIENT_ID] == "P3", "a study stays with the patient it came with"
    assert study.values()[0x00201208] == 2


def test_objects_without_identity_are_found_all_the_same(catalogue: Catalogue, uploads: Uploads) -> None:
    assert add(uploads, "9.1.1.1", {}) is AddOutcome.NEW
    assert add(uploads, "9.1.1.2", {PATIENT_ID: Element(PATIENT_ID, "SQ", ({},))}) is AddOutcome.NEW
    me = View(catalogue, uploads)
    assert column(me.find(keys("IMAGE", g00080018="9.1.1.1\\9.1.1.2")), SOP_UID) == ["9.1.1.1", "9.1.1.2"]
    assert me.studies(g00080018="9.1.1.1") == [""]


def test_a_full_archive_takes_no_more(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_module, "MAX_OBJECTS", 2)
    assert [add(uploads, f"9.1.1.{number}") for number in range(3)] == [
        AddOutcome.NEW,
        AddOutcome.NEW,
        AddOutcome.FULL,
    ]
    assert add(uploads, "9.1.1.1", path="objects/b") is AddOutcome.REPLACED
    assert add(uploads, "9.1.1.0", visitor=OTHER) is AddOutcome.NEW


def test_few_visitors_are_kept_ready_and_all_are_answered(
    catalogue: Catalogue, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "MAX_OVERLAYS", 2)
    visitors = [f"198.51.100.{number}" for number in range(5)]
    for visitor in visitors:
        add(uploads, f"9.{visitor}.1", head(study=f"9.{visitor}"), visitor=visitor)
    for _ in range(2):
        for visitor in visitors:
            assert View(catalogue, uploads, visitor).studies(g00100020="EVIL") == [f"9.{visitor}"]


def test_an_answer_goes_on_while_the_visitor_stores(catalogue: Catalogue, uploads: Uploads) -> None:
    for number in range(5):
        add(uploads, f"9.{number}.1.1", head(study=f"9.{number}"))
    matches = find(catalogue, Model.STUDY_ROOT, keys("STUDY", g00100020="EVIL"), now=NOW, uploads=uploads, visitor=ME)
    next(matches)
    add(uploads, "9.7.1.1", head(study="9.7"))
    assert len(View(catalogue, uploads).studies(g00100020="EVIL")) == 6
    assert len(list(matches)) >= 4


def test_an_answer_that_nobody_reads_keeps_nobody_from_storing(
    catalogue: Catalogue, uploads: Uploads, tmp_path: Path
) -> None:
    for number in range(5):
        add(uploads, f"9.{number}.1.1", head(study=f"9.{number}"))
    matches = find(catalogue, Model.STUDY_ROOT, keys("STUDY", g00100020="EVIL"), now=NOW, uploads=uploads, visitor=ME)
    next(matches)
    with Uploads(tmp_path / "uploads.sqlite") as another_process:
        add(another_process, "9.7.1.1", head(study="9.7"), visitor=OTHER)
    assert add(uploads, "9.8.1.1", head(study="9.8")) is AddOutcome.NEW
    matches.close()


def _add_and_die(path: Path) -> None:
    uploads = Uploads(path)
    for number in range(20):
        add(uploads, f"9.1.1.{number}")
    os.kill(os.getpid(), signal.SIGKILL)


def _add_many(path: Path, first: int) -> None:
    uploads = Uploads(path)
    for number in range(first, first + 100):
        add(uploads, f"9.1.1.{number}")


def test_what_was_added_survives_a_kill(catalogue: Catalogue, tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_add_and_die, args=(tmp_path / "u",))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with Uploads(tmp_path / "u") as uploads:
        assert View(catalogue, uploads).counts("9.1") == [1, 20, "OT"]


def test_workers_write_at_the_same_time_and_see_each_others(catalogue: Catalogue, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_many, args=(tmp_path / "u", first)) for first in (1000, 2000)]
    with Uploads(tmp_path / "u") as uploads:
        for process in processes:
            process.start()
        for number in range(100):
            add(uploads, f"9.1.1.{number}")
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        assert View(catalogue, uploads).counts("9.1") == [1, 300, "OT"]


def test_what_is_not_a_file_of_uploads_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, and long enough for its header to be read as one" * 9)
    with pytest.raises(UploadsError):
        Uploads(tmp_path / "text")
    uploads = Uploads(tmp_path / "u")
    uploads.close()
    with pytest.raises(UploadsError):
        add(uploads, "9.1")


def test_values_are_bounded_and_cleaned() -> None:
    found = describe(
        keys(
            g00100010="A" * 9000,
            g00080020="2024.05.05",
            g00200013="12 \\13",
            g00200011="99999999999999999999",
            g0020000D="1." * 500,
            g00081030=" text \0",
        )
    )
    assert found["PATIENT"] == {"name": "A" * MAX_TEXT}
    assert found["STUDY"]["study_date"] == "20240505"
    assert found["STUDY"]["description"] == "text"
    assert len(str(found["STUDY"]["study_uid"])) == 128
    assert found["IMAGE"] == {"instance_number": 12}
    assert found["SERIES"] == {}


@given(st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), st.binary(max_size=50), max_size=8))
def test_any_head_is_described(values: dict[int, bytes]) -> None:
    for vr in ("LO", "SQ", "US", "UN"):
        describe({tag: Element(tag, vr, value) for tag, value in values.items()})


def test_uploads_meet_the_hospital_at_any_time(catalogue: Catalogue, uploads: Uploads) -> None:
    me = View(catalogue, uploads)
    add(uploads, "9.1.1.1")
    assert me.counts("9.1") == [1, 1, "OT"]
    add(uploads, "9.2.1.1", head(study="1.3", series="9.2.1"))
    assert me.counts("9.1") == [1, 1, "OT"]
    assert me.counts("1.3") == [2, 3, "CT\\OT"]
    add(uploads, "9.1.1.2")
    add(uploads, "9.2.1.2", head(study="1.3", series="9.2.1"))
    assert me.counts("9.1") == [1, 2, "OT"]
    assert me.counts("1.3") == [2, 4, "CT\\OT"]
    add(uploads, "9.2.1.2", head(study="9.3", series="9.3.1"), path="objects/b")
    assert me.counts("1.3") == [2, 3, "CT\\OT"]
    assert me.counts("9.3") == [1, 1, "OT"]
    assert me.studies(g00100010="hacker*") == ["9.1", "9.3"]
    assert me.studies() == ["1.1", "1.2", "1.3", "1.4", "9.1", "9.3"]
    assert {ref.sop_uid: ref.origin for ref in me.retrieve(keys("STUDY", g0020000D="1.3\\9.3"))} == {
        "1.3.1.1": "catalogue",
        "1.3.1.2": "catalogue",
        "9.2.1.1": "upload",
        "9.2.1.2": "upload",
    }


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    path = tmp_path_factory.mktemp("shared") / "catalogue.sqlite"
    build(path)
    return Catalogue(path)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["P1", "P3", "EVIL", ""]),
            st.sampled_from(["1.1", "1.3", "9.1", "9.2", ""]),
            st.sampled_from(["1.1.1", "9.1.1", ""]),
            st.sampled_from(["1.1.1.1", "9.1", "9.2", "9.3"]),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_a_view_kept_up_to_date_is_the_same_as_a_new_one(
    shared: Catalogue, stored: list[tuple[str, str, str, str, bool]]
) -> None:
    catalogue = shared
    with TemporaryDirectory() as folder, Uploads(Path(folder) / "u") as kept:
        for number, (patient_id, study, series, sop_uid, ask) in enumerate(stored):
            add(kept, sop_uid, head(patient_id, study, series), path=f"objects/{number}")
            if ask:
                View(catalogue, kept).studies()
        identifier = keys("IMAGE", g00080018="", g0020000E="", g0020000D="", g00100020="", g00201208="", g00201204="")
        with Uploads(Path(folder) / "u") as new:
            views = [View(catalogue, kept), View(catalogue, new)]
            rows = [sorted(str(match.values()) for match in view.find(identifier)) for view in views]
            assert rows[0] == rows[1]
            refs = views[0].find(keys("IMAGE", g00080018=""))
            uids = column(refs, SOP_UID)
            assert {row[3] for row in stored} <= set(uids)
            assert len(View(catalogue, kept, OTHER).find(identifier)) == 13
