"""Storage commitment: what is kept is confirmed, what isn't is not, on the same association and nowhere else."""

from __future__ import annotations

import queue
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid
from pynetdicom import build_context, build_role, evt
from pynetdicom.dimse_primitives import N_ACTION
from pynetdicom.dsutils import encode

from dicomhawk.sensor.dicom.services.reports import MAX_REPORTS
from tests.sensor.conftest import DEPLOYMENT
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.sensor.scu import CT, MR, VERIFICATION, associate, keys
from tests.sensor.test_services import small_image
from tests.soak.exchanges import HAS_DATA, IMPLICIT, Conversation, Message, command, data_set, hold
from tests.support import Sensor, at

COMMITMENT, INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
NOT_THERE, OTHER_CLASS = 0x0112, 0x0119
SECONDS = 20.0
"""A result that takes longer will not come; how long it takes is not what is tested."""
SOON = """\
extends = "plain"
[normalized.commitment]
delay = [0, 0.05]
patience = 5
"""


@pytest.fixture(scope="module")
def sensor(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    folder = tmp_path_factory.mktemp("commitment")
    (folder / "soon.toml").write_text(SOON)
    data = Path(shutil.copytree(template, folder / "data"))
    with Sensor(data, flags=("--persona", folder / "soon.toml")) as running:
        yield running


@pytest.fixture
def hospital(sensor: Sensor) -> Hospital:
    return Hospital(sensor.data)


class Told:
    """Takes N-EVENT-REPORTs and answers them."""

    def __init__(self, status: int = 0) -> None:
        self._came: queue.Queue[tuple[int, Dataset]] = queue.Queue()
        self._status = status

    @property
    def handler(self) -> tuple[Any, Any]:
        return evt.EVT_N_EVENT_REPORT, self._take

    def _take(self, event: Any) -> tuple[int, None]:
        self._came.put((event.event_type, event.event_information))
        return self._status, None

    def next(self) -> tuple[int, Dataset]:
        """Event Type and Event Information."""
        return self._came.get(timeout=SECONDS)


def wanted(*references: tuple[str, str], transaction: str = "1.2.3.4") -> Dataset:
    return keys(
        TransactionUID=transaction,
        ReferencedSOPSequence=[keys(ReferencedSOPClassUID=c, ReferencedSOPInstanceUID=i) for c, i in references],
    )


def ask(association: Any, information: Dataset | None, *, kind: int = 1, instance: str = INSTANCE) -> int:
    status, _ = association.send_n_action(information, kind, COMMITMENT, instance)
    return int(status.Status)


def ask_ahead(association: Any, information: Dataset, message_id: int) -> None:
    """Ask, and don't wait for the answer: who waits with pynetdicom takes a result that comes first for it."""
    context = association.accepted_contexts[0]
    request = N_ACTION()
    request.MessageID = message_id
    request.RequestedSOPClassUID, request.RequestedSOPInstanceUID = COMMITMENT, INSTANCE
    request.ActionTypeID = 1
    syntax = context.transfer_syntax[0]
    request.ActionInformation = BytesIO(encode(information, syntax.is_implicit_VR, syntax.is_little_endian) or b"")
    association.dimse.send_msg(request, context.context_id)


def references(data: Dataset, keyword: str) -> list[tuple[str, ...]]:
    return [
        (
            item.ReferencedSOPClassUID,
            item.ReferencedSOPInstanceUID,
            *([item.FailureReason] if "FailureReason" in item else []),
        )
        for item in data.get(keyword, ())
    ]


def some_instances(hospital: Hospital, count: int) -> list[tuple[str, str]]:
    rows = hospital.rows("SELECT sop_class_uid, sop_uid FROM instance WHERE visible_from <= :now LIMIT :v1", count)
    return [(row["sop_class_uid"], row["sop_uid"]) for row in rows]


def test_what_the_hospital_has_is_confirmed(visitor: Visitor, hospital: Hospital) -> None:
    told, kept = Told(), some_instances(hospital, 3)
    with associate(visitor.address, [COMMITMENT, VERIFICATION], handlers=[told.handler]) as association:
        assert ask(association, wanted(*kept)) == 0
        kind, data = told.next()
        assert kind == 1
        assert data.TransactionUID == "1.2.3.4"
        assert data.RetrieveAETitle == "ASHPACS"
        assert references(data, "ReferencedSOPSequence") == kept
        assert "FailedSOPSequence" not in data
        assert association.send_c_echo().Status == 0
    asked, came = visitor.wait_event("dicom.n-action"), visitor.wait_event("dicom.n-event-report")
    assert (at(asked, "dicom.status"), at(asked, "dicom.commitment.references")) == ("0x0000", 3)
    assert at(asked, "dicom.commitment.transaction_uid") == at(came, "dicom.commitment.transaction_uid") == "1.2.3.4"
    assert (at(came, "dicom.commitment.by"), at(came, "dicom.commitment.sent")) == ("sensor", True)
    assert (at(came, "dicom.commitment.committed"), at(came, "dicom.commitment.failed")) == (3, 0)
    assert (at(came, "dicom.status"), at(came, "event.outcome")) == ("0x0000", "success")


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian], ids=["implicit", "explicit"])
def test_what_is_not_there_or_something_else_is_told_with_the_reason(
    visitor: Visitor, hospital: Hospital, syntax: str
) -> None:
    (kept,) = some_instances(hospital, 1)
    absent, other = (CT, "1.2.3.4.5"), ("1.2.840.10008.5.1.4.1.1.128", kept[1])
    told = Told()
    with associate(visitor.address, [build_context(COMMITMENT, [syntax])], handlers=[told.handler]) as association:
        assert ask(association, wanted(kept, absent, other)) == 0
        kind, data = told.next()
        visitor.wait_event("dicom.n-event-report")
    assert kind == 2
    assert references(data, "ReferencedSOPSequence") == [kept]
    assert references(data, "FailedSOPSequence") == [(*absent, NOT_THERE), (*other, OTHER_CLASS)]


