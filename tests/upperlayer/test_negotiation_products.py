"""Negotiation as products do it that don't keep to the letter: padding, repeats, duplicates, roles, the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomhawk.upperlayer import items as it
from dicomhawk.upperlayer import pdu
from dicomhawk.upperlayer.negotiation import AbstractSyntaxPolicy, Accepted, Policy, Rejected, Unanswered, negotiate
from dicomhawk.upperlayer.policy import (
    Cause,
    Check,
    Duplicates,
    Padding,
    RefusedSyntax,
    Repeats,
    RoleAnswers,
    RoleFlags,
    Substitution,
    Titles,
    UserItemKind,
)
from tests.upperlayer.playbook import CT, EXPLICIT, FIND, IMPLICIT, VERIFICATION, request

BIG = "1.2.840.10008.1.2.2"
SERVICES = AbstractSyntaxPolicy((EXPLICIT, BIG, IMPLICIT), requestor_prefers=False, answers_roles=False)
STORAGE = AbstractSyntaxPolicy(
    (EXPLICIT, IMPLICIT), scp_role=True, requestor_prefers=False, refusal=3, rank=1, later_wins=True
)
POLICY = Policy(
    {VERIFICATION: SERVICES, FIND: SERVICES, CT: STORAGE},
    implementation_class_uid="1.2.3.4",
    implementation_version_name="NAME_1",
    checks=(Check(Cause.ROLE_CONFLICT, None),),
    duplicates=Duplicates.MERGED,
    role_flags=RoleFlags.COMPARED,
    role_answers=RoleAnswers.CONTEXT,
    role_repeats=Repeats.FIRST,
    uid_padding=Padding.C_STRING,
    title_padding=Padding.C_STRING,
)
"""Much as a product built on DCMTK has it."""

Proposed = tuple[int, str, tuple[str, ...]]


def accepted(rq: pdu.AssociateRQ, policy: Policy = POLICY) -> Accepted:
    outcome = negotiate(rq, policy)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def answered(rq: pdu.AssociateRQ, policy: Policy = POLICY) -> list[tuple[int, int, str]]:
    return [(c.context_id, c.result, c.transfer_syntax) for c in accepted(rq, policy).ac.contexts]


def roles(rq: pdu.AssociateRQ, policy: Policy = POLICY) -> list[tuple[str, int, int]]:
    found = accepted(rq, policy).ac.user_items
    return [(i.sop_class_uid, i.scu, i.scp) for i in found if isinstance(i, it.RoleSelection)]


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [
        # One answer for an identifier, at the place of the first.
        (
            [(1, CT, (IMPLICIT,)), (3, CT, (IMPLICIT,)), (1, "1.2.3", (IMPLICIT,))],
            [(1, 0, IMPLICIT), (3, 0, IMPLICIT)],
        ),
        # The group of higher rank decides, then the later context,
        ([(1, CT, (IMPLICIT,)), (1, VERIFICATION, (EXPLICIT,))], [(1, 0, IMPLICIT)]),
        ([(1, CT, (EXPLICIT,)), (1, CT, (IMPLICIT,))], [(1, 0, IMPLICIT)]),
        # or the transfer syntax that is wanted more.
        ([(1, FIND, (EXPLICIT,)), (1, VERIFICATION, (BIG,))], [(1, 0, EXPLICIT)]),
        ([(1, FIND, (IMPLICIT,)), (1, VERIFICATION, (BIG,))], [(1, 0, BIG)]),
        # Where none will do, it was the transfer syntaxes if it was so for one of them.
        ([(1, "1.2.3", (IMPLICIT,)), (1, FIND, ("1.2",))], [(1, 4, IMPLICIT)]),
        ([(1, FIND, ("1.2",)), (1, CT, ("1.2",))], [(1, 4, IMPLICIT)]),
        ([(1, CT, ("1.2",))], [(1, 3, IMPLICIT)]),
    ],
)
def test_contexts_with_the_same_identifier(contexts: list[Proposed], expected: list[tuple[int, int, str]]) -> None:
    assert answered(request(*contexts)) == expected


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [
        (((1, CT, (IMPLICIT,)), (1, CT, ("1.2",))), [(1, 3, IMPLICIT)]),
        (((1, CT, ("1.2",)), (3, CT, (IMPLICIT,)), (1, CT, (EXPLICIT,))), [(1, 0, EXPLICIT), (3, 0, IMPLICIT)]),
        (
            ((3, CT, (IMPLICIT,)), (1, CT, (IMPLICIT,)), (1, "1.2.3", (IMPLICIT,))),
            [(3, 0, IMPLICIT), (1, 3, IMPLICIT)],
        ),
    ],
)
def test_the_last_context_of_an_identifier_may_count(
    contexts: tuple[Proposed, ...], expected: list[tuple[int, int, str]]
) -> None:
    others = (5, VERIFICATION, (IMPLICIT,))
    policy = replace(POLICY, duplicates=Duplicates.LAST)
    assert answered(request(*contexts, others), policy) == [*expected, (5, 0, IMPLICIT)]


def test_the_version_may_have_to_be_1() -> None:
    rq = replace(request((1, CT, (IMPLICIT,))), protocol_version=3)
    for cause, refused in ((Cause.VERSION, False), (Cause.OTHER_VERSION, True)):
        outcome = negotiate(rq, replace(POLICY, checks=(Check(cause, (1, 2, 2)),)))
        assert isinstance(outcome, Rejected) is refused


def test_the_first_context_of_an_identifier_says_what_it_is_for() -> None:
    outcome = accepted(request((1, FIND, ("1.2",)), (1, CT, (IMPLICIT,))))
    assert outcome.contexts[1][:3] == (1, FIND, IMPLICIT)


def test_accepted_contexts_of_a_kind_may_come_first() -> None:
    policy = replace(POLICY, abstract_syntaxes={VERIFICATION: SERVICES, CT: replace(STORAGE, answered_first=True)})
    rq = request((1, VERIFICATION, (IMPLICIT,)), (3, CT, ("1.2",)), (5, CT, (IMPLICIT,)), (1, CT, (EXPLICIT,)))
    assert [number for number, _, _ in answered(rq, policy)] == [5, 1, 3]
    each = replace(policy, duplicates=Duplicates.EACH)
    assert [number for number, _, _ in answered(rq, each)] == [5, 1, 1, 3]


@pytest.mark.parametrize(
    ("flags", "reading", "expected"),
    [
        ((1, 0), RoleFlags.COMPARED, (1, 0)),
        ((0, 1), RoleFlags.COMPARED, (0, 1)),
        ((0, 0), RoleFlags.COMPARED, (1, 1)),
        ((9, 9), RoleFlags.COMPARED, (1, 1)),
        ((1, 7), RoleFlags.COMPARED, (1, 0)),
        ((7, 1), RoleFlags.COMPARED, (0, 1)),
        ((0, 0), RoleFlags.BITS, (0, 0)),
        ((7, 1), RoleFlags.BITS, (1, 1)),
    ],
)
def test_how_the_flags_of_a_role_are_read(
    flags: tuple[int, int], reading: RoleFlags, expected: tuple[int, int]
) -> None:
    rq = request((1, CT, (IMPLICIT,)), user=(it.RoleSelection(CT, *flags),))
    assert roles(rq, replace(POLICY, role_flags=reading)) == [(CT, *expected)]


def test_roles_are_answered_for_each_context_or_not_at_all() -> None:
    both = (it.RoleSelection(FIND, 1, 1), it.RoleSelection(CT, 0, 1), it.RoleSelection(CT, 1, 0))
    rq = request((1, CT, (IMPLICIT,)), (3, FIND, (IMPLICIT,)), (5, CT, (IMPLICIT,)), user=both)
    assert roles(rq) == [(CT, 0, 1)] * 2
    assert roles(rq, replace(POLICY, role_answers=RoleAnswers.CLASS)) == [(CT, 0, 1)]
    assert roles(rq, replace(POLICY, role_repeats=Repeats.LAST)) == [(CT, 1, 0)] * 2
    assert accepted(rq).contexts[3][3:5] == (True, False)


def test_merged_contexts_whose_roles_are_at_odds() -> None:
    rq = request((1, FIND, (IMPLICIT,)), (1, CT, (IMPLICIT,)), user=(it.RoleSelection(CT, 0, 1),))
    assert negotiate(rq, POLICY) == Unanswered(Cause.ROLE_CONFLICT)
    rq = request((1, FIND, (IMPLICIT,)), (1, CT, (IMPLICIT,)), user=(it.RoleSelection(CT, 1, 1),))
    assert roles(rq) == []


@pytest.mark.parametrize(
    ("uid", "result"), [(CT, 0), (CT + "\0", 0), (CT + "\0rest", 0), (CT + " ", 3), (" " + CT, 3), ("\0" + CT, 3)]
)
def test_a_uid_that_ends_at_the_first_nul(uid: str, result: int) -> None:
    assert answered(request((1, uid, (IMPLICIT,)))) == [(1, result, IMPLICIT)]


@pytest.mark.parametrize(
    ("title", "read"),
    [
        (b"CALLED          ", b"CALLED"),
        (b"CALLED\0\0\0\0\0\0\0\0\0\0", b"CALLED"),
        (b"CALLED \0else    ", b"CALLED"),
        (b"  CALLED        ", b"  CALLED"),
        (bytes(16), b""),
    ],
)
def test_an_ae_title_that_ends_at_the_first_nul(title: bytes, read: bytes) -> None:
    policy = replace(POLICY, titles=Titles.READ, echo_reserved=False)
    ac = accepted(replace(request(), called_ae=title, reserved_3=b"x" * 32), policy).ac
    assert (ac.called_ae, ac.reserved_3) == (read.ljust(16), bytes(32))
    asking = replace(policy, checks=(Check(Cause.CALLED_TITLE, (1, 1, 7)),), called_ae_titles=frozenset({"CALLED"}))
    outcome = negotiate(replace(request(), called_ae=title), asking)
    assert isinstance(outcome, Accepted if read == b"CALLED" else Rejected)


def test_the_case_of_ae_titles() -> None:
    checks = (Check(Cause.CALLED_TITLE, (1, 1, 7)),)
    exact = replace(POLICY, checks=checks, called_ae_titles=frozenset({"CALLED"}))
    rq = replace(request(), called_ae=pdu.ae_title("Called"))
    assert isinstance(negotiate(rq, exact), Rejected)
    accepted(rq, replace(exact, fold_case=True))


def test_the_first_or_the_last_of_several_items_counts() -> None:
    names = (it.ApplicationContext("1.2.840.10008.3.1.1.2"), it.ApplicationContext("1.2.840.10008.3.1.1.1"))
    abstract = (it.AbstractSyntax("1.2.3"), it.AbstractSyntax(CT), it.TransferSyntax(IMPLICIT))
    user = (it.UserInformation((it.MaximumLength(1),)), it.UserInformation((it.MaximumLength(2),)))
    rq = replace(request(), items=(*names, it.ProposedContext(1, abstract), *user))
    last = accepted(rq, replace(POLICY, repeats=Repeats.LAST, checks=(Check(Cause.APPLICATION_CONTEXT, (1, 1, 2)),)))
    assert (last.ac.contexts[0].result, last.peer_maximum_length) == (0, 2)
    first = accepted(rq, replace(POLICY, repeats=Repeats.FIRST))
    assert (first.ac.contexts[0].result, first.peer_maximum_length) == (3, 1)
    outcome = negotiate(rq, replace(POLICY, checks=(Check(Cause.APPLICATION_CONTEXT, (1, 1, 2)),)))
    assert isinstance(outcome, Rejected)


def test_causes_are_looked_for_in_the_policys_order() -> None:
    checks = (Check(Cause.NO_CONTEXTS, None), Check(Cause.VERSION, (1, 2, 2)), Check(Cause.CAPACITY, (2, 3, 2)))
    policy = replace(POLICY, checks=checks)
    nothing = replace(request(), items=(), protocol_version=2)
    assert negotiate(nothing, policy) == Unanswered(Cause.NO_CONTEXTS)
    assert negotiate(nothing, replace(policy, checks=checks[1:])) == Rejected(pdu.AssociateRJ(1, 2, 2), Cause.VERSION)
    assert negotiate(request(), policy, full=True) == Rejected(pdu.AssociateRJ(2, 3, 2), Cause.CAPACITY)
    accepted(request(), policy)


@pytest.mark.parametrize(
    ("cause", "wrong"),
    [
        (Cause.NO_TRANSFER_SYNTAXES, request((1, CT, (IMPLICIT,)), (3, CT, ()))),
        (Cause.TOO_MANY_TRANSFER_SYNTAXES, request((1, CT, (IMPLICIT,) * 4))),
        (Cause.NOTHING_ACCEPTED, request((1, "1.2.3", (IMPLICIT,)))),
        (Cause.EMPTY_TITLE, replace(request((1, CT, (IMPLICIT,))), calling_ae=b" " * 16)),
        (Cause.NO_IMPLEMENTATION, replace(request(), items=request().items[:-1])),
        (Cause.CALLING_TITLE, replace(request(), calling_ae=pdu.ae_title("STRANGER"))),
    ],
)
def test_causes(cause: Cause, wrong: pdu.AssociateRQ) -> None:
    policy = replace(
        POLICY,
        checks=(Check(cause, None),),
        max_transfer_syntaxes=3,
        calling_ae_titles=frozenset({"CALLING"}),
    )
    assert negotiate(wrong, policy) == Unanswered(cause)
    accepted(request((1, CT, (IMPLICIT,) * 3)), policy)


@pytest.mark.parametrize(
    ("syntax", "expected"),
    [
        ("1.2.9", ["1.2.9"]),
        (RefusedSyntax.PROPOSED, ["1.2"]),
        (RefusedSyntax.EMPTY, [""]),
        (RefusedSyntax.ABSENT, []),
    ],
)
def test_the_transfer_syntax_of_a_refused_context(syntax: str | RefusedSyntax, expected: list[str]) -> None:
    ac = accepted(request((1, CT, ("1.2", "1.3"))), replace(POLICY, refused_transfer_syntax=syntax)).ac
    assert [i.uid for i in ac.contexts[0].items if isinstance(i, it.TransferSyntax)] == expected


def test_user_items_come_in_the_policys_order() -> None:
    kinds = (UserItemKind.IMPLEMENTATION_VERSION_NAME, UserItemKind.MAXIMUM_LENGTH)
    assert accepted(request(), replace(POLICY, user_items=kinds)).ac.user_items == (
        it.ImplementationVersionName("NAME_1"),
        it.MaximumLength(16384),
    )


@pytest.mark.parametrize(("theirs", "ours"), [(0xA500005A, 7), (0xA5FFFF5A, 7), (0xA500005B, 16384), (0, 16384)])
def test_a_maximum_length_for_some_peers(theirs: int, ours: int) -> None:
    policy = replace(POLICY, maximum_length_substitution=Substitution(0xFF0000FF, 0xA500005A, 7))
    rq = request()
    rq = replace(rq, items=(*rq.items[:-1], it.UserInformation((it.MaximumLength(theirs),))))
    assert accepted(rq, policy).ac.maximum_length == ours


def test_identities_that_are_not_answered() -> None:
    policy = replace(POLICY, answered_identities=frozenset({2}))
    for kind, expected in ((1, 0), (2, 1)):
        found = accepted(request(user=(it.UserIdentityRequest(kind, 1, b"me"),)), policy).ac.user_items
        assert sum(isinstance(i, it.UserIdentityResponse) for i in found) == expected
