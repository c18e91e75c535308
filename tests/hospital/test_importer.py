"""What an import makes of the identity in good objects: names, dates, references, character sets."""

from __future__ import annotations

import zlib
from datetime import date
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
)

from dicomhawk.hospital.rows import Patient, Study
from tests.hospital.importer_samples import (
    DEPLOYMENT,
    OTHER,
    SYNTAXES,
    TRUE_WORDS,
    catalogue,
    ct,
    files,
    only,
    reference,
    run,
    save,
    sequence,
)

# Identity


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_no_word_of_the_true_identity_is_in_the_files_or_the_catalogue(tmp_path: Path, syntax: str) -> None:
    inner = ct(2)
    inner.ReferencedImageSequence = sequence(reference(ct(3)))
    image = ct(ReferencedStudySequence=sequence(inner), ReferencedImageSequence=sequence(reference(ct(2))))
    image.add_new(0x00091001, "LO", "Quendelbaum private")
    image.add_new(0x60000022, "LO", "Quendelbaum overlay")
    save(image, tmp_path / "in/one.dcm", syntax)
    report = run(tmp_path / "in", tmp_path / "data")
    assert (report.imported, report.refused) == (1, [])
    written = files(tmp_path / "data")[0].read_bytes()
    if syntax == DeflatedExplicitVRLittleEndian:
        written += zlib.decompressobj(-15).decompress(
            written[132 + 12 + int.from_bytes(written[140:144], "little") :]
        )
        assert b"SOMATOM" in written
    for path in (tmp_path / "data").rglob("*"):
        content = written if path.suffix == ".dcm" else path.read_bytes() if path.is_file() else b""
        for word in TRUE_WORDS:
            assert word.encode() not in content, (word, path)


def test_the_false_identity_is_complete_and_belongs_to_the_hospital(tmp_path: Path) -> None:
    save(ct(), tmp_path / "in/one.dcm")
    run(tmp_path / "in", tmp_path / "data")
    image = only(tmp_path / "data")
    assert "^" in image.PatientName and image.PatientID and image.PatientSex == "F"
    assert image.InstitutionName == DEPLOYMENT.hospital
    assert "InstitutionAddress" not in image or not image.InstitutionAddress
    assert image.StationName.startswith("CT")
    assert image.AccessionNumber and image.StudyID and image.DeviceSerialNumber
    assert "^" in image.ReferringPhysicianName and image.ReferringPhysicianName != image.OperatorsName
    assert image.StudyDescription == "CT Thorax"
    assert image.SeriesDescription == "Thorax 5.0 B31f"
    assert image.ProtocolName == "Thorax_Routine"
    assert image.ManufacturerModelName == "SOMATOM Force"
    assert image.StudyTime == "101112.123456"


def test_nothing_says_that_it_was_made_anonymous_or_by_whom(tmp_path: Path) -> None:
    image = ct(
        PatientIdentityRemoved="YES",
        DeidentificationMethod="RSNA CTP",
        LongitudinalTemporalInformationModified="MODIFIED",
        ClinicalTrialSubjectID="LIDC-0001",
        ContributingEquipmentSequence=sequence(Dataset()),
    )
    save(image, tmp_path / "in/one.dcm")
    run(tmp_path / "in", tmp_path / "data")
    image = only(tmp_path / "data")
    for keyword in [
        "PatientIdentityRemoved",
        "DeidentificationMethod",
        "DeidentificationMethodCodeSequence",
        "ClinicalTrialSubjectID",
        "LongitudinalTemporalInformationModified",
        "ContributingEquipmentSequence",
        "OriginalAttributesSequence",
    ]:
        assert keyword not in image
    assert image.file_meta.ImplementationClassUID.startswith(DEPLOYMENT.uid_root)
    assert "ImplementationVersionName" not in image.file_meta
    assert b"pydicom" not in files(tmp_path / "data")[0].read_bytes().lower()


def test_a_patient_is_the_same_in_every_study_and_every_import(tmp_path: Path) -> None:
    save(ct(study=1), tmp_path / "first/a.dcm")
    save(ct(study=2, StudyDate="20200311"), tmp_path / "first/b.dcm")
    save(ct(study=3, PatientName="QUENDELBAUM^ROSWITHA^M"), tmp_path / "second/c.dcm")
    save(ct(study=4, PatientID="SOMEONE-ELSE"), tmp_path / "second/d.dcm")
    run(tmp_path / "first", tmp_path / "data")
    report = run(tmp_path / "second", tmp_path / "data")
    assert (report.patients, report.studies) == (1, 2)
    images = [pydicom.dcmread(path) for path in files(tmp_path / "data")]
    people = {(str(i.PatientName), i.PatientID, i.PatientBirthDate) for i in images}
    assert len(people) == 2
    with catalogue(tmp_path / "data") as found:
        assert found.count(Patient) == 2 and found.count(Study) == 4
    # Into an empty hospital, and in another order, the same patient comes out.
    run(tmp_path / "second", tmp_path / "again")
    assert {pydicom.dcmread(path).PatientID for path in files(tmp_path / "again")} == {i.PatientID for i in images}


