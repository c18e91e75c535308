"""Whatever is wrong with a request gets the status that PS3.4 and PS3.7 give it, and the association goes on."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_ECHO, C_FIND, C_GET, C_MOVE, C_STORE, N_DELETE

from tests.sensor.proxy import Visitor
from tests.sensor.scu import (
    CT,
    MR,
    STUDY_FIND,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    WORKLIST,
    Received,
    associate,
    encoded,
    exchange,
    find,
    get,
    keys,
    store_bytes,
)
from tests.support import actions, at

PRINTER, PRINTER_INSTANCE = "1.2.840.10008.5.1.1.16", "1.2.840.10008.5.1.1.17"
UNIFIED_STEP = "1.2.840.10008.5.1.4.34.6.1"


def small_image(**changes: Any) -> Dataset:
    """An object that can be stored."""
    image = keys(
        SOPClassUID=CT, SOPInstanceUID=generate_uid(), StudyInstanceUID=generate_uid(), StudyDate="20240506",
        SeriesInstanceUID=generate_uid(), PatientID="S1", PatientName="Small^Image", Modality="CT",
    )  # fmt: skip
    for keyword, value in changes.items():
        if value is None:
            delattr(image, keyword)
        else:
            setattr(image, keyword, value)
    return image


N_COMMANDS: dict[str, Callable[[Association], Any]] = {
    "N-EVENT-REPORT-RQ": lambda a: a.send_n_event_report(
        keys(TransactionUID="1.2.3"), 1, UNIFIED_STEP, "1.2.3.4", meta_uid=VERIFICATION
    ),
    "N-GET-RQ": lambda a: a.send_n_get([0x00100010], PRINTER, PRINTER_INSTANCE, meta_uid=VERIFICATION),
    "N-SET-RQ": lambda a: a.send_n_set(keys(PatientName="A"), PRINTER, PRINTER_INSTANCE, meta_uid=VERIFICATION),
    "N-ACTION-RQ": lambda a: a.send_n_action(
        keys(TransactionUID="1.2.3"), 2, UNIFIED_STEP, "1.2.3.4", meta_uid=VERIFICATION
    ),
    "N-CREATE-RQ": lambda a: a.send_n_create(keys(PatientName="A"), PRINTER, "1.2.3.4", meta_uid=VERIFICATION),
    "N-DELETE-RQ": lambda a: a.send_n_delete(PRINTER, "1.2.3.4", meta_uid=VERIFICATION),
}


def test_normalized_commands_of_a_class_that_has_none(visitor: Visitor) -> None:
    with associate(visitor.address, [build_context(VERIFICATION, [ExplicitVRLittleEndian])]) as association:
        status, _ = association.send_n_get([0x00100010], VERIFICATION, "1.2.3")
        assert status.Status == 0x0211


@pytest.mark.parametrize("name", N_COMMANDS)
def test_normalized_commands_get_a_status(visitor: Visitor, name: str) -> None:
    with associate(visitor.address, [build_context(VERIFICATION, [ExplicitVRLittleEndian])]) as association:
        answer = N_COMMANDS[name](association)
        status = answer if isinstance(answer, Dataset) else answer[0]
        assert status.Status == 0x0118
        assert association.send_c_echo().Status == 0x0000
    event = visitor.wait_event("dicom.n-command")
    assert at(event, "dicom.command.name") == name
    assert at(event, "dicom.sop.class_uid") in (PRINTER, UNIFIED_STEP)
    assert at(event, "dicom.status") == "0x0118"
    if name in ("N-SET-RQ", "N-CREATE-RQ"):
        assert at(event, "dicom.query.keys") == {"00100010": "A"}
    if name == "N-ACTION-RQ":
        assert at(event, "dicom.command.type_id") == 2


# C-STORE


@pytest.mark.parametrize(
    ("sop_class", "sop_instance", "changes", "status"),
    [
        (CT, None, {}, 0x0000),
        (CT, None, {"SOPClassUID": MR}, 0xA900),
        (CT, "1.2.3.4.5.6.7", {}, 0xA900),
        (MR, None, {"SOPClassUID": MR}, 0xA900),
        (CT, None, {"SOPClassUID": None}, 0xA900),
        (CT, None, {"StudyInstanceUID": None}, 0xC000),
        (CT, None, {"SeriesInstanceUID": ""}, 0xC000),
    ],
    ids=[
        "right",
        "other class",
        "other instance",
        "class of another context",
        "no class",
        "no study",
        "empty series",
    ],
)
def test_objects_that_contradict_their_command(
    visitor: Visitor, sop_class: str, sop_instance: str | None, changes: dict[str, Any], status: int
) -> None:
    image = small_image(**changes)
    data = encoded(image)
    with associate(visitor.address, [build_context(CT, [ExplicitVRLittleEndian])]) as association:
        context = association.accepted_contexts[0]
        answer = store_bytes(association, context, sop_class, sop_instance or image.SOPInstanceUID, data)
        assert answer.Status == status
        assert (answer.AffectedSOPClassUID, answer.AffectedSOPInstanceUID) == (
            sop_class,
            sop_instance or image.SOPInstanceUID,
        )
    (stored,) = visitor.visit(event__action="dicom.c-store")
    assert at(stored, "dicom.status") == f"0x{status:04X}"
    assert at(stored, "dicom.dataset.bytes") == len(data)
    # It is evidence whatever the status.
    captured = visitor.events(event__action="file.captured")[0]
    content = (visitor.sensor.data / "vault" / at(captured, "file.name")).read_bytes()
    assert content.endswith(data)
    assert hashlib.sha256(content).hexdigest() == at(stored, "file.hash.sha256")


@pytest.mark.parametrize(
    "data",
    [
        b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" * 1000,
        b"\x7fELF\2\1\1" + bytes(5000),
        b"\x08\0\x16\0UI\xff\xff1.2",
        b"\x08\0\x05\0SQ\0\0\xff\xff\xff\xff" * 3000,
        b"\xff" * 70_001,
    ],
    ids=["exe", "elf", "long value", "deep nesting", "ff"],
)
def test_garbage(visitor: Visitor, data: bytes) -> None:
    with associate(visitor.address, [build_context(CT, [ExplicitVRLittleEndian])]) as association:
        context = association.accepted_contexts[0]
        assert store_bytes(association, context, CT, "1.2.3.4", data).Status == 0xC000
        good = small_image()
        assert store_bytes(association, context, CT, good.SOPInstanceUID, encoded(good)).Status == 0x0000
    captured = visitor.visit(event__action="file.captured")[0]
    assert (visitor.sensor.data / "vault" / at(captured, "file.name")).read_bytes().endswith(data)


# Identifiers


def test_identifiers_that_can_not_be_answered(visitor: Visitor) -> None:
    with associate(visitor.address, [STUDY_FIND, STUDY_GET, STUDY_MOVE]) as association:
        for identifier, status in (
            (keys(PatientName="A"), 0xA900),
            (keys(QueryRetrieveLevel="PATIENT", PatientID="1"), 0xA900),
            (keys(QueryRetrieveLevel="NONSENSE"), 0xA900),
            (keys(QueryRetrieveLevel="SERIES"), 0xA900),
        ):
            assert find(association, identifier) == ([], status), identifier
            assert get(association, identifier)[-1][0].Status == status
        no_uid = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="")
        assert get(association, no_uid)[-1][0].Status == 0xA900
        *_, (answer, _) = association.send_c_move(no_uid, "NOBODY", STUDY_MOVE)
        assert answer.Status in (0xA801, 0xA900)


def test_an_identifier_that_is_no_data_set(visitor: Visitor) -> None:
    with associate(visitor.address, [build_context(STUDY_FIND, [ExplicitVRLittleEndian])]) as association:
        for data in (b"\xff" * 100, b"\x08\0\x52\0CS\xff\xff", b"\x08\0\x52\0CS\x06\0STUDY " * 80_000):
            request = C_FIND()
            request.MessageID, request.AffectedSOPClassUID, request.Priority = 3, STUDY_FIND, 2
            request.Identifier = BytesIO(data)
            answer = exchange(association, request, association.accepted_contexts[0].context_id)
            assert answer.Status & 0xF000 in (0xC000, 0xA000), hex(answer.Status)


# Commands on contexts that they don't belong to


def requests() -> dict[str, Any]:
    """One of each command, with an identifier that would be right elsewhere."""
    identifier = encoded(keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3.4"))
    made: dict[str, Any] = {"C-ECHO": C_ECHO(), "C-FIND": C_FIND(), "C-GET": C_GET(), "C-MOVE": C_MOVE()}
    for request in (made["C-FIND"], made["C-GET"], made["C-MOVE"]):
        request.Identifier = BytesIO(identifier)
        request.Priority = 2
    made["C-MOVE"].MoveDestination = "NOBODY"
    made["C-STORE"] = C_STORE()
    made["C-STORE"].AffectedSOPInstanceUID, made["C-STORE"].Priority = "1.2.3", 2
    made["C-STORE"].DataSet = BytesIO(encoded(small_image()))
    return made


CONTEXTS = {
    "C-ECHO": {VERIFICATION},
    "C-FIND": {STUDY_FIND, WORKLIST},
    "C-GET": {STUDY_GET},
    "C-MOVE": {STUDY_MOVE},
    "C-STORE": {CT},
}
ALL_CONTEXTS = sorted(set().union(*CONTEXTS.values()))


def test_commands_on_contexts_of_other_services(visitor: Visitor) -> None:
    contexts = [build_context(uid, [ExplicitVRLittleEndian]) for uid in ALL_CONTEXTS]
    answers = {}
    with associate(visitor.address, contexts) as association:
        ids = {str(context.abstract_syntax): context.context_id for context in association.accepted_contexts}
        for (name, right), abstract in itertools.product(CONTEXTS.items(), ALL_CONTEXTS):
            if abstract in right:
                continue
            request = requests()[name]
            request.MessageID, request.AffectedSOPClassUID = 9, abstract
            answers[name, abstract] = exchange(association, request, ids[abstract]).Status
        assert association.is_established
    successes = {key for key, status in answers.items() if status == 0x0000}
    assert not successes
    refused = {key: hex(status) for key, status in answers.items() if key[0] != "C-STORE" and status != 0x0122}
    assert not refused


def test_a_response_that_nobody_asked_for(visitor: Visitor) -> None:
    with associate(visitor.address, [VERIFICATION]) as association:
        stray = N_DELETE()
        stray.MessageIDBeingRespondedTo, stray.Status = 5, 0x0000
        stray.AffectedSOPClassUID, stray.AffectedSOPInstanceUID = PRINTER, PRINTER_INSTANCE
        association.dimse.send_msg(stray, association.accepted_contexts[0].context_id)
        assert association.send_c_echo().Status == 0x0000
    assert "dicom.violation" not in actions(visitor.visit())


def test_a_get_of_two_classes_of_which_one_is_taken(visitor: Visitor) -> None:
    ct, mr = small_image(), small_image(SOPClassUID=MR, Modality="MR")
    mr.StudyInstanceUID = ct.StudyInstanceUID
    contexts = [build_context(uid, [ExplicitVRLittleEndian]) for uid in (CT, MR)]
    with associate(visitor.address, contexts) as association:
        for image, context in zip((ct, mr), association.accepted_contexts, strict=True):
            assert (
                store_bytes(association, context, image.SOPClassUID, image.SOPInstanceUID, encoded(image)).Status
                == 0x0000
            )
    received = Received()
    identifier = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=ct.StudyInstanceUID)
    with associate(visitor.address, [STUDY_GET, contexts[0]], scp=[CT], handlers=[received.handler]) as association:
        status, failed = get(association, identifier)[-1]
    assert (status.Status, list(received.objects)) == (0xB000, [ct.SOPInstanceUID])
    assert (status.NumberOfCompletedSuboperations, status.NumberOfFailedSuboperations) == (1, 1)
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == mr.SOPInstanceUID
