"""The seven protocol data units of PS3.8 section 9.3, from and to frozen dataclasses.

`decode_header` looks at the first six bytes and checks the length that they claim before anything is
allocated for it; `decode` takes the whole body. Both raise `ProtocolError` and nothing else, and
``encode(decode(x)) == x`` for every PDU that they take.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import NamedTuple, TypeVar

from . import items as it
from .errors import ProtocolError, Quirk
from .grammar import STRICT, Grammar
from .itemcodec import decode_items, encode_items

HEADER_SIZE = 6
PDV_HEADER_SIZE = 6
MAX_ASSOCIATE_LENGTH = 65536
"""Longest A-ASSOCIATE-RQ or -AC: DCMTK's getscu sends 17 KiB, and 128 contexts with all extras stay below."""
MAX_CONTROL_LENGTH = 4
"""A-ASSOCIATE-RJ, A-RELEASE-RQ, -RP and A-ABORT have exactly this length."""
REMEMBERED_REQUESTS = 64
"""Decoded A-ASSOCIATE-RQs that are kept: scanners send the same bytes by the thousand."""
REMEMBERED_LENGTH = 20480
"""Longer ones aren't kept. Without this bound, hostile ones could fill more memory than all else together."""

RQ, AC, RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)

_T = TypeVar("_T")
_HEADER = Struct(">BBL")
_PDV_HEADER = Struct(">LBB")
_FIXED = Struct(">HH16s16s32s")


@dataclass(frozen=True, slots=True)
class Associate:
    """What A-ASSOCIATE-RQ and -AC have in common. AE titles are the 16 bytes of the wire."""

    called_ae: bytes
    calling_ae: bytes
    items: tuple[it.Item, ...]
    protocol_version: int = 1
    reserved: int = 0  # byte 2
    reserved_2: int = 0  # bytes 9 and 10
    reserved_3: bytes = bytes(32)  # bytes 43 to 74

    def _first(self, kind: type[_T]) -> _T | None:
        return next((item for item in self.items if isinstance(item, kind)), None)

    @property
    def called_ae_title(self) -> str:
        """Called AE title without its padding."""
        return it.trimmed(self.called_ae.decode("latin-1"))

    @property
    def calling_ae_title(self) -> str:
        """Calling AE title without its padding."""
        return it.trimmed(self.calling_ae.decode("latin-1"))

    @property
    def application_context(self) -> str | None:
        """Application context name, trimmed; None if there is no such item."""
        item = self._first(it.ApplicationContext)
        return None if item is None else it.trimmed(item.name)

    @property
    def user_items(self) -> tuple[it.UserItem, ...]:
        """The sub-items of the (first) user information item."""
        item = self._first(it.UserInformation)
        return () if item is None else item.items

    def user_item(self, kind: type[_T]) -> _T | None:
        """The first user information sub-item of a kind."""
        return next((item for item in self.user_items if isinstance(item, kind)), None)

    @property
    def maximum_length(self) -> int | None:
        """Longest P-DATA-TF that the sender receives (0: no limit); None if it doesn't say."""
        item = self.user_item(it.MaximumLength)
        return None if item is None else item.length


@dataclass(frozen=True, slots=True)
class AssociateRQ(Associate):
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""

    @property
    def contexts(self) -> tuple[it.ProposedContext, ...]:
        """The presentation contexts, in the order proposed."""
        return tuple(item for item in self.items if isinstance(item, it.ProposedContext))


@dataclass(frozen=True, slots=True)
class AssociateAC(Associate):
    """A-ASSOCIATE-AC (PS3.8 9.3.3)."""

    @property
    def contexts(self) -> tuple[it.AnsweredContext, ...]:
        """The answers to the presentation contexts."""
        return tuple(item for item in self.items if isinstance(item, it.AnsweredContext))


@dataclass(frozen=True, slots=True)
class AssociateRJ:
    """A-ASSOCIATE-RJ (PS3.8 9.3.4): result, source and reason as its table 9-21 numbers them."""

    result: int
    source: int
    reason: int
    reserved: int = 0
    reserved_2: int = 0