def test_a_visitor_may_rely_on_its_own_objects_and_nobody_else_on_them(sensor: Sensor) -> None:
    image = small_image(SOPInstanceUID=generate_uid())
    reference = (CT, str(image.SOPInstanceUID))
    image.file_meta = Dataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with Visitor(sensor) as one, Visitor(sensor) as other:
        told = Told()
        contexts = [COMMITMENT, build_context(CT, [ExplicitVRLittleEndian])]
        with associate(one.address, contexts, handlers=[told.handler]) as association:
            assert association.send_c_store(image).Status == 0
            assert ask(association, wanted(reference)) == 0
            assert told.next()[0] == 1
            one.wait_event("dicom.n-event-report")
        told = Told()
        with associate(other.address, [COMMITMENT], handlers=[told.handler]) as association:
            assert ask(association, wanted(reference)) == 0
            kind, data = told.next()
            other.wait_event("dicom.n-event-report")
        assert kind == 2
        assert references(data, "FailedSOPSequence") == [(*reference, NOT_THERE)]


def test_results_come_one_after_the_other(visitor: Visitor) -> None:
    told = Told()
    with associate(visitor.address, [COMMITMENT], handlers=[told.handler]) as association:
        for number in range(4):
            ask_ahead(association, wanted((CT, "1.2.3"), transaction=f"1.2.{number}"), number + 1)
        assert [told.next()[1].TransactionUID for _ in range(4)] == [f"1.2.{number}" for number in range(4)]
        visitor.wait_event("dicom.n-event-report", 4)


def test_the_answer_of_the_peer_is_on_record(visitor: Visitor) -> None:
    told = Told(0x0110)
    with associate(visitor.address, [COMMITMENT], handlers=[told.handler]) as association:
        assert ask(association, wanted((CT, "1.2.3"))) == 0
        told.next()
        event = visitor.wait_event("dicom.n-event-report")
    assert (at(event, "dicom.status"), at(event, "event.outcome")) == ("0x0110", "failure")


@pytest.mark.parametrize(
    ("information", "how", "status"),
    [
        (wanted((CT, "1.2.3")), {"kind": 2}, 0x0123),
        (wanted((CT, "1.2.3")), {"instance": "1.2.3"}, 0x0112),
        (keys(TransactionUID="1.2.3"), {}, 0x0115),
        (wanted((CT, "1.2.3"), transaction=""), {}, 0x0115),
        (wanted(), {}, 0x0115),
        (wanted((CT, "")), {}, 0x0115),
        (None, {}, 0x0115),
    ],
    ids=["type", "instance", "no references", "no transaction", "no reference", "empty reference", "no data set"],
)
def test_what_is_wrong_gets_its_status_and_no_result(
    visitor: Visitor, information: Dataset | None, how: dict[str, Any], status: int
) -> None:
    told = Told()
    with associate(visitor.address, [COMMITMENT, VERIFICATION], handlers=[told.handler]) as association:
        assert ask(association, information, **how) == status
        assert association.send_c_echo().Status == 0
    assert not [event for event in visitor.visit() if at(event, "event.action") == "dicom.n-event-report"]


