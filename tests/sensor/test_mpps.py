"""Modality performed procedure steps: N-CREATE and N-SET as PS3.4 annex F has them, each visitor's own."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_CREATE, N_SET

from tests.sensor.conftest import DEPLOYMENT
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.sensor.scu import CT, VERIFICATION, WORKLIST, associate, encoded, exchange, find, keys
from tests.soak.exchanges import HAS_DATA, IMPLICIT, NO_DATA, Conversation, Message, command, hold
from tests.support import Sensor, at

MPPS = "1.2.840.10008.3.1.2.3.3"
NO_LONGER = (0x0110, 0xA710)


def beginning(**changes: Any) -> Dataset:
    """What an N-CREATE must have (PS3.4 table F.7.2-1); None takes an attribute out."""
    scheduled = keys(
        StudyInstanceUID="1.2.3.4", ReferencedStudySequence=[], AccessionNumber="A1", RequestedProcedureID="A1",
        RequestedProcedureDescription="", ScheduledProcedureStepID="S1", ScheduledProcedureStepDescription="",
        ScheduledProtocolCodeSequence=[],
    )  # fmt: skip
    step = keys(
        ScheduledStepAttributesSequence=[scheduled], PatientName="Own^Step", PatientID="S1", PatientBirthDate="",
        PatientSex="", ReferencedPatientSequence=[], PerformedProcedureStepID="P1", PerformedStationAETitle="PEER",
        PerformedStationName="", PerformedLocation="", PerformedProcedureStepStartDate="20240506",
        PerformedProcedureStepStartTime="101112", PerformedProcedureStepStatus="IN PROGRESS",
        PerformedProcedureStepDescription="", PerformedProcedureTypeDescription="", ProcedureCodeSequence=[],
        PerformedProcedureStepEndDate="", PerformedProcedureStepEndTime="", Modality="CT", StudyID="",
        PerformedProtocolCodeSequence=[], PerformedSeriesSequence=[],
    )  # fmt: skip
    return changed(step, changes)


def ending(status: str = "COMPLETED", **changes: Any) -> Dataset:
    """What the last N-SET must have."""
    series = keys(
        SeriesInstanceUID="1.2.3.4.5", ProtocolName="Thorax", PerformingPhysicianName="", OperatorsName="",
        SeriesDescription="", RetrieveAETitle="", ReferencedImageSequence=[],
        ReferencedNonImageCompositeSOPInstanceSequence=[],
    )  # fmt: skip
    step = keys(
        PerformedProcedureStepStatus=status, PerformedProcedureStepEndDate="20240506",
        PerformedProcedureStepEndTime="102030", PerformedSeriesSequence=[series],
    )  # fmt: skip
    return changed(step, changes)


def changed(data: Dataset, changes: dict[str, Any]) -> Dataset:
    for keyword, value in changes.items():
        if value is None:
            delattr(data, keyword)
        else:
            setattr(data, keyword, value)
    return data


def create(association: Association, data: Dataset | None = None, uid: str | None = None) -> Any:
    """N-CREATE; the response as pynetdicom has it, with all of its elements."""
    request = N_CREATE()
    request.MessageID, request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = 1, MPPS, uid
    request.AttributeList = BytesIO(encoded(beginning() if data is None else data, implicit=True))
    return exchange(association, request, 1)


def change(association: Association, data: Dataset, uid: str) -> Any:
    """N-SET, likewise."""
    request = N_SET()
    request.MessageID, request.RequestedSOPClassUID, request.RequestedSOPInstanceUID = 1, MPPS, uid
    request.ModificationList = BytesIO(encoded(data, implicit=True))
    return exchange(association, request, 1)


def test_a_step_from_its_beginning_to_its_end(visitor: Visitor) -> None:
    uid = generate_uid()
    with associate(visitor.address, [MPPS]) as association:
        answer = create(association, uid=uid)
        assert (answer.Status, answer.AffectedSOPClassUID, answer.AffectedSOPInstanceUID) == (0, MPPS, uid)
        assert change(association, keys(PerformedProcedureStepDescription="Thorax"), uid).Status == 0
        answer = change(association, ending(), uid)
        assert (answer.Status, answer.AffectedSOPInstanceUID) == (0, uid)
        answer = change(association, ending("DISCONTINUED"), uid)
        assert (answer.Status, answer.ErrorID) == NO_LONGER
        assert answer.ErrorComment is None
    created = visitor.wait_event("dicom.n-create")
    assert (at(created, "dicom.sop.instance_uid"), at(created, "dicom.step.uid_made")) == (uid, False)
    assert (at(created, "dicom.step.status"), at(created, "dicom.status")) == ("IN PROGRESS", "0x0000")
    assert at(created, "dicom.query.keys")["00100010"] == "Own^Step"
    last = visitor.wait_event("dicom.n-set", 3)
    sets = visitor.events(event__action="dicom.n-set")
    assert [at(event, "dicom.step.status") for event in sets] == [None, "COMPLETED", "DISCONTINUED"]
    assert (at(last, "dicom.status"), at(last, "event.outcome")) == ("0x0110", "failure")


def test_a_step_without_a_uid_gets_one_of_ours(visitor: Visitor) -> None:
    with associate(visitor.address, [MPPS]) as association:
        uids = {create(association).AffectedSOPInstanceUID for _ in range(3)}
        assert len(uids) == 3
        assert all(uid.startswith("1.2.826.0.1.3680043.9.511.20417.") and len(uid) <= 64 for uid in uids)
        assert {change(association, ending(), uid).Status for uid in uids} == {0}
    assert at(visitor.wait_event("dicom.n-create"), "dicom.step.uid_made") is True


def test_a_uid_can_be_used_once(visitor: Visitor) -> None:
    uid = generate_uid()
    with associate(visitor.address, [MPPS]) as association:
        assert create(association, uid=uid).Status == 0
        assert create(association, uid=uid).Status == 0x0111
    with associate(visitor.address, [MPPS]) as association:
        assert create(association, uid=uid).Status == 0x0111


def test_nobody_sees_the_steps_of_others(sensor: Sensor) -> None:
    uid = generate_uid()
    with Visitor(sensor) as one, Visitor(sensor) as other:
        with associate(one.address, [MPPS]) as association:
            assert create(association, uid=uid).Status == 0
        with associate(other.address, [MPPS]) as association:
            assert change(association, ending(), uid).Status == 0x0112
            assert create(association, uid=uid).Status == 0
            assert change(association, ending(), uid).Status == 0
        with associate(one.address, [MPPS]) as association:
            assert change(association, ending(), uid).Status == 0


@pytest.mark.parametrize(
    ("changes", "status", "tags"),
    [
        ({"Modality": None}, 0x0120, 0x00080060),
        ({"PatientName": None}, 0x0120, 0x00100010),
        ({"ScheduledStepAttributesSequence": None}, 0x0120, 0x00400270),
        ({"ScheduledStepAttributesSequence": [keys(StudyInstanceUID="1.2")]}, 0x0120, 0x00400270),
        ({"ScheduledStepAttributesSequence": []}, 0x0121, None),
        ({"PerformedStationAETitle": ""}, 0x0121, None),
        ({"PerformedProcedureStepStatus": "COMPLETED"}, 0x0106, None),
        ({"PerformedProcedureStepStatus": "NONSENSE"}, 0x0106, None),
    ],
    ids=["modality", "name", "scheduled", "within", "empty sequence", "empty", "completed", "nonsense"],
)
def test_what_is_missing_or_wrong_is_refused(
    visitor: Visitor, changes: dict[str, Any], status: int, tags: int | None
) -> None:
    uid = generate_uid()
    with associate(visitor.address, [MPPS]) as association:
        answer = create(association, beginning(**changes), uid)
        assert answer.Status == status
        assert change(association, ending(), uid).Status == 0x0112
        assert create(association, uid=uid).Status == 0
    listed = b"" if tags is None else struct.pack("<HHLHH", 0, 0x1005, 4, tags >> 16, tags & 0xFFFF)
    assert listed in visitor.connections[0].received
    assert (b"\0\0\x05\x10" in visitor.connections[0].received) == (tags is not None)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (ending(PerformedSeriesSequence=None), 0x0120),
        (ending(PerformedSeriesSequence=[]), 0x0121),
        (ending(PerformedSeriesSequence=[keys(SeriesInstanceUID="1.2")]), 0x0120),
        (ending(PerformedProcedureStepEndTime=""), 0x0121),
        (ending("DISCONTINUED", PerformedProcedureStepEndDate=None), 0x0120),
        (ending("ENDED"), 0x0106),
    ],
    ids=["no series", "empty series", "no protocol", "no time", "no date", "status"],
)
def test_a_step_ends_only_with_all_that_it_needs(visitor: Visitor, data: Dataset, status: int) -> None:
    with associate(visitor.address, [MPPS]) as association:
        uid = create(association).AffectedSOPInstanceUID
        assert change(association, data, uid).Status == status
        assert change(association, keys(PerformedProcedureStepStatus="IN PROGRESS"), uid).Status == 0
        assert change(association, ending("DISCONTINUED", PerformedSeriesSequence=None), uid).Status == 0
        assert (change(association, ending(), uid).Status, 0xA710) == NO_LONGER


def test_what_was_said_before_counts_in_the_end(visitor: Visitor) -> None:
    with associate(visitor.address, [MPPS]) as association:
        uid = create(association).AffectedSOPInstanceUID
        assert change(association, ending("IN PROGRESS"), uid).Status == 0
        assert change(association, keys(PerformedProcedureStepStatus="COMPLETED"), uid).Status == 0


def test_an_object_is_no_step(visitor: Visitor, hospital: Hospital) -> None:
    (row,) = hospital.rows("SELECT sop_uid FROM instance WHERE visible_from <= :now LIMIT 1")
    with associate(visitor.address, [MPPS]) as association:
        assert change(association, ending(), row["sop_uid"]).Status == 0x0119
        assert change(association, ending(), "1.2.3.4.5.6").Status == 0x0112


def test_other_commands_and_classes(visitor: Visitor) -> None:
    with associate(visitor.address, [MPPS, VERIFICATION]) as association:
        assert association.send_n_get([0x00400252], MPPS, "1.2.3")[0].Status == 0x0211
        assert association.send_n_delete(MPPS, "1.2.3").Status == 0x0211
        assert association.send_n_create(beginning(), MPPS, "1.2.3", meta_uid=VERIFICATION)[0].Status == 0x0122
        assert association.send_n_create(beginning(), CT, "1.2.3", meta_uid=MPPS)[0].Status == 0x0211
        assert association.send_c_echo().Status == 0


def worklist(association: Association) -> dict[str, str]:
    """Status of each entry by its step ID."""
    step = keys(ScheduledProcedureStepID="", ScheduledProcedureStepStatus="")
    matches, status = find(association, keys(StudyInstanceUID="", ScheduledProcedureStepSequence=[step]), WORKLIST)
    assert status == 0
    steps = [match.ScheduledProcedureStepSequence[0] for match in matches]
    return {step.ScheduledProcedureStepID: step.ScheduledProcedureStepStatus for step in steps}


def planned(hospital: Hospital) -> Any:
    """An entry that stays as it is for a while."""
    found = hospital.rows(
        "SELECT * FROM scheduled_step WHERE visible_from <= :now AND visible_until > :now + 600 "
        "AND status = 'SCHEDULED' ORDER BY start_date DESC, step_key DESC LIMIT 1"
    )
    assert found
    return found[0]


@pytest.mark.parametrize("status", ["COMPLETED", "DISCONTINUED"])
def test_a_step_moves_on_the_worklist_of_its_visitor_only(sensor: Sensor, hospital: Hospital, status: str) -> None:
    entry = planned(hospital)
    step_id = entry["step_id"]
    data = beginning()
    scheduled = data.ScheduledStepAttributesSequence[0]
    scheduled.StudyInstanceUID, scheduled.ScheduledProcedureStepID = entry["study_uid"], step_id
    with Visitor(sensor) as one, Visitor(sensor) as other:
        with associate(one.address, [MPPS, WORKLIST]) as association:
            before = worklist(association)
            assert before[step_id] == "SCHEDULED"
            uid = create(association, data).AffectedSOPInstanceUID
            assert worklist(association) == {**before, step_id: "STARTED"}
            started = keys(
                ScheduledProcedureStepSequence=[
                    keys(ScheduledProcedureStepStatus="STARTED", ScheduledProcedureStepID=step_id)
                ]
            )
            assert len(find(association, started, WORKLIST)[0]) == 1
            assert change(association, ending(status), uid).Status == 0
            del before[step_id]
            assert worklist(association) == before
        assert at(one.wait_event("dicom.n-create"), "dicom.step.scheduled") == [step_id]
        with associate(other.address, [WORKLIST]) as association:
            assert worklist(association)[step_id] == "SCHEDULED"


# What no decent client says


def raw(field: int, data: bytes | None, **elements: Any) -> Message:
    return Message(
        0, command(field=field, message_id=1, data=NO_DATA if data is None else HAS_DATA, **elements), data
    )


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (raw(0x140, None, sop=MPPS), "0x0120"),
        (raw(0x140, b"", sop=MPPS), "0x0120"),
        (raw(0x140, b"\x10\0\x10\0\xff\xff\xff\x7fA", sop=MPPS), "0x0110"),
        (raw(0x140, b"\x40\0\x70\x02" + b"\xff" * 4, sop=MPPS), "0x0110"),
        (raw(0x140, b"", sop=MPPS, instance="1." + "2" * 64), "0x0117"),
        (raw(0x140, b"", sop=MPPS, instance="A'; DROP TABLE performed_step; --"), "0x0117"),
        (raw(0x140, b"", sop=MPPS, instance="1..2"), "0x0117"),
        (raw(0x120, b"", requested=MPPS), "0x0112"),
        (raw(0x120, b"", requested=MPPS, requested_instance="9" * 60_000), "0x0112"),
    ],
    ids=["no data set", "empty", "claims too much", "endless", "long uid", "text", "dots", "no uid", "huge uid"],
)  # fmt: skip
def test_hostile_input_gets_a_status(visitor: Visitor, message: Message, status: str) -> None:
    hold(Conversation([(MPPS, [IMPLICIT])], [message]), visitor.port)
    events = visitor.visit()
    (event,) = [e for e in events if at(e, "event.action") in ("dicom.n-create", "dicom.n-set")]
    assert at(event, "dicom.status") == status
    assert not [e for e in events if at(e, "event.action") == "sensor.error"]


# Products


@pytest.fixture(scope="module")
def dcm4chee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    data = tmp_path_factory.mktemp("dcm4chee") / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT + "[hospital]\nstudies = 0\n")
    with Sensor(data, workers=1, flags=("--persona", "dcm4chee-arc")) as running:
        yield running
    shutil.rmtree(data)


def test_dcm4chee_wants_what_its_database_needs(dcm4chee: Sensor) -> None:
    little = keys(
        ScheduledStepAttributesSequence=[keys(StudyInstanceUID="1.2.3")], PerformedProcedureStepStartDate="20240506",
        PerformedProcedureStepStartTime="1011", PerformedProcedureStepStatus="IN PROGRESS",
    )  # fmt: skip
    with (
        Visitor(dcm4chee) as visitor,
        associate(visitor.address, [MPPS], called="ASHPACS") as association,
    ):
        made = create(association, little)
        assert (made.Status, made.AffectedSOPInstanceUID[:5]) == (0, "2.25.")
        uid = generate_uid()
        assert create(association, little, uid).Status == 0
        assert create(association, little, uid).Status == 0x0111
        assert change(association, keys(PerformedProcedureStepStatus="NONSENSE"), uid).Status == 0x0110
        assert change(association, keys(PerformedProcedureStepStatus="COMPLETED"), uid).Status == 0
        answer = change(association, keys(PerformedProcedureStepStatus="COMPLETED"), uid)
        assert (answer.Status, answer.ErrorID) == NO_LONGER
        assert answer.ErrorComment == "Performed Procedure Step Object may no longer be updated"
        assert change(association, ending(), "1.2.3").Status == 0x0112
        del little.PerformedProcedureStepStartDate
        assert create(association, little).Status == 0x0110


@pytest.mark.parametrize("persona", ["orthanc", "dcmqrscp", "clearcanvas"])
def test_products_without_the_service_refuse_its_context(tmp_path: Path, persona: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT + "[hospital]\nstudies = 0\n")
    with (
        Sensor(data, workers=1, flags=("--persona", persona)) as sensor,
        Visitor(sensor) as visitor,
        associate(visitor.address, [VERIFICATION, MPPS], called="ASHPACS") as association,
    ):
        accepted = {context.abstract_syntax for context in association.accepted_contexts}
        assert accepted == {VERIFICATION}
