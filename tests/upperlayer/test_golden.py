"""Whole associations of real tools: decoded, encoded again, and played against our own provider on either side."""

from __future__ import annotations

import pytest

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer.dialect import Dialect
from dicomhawk.upperlayer.indications import AssociateConfirmation, AssociateIndication
from dicomhawk.upperlayer.machine import State
from dicomhawk.upperlayer.message import CommandReceived, DataSetFragment
from dicomhawk.upperlayer.negotiation import Accepted, negotiate
from dicomhawk.upperlayer.provider import Provider
from tests.upperlayer.golden import GOLDEN
from tests.upperlayer.playbook import CT, FIND, decode, indications, output, policy

DIALECT = Dialect()
PDUS = [(name, n, data) for name, talk in GOLDEN.items() for n, (_, data) in enumerate(talk.turns)]
WHOLE = [name for name, talk in GOLDEN.items() if talk.turns[-1][1][0] == pdu.RELEASE_RP]


def first(name: str, direction: str) -> bytes:
    return next(data for sent_by, data in GOLDEN[name].turns if sent_by == direction)


def request_of(name: str) -> pdu.AssociateRQ:
    unit = decode(first(name, ">"))
    assert isinstance(unit, pdu.AssociateRQ)
    return unit


def answer_of(name: str) -> pdu.AssociateAC:
    unit = decode(first(name, "<"))
    assert isinstance(unit, pdu.AssociateAC)
    return unit


@pytest.mark.parametrize(("name", "number", "data"), PDUS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_pdu_decodes_and_encodes_to_itself(name: str, number: int, data: bytes) -> None:
    assert pdu.encode(decode(data)) == data


def test_a_command_set_decodes_and_encodes_to_itself() -> None:
    seen = set()
    for _, _, data in PDUS:
        unit = decode(data)
        if isinstance(unit, pdu.PDataTF):
            for pdv in unit.pdvs:
                if pdv.control & 1:
                    command = dimse.decode(bytes(pdv.data))
                    assert dimse.encode(command.elements) == pdv.data
                    seen.add(command.name)
    assert seen == {field.label for field in dimse.CommandField}


@pytest.mark.parametrize("name", WHOLE)
def test_the_acceptors_side_of_a_conversation(name: str) -> None:
    """The tool's bytes go in, the indications are those of the conversation, and each answer fits."""
    provider = Provider(DIALECT, 0.0)
    for direction, data in GOLDEN[name].turns:
        if direction == ">":
            found = indications(provider, data)
            assert len(found) == 1, found
            if isinstance(found[0], AssociateIndication):
                outcome = negotiate(found[0].rq, policy())
                assert isinstance(outcome, Accepted)
                provider.accept(outcome, first(name, "<"))  # the peer's answer rather than our own
                assert output(provider) == first(name, "<")
            elif provider.state is State.STA8:
                provider.confirm_release(0.0)
                assert output(provider) == data.replace(b"\5", b"\6", 1)
    assert provider.state is State.STA13


@pytest.mark.parametrize("name", WHOLE)
def test_the_requestors_side_of_a_conversation(name: str) -> None:
    provider = Provider(DIALECT, 0.0, requestor=True)
    answered = 0
    for direction, data in GOLDEN[name].turns:
        unit = decode(data)
        if direction == "<":
            found = indications(provider, data)
            assert len(found) == 1, found
            answered += isinstance(found[0], CommandReceived | DataSetFragment)
        elif isinstance(unit, pdu.AssociateRQ):
            provider.request(unit)
            assert output(provider) == data
        elif isinstance(unit, pdu.PDataTF):
            (pdv,) = unit.pdvs
            if pdv.control & 1:
                provider.send(pdv.context_id, bytes(pdv.data))
                assert output(provider) == data
        elif isinstance(unit, pdu.ReleaseRQ):
            provider.release()
            assert output(provider) == data
    assert provider.state is State.STA1
    assert answered == sum(data[0] == pdu.P_DATA for direction, data in GOLDEN[name].turns if direction == "<")


def test_a_rejection_reaches_the_requestor() -> None:
    provider = Provider(DIALECT, 0.0, requestor=True)
    provider.request(request_of("echoscu_rejected"))
    assert indications(provider, first("echoscu_rejected", "<")) == [AssociateConfirmation(pdu.AssociateRJ(1, 1, 7))]
    assert provider.state is State.STA1


def test_what_getscu_proposes() -> None:
    rq = request_of("getscu")
    assert len(pdu.encode(rq)) == 17435
    assert (rq.calling_ae_title, rq.called_ae_title, rq.maximum_length) == ("MOVER", "GOLDEN", 16384)
    assert len(rq.contexts) == len({context.context_id for context in rq.contexts}) == 121
    roles = [item for item in rq.user_items if isinstance(item, it.RoleSelection)]
    assert len(roles) == 120
    assert {(role.scu, role.scp) for role in roles} == {(0, 1)}


def test_dcmqrscp_and_our_negotiation_agree_on_the_contexts_of_getscu() -> None:
    outcome = negotiate(request_of("getscu"), policy())
    assert isinstance(outcome, Accepted)
    theirs = {c.context_id: c.result for c in answer_of("getscu").contexts}
    assert {c.context_id: c.result for c in outcome.ac.contexts} == theirs
    ours = [item for item in outcome.ac.user_items if isinstance(item, it.RoleSelection)]
    assert ours == [item for item in answer_of("getscu").user_items if isinstance(item, it.RoleSelection)]


def test_the_user_information_of_pynetdicom() -> None:
    user = request_of("pynetdicom_negotiation").user_items
    assert it.AsynchronousOperationsWindow(5, 1) in user
    assert it.RoleSelection(CT, 1, 1) in user
    assert it.ExtendedNegotiation(FIND, b"\1\1\0\1") in user
    related = ("1.2.840.10008.5.1.4.1.1.7", "1.2.3.45")
    assert it.CommonExtendedNegotiation(CT, "1.2.840.10008.4.2", related) in user
    assert it.UserIdentityRequest(2, 1, b"golden", b"byte") in user
    assert it.ImplementationVersionName("PYNETDICOM_304") in user
    answer = answer_of("pynetdicom_negotiation").user_items
    assert it.AsynchronousOperationsWindow(1, 1) in answer  # pynetdicom never answers another one
    assert it.ExtendedNegotiation(FIND, b"\1\0\0\1") in answer
    assert it.UserIdentityResponse(b"welcome") in answer_of("pynetdicom_ticket").user_items


def test_the_user_identity_of_dcmtk() -> None:
    identity = request_of("storescu_identity").user_item(it.UserIdentityRequest)
    assert identity == it.UserIdentityRequest(2, 1, b"golden", b"byte")


def test_the_move_originator_of_a_suboperation() -> None:
    command = dimse.decode(GOLDEN["movescu_suboperation"].turns[2][1][12:])
    assert command.name == "C-STORE-RQ"
    assert command.text(dimse.Key.MoveOriginatorApplicationEntityTitle) == "MOVER"
    assert command.number(dimse.Key.MoveOriginatorMessageID) == 1
