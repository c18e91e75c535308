"""Agreement with pynetdicom's encoder and decoder on random valid PDUs."""

from __future__ import annotations

from typing import Any

import pynetdicom.pdu as theirs
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom import pdu_items

from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer import pdu
from tests.upperlayer import strategies as our
from tests.upperlayer.playbook import decode


def by_pynetdicom(kind: type[theirs.PDU], data: bytes) -> Any:
    unit = kind()
    unit.decode(data)
    return unit


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def user_item(item: Any) -> it.UserItem:
    """A user information sub-item of pynetdicom as ours, field by field."""
    match item:
        case pdu_items.MaximumLengthSubItem():
            return it.MaximumLength(item.maximum_length_received)
        case pdu_items.ImplementationClassUIDSubItem():
            return it.ImplementationClassUID(text(item.implementation_class_uid))
        case pdu_items.ImplementationVersionNameSubItem():
            return it.ImplementationVersionName(text(item.implementation_version_name))
        case pdu_items.AsynchronousOperationsWindowSubItem():
            window = item.maximum_number_operations_invoked, item.maximum_number_operations_performed
            return it.AsynchronousOperationsWindow(*window)
        case pdu_items.SCP_SCU_RoleSelectionSubItem():
            return it.RoleSelection(text(item.sop_class_uid), item.scu_role, item.scp_role)
        case pdu_items.SOPClassExtendedNegotiationSubItem():
            return it.ExtendedNegotiation(text(item.sop_class_uid), item.service_class_application_information)
        case pdu_items.SOPClassCommonExtendedNegotiationSubItem():
            related = tuple(map(text, item.related_general_sop_class_identification))
            return it.CommonExtendedNegotiation(text(item.sop_class_uid), text(item.service_class_uid), related)
        case pdu_items.UserIdentitySubItemRQ():
            fields = item.primary_field, item.secondary_field or b""
            return it.UserIdentityRequest(item.user_identity_type, item.positive_response_requested, *fields)
        case pdu_items.UserIdentitySubItemAC():
            return it.UserIdentityResponse(item.server_response)
    raise AssertionError(item)


def check_common(unit: pdu.Associate, read: Any) -> None:
    assert text(read.called_ae_title).strip() == unit.called_ae_title
    assert text(read.calling_ae_title).strip() == unit.calling_ae_title
    assert text(read.application_context_name) == unit.application_context
    assert tuple(map(user_item, read.user_information.user_data)) == unit.user_items


@given(our.plain_requests)
def test_requests(unit: pdu.AssociateRQ) -> None:
    data = pdu.encode(unit)
    read = by_pynetdicom(theirs.A_ASSOCIATE_RQ, data)
    check_common(unit, read)
    assert [
        (c.presentation_context_id, text(c.abstract_syntax), tuple(map(text, c.transfer_syntax)))
        for c in read.presentation_context
    ] == [(c.context_id, c.abstract_syntax, c.transfer_syntaxes) for c in unit.contexts]
    assert read.encode() == data
    assert decode(read.encode()) == unit


@given(our.plain_acceptances)
def test_acceptances(unit: pdu.AssociateAC) -> None:
    data = pdu.encode(unit)
    read = by_pynetdicom(theirs.A_ASSOCIATE_AC, data)
    check_common(unit, read)
    assert [(c.presentation_context_id, c.result, text(c.transfer_syntax)) for c in read.presentation_context] == [
        (c.context_id, c.result, c.transfer_syntax) for c in unit.contexts
    ]
    assert read.encode() == data
    assert decode(read.encode()) == unit


@given(our.plain_data)
def test_data(unit: pdu.PDataTF) -> None:
    data = pdu.encode(unit)
    read = by_pynetdicom(theirs.P_DATA_TF, data)
    assert [(v.presentation_context_id, v.presentation_data_value) for v in read.presentation_data_value_items] == [
        (v.context_id, bytes((v.control,)) + v.data) for v in unit.pdvs
    ]
    assert read.encode() == data
    assert decode(read.encode()) == unit


@given(st.sampled_from((1, 2)), st.integers(1, 3), st.integers(0, 10))
def test_rejections(result: int, source: int, reason: int) -> None:
    read = theirs.A_ASSOCIATE_RJ()
    read.result, read.source, read.reason_diagnostic = result, source, reason
    unit = pdu.AssociateRJ(result, source, reason)
    assert decode(read.encode()) == unit
    assert pdu.encode(unit) == read.encode()


@given(st.integers(0, 2), st.integers(0, 6))
def test_aborts(source: int, reason: int) -> None:
    read = theirs.A_ABORT_RQ()
    read.source, read.reason_diagnostic = source, reason
    unit = pdu.Abort(source, reason)
    assert decode(read.encode()) == unit
    assert pdu.encode(unit) == read.encode()


def test_releases() -> None:
    assert theirs.A_RELEASE_RQ().encode() == pdu.encode(pdu.ReleaseRQ())
    assert theirs.A_RELEASE_RP().encode() == pdu.encode(pdu.ReleaseRP())
