"""How associations are negotiated: what is accepted, what is rejected and why, and what the answer says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ...upperlayer.grammar import Grammar, Layout
from ...upperlayer.policy import (
    ABSTRACT_SYNTAX_NOT_SUPPORTED,
    STANDARD_CHECKS,
    AbstractSyntaxPolicy,
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
from .. import sopclasses
from .base import Part

ANY = "*"
"""In place of an abstract syntax: all that no other group names."""

LONGEST_REQUEST = 1 << 20
"""Most that a persona may let an A-ASSOCIATE-RQ have: as much as DCMTK takes. Each connection may hold one."""

MOST_ITEMS = 1 << 14
"""Most items that a persona may let one have: decoding them takes 20 ms."""

NOT_SUPPORTED = AbstractSyntaxPolicy(transfer_syntaxes=(), refusal=ABSTRACT_SYNTAX_NOT_SUPPORTED)
"""How SOP classes are answered that * doesn't stand for."""

Byte = Annotated[int, Field(ge=0, le=255)]
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})*$")]


class Group(Part):
    """SOP classes whose proposals are answered alike.

    Observed by proposing each SOP class that is known with the default transfer syntax, and those that are
    accepted with each transfer syntax, alone and in pairs.
    """

    name: str = Field(min_length=1, max_length=40, description="For the reader.")
    abstract_syntaxes: tuple[str, ...] = Field(
        description="By group (storage, query-retrieve, worklist, dcmtk-3.6.7-storage), registry keyword or UID; "
        "* stands for all that no other group names, which are taken for storage classes. Seen by proposing an "
        "invented UID."
    )
    without: tuple[str, ...] = Field(default=(), description="Those of them that are not accepted after all.")
    transfer_syntaxes: tuple[str, ...] = Field(
        default=("uncompressed",),
        description="Accepted ones, the most wanted first, by group (uncompressed, compressed), name or UID.",
    )
    prefer: Literal["requestor", "acceptor"] = Field(
        default="requestor", description="Whose order decides between several acceptable transfer syntaxes."
    )
    refusal: Literal[1, 2, 3, 4] = Field(
        default=4,
        description="Result of a context none of whose transfer syntaxes will do (PS3.8 table 9-18).",
    )
    roles: Literal["unanswered", "scu", "both"] = Field(
        default="scu",
        description="Roles that a requestor may have that asks for them (PS3.7 D.3.3.4); unanswered: its role "
        "selection is passed over, and the default roles hold.",
    )
    extended: Hex | None = Field(
        default=None,
        description="Service class application information in hexadecimal that is granted to SOP class extended "
        "negotiation, bit by bit (PS3.7 D.3.3.5); absent: it isn't answered.",
    )
    answered_first: bool = Field(
        default=False, description="Accepted contexts of the group come before all others in the A-ASSOCIATE-AC."
    )
    later_wins: bool = Field(
        default=False,
        description="Of several acceptable contexts with the same identifier, the last one decides on the transfer "
        "syntax and the roles, instead of the one that has the most wanted. Matters where duplicates are merged.",
    )

    def policy(self, rank: int) -> AbstractSyntaxPolicy:
        """The upper layer's form of it, of the group at `rank` in the list."""
        return AbstractSyntaxPolicy(
            transfer_syntaxes=sopclasses.transfer_syntaxes(self.transfer_syntaxes),
            scp_role=self.roles == "both",
            answers_roles=self.roles != "unanswered",
            extended=None if self.extended is None else bytes.fromhex(self.extended),
            requestor_prefers=self.prefer == "requestor",
            refusal=self.refusal,
            answered_first=self.answered_first,
            rank=rank,
            later_wins=self.later_wins,
        )


STANDARD_GROUPS = (
    Group(name="verification and worklist", abstract_syntaxes=("Verification", "worklist")),
    Group(name="query and retrieval", abstract_syntaxes=("query-retrieve",), extended="01"),
    Group(
        name="storage",
        abstract_syntaxes=("storage",),
        transfer_syntaxes=("uncompressed", "compressed"),
        roles="both",
    ),
)
"""What an archive usually accepts."""


