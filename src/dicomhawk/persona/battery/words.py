"""What came back, in words: one line for each thing that another product could do differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from ...hospital import elements
from ...hospital.registry import UIDS, keyword_for_tag
from ...upperlayer import items as it
from ...upperlayer import pdu
from ...upperlayer.dimse import CommandField, Key
from . import building as b
from .reading import Message, decoded, messages
from .transcript import Answer, End, Take

SHOWN = 40
"""Bytes of a value that are shown; a line is for people."""
RESULTS = ("accepted", "refused by the user", "refused, no reason", "abstract syntax refused", "no transfer syntax")
_NAMES = {
    pdu.AssociateRQ: "A-ASSOCIATE-RQ",
    pdu.AssociateAC: "A-ASSOCIATE-AC",
    pdu.AssociateRJ: "A-ASSOCIATE-RJ",
    pdu.PDataTF: "P-DATA-TF",
    pdu.ReleaseRQ: "A-RELEASE-RQ",
    pdu.ReleaseRP: "A-RELEASE-RP",
    pdu.Abort: "A-ABORT",
}
_FIELDS = {int(field): field.label for field in CommandField}
_KEYWORDS = {int(key): key.name for key in Key}


@cache
def uid(value: str) -> str:
    """The keyword of a UID, if the registry has one."""
    entry = UIDS.get(value)
    return entry[4] if entry and entry[4] else value


def text(value: bytes) -> str:
    """Bytes as a person reads them, without their middle where there are many."""
    shown = repr(bytes(value[:SHOWN]))[1:]
    return shown if len(value) <= SHOWN else f"{shown}... ({len(value)} bytes)"


def name(data: bytes) -> str:
    """Of a PDU."""
    unit = decoded(data)
    return "bytes that are no PDU" if unit is None else _NAMES[type(unit)]


def contexts(take: Take) -> dict[int, tuple[str, str]]:
    """Abstract and transfer syntax of the contexts that were accepted on a connection."""
    proposed: dict[int, str] = {}
    found: dict[int, tuple[str, str]] = {}
    for step in take.steps:
        request = decoded(step.sent)
        if isinstance(request, pdu.AssociateRQ):
            proposed.update((context.context_id, context.abstract_syntax) for context in request.contexts)
        for answer in step.answers:
            unit = decoded(answer.pdu)
            for context in unit.contexts if isinstance(unit, pdu.AssociateAC) else ():
                if context.result == 0:
                    found[context.context_id] = (proposed.get(context.context_id, ""), context.transfer_syntax)
    return found


def headlines(answers: tuple[Answer, ...]) -> list[str]:
    """One name for each thing that came back: of the message where there is one, of the PDU else."""
    found = []
    by_answer: dict[int, list[Message]] = {}
    for message in messages(answers):
        by_answer.setdefault(id(message.answer), []).append(message)
    for answer in answers:
        unit = decoded(answer.pdu)
        if isinstance(unit, pdu.PDataTF):
            found += [headline(message) for message in by_answer.get(id(answer), [])]
        elif isinstance(unit, pdu.Abort):
            found.append(f"A-ABORT (source {unit.source}, reason {unit.reason})")
        elif isinstance(unit, pdu.AssociateRJ):
            found.append(f"A-ASSOCIATE-RJ ({unit.result}/{unit.source}/{unit.reason})")
        else:
            found.append(name(answer.pdu))
    return found


def headline(message: Message) -> str:
    """Of a message: its command, and its status."""
    command = message.command
    title = _FIELDS.get(command.command_field, f"command {command.command_field:#06x}")
    return f"{title} ({command.status:#06x})" if command.status >= 0 else title


def lines(answers: tuple[Answer, ...], accepted: Mapping[int, tuple[str, str]]) -> list[str]:
    """Everything that the answers to one step say, a line for each detail."""
    found: list[str] = []
    for answer in answers:
        unit = decoded(answer.pdu)
        if isinstance(unit, pdu.PDataTF):
            sizes = ", ".join(f"{len(v.data)} ({v.control:#04x}) on {v.context_id}" for v in unit.pdvs)
            found.append(f"P-DATA-TF with values of {sizes}")
        else:
            found += unit_lines(answer.pdu)
    for message in messages(answers):
        found += message_lines(message, accepted.get(message.context_id, ("", b.IMPLICIT))[1])
    return found


def unit_lines(data: bytes) -> list[str]:
    """What a PDU says."""
    unit = decoded(data)
    if unit is None:
        return [f"bytes that are no PDU: {text(data)}"]
    title = _NAMES[type(unit)]
    match unit:
        case pdu.Abort():
            return [f"{title}: source {unit.source}, reason {unit.reason}, reserved {unit.reserved_2.hex()}"]
        case pdu.AssociateRJ():
            return [f"{title}: result {unit.result}, source {unit.source}, reason {unit.reason}"]
        case pdu.ReleaseRQ() | pdu.ReleaseRP():
            return [f"{title}: reserved {unit.reserved:02x} {unit.reserved_2.hex()}"]
        case pdu.AssociateAC() | pdu.AssociateRQ():
            return [f"{title}: {line}" for line in _association(unit)]
    return [f"{title}: {text(data)}"]


def _association(unit: pdu.Associate) -> Iterator[str]:
    yield f"protocol version {unit.protocol_version}, reserved {unit.reserved:02x} {unit.reserved_2:04x}"
    yield f"called {text(unit.called_ae)}, calling {text(unit.calling_ae)}, reserved {text(unit.reserved_3)}"
    yield "items " + " ".join(_kind(item) for item in unit.items)
    for item in unit.items:
        match item:
            case it.ApplicationContext():
                yield f"application context {item.name!r}, reserved {item.reserved}"
            case it.AnsweredContext():
                result = RESULTS[item.result] if item.result < len(RESULTS) else str(item.result)
                syntaxes = " ".join(uid(it.trimmed(i.uid)) for i in item.items if isinstance(i, it.TransferSyntax))
                reserved = item.reserved_fields.hex()
                yield f"context {item.context_id} {result}, {syntaxes or 'no syntax'}, reserved {reserved}"
            case it.UserInformation():
                yield "user items " + " ".join(_kind(inner) for inner in item.items)
                yield from (f"user item {inner}" for inner in item.items)
            case it.UnknownItem():
                yield f"unknown item {item.item_type:02x}: {text(item.data)}"


def _kind(item: it.Item | it.UserItem) -> str:
    return f"{item.item_type:02x}" if isinstance(item, it.UnknownItem) else type(item).__name__


def message_lines(message: Message, syntax: str) -> list[str]:
    """The elements of a command in their order, and those of its data set."""
    title = headline(message)
    found = []
    for number, value in message.command.elements.items():
        keyword = _KEYWORDS.get(number, f"(0000,{number:04x})")
        hexadecimal = isinstance(value, int) and number in (Key.Status, Key.CommandDataSetType)
        shown = hex(value) if hexadecimal and isinstance(value, int) else repr(value)
        found.append(f"{title}: {keyword} {shown}")
    if message.data is not None:
        found += (f"{title}: {line}" for line in data_lines(message.data, syntax))
    return found


def data_lines(data: bytes, syntax: str) -> list[str]:
    """The elements of a data set; its bytes, if it is none."""
    try:
        found = elements.decode(data, syntax)
    except elements.ElementsError:
        return [f"a data set that can't be read: {text(data)}"]
    return [*_elements(found), f"data set of {len(data)} bytes"]


def _elements(found: elements.DataSet, depth: int = 0) -> Iterator[str]:
    for tag, element in found.items():
        title = keyword_for_tag(tag) or f"({tag >> 16:04x},{tag & 0xFFFF:04x})"
        if isinstance(element.value, tuple):
            yield f"{'  ' * depth}{title} {element.vr}, {len(element.value)} items"
            for inner in element.value:
                yield from _elements(inner, depth + 1)
        else:
            yield f"{'  ' * depth}{title} {element.vr} {text(element.value)}"


def ending(take: Take) -> str:
    """How a connection ended."""
    if take.end is End.OPEN:
        return f"left open for {take.seconds:.3g} s"
    return take.end.value if take.end is End.UNREACHED else f"{take.end.value} after {take.seconds:.3g} s"
