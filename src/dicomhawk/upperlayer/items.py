"""Items and sub-items of the association PDUs (PS3.8 section 9.3.2, 9.3.3 and annex D; PS3.7 annex D.3.3).

Each is a frozen dataclass with exactly the fields of the wire, its reserved byte included, so that `itemcodec`
can give back the bytes that it decoded. UIDs and names are kept as sent (ISO 8859-1, padding and all);
`trimmed` gives the form to compare. What no class here describes is kept as an `UnknownItem`.
"""

from __future__ import annotations

from dataclasses import dataclass


def trimmed(text: str) -> str:
    """`text` without the padding that PS3.5 allows: trailing NULs, spaces on both sides."""
    return text.strip("\0 ")


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """An item of a type that the standard doesn't define here."""

    item_type: int
    data: bytes
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ApplicationContext:
    """Application Context Item, 10H (PS3.8 9.3.2.1)."""

    name: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ProposedContext:
    """Presentation Context Item of an A-ASSOCIATE-RQ, 20H (PS3.8 9.3.2.2)."""

    context_id: int
    items: tuple[AbstractSyntax | TransferSyntax | UnknownItem, ...]
    reserved: int = 0
    reserved_fields: bytes = b"\0\0\0"

    @property
    def abstract_syntax(self) -> str:
        """The (first) abstract syntax, trimmed; empty if there is none."""
        return next((trimmed(i.uid) for i in self.items if isinstance(i, AbstractSyntax)), "")

    @property
    def transfer_syntaxes(self) -> tuple[str, ...]:
        """The transfer syntaxes, trimmed, in the order proposed."""
        return tuple(trimmed(i.uid) for i in self.items if isinstance(i, TransferSyntax))


@dataclass(frozen=True, slots=True)
class AnsweredContext:
    """Presentation Context Item of an A-ASSOCIATE-AC, 21H (PS3.8 9.3.3.2).

    `result`: 0 acceptance, 1 user-rejection, 2 no-reason, 3 abstract-syntax-not-supported,
    4 transfer-syntaxes-not-supported.
    """

    context_id: int
    result: int
    items: tuple[AbstractSyntax | TransferSyntax | UnknownItem, ...]
    reserved: int = 0
    reserved_fields: bytes = b"\0\0"

    @property
    def transfer_syntax(self) -> str:
        """The transfer syntax, trimmed; without significance unless `result` is 0."""
        return next((trimmed(i.uid) for i in self.items if isinstance(i, TransferSyntax)), "")


@dataclass(frozen=True, slots=True)
class AbstractSyntax:
    """Abstract Syntax Sub-Item, 30H (PS3.8 9.3.2.2.1)."""

    uid: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """Transfer Syntax Sub-Item, 40H (PS3.8 9.3.2.2.2)."""

    uid: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class UserInformation:
    """User Information Item, 50H (PS3.8 9.3.2.3)."""

    items: tuple[UserItem, ...]
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class MaximumLength:
    """Maximum Length Sub-Item, 51H (PS3.8 D.1): longest P-DATA-TF that the sender receives; 0 is no limit."""

    length: int
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ImplementationClassUID:
    """Implementation Class UID Sub-Item, 52H (PS3.7 D.3.3.2.1)."""

    uid: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class AsynchronousOperationsWindow:
    """Asynchronous Operations Window Sub-Item, 53H (PS3.7 D.3.3.3); 0 is no limit."""

    invoked: int
    performed: int
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """SCP/SCU Role Selection Sub-Item, 54H (PS3.7 D.3.3.4)."""

    sop_class_uid: str
    scu: int
    scp: int
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ImplementationVersionName:
    """Implementation Version Name Sub-Item, 55H (PS3.7 D.3.3.2.3)."""

    name: str
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """SOP Class Extended Negotiation Sub-Item, 56H (PS3.7 D.3.3.5)."""

    sop_class_uid: str
    application_information: bytes
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """SOP Class Common Extended Negotiation Sub-Item, 57H (PS3.7 D.3.3.6)."""

    sop_class_uid: str
    service_class_uid: str
    related_general_sop_class_uids: tuple[str, ...]
    extension: bytes = b""
    version: int = 0


@dataclass(frozen=True, slots=True)
class UserIdentityRequest:
    """User Identity Sub-Item of an A-ASSOCIATE-RQ, 58H (PS3.7 D.3.3.7.1).

    `identity_type`: 1 username, 2 username and passcode, 3 Kerberos, 4 SAML, 5 JSON Web Token.
    """

    identity_type: int
    positive_response_requested: int
    primary: bytes
    secondary: bytes = b""
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class UserIdentityResponse:
    """User Identity Sub-Item of an A-ASSOCIATE-AC, 59H (PS3.7 D.3.3.7.2)."""

    server_response: bytes
    reserved: int = 0


UserItem = (
    MaximumLength
    | ImplementationClassUID
    | AsynchronousOperationsWindow
    | RoleSelection
    | ImplementationVersionName
    | ExtendedNegotiation
    | CommonExtendedNegotiation
    | UserIdentityRequest
    | UserIdentityResponse
    | UnknownItem
)
ContextItem = AbstractSyntax | TransferSyntax | UnknownItem
Item = ApplicationContext | ProposedContext | AnsweredContext | UserInformation | UnknownItem
