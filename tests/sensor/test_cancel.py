"""C-CANCEL of operations in progress, and requests that don't wait for the answer to the one before."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import build_context, evt
from pynetdicom.dimse_primitives import C_ECHO, C_FIND
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.sensor.scu import (
    MR,
    PENDING,
    STUDY_FIND,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    associate,
    encoded,
    get,
    keys,
    unattended,
)
from tests.support import at


def of_small_study(hospital: Hospital) -> Any:
    """An identifier of a study, and the number of its instances."""
    study = hospital.small_study("MR")
    return keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=study["study_uid"]), study["n_instances"]


def assert_cancelled(visitor: Visitor, action: str) -> Any:
    """What is on record of a cancelled operation; returns the event of its end."""
    cancel = visitor.wait_event("dicom.c-cancel")
    assert at(cancel, "dicom.cancel.running") is True
    end = visitor.wait_event(action)
    assert (at(end, "dicom.status"), at(end, "event.outcome")) == ("0xFE00", "unknown")
    return end


def test_cancel_of_a_find(visitor: Visitor, hospital: Hospital) -> None:
    relational = SOPClassExtendedNegotiation()
    relational.sop_class_uid = STUDY_FIND
    relational.service_class_application_information = b"\x01"
    every_image = keys(QueryRetrieveLevel="IMAGE", SOPInstanceUID="", InstanceNumber=None, ContentDate="")
    total = hospital.rows("SELECT count(*) FROM instance WHERE visible_from <= :now")[0][0]
    with associate(visitor.address, [STUDY_FIND], items=[relational]) as association:
        matches, statuses = 0, []
        for answer, _ in association.send_c_find(every_image, STUDY_FIND):
            statuses.append(answer.Status)
            if answer.Status in PENDING:
                matches += 1
            if matches == 3:
                association.send_c_cancel(1, query_model=STUDY_FIND)
        assert statuses[-1] == 0xFE00
        assert 3 <= matches < total
        # The association goes on.
        assert list(association.send_c_find(keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3"), STUDY_FIND))
    end = assert_cancelled(visitor, "dicom.c-find.end")
    assert at(end, "dicom.query.matches") == matches


def test_cancel_of_a_get(visitor: Visitor, hospital: Hospital) -> None:
    identifier, total = of_small_study(hospital)
    seen = []

    def take(event: Any) -> int:
        seen.append(event.request.AffectedSOPInstanceUID)
        if len(seen) == 3:
            event.assoc.send_c_cancel(1, query_model=STUDY_GET)
        return 0x0000

    with associate(visitor.address, [STUDY_GET, MR], scp=[MR], handlers=[(evt.EVT_C_STORE, take)]) as association:
        answers = [answer for answer, _ in get(association, identifier)]
        final = answers[-1]
    assert final.Status == 0xFE00
    assert final.NumberOfCompletedSuboperations == len(seen)
    assert 3 <= len(seen) < total
    assert final.NumberOfRemainingSuboperations == total - len(seen)
    assert (final.NumberOfFailedSuboperations, final.NumberOfWarningSuboperations) == (0, 0)
    end = assert_cancelled(visitor, "dicom.c-get.end")
    assert at(end, "dicom.suboperations.completed") == len(seen)
    assert at(end, "dicom.suboperations.remaining") == total - len(seen)


def test_cancel_of_a_move(visitor: Visitor, hospital: Hospital) -> None:
    identifier, total = of_small_study(hospital)
    with associate(visitor.address, [STUDY_MOVE]) as association:
        answers = []
        for answer, _ in association.send_c_move(identifier, hospital.workstation()["ae_title"], STUDY_MOVE):
            answers.append(answer)
            if len(answers) == 3:
                association.send_c_cancel(1, query_model=STUDY_MOVE)
    final = answers[-1]
    assert final.Status == 0xFE00
    done = final.NumberOfCompletedSuboperations
    assert 3 <= done < total
    assert final.NumberOfRemainingSuboperations == total - done
    assert at(assert_cancelled(visitor, "dicom.c-move.end"), "dicom.suboperations.completed") == done


def test_cancel_of_nothing(visitor: Visitor) -> None:
    with associate(visitor.address, [STUDY_FIND, VERIFICATION]) as association:
        association.send_c_cancel(77, query_model=STUDY_FIND)
        assert association.send_c_echo().Status == 0x0000
    event = visitor.wait_event("dicom.c-cancel")
    assert at(event, "dicom.cancel.running") is False
    assert at(event, "dicom.command.message_id") == 77


def test_requests_that_do_not_wait_are_answered_in_order(visitor: Visitor, hospital: Hospital) -> None:
    identifier = BytesIO(encoded(keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="")))
    proposed = [build_context(uid, [ExplicitVRLittleEndian]) for uid in (STUDY_FIND, VERIFICATION)]
    with associate(visitor.address, proposed) as association:
        contexts = {str(context.abstract_syntax): context.context_id for context in association.accepted_contexts}
        with unattended(association):
            for number in (1, 2, 3):
                query = C_FIND()
                query.MessageID, query.AffectedSOPClassUID, query.Priority = 10 * number, STUDY_FIND, 2
                query.Identifier = BytesIO(identifier.getvalue())
                association.dimse.send_msg(query, contexts[STUDY_FIND])
                echo = C_ECHO()
                echo.MessageID, echo.AffectedSOPClassUID = 10 * number + 1, VERIFICATION
                association.dimse.send_msg(echo, contexts[VERIFICATION])
            finals: list[int] = []
            matches = 0
            while len(finals) < 6:
                _, answer = association.dimse.get_msg(block=True)
                if answer.Status in PENDING:
                    matches += 1
                else:
                    assert answer.Status == 0x0000
                    finals.append(answer.MessageIDBeingRespondedTo)
    assert finals == [10, 11, 20, 21, 30, 31]
    assert matches == 3 * len(hospital.studies())