def raw_request(number: int) -> Message:
    """One as bytes, after which the next is sent without waiting."""
    reference = [(0x00081150, "UI", CT), (0x00081155, "UI", "1.2.3")]
    return Message(
        0,
        command(
            requested=COMMITMENT, field=0x130, message_id=number, data=HAS_DATA, action=1, requested_instance=INSTANCE
        ),
        data_set([(0x00081195, "UI", f"1.2.{number}"), (0x00081199, "SQ", [reference])], IMPLICIT),
        joined=True,
    )


def test_only_so_many_results_may_wait(visitor: Visitor) -> None:
    """Nobody answers the first, so that the others wait, until the peer has had enough."""
    count = MAX_REPORTS + 4
    messages = [raw_request(number) for number in range(1, count + 1)]
    messages[-1].joined = False
    hold(Conversation([(COMMITMENT, [IMPLICIT])], messages), visitor.port)
    visitor.visit()
    statuses = [at(event, "dicom.status") for event in visitor.events(event__action="dicom.n-action")]
    assert len(statuses) == count
    assert statuses.count("0x0213") >= count - MAX_REPORTS - 1
    reports = visitor.events(event__action="dicom.n-event-report")
    assert len(reports) == statuses.count("0x0000")
    assert {at(event, "event.outcome") for event in reports} == {"unknown"}
    assert {at(event, "dicom.commitment.sent") for event in reports} <= {True, False}


def test_nothing_is_sent_after_a_release(start: Callable[..., Sensor], tmp_path: Path) -> None:
    """No listener of the visitor is ever contacted either: the result is put on record as not sent."""
    persona = tmp_path / "late.toml"
    persona.write_text('extends = "plain"\n[normalized.commitment]\ndelay = [30, 30]\n')
    with start(workers=1, flags=("--persona", persona)) as sensor, Visitor(sensor) as visitor:
        with associate(visitor.address, [COMMITMENT]) as association:
            assert ask(association, wanted((CT, "1.2.3"))) == 0
        event = visitor.wait_event("dicom.n-event-report")
        assert (at(event, "dicom.commitment.sent"), at(event, "event.outcome")) == (False, "unknown")
        assert at(event, "dicom.status") is None
        assert at(visitor.visit()[-1], "event.action") == "connection.close"


def test_a_requestor_without_the_role_gets_no_result(visitor: Visitor) -> None:
    """One that is the SCP only could be told nothing: it would be the one to tell (PS3.7 D.3.3.4)."""
    told = Told()
    roles = [build_role(COMMITMENT, scp_role=True, scu_role=False)]
    with associate(visitor.address, [COMMITMENT], items=roles, handlers=[told.handler]) as association:
        status, _ = association.send_n_event_report(wanted((CT, "1.2.3")), 1, COMMITMENT, INSTANCE)
        assert status.Status == 0
    event = visitor.wait_event("dicom.n-event-report")
    assert (at(event, "dicom.commitment.by"), at(event, "dicom.commitment.committed")) == ("peer", 1)


def test_on_a_context_of_another_service(visitor: Visitor) -> None:
    with associate(visitor.address, [build_context(VERIFICATION, [ExplicitVRLittleEndian])]) as association:
        status, _ = association.send_n_action(wanted((CT, "1.2.3")), 1, COMMITMENT, INSTANCE, meta_uid=VERIFICATION)
        assert status.Status == 0x0122


# dcm4chee-arc


@pytest.fixture(scope="module")
def dcm4chee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    data = tmp_path_factory.mktemp("dcm4chee") / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT + "[hospital]\nstudies = 0\n")
    flags = ("--persona", "dcm4chee-arc", "--remote", "KNOWN@127.0.0.1:11999")
    with Sensor(data, workers=1, flags=flags) as running:
        yield running


@pytest.mark.parametrize(("caller", "status"), [("KNOWN", 0x0000), ("STRANGER", 0x0110)])
def test_dcm4chee_knows_whom_it_would_tell(dcm4chee: Sensor, caller: str, status: int) -> None:
    with (
        Visitor(dcm4chee) as visitor,
        associate(visitor.address, [COMMITMENT], title=caller, called="ASHPACS") as association,
    ):
        answer, _ = association.send_n_action(wanted((MR, "1.2.3")), 1, COMMITMENT, INSTANCE)
        assert answer.Status == status
        assert answer.get("ErrorComment") == (f"Unknown Calling AET: {caller}" if status else None)
        assert ask(association, wanted((MR, "1.2.3")), kind=2) == 0x0123


def test_dcm4chee_tells_nothing_on_the_same_association(dcm4chee: Sensor) -> None:
    with Visitor(dcm4chee) as visitor:
        with associate(visitor.address, [COMMITMENT], title="KNOWN", called="ASHPACS") as association:
            assert ask(association, wanted((MR, "1.2.3"))) == 0
        assert not [event for event in visitor.visit() if at(event, "event.action") == "dicom.n-event-report"]
