"""The negotiation of a persona: what its file says becomes the upper layer's policy and grammar."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dicomhawk.persona import sopclasses
from dicomhawk.persona.model import Persona, load
from dicomhawk.persona.model.negotiation import AnswerModel, Contexts, Group, Reject, Request
from dicomhawk.settings import Deployment, Remote, SettingsError
from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer import pdu
from dicomhawk.upperlayer.negotiation import Accepted, Rejected, negotiate
from dicomhawk.upperlayer.policy import Cause, RefusedSyntax
from tests.upperlayer.playbook import CT, EXPLICIT, IMPLICIT, VERIFICATION, request

DEPLOYMENT = Deployment(seed="0" * 16, hospital="H", locale="en_US", ae_title="CALLED", uid_root="1.2.826.0.1.99")
COMMITMENT = "1.2.840.10008.1.20.1"
HANGING_PROTOCOL = "1.2.840.10008.5.1.4.38.1"
BIG = "1.2.840.10008.1.2.2"


def persona(**parts: object) -> Persona:
    return Persona.model_validate({"name": "test", "title": "for a test", **parts})


def test_groups_are_given_by_name_keyword_or_uid() -> None:
    group = Group(name="g", abstract_syntaxes=("worklist", "CTImageStorage", "1.2.3"), without=("worklist",))
    assert set(Contexts(groups=(group,)).policies()) == {CT, "1.2.3"}
    assert sopclasses.abstract_syntaxes(("Verification", "Verification")) == (VERIFICATION,)


def test_a_sop_class_in_several_groups_belongs_to_the_last() -> None:
    first = Group(name="all", abstract_syntaxes=("storage",), transfer_syntaxes=("implicit-le",))
    second = Group(name="one", abstract_syntaxes=("CTImageStorage",), transfer_syntaxes=("explicit-le",))
    policies = Contexts(groups=(first, second)).policies()
    assert (policies[CT].transfer_syntaxes, policies[CT].rank) == ((EXPLICIT,), 1)
    assert policies["1.2.840.10008.5.1.4.1.1.4"].transfer_syntaxes == (IMPLICIT,)


@pytest.mark.parametrize(
    "group",
    [
        {"abstract_syntaxes": ["CTImageStorge"]},
        {"abstract_syntaxes": ["CTImageStorage"], "transfer_syntaxes": ["jpeg-3000"]},
        {"abstract_syntaxes": [], "without": ["nothing"]},
    ],
)
def test_unknown_names(group: dict[str, object]) -> None:
    wrong = persona(contexts={"groups": [{"name": "g", **group}]})
    with pytest.raises(SettingsError, match="unknown"):
        wrong.policy(DEPLOYMENT)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Group, {"name": "g", "abstract_syntaxes": [], "roles": "some"}),
        (Group, {"name": "g", "abstract_syntaxes": [], "extended": "0"}),
        (Group, {"name": "g", "abstract_syntaxes": [], "refusal": 0}),
        (Reject, {"checks": [{"cause": "version"}, {"cause": "version"}]}),
        (Reject, {"checks": [{"cause": "weather"}]}),
        (Reject, {"checks": [{"cause": "version", "answer": [1, 2, 256]}]}),
        (Request, {"longest": 1 << 30}),
        (Request, {"maximum_length": "sloppy"}),
        (AnswerModel, {"user_items": ["weather"]}),
    ],
)
def test_what_a_file_may_not_say(model: type[Group | Reject | Request | AnswerModel], values: object) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(values)


@pytest.mark.parametrize(
    ("identity", "called", "calling"),
    [
        ({}, None, None),
        ({"called_ae_titles": "own"}, {"CALLED"}, None),
        ({"called_ae_titles": ["One", "TWO"]}, {"One", "TWO"}, None),
        ({"called_ae_titles": ["One"], "ignore_case": True}, {"ONE"}, None),
        ({"calling_ae_titles": "known"}, None, {"KNOWN"}),
        ({"calling_ae_titles": ["OTHER"]}, None, {"OTHER"}),
    ],
)
def test_ae_titles(identity: dict[str, object], called: set[str] | None, calling: set[str] | None) -> None:
    policy = persona(identity=identity).policy(DEPLOYMENT, [Remote(ae_title="KNOWN", host="", port=None)])
    assert (policy.called_ae_titles, policy.calling_ae_titles) == (called, calling)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("implicit-le", IMPLICIT), ("1.2.3", "1.2.3"), ("proposed", RefusedSyntax.PROPOSED)],
)
def test_the_transfer_syntax_of_a_refused_context(said: str, meant: object) -> None:
    assert AnswerModel(refused_transfer_syntax=said).refused_syntax() == meant


def test_checks_keep_their_order() -> None:
    checks = [{"cause": "no-contexts"}, {"cause": "version", "answer": [2, 1, 3]}]
    policy = persona(reject={"checks": checks}).policy(DEPLOYMENT)
    assert [tuple(check) for check in policy.checks] == [(Cause.NO_CONTEXTS, None), (Cause.VERSION, (2, 1, 3))]


def answered(name: str, rq: pdu.AssociateRQ) -> list[tuple[int, int, str]]:
    outcome = negotiate(rq, load(name).policy(DEPLOYMENT))
    assert isinstance(outcome, Accepted), outcome
    return [(c.context_id, c.result, c.transfer_syntax) for c in outcome.ac.contexts]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", [(1, 0, IMPLICIT), (3, 0, EXPLICIT), (5, 0, BIG), (7, 4, IMPLICIT), (9, 0, BIG)]),
        ("orthanc", [(1, 0, EXPLICIT), (3, 0, EXPLICIT), (5, 0, IMPLICIT), (7, 3, IMPLICIT), (9, 3, IMPLICIT)]),
        ("dcmqrscp", [(5, 0, BIG), (1, 0, EXPLICIT), (3, 3, IMPLICIT), (7, 3, IMPLICIT), (9, 3, IMPLICIT)]),
    ],
)
def test_the_products_differ_in_order_choice_and_refusal(name: str, expected: list[tuple[int, int, str]]) -> None:
    rq = request(
        (1, VERIFICATION, (IMPLICIT, EXPLICIT)),
        (3, COMMITMENT, (EXPLICIT,)),
        (5, CT, (BIG, IMPLICIT)),
        (7, CT, ("1.2.3",)),
        (9, HANGING_PROTOCOL, (BIG,)),
    )
    assert answered(name, rq) == expected


@pytest.mark.parametrize(("name", "answer"), [("orthanc", (1, 1, 2)), ("dcmqrscp", (2, 1, 2)), ("plain", (1, 1, 2))])
def test_the_products_reject_in_their_own_words(name: str, answer: tuple[int, int, int]) -> None:
    rq = request()
    contexts = rq.items[1:]
    wrong = pdu.AssociateRQ(rq.called_ae, rq.calling_ae, (it.ApplicationContext("1.2.3"), *contexts))
    outcome = negotiate(wrong, load(name).policy(DEPLOYMENT))
    assert outcome == Rejected(pdu.AssociateRJ(*answer), Cause.APPLICATION_CONTEXT)


OPEN = {
    "groups": [
        {"name": "echo", "abstract_syntaxes": ["Verification"]},
        {"name": "others", "abstract_syntaxes": ["*"], "without": [COMMITMENT], "transfer_syntaxes": ["explicit-le"]},
    ]
}


def test_a_star_stands_for_all_that_no_other_group_names() -> None:
    policy = persona(contexts=OPEN).policy(DEPLOYMENT)
    contexts = ((1, VERIFICATION, (IMPLICIT,)), (3, "1.2.3", (EXPLICIT,)), (5, "1.2.3", (IMPLICIT,)))
    outcome = negotiate(request(*contexts, (7, COMMITMENT, (EXPLICIT,))), policy)
    assert isinstance(outcome, Accepted)
    assert [context.result for context in outcome.ac.contexts] == [0, 0, 4, 3]


def test_what_a_star_stands_for_is_stored() -> None:
    contexts = persona(contexts=OPEN).contexts
    assert contexts.stores("1.2.3")
    assert contexts.stores(CT)
    assert not contexts.stores(VERIFICATION)
    assert not contexts.stores(COMMITMENT)
    assert not Contexts().stores("1.2.3")
