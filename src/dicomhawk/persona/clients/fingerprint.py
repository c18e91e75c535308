"""The DICOM client fingerprint: what an A-ASSOCIATE-RQ says about the program that wrote it.

AE titles are left out: they are what its user types. So is everything else that belongs to the path and not to
the program (addresses, how the network cut the request into segments).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from ...upperlayer import items as it
from ...upperlayer.pdu import HEADER_SIZE, AssociateRQ

VERSION = "v1"
"""First field of the canonical string; changes with the meaning of any other."""
DIGITS = 12
"""Hexadecimal digits kept of the SHA-256: 48 bits, short enough to be read aloud, and there are few clients."""
ABSENT = "-"
"""Stands for an item that the request doesn't have; an empty one is empty."""

PDU_BYTE_2 = 0x001
PDU_BYTES_9_10 = 0x002
PDU_BYTES_43_74 = 0x004
APPLICATION_CONTEXT = 0x008
PRESENTATION_CONTEXT = 0x010
PRESENTATION_CONTEXT_BYTES_6_8 = 0x020
SYNTAX = 0x040
USER_INFORMATION = 0x080
USER_ITEM = 0x100

_UNSAFE = re.compile(r"[^0-9A-Za-z._]")
_TYPES: dict[type[object], int] = {
    it.MaximumLength: 0x51,
    it.ImplementationClassUID: 0x52,
    it.AsynchronousOperationsWindow: 0x53,
    it.RoleSelection: 0x54,
    it.ImplementationVersionName: 0x55,
    it.ExtendedNegotiation: 0x56,
    it.CommonExtendedNegotiation: 0x57,
    it.UserIdentityRequest: 0x58,
    it.UserIdentityResponse: 0x59,
}


def fingerprint(rq: AssociateRQ, length: int) -> str:
    """The DFP: 12 hexadecimal digits of the SHA-256 of `canonical`. `length`: as there."""
    return hashlib.sha256(canonical(rq, length).encode("ascii")).hexdigest()[:DIGITS]


def canonical(rq: AssociateRQ, length: int) -> str:
    """The string that is hashed, in ASCII; its fields are in docs/clients.md.

    `length`: bytes of the A-ASSOCIATE-RQ without its header, as the PDU length field says. Takes every request
    that can be decoded.
    """
    user = rq.user_items
    contexts = rq.contexts
    application = next((item.name for item in rq.items if isinstance(item, it.ApplicationContext)), None)
    window = rq.user_item(it.AsynchronousOperationsWindow)
    identity = rq.user_item(it.UserIdentityRequest)
    return "|".join(
        (
            VERSION,
            str(HEADER_SIZE + length),
            reserved_mask(rq),
            str(rq.protocol_version),
            ABSENT if application is None else _escaped(application),
            str(len(contexts)),
            ";".join(map(_context, contexts)),
            ",".join(map(_user_item, user)),
            ",".join(_role(item) for item in user if isinstance(item, it.RoleSelection)) or ABSENT,
            ABSENT if window is None else f"{window.invoked}/{window.performed}",
            ABSENT if identity is None else str(identity.identity_type),
        )
    )


def reserved_mask(rq: AssociateRQ) -> str:
    """Which reserved bytes are not zero: three hexadecimal digits of flags (the constants above), a dot, and a bit
    for each of the bytes 43 to 74, the first one being the highest, as eight digits."""
    tail = int("".join("1" if byte else "0" for byte in rq.reserved_3), 2) if any(rq.reserved_3) else 0
    flags = PDU_BYTE_2 * bool(rq.reserved) | PDU_BYTES_9_10 * bool(rq.reserved_2) | PDU_BYTES_43_74 * bool(tail)
    for item in rq.items:
        match item:
            case it.ApplicationContext():
                flags |= APPLICATION_CONTEXT * bool(item.reserved)
            case it.ProposedContext():
                flags |= PRESENTATION_CONTEXT * bool(item.reserved)
                flags |= PRESENTATION_CONTEXT_BYTES_6_8 * any(item.reserved_fields)
                flags |= SYNTAX * _any_reserved(item.items)
            case it.UserInformation():
                flags |= USER_INFORMATION * bool(item.reserved)
                flags |= USER_ITEM * _any_reserved(item.items)
    return f"{flags:03x}.{tail:08x}"


def _any_reserved(items: Iterable[it.UserItem | it.ContextItem]) -> bool:
    # Common extended negotiation has a version there.
    return any(getattr(item, "reserved", 0) for item in items)


def _escaped(text: str) -> str:
    """`text` (ISO 8859-1) with ``%XX`` for everything that could be taken for one of the separators."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _context(context: it.ProposedContext) -> str:
    abstract = next((item.uid for item in context.items if isinstance(item, it.AbstractSyntax)), None)
    offered = ",".join(_escaped(item.uid) for item in context.items if isinstance(item, it.TransferSyntax))
    return f"{context.context_id}:{ABSENT if abstract is None else _escaped(abstract)}:{offered}"


def _user_item(item: it.UserItem) -> str:
    match item:
        case it.MaximumLength(length):
            return f"51={length}"
        case it.ImplementationClassUID(uid):
            return f"52={_escaped(uid)}"
        case it.ImplementationVersionName(name):
            return f"55={_escaped(name)}"
        case it.UnknownItem(item_type):
            return f"{item_type:02X}"
    return f"{_TYPES[type(item)]:02X}"


def _role(item: it.RoleSelection) -> str:
    return f"{_escaped(item.sop_class_uid)}={item.scu}/{item.scp}"
