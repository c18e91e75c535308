"""What is wrong on an open association: PDUs out of place, values that lie, commands that are none."""

from __future__ import annotations

from struct import pack

from ....upperlayer import dimse, pdu
from .. import building as b
from ..laboratory import Catalogue, Laboratory
from .negotiation import CT
from .wrong_before import HTTP

catalogue = Catalogue()

PROPOSED: tuple[b.Proposal, ...] = (
    (1, b.VERIFICATION, (b.IMPLICIT,)),
    (3, b.NOWHERE, (b.IMPLICIT,)),
    (5, CT, (b.IMPLICIT,)),
)
ECHO = b.echo_command()
NOISE = bytes(n * 37 + 11 & 0xFF for n in range(68))
_COMMAND = b.COMMAND | b.LAST


def _on(name: str, about: str, *variants: tuple[str, bytes]) -> None:
    def play(lab: Laboratory) -> None:
        for label, data in variants:
            lab.line(label).associate(PROPOSED).send(data, about).finish()

    catalogue.add(f"on.{name}", about)(play)


def _command(data: bytes, *, number: int = 1) -> bytes:
    return b.p_data(b.pdv(number, _COMMAND, data))


def _explicit(elements: tuple[tuple[int, bytes, bytes], ...]) -> bytes:
    body = b"".join(pack("<HH2sH", 0, number, vr, len(value)) + value for number, vr, value in elements)
    return pack("<HH2sHL", 0, 0, b"UL", 4, len(body)) + body


def _group_length(size: int | None) -> bytes:
    """A C-ECHO-RQ whose group length says `size`; None: it has none."""
    return ECHO[12:] if size is None else ECHO[:8] + pack("<L", size) + ECHO[12:]


def _without(number: int) -> bytes:
    elements = dict(dimse.decode(ECHO).elements)
    del elements[number]
    return dimse.encode(elements)


def _with(**elements: int | str | bytes) -> bytes:
    found = dict(dimse.decode(ECHO).elements)
    found.update((dimse.Key[keyword], value) for keyword, value in elements.items())
    return dimse.encode(found)


_SECOND = b.associate("OTHER", "OTHER", b.items(PROPOSED))
_ACCEPT = b.associate("OTHER", "OTHER", b.APPLICATION_CONTEXT + b.user(), kind=pdu.AC)
_VERIFICATION = b.VERIFICATION.encode() + b"\0"
_EXPLICIT_ECHO = _explicit(
    ((0x0002, b"UI", _VERIFICATION), (0x0100, b"US", b"\x30\0"), (0x0110, b"US", b"\1\0"), (0x0800, b"US", b"\1\1"))
)