class PDV(NamedTuple):
    """A presentation data value (PS3.8 9.3.5.1, annex E.2)."""

    context_id: int
    control: int  # bit 0: command, bit 1: last fragment
    data: bytes | memoryview


class PDataTF(NamedTuple):
    """P-DATA-TF (PS3.8 9.3.5)."""

    pdvs: tuple[PDV, ...]
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseRQ:
    """A-RELEASE-RQ (PS3.8 9.3.6)."""

    reserved: int = 0
    reserved_2: bytes = bytes(4)


@dataclass(frozen=True, slots=True)
class ReleaseRP:
    """A-RELEASE-RP (PS3.8 9.3.7)."""

    reserved: int = 0
    reserved_2: bytes = bytes(4)


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT (PS3.8 9.3.8). `source`: 0 service-user, 2 service-provider; `reason` as its table 9-26."""

    source: int
    reason: int
    reserved: int = 0
    reserved_2: bytes = bytes(2)


PDU = AssociateRQ | AssociateAC | AssociateRJ | PDataTF | ReleaseRQ | ReleaseRP | Abort


def decode_header(
    buffer: bytes | bytearray, position: int, max_data_length: int, max_request_length: int = MAX_ASSOCIATE_LENGTH
) -> tuple[int, int]:
    """Type and body length of the PDU whose six header bytes start at `position`.

    `max_data_length` bounds a P-DATA-TF (the maximum length that we announced), `max_request_length` an
    A-ASSOCIATE-RQ. Raises `ProtocolError` for an unknown type or a length out of bounds.
    """
    pdu_type, _, length = _HEADER.unpack_from(buffer, position)
    if pdu_type == P_DATA:
        limit = max_data_length
    elif pdu_type == RQ:
        limit = max_request_length
    elif pdu_type == AC:
        limit = MAX_ASSOCIATE_LENGTH
    elif RJ <= pdu_type <= ABORT:
        if length != MAX_CONTROL_LENGTH:
            raise ProtocolError(Quirk.PDU_LENGTH, f"a PDU of type {pdu_type} with length {length}")
        return pdu_type, length
    else:
        raise ProtocolError(Quirk.UNKNOWN_PDU, f"PDU type {pdu_type:#04x}")
    if length > limit:
        raise ProtocolError(Quirk.PDU_TOO_LONG, f"a PDU of type {pdu_type} with length {length}")
    return pdu_type, length


def decode(pdu_type: int, reserved: int, body: bytes, grammar: Grammar = STRICT) -> PDU:
    """The PDU of a type (1..7), with its byte 2 and its body. Raises `ProtocolError`.

    `grammar` says which A-ASSOCIATE-RQs can be understood.
    """
    if pdu_type == RQ:
        decode_rq = _remembered_rq if len(body) <= REMEMBERED_LENGTH else _rq
        return decode_rq(body, reserved, grammar)
    return _DECODERS[pdu_type](body, reserved)


def check_pdvs(buffer: bytes, position: int, end: int) -> None:
    """Raise `ProtocolError` unless `buffer[position:end]` is one presentation data value after the other."""
    if position == end:
        raise ProtocolError(Quirk.PDV_LENGTH, "a P-DATA-TF without any PDV")
    while position < end:
        if end - position < PDV_HEADER_SIZE:
            raise ProtocolError(Quirk.PDV_LENGTH, f"{end - position} bytes left for a PDV header")
        length, _, _ = _PDV_HEADER.unpack_from(buffer, position)
        position += 4
        if length < 2 or length > end - position:
            raise ProtocolError(Quirk.PDV_LENGTH, f"PDV length {length} with {end - position} bytes left")
        position += length


def pdv_at(buffer: bytes, position: int) -> tuple[int, int, memoryview]:
    """What a `PDV` has, of the one at `position`, which `check_pdvs` has seen; its data are a view of `buffer`."""
    length, context_id, control = _PDV_HEADER.unpack_from(buffer, position)
    return context_id, control, memoryview(buffer)[position + PDV_HEADER_SIZE : position + 4 + length]


def _p_data(body: bytes, reserved: int) -> PDataTF:
    position, end = 0, len(body)
    check_pdvs(body, position, end)
    found: list[PDV] = []
    while position < end:
        pdv = PDV(*pdv_at(body, position))
        found.append(pdv)
        position += PDV_HEADER_SIZE + len(pdv.data)
    return PDataTF(tuple(found), reserved)


def _fixed(body: bytes) -> tuple[int, int, bytes, bytes, bytes]:
    if len(body) < _FIXED.size:
        raise ProtocolError(Quirk.PDU_LENGTH, f"an association PDU of {len(body)} bytes")
    version, reserved_2, called, calling, reserved_3 = _FIXED.unpack_from(body)
    return version, reserved_2, called, calling, reserved_3


def _rq(body: bytes, reserved: int, grammar: Grammar) -> AssociateRQ:
    version, reserved_2, called, calling, reserved_3 = _fixed(body)
    try:
        found = decode_items(body[_FIXED.size :], grammar)
    except ProtocolError:
        if version & 1 or not grammar.version_first:
            raise
        found = ()
    return AssociateRQ(called, calling, found, version, reserved, reserved_2, reserved_3)


_remembered_rq = lru_cache(maxsize=REMEMBERED_REQUESTS)(_rq)


def _ac(body: bytes, reserved: int) -> AssociateAC:
    version, reserved_2, called, calling, reserved_3 = _fixed(body)
    found = decode_items(body[_FIXED.size :])
    return AssociateAC(called, calling, found, version, reserved, reserved_2, reserved_3)


def _rj(body: bytes, reserved: int) -> AssociateRJ:
    reserved_2, result, source, reason = body
    return AssociateRJ(result, source, reason, reserved, reserved_2)


def _abort(body: bytes, reserved: int) -> Abort:
    return Abort(body[2], body[3], reserved, body[:2])


_DECODERS: dict[int, Callable[[bytes, int], PDU]] = {
    AC: _ac,
    RJ: _rj,
    P_DATA: _p_data,
    RELEASE_RQ: lambda body, reserved: ReleaseRQ(reserved, body),
    RELEASE_RP: lambda body, reserved: ReleaseRP(reserved, body),
    ABORT: _abort,
}


def _with_header(pdu_type: int, reserved: int, body: bytes) -> bytes:
    return _HEADER.pack(pdu_type, reserved, len(body)) + body


def encode(pdu: PDU) -> bytes:
    """The bytes of a PDU, header included."""
    match pdu:
        case PDataTF(pdvs, reserved):
            body = b"".join(
                _PDV_HEADER.pack(len(pdv.data) + 2, pdv.context_id, pdv.control) + bytes(pdv.data) for pdv in pdvs
            )
            return _with_header(P_DATA, reserved, body)
        case AssociateRQ() | AssociateAC():
            fixed = _FIXED.pack(pdu.protocol_version, pdu.reserved_2, pdu.called_ae, pdu.calling_ae, pdu.reserved_3)
            pdu_type = RQ if isinstance(pdu, AssociateRQ) else AC
            return _with_header(pdu_type, pdu.reserved, fixed + encode_items(pdu.items))
        case AssociateRJ(result, source, reason, reserved, reserved_2):
            return _with_header(RJ, reserved, bytes((reserved_2, result, source, reason)))
        case ReleaseRQ(reserved, body):
            return _with_header(RELEASE_RQ, reserved, body)
        case ReleaseRP(reserved, body):
            return _with_header(RELEASE_RP, reserved, body)
        case Abort(source, reason, reserved, reserved_2):
            return _with_header(ABORT, reserved, reserved_2 + bytes((source, reason)))


def ae_title(name: str) -> bytes:
    """An AE title as the 16 bytes of the wire, padded with spaces (PS3.8 9.3.2, bytes 11 to 42)."""
    return name.encode("latin-1", "replace")[:16].ljust(16)
