"""Negotiation as tables: what is proposed, what the policy allows, what is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer import pdu
from dicomhawk.upperlayer.negotiation import (
    AbstractSyntaxPolicy,
    Accepted,
    Context,
    Policy,
    Rejected,
    negotiate,
)
from dicomhawk.upperlayer.policy import RefusedSyntax
from tests.upperlayer.playbook import CT, EXPLICIT, FIND, IMPLICIT, VERIFICATION, request

JPEG = "1.2.840.10008.1.2.4.50"
POLICY = Policy(
    {
        VERIFICATION: AbstractSyntaxPolicy((IMPLICIT,)),
        CT: AbstractSyntaxPolicy((EXPLICIT, IMPLICIT), scp_role=True),
        FIND: AbstractSyntaxPolicy((IMPLICIT, EXPLICIT), extended=b"\1\0\1"),
    },
    implementation_class_uid="1.2.3.4",
    implementation_version_name="NAME_1",
)


def accepted(rq: pdu.AssociateRQ, policy: Policy = POLICY) -> Accepted:
    outcome = negotiate(rq, policy)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def preferring(acceptor: bool) -> Policy:
    allowed = {uid: replace(a, requestor_prefers=not acceptor) for uid, a in POLICY.abstract_syntaxes.items()}
    return replace(POLICY, abstract_syntaxes=allowed)


@pytest.mark.parametrize(
    ("abstract", "offered", "prefers", "result", "syntax"),
    [
        (VERIFICATION, (IMPLICIT,), False, 0, IMPLICIT),
        (VERIFICATION, (EXPLICIT, IMPLICIT), False, 0, IMPLICIT),
        (VERIFICATION, (EXPLICIT,), False, 4, IMPLICIT),
        (VERIFICATION, (), False, 4, IMPLICIT),
        ("1.2.3", (IMPLICIT,), False, 3, IMPLICIT),
        ("", (IMPLICIT,), False, 3, IMPLICIT),
        (CT, (IMPLICIT, EXPLICIT), False, 0, IMPLICIT),
        (CT, (IMPLICIT, EXPLICIT), True, 0, EXPLICIT),
        (CT, (JPEG, IMPLICIT), True, 0, IMPLICIT),
        (CT + "\0", (IMPLICIT + "\0",), False, 0, IMPLICIT),
        (f" {CT} ", (f"{IMPLICIT} ",), True, 0, IMPLICIT),
    ],
)
def test_one_context(abstract: str, offered: tuple[str, ...], prefers: bool, result: int, syntax: str) -> None:
    outcome = accepted(request((7, abstract, offered)), preferring(prefers))
    assert outcome.ac.contexts == (it.AnsweredContext(7, result, (it.TransferSyntax(syntax),)),)
    agreed = {7: Context(7, abstract.strip("\0 "), syntax)} if result == 0 else {}
    assert outcome.contexts == agreed


def test_contexts_are_answered_in_the_order_proposed() -> None:
    rq = request((5, CT, (IMPLICIT,)), (1, "1.2.3", (IMPLICIT,)), (3, VERIFICATION, (IMPLICIT,)))
    outcome = accepted(rq)
    assert [(c.context_id, c.result) for c in outcome.ac.contexts] == [(5, 0), (1, 3), (3, 0)]
    assert list(outcome.contexts) == [5, 3]


def test_contexts_beyond_the_limit_are_refused() -> None:
    rq = request(*((n, VERIFICATION, (IMPLICIT,)) for n in (1, 3, 5)))
    outcome = accepted(rq, replace(POLICY, max_contexts=2))
    assert [c.result for c in outcome.ac.contexts] == [0, 0, 3]


def test_the_answer_gives_back_what_the_standard_wants_given_back() -> None:
    rq = replace(request(), reserved_3=bytes(range(32)), called_ae=b"odd \0           ", reserved_2=9)
    ac = accepted(rq).ac
    assert (ac.called_ae, ac.calling_ae, ac.reserved_3) == (rq.called_ae, rq.calling_ae, rq.reserved_3)
    assert (ac.protocol_version, ac.reserved_2) == (1, 0)
    assert ac.application_context == "1.2.840.10008.3.1.1.1"
    assert ac.user_items == (
        it.MaximumLength(16384),
        it.ImplementationClassUID("1.2.3.4"),
        it.ImplementationVersionName("NAME_1"),
    )


def test_an_answer_without_a_version_name() -> None:
    ac = accepted(request(), replace(POLICY, implementation_version_name=None, maximum_length=0)).ac
    assert ac.user_items == (it.MaximumLength(0), it.ImplementationClassUID("1.2.3.4"))


@pytest.mark.parametrize(
    ("items", "expected"), [((it.MaximumLength(4096),), 4096), ((it.MaximumLength(0),), 0), ((), 0)]
)
def test_the_maximum_length_of_the_peer(items: tuple[it.UserItem, ...], expected: int) -> None:
    rq = request()
    rq = replace(rq, items=(*rq.items[:-1], it.UserInformation(items)))
    assert accepted(rq).peer_maximum_length == expected


@pytest.mark.parametrize(
    ("change", "policy", "rj"),
    [
        ({"protocol_version": 2}, {}, (1, 2, 2)),
        ({"protocol_version": 0}, {}, (1, 2, 2)),
        ({"items": ()}, {}, (1, 1, 2)),
        ({"items": (it.ApplicationContext("1.2.840.10008.3.1.1.2"),)}, {}, (1, 1, 2)),
        ({"items": (it.ApplicationContext("1.2.840.10008.3.1.1.1"),)}, {}, (1, 1, 1)),
        ({}, {"called_ae_titles": frozenset({"OTHER"})}, (1, 1, 7)),
        ({}, {"calling_ae_titles": frozenset({"OTHER"})}, (1, 1, 3)),
        ({"called_ae": bytes(16)}, {"called_ae_titles": frozenset({"CALLED"})}, (1, 1, 7)),
    ],
)
def test_rejections(change: dict[str, object], policy: dict[str, object], rj: tuple[int, int, int]) -> None:
    outcome = negotiate(replace(request(), **change), replace(POLICY, **policy))  # type: ignore[arg-type]
    assert isinstance(outcome, Rejected)
    assert outcome.rj == pdu.AssociateRJ(*rj)


@pytest.mark.parametrize(
    ("change", "policy"),
    [
        ({"protocol_version": 0xFFFF}, {}),  # only bit 0 counts
        ({"called_ae": b"  CALLED \0      "}, {"called_ae_titles": frozenset({"CALLED"})}),
        ({}, {"calling_ae_titles": frozenset({"CALLING"})}),
    ],
)
def test_what_is_no_reason_to_reject(change: dict[str, object], policy: dict[str, object]) -> None:
    accepted(replace(request(), **change), replace(POLICY, **policy))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("abstract", "proposed", "answered"),
    [
        (CT, None, (True, False, None)),
        (CT, (1, 0), (True, False, (1, 0))),
        (CT, (0, 1), (False, True, (0, 1))),
        (CT, (1, 1), (True, True, (1, 1))),
        (CT, (255, 255), (True, True, (1, 1))),
        (CT, (0, 0), (False, False, (0, 0))),
        (FIND, (0, 1), (False, False, (0, 0))),  # the policy has no SCP role for it
        (FIND, (1, 1), (True, False, (1, 0))),
    ],
)
def test_roles(
    abstract: str, proposed: tuple[int, int] | None, answered: tuple[bool, bool, tuple[int, int] | None]
) -> None:
    user = () if proposed is None else (it.RoleSelection(abstract + "\0", *proposed),)
    outcome = accepted(request((1, abstract, (IMPLICIT,)), user=user))
    scu, scp, item = answered
    assert outcome.contexts[1] == Context(1, abstract, IMPLICIT, scu, scp, default_roles=item is None)
    expected = [] if item is None else [it.RoleSelection(abstract, *item)]
    assert [i for i in outcome.ac.user_items if isinstance(i, it.RoleSelection)] == expected


def test_a_role_is_answered_once_and_only_for_an_accepted_class() -> None:
    roles = (it.RoleSelection(CT, 1, 1), it.RoleSelection(CT, 0, 1), it.RoleSelection("1.2.3", 0, 1))
    outcome = accepted(request((1, CT, (IMPLICIT,)), (3, "1.2.3", (IMPLICIT,)), user=roles))
    assert [i.sop_class_uid for i in outcome.ac.user_items if isinstance(i, it.RoleSelection)] == [CT]


@pytest.mark.parametrize(
    ("proposed", "answered"),
    [(b"\1\1\1\1", b"\1\0\1"), (b"\0\1\1", b"\0\0\1"), (b"\1", b"\1"), (b"", b"")],
)
def test_extended_negotiation_gives_what_both_support(proposed: bytes, answered: bytes) -> None:
    user = (it.ExtendedNegotiation(FIND, proposed), it.ExtendedNegotiation(CT, proposed))
    outcome = accepted(request((1, FIND, (IMPLICIT,)), (3, CT, (IMPLICIT,)), user=user))
    found = [i for i in outcome.ac.user_items if isinstance(i, it.ExtendedNegotiation)]
    assert found == [it.ExtendedNegotiation(FIND, answered)]


def test_extended_negotiation_of_a_refused_class_is_not_answered() -> None:
    outcome = accepted(request((1, FIND, (JPEG,)), user=(it.ExtendedNegotiation(FIND, b"\1"),)))
    assert not [i for i in outcome.ac.user_items if isinstance(i, it.ExtendedNegotiation)]


@pytest.mark.parametrize(("window", "asked", "answered"), [(None, True, 0), ((1, 1), True, 1), ((1, 1), False, 0)])
def test_the_asynchronous_window(window: tuple[int, int] | None, asked: bool, answered: int) -> None:
    user = (it.AsynchronousOperationsWindow(8, 8),) if asked else ()
    outcome = accepted(request(user=user), replace(POLICY, asynchronous_window=window))
    found = [i for i in outcome.ac.user_items if isinstance(i, it.AsynchronousOperationsWindow)]
    assert found == [it.AsynchronousOperationsWindow(1, 1)] * answered


@pytest.mark.parametrize(
    ("limits", "proposed", "answered"),
    [
        ((0, 0), (8, 4), [(8, 4)]),
        ((0, 0), (0, 4), [(0, 4)]),
        ((2, 3), (8, 1), [(2, 1)]),
        ((2, 3), (0, 0), [(2, 3)]),
        ((1, 0), (8, 1), []),
    ],
)
def test_the_asynchronous_window_within_limits(
    limits: tuple[int, int], proposed: tuple[int, int], answered: list[tuple[int, int]]
) -> None:
    user = (it.AsynchronousOperationsWindow(*proposed),)
    outcome = accepted(request(user=user), replace(POLICY, asynchronous_limits=limits))
    found = [i for i in outcome.ac.user_items if isinstance(i, it.AsynchronousOperationsWindow)]
    assert found == [it.AsynchronousOperationsWindow(*pair) for pair in answered]


@pytest.mark.parametrize(
    ("syntax", "items"),
    [
        (RefusedSyntax.PROPOSED, (it.TransferSyntax(JPEG),)),
        (RefusedSyntax.EMPTY, (it.TransferSyntax(""),)),
        (RefusedSyntax.ABSENT, ()),
        (EXPLICIT, (it.TransferSyntax(EXPLICIT),)),
    ],
)
def test_the_transfer_syntax_of_a_refused_context(
    syntax: str | RefusedSyntax, items: tuple[it.TransferSyntax, ...]
) -> None:
    policy = replace(POLICY, refused_transfer_syntax=syntax)
    outcome = accepted(request((1, FIND, (JPEG, IMPLICIT)), (3, "1.2.3", (JPEG, IMPLICIT))), policy)
    assert outcome.ac.contexts[1] == it.AnsweredContext(3, 3, items)


@pytest.mark.parametrize(
    ("requested", "response", "answered"), [(1, b"", [b""]), (1, b"yes", [b"yes"]), (0, b"yes", []), (1, None, [])]
)
def test_user_identity(requested: int, response: bytes | None, answered: list[bytes]) -> None:
    user = (it.UserIdentityRequest(2, requested, b"admin", b"admin"),)
    outcome = accepted(request(user=user), replace(POLICY, user_identity_response=response))
    found = [i.server_response for i in outcome.ac.user_items if isinstance(i, it.UserIdentityResponse)]
    assert found == answered


def test_a_refused_kind_of_user_identity() -> None:
    policy = replace(POLICY, refused_identities=frozenset({3}))
    outcome = negotiate(request(user=(it.UserIdentityRequest(3, 0, b"ticket"),)), policy)
    assert isinstance(outcome, Rejected)
    assert outcome.rj == pdu.AssociateRJ(1, 2, 1)
    accepted(request(user=(it.UserIdentityRequest(1, 0, b"admin"),)), policy)


def test_the_largest_answer_still_has_an_encoding() -> None:
    roles = tuple(it.RoleSelection(uid + "\0" * 20, 1, 1) for uid in (CT, FIND))
    extended = tuple(it.ExtendedNegotiation(FIND, b"\1" * 30) for _ in range(480))
    contexts = [(n % 256, CT if n % 2 else FIND, (IMPLICIT,)) for n in range(505)]
    rq = request(*contexts, user=(*roles, *extended))
    assert 60_000 < len(pdu.encode(rq)) < pdu.MAX_ASSOCIATE_LENGTH
    answer = pdu.encode(accepted(rq).ac)
    assert len(answer) < pdu.MAX_ASSOCIATE_LENGTH
    pdu.decode(2, 0, answer[pdu.HEADER_SIZE :])


def test_extended_negotiation_is_answered_once_for_a_class() -> None:
    user = (it.ExtendedNegotiation(FIND, b"\1"), it.ExtendedNegotiation(FIND, b"\1\1\1"))
    outcome = accepted(request((1, FIND, (IMPLICIT,)), user=user))
    found = [i for i in outcome.ac.user_items if isinstance(i, it.ExtendedNegotiation)]
    assert found == [it.ExtendedNegotiation(FIND, b"\1\0\1")]  # the last one counts