_on(
    "unexpected",
    "PDUs that have no place there",
    ("A-ASSOCIATE-RQ", _SECOND),
    ("A-ASSOCIATE-AC", _ACCEPT),
    ("A-ASSOCIATE-RJ", b.unit(pdu.RJ, b"\0\1\1\1")),
    ("A-RELEASE-RP", b.RELEASE_RP),
)
_on(
    "unknown-pdu",
    "PDU types that don't exist",
    ("0x08", b.unit(8, bytes(4))),
    ("0x00", b.unit(0, bytes(4))),
    ("0xff", b.unit(255, bytes(4))),
    ("0x08, long", b.unit(8, bytes(400))),
    ("HTTP", HTTP),
)
_on(
    "control-header",
    "message control headers",
    ("0xff", b.p_data(b.pdv(1, 0xFF, ECHO))),
    ("0x04", b.p_data(b.pdv(1, 0x04, ECHO))),
    ("data", b.p_data(b.pdv(1, 0, ECHO))),
    ("last of data", b.p_data(b.pdv(1, b.LAST, ECHO))),
)
_on(
    "value-lengths",
    "values whose length is too small",
    ("0", b.unit(pdu.P_DATA, bytes(4))),
    ("1", b.unit(pdu.P_DATA, b"\0\0\0\1\1")),
    ("2", b.p_data(b.pdv(1, _COMMAND, b""))),
    ("less than the PDU", b.unit(pdu.P_DATA, b.pdv(1, _COMMAND, ECHO, length=len(ECHO) - 8))),
    ("odd", b.p_data(b.pdv(1, _COMMAND, ECHO + b"\0"))),
)
_on(
    "value-overruns",
    "values that claim more than their PDU has",
    ("by 100", b.unit(pdu.P_DATA, b.pdv(1, _COMMAND, ECHO, length=len(ECHO) + 102))),
    ("by 4 GiB", b.unit(pdu.P_DATA, b.pdv(1, _COMMAND, ECHO, length=0xFFFFFFFF))),
    ("header cut", b.unit(pdu.P_DATA, b"\0\0")),
)
_on(
    "empty-p-data",
    "a P-DATA-TF without a value",
    ("alone", b.unit(pdu.P_DATA, b"")),
    ("before a C-ECHO", b.unit(pdu.P_DATA, b"") + b.echo()),
)
_on(
    "other-contexts",
    "values on contexts that aren't accepted",
    ("refused", _command(ECHO, number=3)),
    ("never proposed", _command(ECHO, number=77)),
    ("even", _command(ECHO, number=2)),
)
_on(
    "mixed-contexts",
    "a message on two contexts",
    ("command", b.p_data(b.pdv(1, b.COMMAND, ECHO[:20]), b.pdv(5, _COMMAND, ECHO[20:]))),
    ("command in two PDUs", b.p_data(b.pdv(1, b.COMMAND, ECHO[:20])) + b.p_data(b.pdv(5, _COMMAND, ECHO[20:]))),
)
_on(
    "no-command",
    "commands that can't be read",
    ("noise", _command(NOISE)),
    ("cut", _command(ECHO[:-5])),
    ("text", _command(b"hello, this is not a command set")),
    ("explicit VR", _command(_EXPLICIT_ECHO)),
    ("other group", _command(ECHO + pack("<HHLH", 8, 0x60, 2, 0))),
)
_on(
    "group-length",
    "the group length of a command",
    ("missing", _command(_group_length(None))),
    ("too small", _command(_group_length(10))),
    ("too large", _command(_group_length(1000))),
)
_on(
    "missing-elements",
    "commands without something that they need",
    ("command field", _command(_without(dimse.Key.CommandField))),
    ("data set type", _command(_without(dimse.Key.CommandDataSetType))),
    ("message identifier", _command(_without(dimse.Key.MessageID))),
    ("SOP class", _command(_without(dimse.Key.AffectedSOPClassUID))),
    ("everything", _command(dimse.encode({}))),
)
_on(
    "announced-data",
    "a C-ECHO that announces a data set, and none comes",
    ("0x0000", _command(_with(CommandDataSetType=0x0000))),
    ("0x0001", _command(_with(CommandDataSetType=0x0001))),
    ("0x0102", _command(_with(CommandDataSetType=0x0102))),
)
_on(
    "with-data",
    "a C-ECHO with a data set",
    ("announced", b.message(1, _with(CommandDataSetType=1), b"\x08\0\x60\0\2\0\0\0CT")),
    ("not announced", b.message(1, ECHO, b"\x08\0\x60\0\2\0\0\0CT")),
)
_on(
    "too-long",
    "PDUs above the maximum length",
    ("20 KB", _command(_with(RequestedSOPInstanceUID=b"1" * 20_000))),
    ("140 KB", _command(_with(RequestedSOPInstanceUID=b"1" * 140_000))),
    ("claims 0xFFFFFFFF", b.unit(pdu.P_DATA, b.pdv(1, _COMMAND, ECHO), length=0xFFFFFFFF)),
)
_on(
    "two-messages",
    "two C-ECHO-RQ at once",
    ("in one PDU", b.p_data(b.pdv(1, _COMMAND, ECHO), b.pdv(1, _COMMAND, b.echo_command(2)))),
    ("in two PDUs", b.echo() + b.echo(1, 2)),
)
_on(
    "fragments",
    "a command in many values",
    ("in one PDU", b.p_data(b.pdv(1, b.COMMAND, ECHO[:30]), b.pdv(1, _COMMAND, ECHO[30:]))),
    ("in two PDUs", b.p_data(b.pdv(1, b.COMMAND, ECHO[:30])) + b.p_data(b.pdv(1, _COMMAND, ECHO[30:]))),
    ("interrupted by data", b.p_data(b.pdv(1, b.COMMAND, ECHO[:30])) + b.p_data(b.pdv(1, 0, b"12345678"))),
)
_on(
    "control-lengths",
    "PDUs of a fixed length with another",
    ("A-ABORT of 0", b.unit(pdu.ABORT, b"")),
    ("A-ABORT of 8", b.unit(pdu.ABORT, bytes(8))),
    ("A-RELEASE-RQ of 0", b.unit(pdu.RELEASE_RQ, b"")),
    ("A-RELEASE-RQ of 8", b.unit(pdu.RELEASE_RQ, bytes(8))),
)