class Contexts(Part):
    """Which presentation contexts are accepted."""

    groups: tuple[Group, ...] = Field(
        default=STANDARD_GROUPS,
        description="A SOP class in several belongs to the last. What is in none is answered with result 3.",
    )
    duplicates: Duplicates = Field(
        default=Duplicates.EACH,
        description="Contexts with the same identifier: each is answered; or all are merged into one answer, which "
        "the last group decides that accepts one of them; or there is one answer for all, that of the last. Observed "
        "by proposing an identifier twice.",
    )
    maximum: int = Field(
        default=128, ge=0, le=65535, description="Contexts looked at; the others get result 3. 0: no limit."
    )
    max_transfer_syntaxes: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Transfer syntaxes of one context, beyond which the check too-many-transfer-syntaxes fails. "
        "0: no limit.",
    )

    def policies(self) -> dict[str, AbstractSyntaxPolicy]:
        """How each SOP class is answered, by UID. Raises `SettingsError` for unknown names."""
        found: dict[str, AbstractSyntaxPolicy] = {}
        refused: set[str] = set()
        for rank, group in enumerate(self.groups):
            without = set(sopclasses.abstract_syntaxes(group.without))
            named = tuple(name for name in group.abstract_syntaxes if name != ANY)
            accepted = (uid for uid in sopclasses.abstract_syntaxes(named) if uid not in without)
            found.update(dict.fromkeys(accepted, group.policy(rank)))
            if ANY in group.abstract_syntaxes:
                refused |= without
        return {**dict.fromkeys(refused, NOT_SUPPORTED), **found}

    def others(self) -> AbstractSyntaxPolicy | None:
        """How all those are answered that `policies` doesn't have. Raises `SettingsError` for unknown names."""
        ranked = [(rank, group) for rank, group in enumerate(self.groups) if ANY in group.abstract_syntaxes]
        return ranked[-1][1].policy(ranked[-1][0]) if ranked else None

    def stores(self, sop_class: str) -> bool:
        """Whether it is a storage class: one of PS3.4 annex B, or of those that only * stands for."""
        if sop_class in sopclasses.storage():
            return True
        return self._named is not None and sop_class not in self._named

    @cached_property
    def _named(self) -> frozenset[str] | None:
        """All but what * stands for; None if there is no *."""
        return None if self.others() is None else frozenset(self.policies())


class CheckModel(Part):
    """A reason not to accept an association, and what is said then."""

    cause: Cause
    answer: tuple[Byte, Byte, Byte] | None = Field(
        default=None,
        description="Result, source and reason of the A-ASSOCIATE-RJ (PS3.8 table 9-21). Absent: no answer; "
        "the connection is treated as the reaction to `unanswered` says.",
    )


class Reject(Part):
    """Why associations are rejected.

    Observed with requests that have one thing wrong, for the answers, and two, for the order.
    """

    checks: tuple[CheckModel, ...] = Field(
        default=tuple(CheckModel(cause=cause, answer=answer) for cause, answer in STANDARD_CHECKS),
        description="Looked for in this order; what isn't listed is no reason.",
    )
    identities: tuple[Byte, ...] = Field(
        default=(), description="User identity types that the check user-identity minds."
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        causes = [check.cause for check in self.checks]
        if len(set(causes)) < len(causes):
            raise ValueError("a cause is there twice")
        return self

    def policy(self) -> tuple[Check, ...]:
        """The upper layer's form of it."""
        return tuple(Check(check.cause, check.answer) for check in self.checks)


class Request(Part):
    """How an A-ASSOCIATE-RQ is read.

    Observed with requests that have one item of another length, padded, or twice: one that the parser doesn't
    understand is not answered, or aborted.
    """

    longest: int = Field(
        default=65536, ge=1024, le=LONGEST_REQUEST, description="Longest one that is read, by its PDU length."
    )
    most_items: int = Field(
        default=4096,
        ge=128,
        le=MOST_ITEMS,
        description="Items and sub-items that are read. The product may read more: each costs time here.",
    )
    most_siblings: int = Field(default=512, ge=128, le=MOST_ITEMS, description="Of them, at one level.")
    longest_text: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Longest UID or name; a longer one can't be understood. 0: any length.",
    )
    version_first: bool = Field(
        default=False, description="Whether a wrong protocol version is seen before items that can't be understood."
    )
    answers_as_proposals: bool = Field(
        default=False, description="Whether items of type 21H are taken for proposed presentation contexts."
    )
    maximum_length: Layout = Field(default=Layout.STRICT, description="How closely item 51H is looked at.")
    asynchronous_operations: Layout = Field(default=Layout.STRICT, description="How closely item 53H is looked at.")
    role_selection: Layout = Field(default=Layout.STRICT, description="How closely item 54H is looked at.")
    common_extended: Layout = Field(default=Layout.STRICT, description="How closely item 57H is looked at.")
    user_identity: Layout = Field(default=Layout.STRICT, description="How closely item 58H is looked at.")
    identity_responses_as_requests: bool = Field(
        default=False, description="Whether item 59H is read by the layout of 58H."
    )
    title_padding: Padding = Field(default=Padding.TRIMMED, description="What counts as padding of an AE title.")
    uid_padding: Padding = Field(default=Padding.TRIMMED, description="What counts as padding of a UID.")
    repeats: Repeats = Field(
        default=Repeats.FIRST,
        description="Which application context, abstract syntax or user information counts, if there are several.",
    )
    role_repeats: Repeats = Field(
        default=Repeats.LAST, description="Which role selection of a SOP class counts, if there are several."
    )
    role_flags: RoleFlags = Field(
        default=RoleFlags.BITS,
        description="How the bytes of a role selection are read. Observed with values other than 0 and 1, and with "
        "both 0.",
    )

    def grammar(self) -> Grammar:
        """The upper layer's form of what can be understood at all."""
        return Grammar(
            longest_request=self.longest,
            most_items=self.most_items,
            most_siblings=self.most_siblings,
            longest_text=self.longest_text or None,
            version_first=self.version_first,
            answers_as_proposals=self.answers_as_proposals,
            maximum_length=self.maximum_length,
            asynchronous_operations=self.asynchronous_operations,
            role_selection=self.role_selection,
            common_extended=self.common_extended,
            user_identity=self.user_identity,
            identity_responses_as_requests=self.identity_responses_as_requests,
        )