def test_another_deployment_has_other_people(tmp_path: Path) -> None:
    save(ct(), tmp_path / "in/one.dcm")
    run(tmp_path / "in", tmp_path / "ours")
    run(tmp_path / "in", tmp_path / "theirs", OTHER)
    ours, theirs = only(tmp_path / "ours"), only(tmp_path / "theirs")
    for keyword in ("PatientID", "StudyInstanceUID", "SOPInstanceUID", "AccessionNumber", "DeviceSerialNumber"):
        assert ours[keyword].value != theirs[keyword].value


def test_a_staff_member_is_the_same_everywhere(tmp_path: Path) -> None:
    save(ct(1), tmp_path / "in/a.dcm")
    save(ct(study=2, PatientID="OTHER", OperatorsName="Zwetschge^Karla\\Dritte^Dora"), tmp_path / "in/b.dcm")
    run(tmp_path / "in", tmp_path / "data")
    one, two = sorted(
        (pydicom.dcmread(path) for path in files(tmp_path / "data")), key=lambda i: str(i.OperatorsName)
    )
    operators = {name for image in (one, two) for name in str(image.OperatorsName).strip("[]'").split("', '")}
    assert len(operators) == 2
    assert one.ReferringPhysicianName == two.ReferringPhysicianName


@pytest.mark.parametrize("locale", ["da_DK", "de_DE", "en_GB", "en_US", "sv_SE"])
@pytest.mark.parametrize(("born", "sex"), [("19610704", "F"), ("19000120", "O"), ("18500101", ""), ("", "M")])
def test_patients_are_the_countrys_own(tmp_path: Path, locale: str, born: str, sex: str) -> None:
    deployment = DEPLOYMENT.model_copy(update={"locale": locale})
    save(ct(PatientBirthDate=born, PatientSex=sex), tmp_path / "in/one.dcm")
    assert run(tmp_path / "in", tmp_path / "data", deployment).refused == []
    image = only(tmp_path / "data")
    assert image.PatientSex == sex and image.PatientName.family_name and image.PatientName.given_name
    digits = {"da_DK": 10, "en_GB": 10, "sv_SE": 12}.get(locale)
    assert digits is None or (len(image.PatientID) == digits and image.PatientID.isdigit())
    if locale == "da_DK" and born == "19610704":
        day = image.PatientBirthDate
        assert image.PatientID.startswith(day[6:] + day[4:6] + day[2:4]) and int(image.PatientID) % 2 == 0
    with catalogue(tmp_path / "data") as found:
        patient = found.patient(1)
    assert patient is not None and patient.issuer == image.get("IssuerOfPatientID")


# Dates


def test_intervals_are_kept_and_times_of_day_too(tmp_path: Path) -> None:
    item = Dataset()
    item.RadiopharmaceuticalStartDateTime = "20190310093000"
    save(ct(1, RadiopharmaceuticalInformationSequence=sequence(item)), tmp_path / "in/a.dcm")
    save(ct(1, study=2, StudyDate="20190701", PatientAge="057Y"), tmp_path / "in/b.dcm")
    run(tmp_path / "in", tmp_path / "data")
    first, later = sorted((pydicom.dcmread(path) for path in files(tmp_path / "data")), key=lambda i: i.StudyDate)

    def day(value: str) -> date:
        return date(int(value[:4]), int(value[4:6]), int(value[6:8]))

    assert (day(later.StudyDate) - day(first.StudyDate)).days == (date(2019, 7, 1) - date(2019, 3, 11)).days
    assert day(first.StudyDate).weekday() == date(2019, 3, 11).weekday()
    assert first.AcquisitionDateTime == first.StudyDate + "101112.123456+0100"
    start = first.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime
    assert (day(first.StudyDate) - day(start)).days == 1 and start.endswith("093000")
    true_age = (date(2019, 3, 11) - date(1961, 7, 4)).days
    assert 0 <= (day(first.StudyDate) - day(first.PatientBirthDate)).days - true_age < 366
    assert first.PatientAge in ("057Y", "058Y")


