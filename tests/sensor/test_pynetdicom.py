"""Negotiation and services with pynetdicom, which can do what DCMTK's tools don't."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit
from pynetdicom import build_context
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)

from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.sensor.scu import (
    CT,
    MR,
    STUDY_FIND,
    STUDY_GET,
    VERIFICATION,
    WORKLIST,
    Received,
    associate,
    find,
    get,
    keys,
)
from tests.support import at

BASIC_PRINT = "1.2.840.10008.5.1.1.9"
EVERY_STUDY = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="")


def image_keys(hospital: Hospital) -> Any:
    """An identifier of one image."""
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    return keys(
        QueryRetrieveLevel="IMAGE",
        StudyInstanceUID=study["study_uid"],
        SeriesInstanceUID=series["series_uid"],
        SOPInstanceUID=hospital.instances(series["series_key"])[0]["sop_uid"],
    )


def test_echo(visitor: Visitor) -> None:
    with associate(visitor.address, [VERIFICATION]) as association:
        for number in (1, 2, 0x2A2A, 0xFFFF):
            answer = association.send_c_echo(number)
            assert answer.Status == 0x0000


def test_acceptor_says_who_it_is_and_nothing_of_ours(visitor: Visitor) -> None:
    with associate(visitor.address, [VERIFICATION], called="SOMEONE") as association:
        acceptor = association.acceptor
        assert acceptor.implementation_class_uid.startswith("1.2.826.0.1.3680043.9.511.20417.")
        assert acceptor.maximum_length == 131072


def test_find(visitor: Visitor, hospital: Hospital) -> None:
    with associate(visitor.address, [STUDY_FIND, WORKLIST]) as association:
        matches, status = find(association, EVERY_STUDY)
        assert status == 0x0000
        assert len(matches) == len(hospital.studies())
        worklist, status = find(association, keys(PatientName="*", AccessionNumber=""), WORKLIST)
        assert status == 0x0000
        assert worklist


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_get_in_other_transfer_syntaxes(visitor: Visitor, hospital: Hospital, syntax: str) -> None:
    plain, other = Received(), Received()
    for received, wanted in ((plain, "1.2.840.10008.1.2.1"), (other, syntax)):
        contexts = [STUDY_GET, build_context(MR, [wanted])]
        with associate(visitor.address, contexts, scp=[MR], handlers=[received.handler]) as association:
            final = get(association, image_keys(hospital))[-1][0]
        assert (final.Status, final.NumberOfCompletedSuboperations) == (0x0000, 1)
        assert [found for _, found in received.objects.values()] == [wanted]
    ((one, _),), ((two, _),) = plain.objects.values(), other.objects.values()
    assert one != two
    assert len(one) > 100_000


def test_get_only_in_a_syntax_that_it_can_not_have(visitor: Visitor, hospital: Hospital) -> None:
    received = Received()
    contexts = [STUDY_GET, build_context(MR, [JPEGBaseline8Bit])]
    with associate(visitor.address, contexts, scp=[MR], handlers=[received.handler]) as association:
        status, failed = get(association, image_keys(hospital))[-1]
    assert (status.Status, status.NumberOfFailedSuboperations, received.objects) == (0xA702, 1, {})
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == image_keys(hospital).SOPInstanceUID


def test_get_without_the_scp_role(visitor: Visitor, hospital: Hospital) -> None:
    received = Received()
    with associate(visitor.address, [STUDY_GET, MR], handlers=[received.handler]) as association:
        status, failed = get(association, image_keys(hospital))[-1]
    assert (status.Status, status.NumberOfFailedSuboperations, received.objects) == (0xA702, 1, {})
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == image_keys(hospital).SOPInstanceUID


def test_role_selection(visitor: Visitor) -> None:
    with associate(visitor.address, [STUDY_GET, CT, VERIFICATION], scp=[CT, VERIFICATION]) as association:
        roles = {context.abstract_syntax: context.as_scp for context in association.accepted_contexts}
    assert roles == {STUDY_GET: False, CT: True, VERIFICATION: False}
    event = visitor.wait_event("dicom.association")
    assert at(event, "dicom.roles") == [
        {"sop_class": CT, "scu": 0, "scp": 1},
        {"sop_class": VERIFICATION, "scu": 0, "scp": 1},
    ]


@pytest.mark.parametrize(("status", "final", "counter"), [(0xA700, 0xA702, "failed"), (0xB000, 0xB000, "warning")])
def test_get_where_the_peer_has_trouble(
    visitor: Visitor, hospital: Hospital, status: int, final: int, counter: str
) -> None:
    received = Received(status)
    with associate(visitor.address, [STUDY_GET, MR], scp=[MR], handlers=[received.handler]) as association:
        answer = get(association, image_keys(hospital))[-1][0]
    assert answer.Status == final
    end = visitor.wait_event("dicom.c-get.end")
    assert at(end, f"dicom.suboperations.{counter}") == 1
    assert at(end, "dicom.suboperations.completed") == 0


def test_order_and_counters_of_a_get(visitor: Visitor, hospital: Hospital) -> None:
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    instances = hospital.instances(series["series_key"])
    received = Received()
    identifier = keys(
        QueryRetrieveLevel="SERIES", StudyInstanceUID=study["study_uid"], SeriesInstanceUID=series["series_uid"]
    )
    with associate(visitor.address, [STUDY_GET, MR], scp=[MR], handlers=[received.handler]) as association:
        answers = [status for status, _ in get(association, identifier)]
    number = len(instances)
    assert received.order == [row["sop_uid"] for row in instances]
    assert [answer.Status for answer in answers] == [0xFF00] * number + [0x0000]
    assert [a.NumberOfRemainingSuboperations for a in answers[:-1]] == list(range(number - 1, -1, -1))
    assert [a.NumberOfCompletedSuboperations for a in answers] == [*range(1, number + 1), number]
    assert "NumberOfRemainingSuboperations" not in answers[-1]


# Negotiation


@pytest.mark.parametrize(
    ("kind", "primary", "secondary"),
    [
        (1, b"radiologist", b""),
        (2, b"admin", "pä55 word".encode()),
        (3, b"\x60\x82\x01\x00kerberos ticket", b""),
        (4, b"<saml:Assertion/>", b""),
        (5, b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", b""),
    ],
)
def test_user_identity(visitor: Visitor, kind: int, primary: bytes, secondary: bytes) -> None:
    item = UserIdentityNegotiation()
    item.user_identity_type = kind
    item.positive_response_requested = True
    item.primary_field = primary
    if secondary:
        item.secondary_field = secondary
    with associate(visitor.address, [VERIFICATION], items=[item]) as association:
        assert association.acceptor.user_identity is not None
        assert association.send_c_echo().Status == 0x0000
    event = visitor.wait_event("dicom.association")
    assert at(event, "dicom.user_identity") == {"type": kind, "response_requested": True}
    said = at(event, "honeypot.credential")
    if kind in (1, 2):
        assert said.pop("username") == primary.decode()
        assert at(event, "related.user") == [primary.decode()]
        assert said == ({"password": "pä55 word"} if secondary else {})
    else:
        assert list(said) == ["token"]
        assert primary.decode("latin-1")[4:] in said["token"]


def test_relational_queries_are_granted_and_used(visitor: Visitor, hospital: Hospital) -> None:
    identifier = keys(QueryRetrieveLevel="SERIES", Modality="CT", SeriesInstanceUID="")
    with associate(visitor.address, [STUDY_FIND]) as association:
        assert find(association, identifier) == ([], 0xA900)
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid = STUDY_FIND
    item.service_class_application_information = b"\x01\x01\x01"
    with associate(visitor.address, [STUDY_FIND], items=[item]) as association:
        assert association.acceptor.sop_class_extended[STUDY_FIND][:1] == b"\x01"
        matches, status = find(association, identifier)
    expected = hospital.rows("SELECT series_uid FROM series WHERE modality = 'CT' AND visible_from <= :now")
    assert status == 0x0000
    assert sorted(str(m.SeriesInstanceUID) for m in matches) == sorted(row["series_uid"] for row in expected)
    event = visitor.events(event__action="dicom.association")[-1]
    assert at(event, "dicom.extended") == [{"sop_class": STUDY_FIND, "hex": "010101"}]


def test_asynchronous_operations_window_and_common_extended_negotiation(visitor: Visitor) -> None:
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 5
    window.maximum_number_operations_performed = 3
    common = SOPClassCommonExtendedNegotiation()
    common.sop_class_uid, common.service_class_uid = CT, "1.2.840.10008.4.2"
    common.related_general_sop_class_identification = [MR]
    with associate(visitor.address, [CT], items=[window, common]) as association:
        assert association.acceptor.asynchronous_operations == (1, 1)
    event = visitor.wait_event("dicom.association")
    assert at(event, "dicom.async_window") == {"invoked": 5, "performed": 3}
    assert at(event, "dicom.common_extended") == [
        {"sop_class": CT, "service_class": "1.2.840.10008.4.2", "related": [MR]}
    ]


def test_what_is_not_supported_is_refused_one_by_one(visitor: Visitor) -> None:
    contexts = [
        build_context("1.2.3.4.5.6"),
        VERIFICATION,
        build_context(BASIC_PRINT),
        build_context(STUDY_FIND, [DeflatedExplicitVRLittleEndian]),
    ]
    with associate(visitor.address, contexts) as association:
        refused = {str(context.abstract_syntax): context.result for context in association.rejected_contexts}
        assert refused == {"1.2.3.4.5.6": 3, BASIC_PRINT: 3, STUDY_FIND: 4}
        assert association.send_c_echo().Status == 0x0000
    contexts = at(visitor.wait_event("dicom.association"), "dicom.contexts")
    assert {context["abstract_syntax"]: context["result"] for context in contexts} == {
        "1.2.3.4.5.6": "abstract-syntax-not-supported",
        VERIFICATION: "accepted",
        BASIC_PRINT: "abstract-syntax-not-supported",
        STUDY_FIND: "transfer-syntaxes-not-supported",
    }


def test_nothing_that_is_supported(visitor: Visitor) -> None:
    with associate(visitor.address, [build_context("1.2.3.4.5.6")], refused=True):
        pass
    assert visitor.wait_event("dicom.association")


@pytest.mark.parametrize("maximum", [128, 0])
def test_the_peers_maximum_length_is_kept(visitor: Visitor, hospital: Hospital, maximum: int) -> None:
    received = Received()
    with associate(
        visitor.address, [VERIFICATION, STUDY_FIND, STUDY_GET, MR], scp=[MR], handlers=[received.handler],
        max_pdu=maximum,
    ) as association:  # fmt: skip
        assert association.send_c_echo().Status == 0x0000
        matches, _ = find(association, EVERY_STUDY)
        assert len(matches) == len(hospital.studies())
        assert get(association, image_keys(hospital))[-1][0].Status == 0x0000
    assert len(received.objects) == 1
    lengths = [len(pdu) - 6 for pdu in visitor.connections[0].pdus("<") if pdu[0] == 4]
    if maximum:
        assert max(lengths) <= maximum
        assert len(lengths) > 1000
    else:
        assert max(lengths) > 16384