class SubstitutionModel(Part):
    """A maximum length announced to some peers only: those whose own is `match` under the bits of `mask`."""

    mask: int = Field(ge=0, le=0xFFFFFFFF)
    match: int = Field(ge=0, le=0xFFFFFFFF)
    answer: int = Field(ge=0, le=0xFFFFFFFF)


class AnswerModel(Part):
    """What the A-ASSOCIATE-AC says. All of it is seen in the answers to ordinary requests."""

    titles: Titles = Field(
        default=Titles.ECHOED,
        description="AE titles as the bytes of the request, or as read. Observed with padded ones.",
    )
    echo_reserved: bool = Field(default=True, description="Whether bytes 43 to 74 of the request are sent back.")
    refused_transfer_syntax: str = Field(
        default="implicit-le",
        description="Transfer syntax of a refused context: by name or UID; `proposed`: the first that was proposed; "
        "`empty`: none, in a sub-item of length 0; `absent`: the sub-item is left out.",
    )
    user_items: tuple[UserItemKind, ...] = Field(
        default=tuple(UserItemKind), description="User information sub-items that are sent at all, in their order."
    )
    roles: RoleAnswers = Field(
        default=RoleAnswers.CLASS,
        description="Role selections are answered once for each SOP class or for each context. Observed with two "
        "contexts of a SOP class.",
    )
    maximum_length_substitution: SubstitutionModel | None = Field(
        default=None, description="Another maximum length for some peers."
    )
    asynchronous_window: tuple[int, int] | None = Field(
        default=None, description="Answer to a proposed asynchronous operations window; absent: none."
    )
    asynchronous_limits: tuple[int, int] | None = Field(
        default=None,
        description="In its place: the most operations invoked and performed at a time, 0: no limit. The answer is "
        "the smaller of each and what was proposed. Observed with several proposals.",
    )
    user_identity: str | None = Field(
        default="", max_length=1024, description="Server response to a user identity that wants one."
    )
    user_identity_types: tuple[Byte, ...] = Field(
        default=(1, 2, 3, 4, 5), description="User identity types whose wish for a response is met."
    )

    def refused_syntax(self) -> str | RefusedSyntax:
        """As `Policy.refused_transfer_syntax`."""
        wanted = self.refused_transfer_syntax
        if wanted in {each.value for each in RefusedSyntax}:
            return RefusedSyntax(wanted)
        return sopclasses.transfer_syntaxes((wanted,))[0]

    def substitution(self) -> Substitution | None:
        """The upper layer's form of it."""
        other = self.maximum_length_substitution
        return None if other is None else Substitution(other.mask, other.match, other.answer)


def titles(wanted: str | tuple[str, ...], own: Iterable[str], *, fold_case: bool) -> frozenset[str] | None:
    """The AE titles that will do: all (None), `own`, or those that are listed."""
    if wanted == "any":
        return None
    found = own if isinstance(wanted, str) else wanted
    return frozenset(title.upper() if fold_case else title for title in found)