def test_a_newborn_stays_one(tmp_path: Path) -> None:
    save(ct(PatientBirthDate="20190310", PatientAge="001D"), tmp_path / "in/a.dcm")
    run(tmp_path / "in", tmp_path / "data")
    image = only(tmp_path / "data")
    assert image.PatientBirthDate <= image.StudyDate
    assert 1 <= int(image.PatientAge[:3]) <= 28 and image.PatientAge[3] == "D"


@pytest.mark.parametrize("value", ["", "1961", "about 1961", "19619999", "00000000"])
def test_a_birth_date_that_is_none_does_no_harm(tmp_path: Path, value: str) -> None:
    path = save(ct(), tmp_path / "in/a.dcm")
    image = pydicom.dcmread(path)
    image["PatientBirthDate"]._value = value
    save(image, path)
    assert run(tmp_path / "in", tmp_path / "data").imported == 1
    born = only(tmp_path / "data").PatientBirthDate
    assert born == "" or (len(born) == 8 and born.isdigit())


# References


def test_references_between_objects_still_fit(tmp_path: Path) -> None:
    target = ct(1, series=1)
    source = ct(
        2,
        series=2,
        ReferencedImageSequence=sequence(reference(target)),
        FrameOfReferenceUID=target.FrameOfReferenceUID,
    )
    source.ReferencedSeriesSequence = sequence(Dataset())
    source.ReferencedSeriesSequence[0].SeriesInstanceUID = target.SeriesInstanceUID
    save(target, tmp_path / "in/a.dcm")
    save(source, tmp_path / "in/b.dcm")
    run(tmp_path / "in", tmp_path / "data")
    one, two = sorted((pydicom.dcmread(p) for p in files(tmp_path / "data")), key=lambda i: i.InstanceNumber)
    item = two.ReferencedImageSequence[0]
    assert item.ReferencedSOPInstanceUID == one.SOPInstanceUID
    assert item.ReferencedSOPClassUID == one.SOPClassUID == target.SOPClassUID
    assert two.ReferencedSeriesSequence[0].SeriesInstanceUID == one.SeriesInstanceUID
    assert two.FrameOfReferenceUID == one.FrameOfReferenceUID
    assert two.StudyInstanceUID == one.StudyInstanceUID
    for image in (one, two):
        assert image.SOPInstanceUID.startswith(DEPLOYMENT.uid_root) and image.SOPInstanceUID.is_valid
        assert image.file_meta.MediaStorageSOPInstanceUID == image.SOPInstanceUID


def test_a_code_of_a_public_scheme_stays_and_a_local_one_loses_what_it_may_say(tmp_path: Path) -> None:
    public, local = Dataset(), Dataset()
    public.CodeValue, public.CodingSchemeDesignator, public.CodeMeaning = "T-D3000", "SRT", "Chest"
    local.CodeValue, local.CodingSchemeDesignator, local.CodeMeaning = "MK77", "99MARIAHILF", "Zimmer Quendelbaum"
    save(ct(ProcedureCodeSequence=sequence(public, local)), tmp_path / "in/a.dcm")
    run(tmp_path / "in", tmp_path / "data")
    kept, changed = only(tmp_path / "data").ProcedureCodeSequence
    assert (kept.CodeValue, kept.CodeMeaning) == ("T-D3000", "Chest")
    assert changed.CodeValue != "MK77" and changed.CodingSchemeDesignator == "L" and changed.CodeMeaning == "Other"


# Character sets


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        (["ISO 2022 IR 6", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("ISO_IR 192", "Ørsted^Åse"),
    ],
)
def test_names_in_any_script_are_replaced(tmp_path: Path, charset: str | list[str], name: str) -> None:
    save(ct(SpecificCharacterSet=charset, PatientName=name), tmp_path / "in/a.dcm")
    assert run(tmp_path / "in", tmp_path / "data").imported == 1
    image = only(tmp_path / "data")
    with catalogue(tmp_path / "data") as found:
        patient = found.patient(1)
    assert patient is not None and str(image.PatientName) == patient.name != name
    raw = files(tmp_path / "data")[0].read_bytes()
    for part in name.replace("=", "^").split("^"):
        for codec in ("utf-8", "iso2022_jp", "gb18030", "iso8859-5", "latin-1"):
            encoded = part.encode(codec, "ignore")
            assert len(encoded) < 4 or encoded not in raw
