"""What an acceptor accepts, why it rejects, and how its A-ASSOCIATE-AC looks, as data: the `Policy` of a persona."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

DICOM_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"

ACCEPTANCE, USER_REJECTION, NO_REASON, ABSTRACT_SYNTAX_NOT_SUPPORTED, TRANSFER_SYNTAXES_NOT_SUPPORTED = range(5)

REJECTED_PERMANENT, REJECTED_TRANSIENT = 1, 2
BY_USER, BY_PROVIDER_ACSE, BY_PROVIDER_PRESENTATION = 1, 2, 3


class Cause(Enum):
    """Why an association may not come about."""

    VERSION = "version"
    """The protocol version doesn't have bit 0."""
    OTHER_VERSION = "other-version"
    """The protocol version isn't 1, whatever its bit 0 is."""
    NO_TRANSFER_SYNTAXES = "no-transfer-syntaxes"
    """A presentation context without any transfer syntax."""
    TOO_MANY_TRANSFER_SYNTAXES = "too-many-transfer-syntaxes"
    """A presentation context with more than `Policy.max_transfer_syntaxes`."""
    NO_CONTEXTS = "no-contexts"
    """No presentation context at all."""
    APPLICATION_CONTEXT = "application-context"
    """Not the DICOM application context."""
    CALLED_TITLE = "called-ae-title"
    """A called AE title that isn't among `Policy.called_ae_titles`."""
    CALLING_TITLE = "calling-ae-title"
    """A calling AE title that isn't among `Policy.calling_ae_titles`."""
    EMPTY_TITLE = "empty-ae-title"
    """A called or calling AE title of padding only."""
    NO_IMPLEMENTATION = "no-implementation-class-uid"
    """No implementation class UID, or an empty one."""
    USER_IDENTITY = "user-identity"
    """A user identity of a type in `Policy.refused_identities`."""
    ROLE_CONFLICT = "role-conflict"
    """Merged contexts with the same identifier, the first of them without a role selection, while an acceptable
    one, of a kind of which the later wins, has one for the SCP role only."""
    CAPACITY = "capacity"
    """As many associations as the product takes are open already."""
    NOTHING_ACCEPTED = "nothing-accepted"
    """None of the presentation contexts is accepted."""


class Check(NamedTuple):
    """A cause to look for, and the result, source and reason of the A-ASSOCIATE-RJ (PS3.8 table 9-21).

    None: such a request isn't answered; what becomes of the connection is up to the dialect (`Quirk.UNANSWERED`).
    """

    cause: Cause
    answer: tuple[int, int, int] | None


STANDARD_CHECKS = (
    Check(Cause.VERSION, (REJECTED_PERMANENT, BY_PROVIDER_ACSE, 2)),
    Check(Cause.APPLICATION_CONTEXT, (REJECTED_PERMANENT, BY_USER, 2)),
    Check(Cause.CALLED_TITLE, (REJECTED_PERMANENT, BY_USER, 7)),
    Check(Cause.CALLING_TITLE, (REJECTED_PERMANENT, BY_USER, 3)),
    Check(Cause.USER_IDENTITY, (REJECTED_PERMANENT, BY_PROVIDER_ACSE, 1)),
    Check(Cause.NO_CONTEXTS, (REJECTED_PERMANENT, BY_USER, 1)),
    Check(Cause.CAPACITY, (REJECTED_TRANSIENT, BY_PROVIDER_PRESENTATION, 2)),
)


class Padding(Enum):
    """How a UID or an AE title is taken out of its bytes."""

    TRIMMED = "trimmed"
    """Spaces and NULs on both sides are padding."""
    C_STRING = "c-string"
    """It ends at the first NUL. Spaces are significant, but for those at the end of an AE title."""


class Repeats(Enum):
    """Which of several items counts where there should be one."""

    FIRST = "first"
    LAST = "last"


class Duplicates(Enum):
    """What becomes of presentation contexts with the same identifier."""

    EACH = "each"
    """Each is answered as if the others weren't there."""
    MERGED = "merged"
    """One answer for all: accepted if any of them is acceptable, with the roles and abstract syntax of the first."""
    LAST = "last"
    """One answer for all, in the first one's place: that of the last."""


class RoleFlags(Enum):
    """How the two bytes of a role selection are read (PS3.7 D.3.3.4)."""

    BITS = "bits"
    """Each by itself; all but 0 is yes."""
    COMPARED = "compared"
    """Both roles if the bytes are equal, SCU if the first is 1, and SCP otherwise."""


class RoleAnswers(Enum):
    """For what role selections are answered."""

    CLASS = "class"
    """Once for each SOP class that is accepted, in the order of the request's role selections."""
    CONTEXT = "context"
    """Once for each accepted context, in the order of the answered contexts."""


class Titles(Enum):
    """The AE titles of the answer."""

    ECHOED = "echoed"
    """The bytes of the request."""
    READ = "read"
    """The titles as they were read, padded with spaces."""


