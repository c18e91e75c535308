"""Verification and queries, with DCMTK's clients."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from tests.sensor.dcmtk import find
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.support import actions, at, run_tool

LEVELS = {
    "-P": ("PATIENT", "STUDY", "SERIES", "IMAGE"),
    "-S": ("STUDY", "SERIES", "IMAGE"),
    "-O": ("PATIENT", "STUDY"),
}


def values(found: Iterable[Dataset], keyword: str) -> list[str]:
    """The values of an attribute in all answers, sorted."""
    return sorted(str(each.get(keyword, "absent")) for each in found)


def column(rows: Iterable[Any], name: str) -> list[str]:
    """The values of a column in all rows, sorted."""
    return sorted(str(row[name]) for row in rows)


def test_echo(visitor: Visitor) -> None:
    run_tool("echoscu", "-aet", "PINGER", "--repeat", 3, *visitor.address)
    events = visitor.visit()
    assert actions(events)[-6:] == ["dicom.association", *["dicom.c-echo"] * 3, "dicom.release", "connection.close"]


def test_echo_with_128_presentation_contexts(visitor: Visitor) -> None:
    run_tool("echoscu", "-aet", "PINGER", "--propose-ts", 12, "--propose-pc", 128, *visitor.address)
    contexts = at(visitor.wait_event("dicom.association"), "dicom.contexts")
    assert [context["id"] for context in contexts] == list(range(1, 256, 2))
    assert {context["result"] for context in contexts} == {"accepted"}


def test_patients(visitor: Visitor, hospital: Hospital) -> None:
    found = find(visitor, "-P", "QueryRetrieveLevel=PATIENT", "PatientID", "PatientName", "PatientBirthDate")
    assert values(found, "PatientID") == column(hospital.patients(), "patient_id")
    assert values(found, "PatientBirthDate") == column(hospital.patients(), "birth_date")


@pytest.mark.parametrize("model", ["-P", "-S", "-O"])
def test_every_level_below_one_study(visitor: Visitor, hospital: Hospital, model: str) -> None:
    study = hospital.small_study("CT")
    series = hospital.series(study["study_key"])[0]
    path = {
        "PATIENT": f"PatientID={study['patient_id']}",
        "STUDY": f"StudyInstanceUID={study['study_uid']}",
        "SERIES": f"SeriesInstanceUID={series['series_uid']}",
        "IMAGE": "SOPInstanceUID",
    }
    above: list[str] = []
    for level in LEVELS[model]:
        found = find(visitor, model, f"QueryRetrieveLevel={level}", *above, path[level])
        if level == "IMAGE":
            expected = column(hospital.instances(series["series_key"]), "sop_uid")
            assert values(found, "SOPInstanceUID") == expected
        else:
            keyword, _, value = path[level].partition("=")
            assert values(found, keyword) == [value]
        assert {each.QueryRetrieveLevel.strip() for each in found} == {level}
        above.append(path[level])


def test_series_of_a_study(visitor: Visitor, hospital: Hospital) -> None:
    study = max(hospital.studies(), key=lambda each: each["n_series"])
    found = find(
        visitor, "-S", "QueryRetrieveLevel=SERIES", f"StudyInstanceUID={study['study_uid']}", "SeriesInstanceUID",
        "Modality", "SeriesNumber", "SeriesDescription",
    )  # fmt: skip
    expected = hospital.series(study["study_key"])
    assert values(found, "SeriesInstanceUID") == column(expected, "series_uid")
    assert values(found, "SeriesDescription") == column(expected, "description")


def test_universal_matching_gives_all_studies(visitor: Visitor, hospital: Hospital) -> None:
    found = find(visitor, "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", "PatientName", "StudyDate")
    expected = hospital.studies()
    assert len(expected) > 100
    assert values(found, "StudyInstanceUID") == column(expected, "study_uid")


@pytest.mark.parametrize("pattern", ["*", "A*", "*n*", "?????*", "*a", "none such"])
def test_wildcards_in_names(visitor: Visitor, hospital: Hospital, pattern: str) -> None:
    found = find(visitor, "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", f"StudyDescription={pattern}")
    expected = [s for s in hospital.studies() if fnmatch.fnmatchcase(s["description"], pattern)]
    assert values(found, "StudyInstanceUID") == column(expected, "study_uid")


def test_person_names_without_regard_to_case(visitor: Visitor, hospital: Hospital) -> None:
    study = next(s for s in hospital.studies() if s["name"].isascii())
    for name in (study["name"], study["name"].upper(), study["name"].lower(), study["name"].split("^")[0] + "*"):
        found = find(visitor, "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", f"PatientName={name}")
        pattern = name.casefold()
        expected = [s for s in hospital.studies() if fnmatch.fnmatchcase(s["name"].casefold(), pattern)]
        assert study["study_uid"] in values(found, "StudyInstanceUID")
        assert values(found, "StudyInstanceUID") == column(expected, "study_uid")


def test_ranges_of_dates(visitor: Visitor, hospital: Hospital) -> None:
    studies = hospital.studies()
    early, late = studies[len(studies) // 4]["study_date"], studies[len(studies) // 2]["study_date"]
    for key, low, high in (
        (f"{early}-{late}", early, late), (f"{early}-", early, "9"), (f"-{late}", "0", late), (early, early, early),
    ):  # fmt: skip
        found = find(visitor, "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", f"StudyDate={key}")
        expected = [s for s in studies if low <= s["study_date"] <= high]
        assert expected
        assert values(found, "StudyInstanceUID") == column(expected, "study_uid"), key


def test_range_of_times(visitor: Visitor, hospital: Hospital) -> None:
    found = find(visitor, "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", "StudyTime=080000-115959")
    expected = [s for s in hospital.studies() if "080000" <= s["study_time"][:6] <= "115959"]
    assert expected
    assert values(found, "StudyInstanceUID") == column(expected, "study_uid")


def test_lists_of_uids(visitor: Visitor, hospital: Hospital) -> None:
    uids = column(hospital.studies()[10:20], "study_uid")
    found = find(visitor, "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID=" + "\\".join([*uids, "1.2.3.4.5"]))
    assert values(found, "StudyInstanceUID") == uids


def test_computed_attributes(visitor: Visitor, hospital: Hospital) -> None:
    found = find(
        visitor, "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances", "ModalitiesInStudy", "PatientName",
    )  # fmt: skip
    answers = {str(each.StudyInstanceUID): each for each in found}
    for study in hospital.studies():
        answer = answers[study["study_uid"]]
        assert answer.NumberOfStudyRelatedSeries == study["n_series"]
        assert answer.NumberOfStudyRelatedInstances == study["n_instances"]
        modalities = answer.ModalitiesInStudy
        assert {modalities} if isinstance(modalities, str) else set(modalities) == set(study["modalities"].split(","))


def test_computed_attributes_of_patients_and_series(visitor: Visitor, hospital: Hospital) -> None:
    study = max(hospital.studies(), key=lambda each: each["n_instances"])
    patient_id = study["patient_id"]
    of_patient = hospital.studies("p.patient_id = :v1", patient_id)
    (answer,) = find(
        visitor, "-P", "QueryRetrieveLevel=PATIENT", f"PatientID={patient_id}", "NumberOfPatientRelatedStudies",
        "NumberOfPatientRelatedSeries", "NumberOfPatientRelatedInstances",
    )  # fmt: skip
    assert answer.NumberOfPatientRelatedStudies == len(of_patient)
    assert answer.NumberOfPatientRelatedSeries == sum(each["n_series"] for each in of_patient)
    assert answer.NumberOfPatientRelatedInstances == sum(each["n_instances"] for each in of_patient)
    found = find(
        visitor, "-S", "QueryRetrieveLevel=SERIES", f"StudyInstanceUID={study['study_uid']}", "SeriesInstanceUID",
        "NumberOfSeriesRelatedInstances",
    )  # fmt: skip
    counts = {str(each.SeriesInstanceUID): int(each.NumberOfSeriesRelatedInstances) for each in found}
    expected = hospital.series(study["study_key"])
    assert counts == {each["series_uid"]: len(hospital.instances(each["series_key"])) for each in expected}


def test_modalities_in_study_as_a_key(visitor: Visitor, hospital: Hospital) -> None:
    found = find(visitor, "-S", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", "ModalitiesInStudy=MR")
    expected = [s for s in hospital.studies() if "MR" in s["modalities"].split(",")]
    assert 0 < len(expected) < len(hospital.studies())
    assert values(found, "StudyInstanceUID") == column(expected, "study_uid")


def test_attributes_that_are_not_there_come_back_empty(visitor: Visitor, hospital: Hospital) -> None:
    study = hospital.studies()[0]
    (answer,) = find(
        visitor, "-S", "QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study['study_uid']}", "(0032,1030)",
    )  # fmt: skip
    assert "ReasonForStudy" in answer
    assert not answer.ReasonForStudy


def test_cancelling_a_query(visitor: Visitor) -> None:
    ran = run_tool(
        "findscu", "-S", "-v", "--cancel", 2, "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName", *visitor.address
    )
    assert "Received Final Find Response" in ran.output or "Cancel" in ran.output
    assert at(visitor.wait_event("dicom.c-cancel"), "dicom.command.message_id") == 1


def test_a_level_that_the_model_does_not_have_is_refused(visitor: Visitor) -> None:
    ran = run_tool("findscu", "-O", "-v", "-k", "QueryRetrieveLevel=SERIES", *visitor.address, status=None)
    assert "Failed" in ran.output or "DataSetDoesNotMatchSOPClass" in ran.output
    end = visitor.wait_event("dicom.c-find.end")
    assert (at(end, "dicom.status"), at(end, "event.outcome")) == ("0xA900", "failure")


def test_worklist(visitor: Visitor, hospital: Hospital) -> None:
    steps = hospital.rows(
        "SELECT * FROM scheduled_step WHERE visible_from <= :now AND (visible_until IS NULL OR visible_until > :now)"
    )
    assert steps
    every = find(visitor, "-W", "PatientName", "ScheduledProcedureStepSequence[0].ScheduledProcedureStepID")
    assert sorted(str(e.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID) for e in every) == column(
        steps, "step_id"
    )
    modality, station, date = steps[0]["modality"], steps[0]["station_ae"], steps[0]["start_date"]
    some = find(
        visitor, "-W", "PatientName", "PatientID", "AccessionNumber",
        "ScheduledProcedureStepSequence[0].ScheduledProcedureStepID",
        f"ScheduledProcedureStepSequence[0].Modality={modality}",
        f"ScheduledProcedureStepSequence[0].ScheduledStationAETitle={station}",
        f"ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate={date}",
    )  # fmt: skip
    expected = [s for s in steps if (s["modality"], s["station_ae"], s["start_date"]) == (modality, station, date)]
    assert values(some, "AccessionNumber") == column(expected, "accession_number")
    assert {each.ScheduledProcedureStepSequence[0].Modality for each in some} == {modality}
    event = visitor.events(event__action="dicom.c-find")[-1]
    assert at(event, "dicom.query.keys.00400100.00080060") is None  # the path of a sequence is one key
    assert at(event, "dicom.query.keys")["00400100.00080060"] == modality