class RefusedSyntax(Enum):
    """Transfer syntaxes of refused contexts that depend on the proposal, or are none."""

    PROPOSED = "proposed"
    """The first that was proposed."""
    EMPTY = "empty"
    """The sub-item is there, without a UID."""
    ABSENT = "absent"
    """The sub-item is left out."""


class UserItemKind(Enum):
    """User information sub-items of an A-ASSOCIATE-AC."""

    MAXIMUM_LENGTH = "maximum-length"
    IMPLEMENTATION_CLASS_UID = "implementation-class-uid"
    ASYNCHRONOUS_OPERATIONS = "asynchronous-operations"
    ROLES = "roles"
    IMPLEMENTATION_VERSION_NAME = "implementation-version-name"
    EXTENDED_NEGOTIATION = "extended-negotiation"
    USER_IDENTITY = "user-identity"


@dataclass(frozen=True, slots=True)
class AbstractSyntaxPolicy:
    """How proposals of one SOP class are answered. SOP classes that are answered alike share one."""

    transfer_syntaxes: tuple[str, ...]
    """Accepted ones, the most wanted first."""
    scp_role: bool = False
    """Whether the requestor may take the SCP role (PS3.7 D.3.3.4), as it must for C-GET."""
    answers_roles: bool = True
    """Whether a role selection is answered at all; unanswered, the default roles hold."""
    extended: bytes | None = None
    """Service-class-application-information that we support, ANDed with the proposal; None: not answered."""
    requestor_prefers: bool = True
    """True: the transfer syntax is picked in the requestor's order; False: in that of `transfer_syntaxes`."""
    refusal: int = TRANSFER_SYNTAXES_NOT_SUPPORTED
    """Result if none of the transfer syntaxes will do."""
    answered_first: bool = False
    """Accepted contexts of this kind come before all others in the answer."""
    rank: int = 0
    """Where duplicates are merged: an acceptance of higher rank takes the place of one of lower rank."""
    later_wins: bool = False
    """Where duplicates are merged, which of two acceptances of this kind decides: the later context, on roles as
    well, or the transfer syntax that is wanted more."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """A maximum length that is answered to a peer whose own is `match` under `mask`, in place of ours."""

    mask: int
    match: int
    answer: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What an acceptor accepts, and how its A-ASSOCIATE-AC looks."""

    abstract_syntaxes: Mapping[str, AbstractSyntaxPolicy]
    implementation_class_uid: str
    implementation_version_name: str | None
    maximum_length: int = 16384
    checks: tuple[Check, ...] = STANDARD_CHECKS
    """In this order."""
    called_ae_titles: frozenset[str] | None = None
    """None: any called AE title will do."""
    calling_ae_titles: frozenset[str] | None = None
    fold_case: bool = False
    """Whether AE titles are compared without regard to case; those above are in upper case then."""
    refused_identities: frozenset[int] = frozenset()
    """User identity types that lead to a rejection."""
    max_contexts: int | None = 128
    """Contexts beyond this number are refused as not supported; the standard has 128 odd identifiers."""
    max_transfer_syntaxes: int | None = None
    """Of one presentation context."""
    title_padding: Padding = Padding.TRIMMED
    uid_padding: Padding = Padding.TRIMMED
    repeats: Repeats = Repeats.FIRST
    """Which application context, abstract syntax and user information sub-item counts, if there are several.
    With `LAST`, all user information items are read; with `FIRST`, the first only."""
    role_repeats: Repeats = Repeats.LAST
    """Which role selection counts, if there are several for a SOP class."""
    duplicates: Duplicates = Duplicates.EACH
    role_flags: RoleFlags = RoleFlags.BITS
    role_answers: RoleAnswers = RoleAnswers.CLASS
    titles: Titles = Titles.ECHOED
    echo_reserved: bool = True
    """Whether bytes 43 to 74 are sent back (PS3.8 9.3.3 leaves their test to nobody)."""
    refused_transfer_syntax: str | RefusedSyntax = IMPLICIT_VR_LITTLE_ENDIAN
    """The transfer syntax of a refused context, which has no significance (PS3.8 9.3.3.2)."""
    user_items: tuple[UserItemKind, ...] = tuple(UserItemKind)
    """In this order, as far as there is something to say."""
    maximum_length_substitution: Substitution | None = None
    asynchronous_window: tuple[int, int] | None = None
    """Answer to a proposed window; None: none, which means synchronous operation."""
    asynchronous_limits: tuple[int, int] | None = None
    """In its place: the most operations that the requestor may invoke and perform at a time, 0 for no limit. The
    answer is the smaller of each and the proposal's, and there is none if both are 1 (PS3.7 D.3.3.3)."""
    user_identity_response: bytes | None = b""
    """Server response where a positive response is requested; None: not answered."""
    answered_identities: frozenset[int] | None = None
    """User identity types that are answered; None: all."""
    others: AbstractSyntaxPolicy | None = None
    """All that `abstract_syntaxes` doesn't have; None: they are not supported."""

    def of(self, abstract_syntax: str) -> AbstractSyntaxPolicy | None:
        """How proposals of a SOP class are answered; None: it is not supported."""
        return self.abstract_syntaxes.get(abstract_syntax, self.others)
