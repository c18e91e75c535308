"""Random conversations with an archive: storage, retrieval and odd commands, made from a seed."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from typing import Any, Final

from tests.soak.exchanges import (
    BIG,
    COMMITMENT,
    COMMITMENT_INSTANCE,
    CT,
    EXPLICIT,
    HAS_DATA,
    IMPLICIT,
    MR,
    NO_DATA,
    PATIENT_GET,
    PATIENT_MOVE,
    ROOT,
    SC,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    Conversation,
    Message,
    command,
    data_set,
)


class Maker:
    """Makes conversations from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.message_id = 0
        self.stored: list[tuple[str, str, str, str, str]] = []  # patient, accession, study, series, instance

    def instance(self, number: int) -> tuple[str, str, str, str, str]:
        """The identifiers of an instance out of a few."""
        patient = number // 12 % 3
        study = f"{ROOT}.{patient}.{number // 6 % 2}"
        series = f"{study}.{number // 3 % 2}"
        return f"PAT{patient}", f"ACC{number // 6 % 6}", study, series, f"{series}.{number % 3 + 1}"

    def next_id(self) -> int:
        self.message_id = self.rng.choice((1, 7, 300, 65535, 12))
        return self.message_id

    def store(self, contexts: list[tuple[str, list[str]]]) -> Message:
        """A C-STORE, right or not."""
        rng = self.rng
        place = rng.randrange(len(contexts))
        syntax = contexts[place][1][0]
        sop = contexts[place][0] if rng.random() < 0.85 else rng.choice((CT, MR, SC, VERIFICATION, "1.2.3.4"))
        identity = self.instance(rng.randrange(36))
        patient, accession, study, series, uid = identity
        oddity = rng.choice(_STORE_ODDITIES) if rng.random() < 0.4 else ""
        elements: list[tuple[int, str, Any]] = [
            (0x00080016, "UI", sop),
            (0x00080018, "UI", uid),
            (0x00080020, "DA", "20240102"),
            (0x00080050, "SH", accession),
            (0x00080060, "CS", "CT"),
            (0x00100010, "PN", f"Name^{rng.randrange(3)}"),
            (0x00100020, "LO", patient),
            (0x0020000D, "UI", study),
            (0x0020000E, "UI", series),
            (0x00200011, "IS", str(rng.randrange(9))),
            (0x00200013, "IS", str(rng.randrange(99))),
            (0x00280010, "US", 4),
            (0x7FE00010, "OW", bytes(range(32))),
        ]
        named, named_class = uid, sop
        elements, undefined, named, named_class = _odd(oddity, elements, rng, named, named_class)
        data = data_set(elements, syntax, undefined=undefined)
        if oddity == "truncated":
            data = data[: -rng.choice((1, 2, 6, 8, 31, 33, 40)) * 2 // 2]
        elif oddity == "garbage":
            data = bytes(rng.randrange(256) for _ in range(rng.choice((2, 8, 60, 200))))
        elif oddity == "empty":
            data = b""
        elif oddity == "wrong syntax":
            data = data_set(elements, rng.choice((IMPLICIT, EXPLICIT, BIG)))
        elif oddity == "" and identity not in self.stored and sop == contexts[place][0]:
            self.stored.append(identity)
        request = command(
            sop=named_class, field=1, message_id=self.next_id(), priority=rng.choice((0, 0, 1, 2)), data=HAS_DATA,
            instance=named, originator="SOMEONE" if oddity == "originator" else None,
            originator_id=7 if oddity == "originator" else None,
        )  # fmt: skip
        return Message(place, request, data, what=f"C-STORE {oddity} {uid} {sop} on {contexts[place]}")

    def identifier(self) -> tuple[list[tuple[int, str, Any]], str]:
        """The identifier of a retrieval, right or not."""
        rng = self.rng
        patient, accession, study, series, uid = (
            rng.choice(self.stored) if self.stored and rng.random() < 0.9 else self.instance(rng.randrange(40))
        )
        level = rng.choice(("PATIENT", "STUDY", "STUDY", "SERIES", "IMAGE"))
        found: list[tuple[int, str, Any]] = [(0x00080052, "CS", level)]
        if level == "PATIENT" or rng.random() < 0.5:
            found.append((0x00100020, "LO", patient))
        if level != "PATIENT":
            found.append((0x0020000D, "UI", study))
        if level in ("SERIES", "IMAGE"):
            found.append((0x0020000E, "UI", series))
        if level == "IMAGE":
            found.append((0x00080018, "UI", uid))
        oddity = rng.choice(_IDENTIFIER_ODDITIES) if rng.random() < 0.5 else ""
        others = [self.instance(rng.randrange(40)) for _ in range(2)]
        own = {"PATIENT": 0x00100020, "STUDY": 0x0020000D, "SERIES": 0x0020000E, "IMAGE": 0x00080018}[level]
        place = {"PATIENT": 0, "STUDY": 2, "SERIES": 3, "IMAGE": 4}[level]
        values = {tag: (vr, value) for tag, vr, value in found}
        vr, value = values[own]
        match oddity:
            case "list":
                values[own] = (vr, "\\".join((value, others[0][place], others[1][place])))
            case "twice":
                values[own] = (vr, f"{value}\\{value}")
            case "ending list":
                values[own] = (vr, f"{value}\\")
            case "unknown":
                values[own] = (vr, "9.9.9")
            case "empty key":
                values[own] = (vr, "")
            case "no key":
                del values[own]
            case "wildcard":
                values[own] = (vr, f"{value[:-1]}*")
            case "star":
                values[own] = (vr, "*")
            case "case":
                values[own] = (vr, value.lower())
            case "no level":
                del values[0x00080052]
            case "empty level":
                values[0x00080052] = ("CS", "")
            case "odd level":
                values[0x00080052] = ("CS", rng.choice(_LEVELS))
            case "no parents":
                values = {tag: each for tag, each in values.items() if tag in (own, 0x00080052)}
            case "wrong parent":
                values[0x0020000D] = ("UI", others[0][2])
                if level == "STUDY":
                    values[0x00100020] = ("LO", "PAT9")
            case "accession":
                values[0x00080050] = ("SH", accession)
            case "only accession":
                values[0x00080050] = ("SH", rng.choice((accession, accession.lower())))
                values.pop(0x0020000D, None)
            case "empty accession":
                values[0x00080050] = ("SH", "")
            case "more keys":
                values[0x00080060] = ("CS", rng.choice(("CT", "MR")))
                values[0x00100010] = ("PN", rng.choice(("Name^0", "name^0", "Name*", "Nobody")))
                values[0x00200013] = ("IS", "5")
                values[0x00080020] = ("DA", rng.choice(("20240102", "20240101-", "19990101")))
        return [(tag, *each) for tag, each in values.items()], oddity

    def answers(self, message_id: int) -> tuple[Any, ...]:
        """How C-STORE-RQs are answered: mostly with success."""
        rng = self.rng
        if rng.random() < 0.5:
            return ()
        cancels = (f"cancel:{message_id}", f"cancel:{message_id ^ 1}")
        odd = (0xA700, 0xB000, 0xB007, 0xC000, 0x0122, "other-id", "bare", *cancels)
        return tuple(rng.choice((0, 0, rng.choice(odd))) for _ in range(6))

    def get(self, context: int, abstract: str, syntax: str) -> list[Message]:
        """A C-GET, perhaps with a C-CANCEL behind it."""
        rng, message_id = self.rng, self.next_id()
        elements, oddity = self.identifier()
        sop = abstract if rng.random() < 0.95 else rng.choice((PATIENT_GET, STUDY_MOVE, CT))
        request = command(sop=sop, field=0x10, message_id=message_id, priority=rng.randrange(3), data=HAS_DATA)
        message = Message(
            context, request, self.spoiled(data_set(elements, syntax)), what=f"C-GET {oddity} {elements}",
            answers=self.answers(message_id),
        )  # fmt: skip
        return self.cancelled(message, message_id)

    def move(self, context: int, abstract: str, syntax: str) -> list[Message]:
        """A C-MOVE to a destination that is unknown or down: to others the product opens a connection."""
        rng, message_id = self.rng, self.next_id()
        elements, oddity = self.identifier()
        destination = rng.choice(("PROBEDEAD", "NOWHERE", "probedead", "", "PROBEDEAD "))
        request = command(
            sop=abstract, field=0x21, message_id=message_id, priority=0, data=HAS_DATA, destination=destination
        )
        data = self.spoiled(data_set(elements, syntax))
        message = Message(context, request, data, what=f"C-MOVE {oddity} {destination} {elements}")
        return self.cancelled(message, message_id)

    def spoiled(self, data: bytes) -> bytes:
        rng = self.rng
        if rng.random() < 0.9:
            return data
        return rng.choice((b"", data[:-4], data[: -(len(data) // 3) & ~1], b"\x10\0\x20\0" * 5))

    def cancelled(self, message: Message, message_id: int) -> list[Message]:
        rng = self.rng
        if rng.random() > 0.12:
            return [message]
        message.joined = True
        number = message_id if rng.random() < 0.8 else message_id ^ 1
        cancel = command(field=0x0FFF, responded=number, data=NO_DATA)
        what = f"{message.what} and C-CANCEL"
        return [message, Message(message.context, cancel, what=what, answers=message.answers)]

    def other(self, contexts: int) -> Message:
        """A command that isn't for an archive, or odd."""
        rng = self.rng
        place = rng.randrange(contexts)
        kind = rng.choice(_OTHERS)
        data, request = None, b""
        number = self.next_id()
        match kind:
            case "echo":
                request = command(sop=VERIFICATION, field=0x30, message_id=number, data=NO_DATA)
            case "echo other":
                request = command(sop=rng.choice((CT, "1.2.3", "")), field=0x30, message_id=number, data=NO_DATA)
            case "cancel":
                request = command(field=0x0FFF, responded=number, data=NO_DATA)
            case "response":
                request = command(
                    sop=VERIFICATION, field=rng.choice((0x8030, 0x8001, 0x8020)), responded=number, data=NO_DATA,
                    status=0,
                )  # fmt: skip
            case "n" | "n data":
                if kind == "n data":
                    data = data_set([(0x00100020, "LO", "X")], IMPLICIT)
                request = command(
                    sop="1.2.840.10008.5.1.1.16", requested="1.2.840.10008.5.1.1.16",
                    field=rng.choice((0x100, 0x110, 0x120, 0x130, 0x140, 0x150)), message_id=number,
                    data=HAS_DATA if data else NO_DATA, instance="1.2.3.4", requested_instance="1.2.3.4", event=1,
                    action=1,
                )  # fmt: skip
            case "undefined":
                request = command(
                    sop=VERIFICATION, field=rng.choice((0x0123, 0x0002, 0x4000, 0x8123)), message_id=number,
                    responded=number, data=NO_DATA, status=0,
                )  # fmt: skip
            case _:
                request, data = self.commitment(kind == "report", number)
        return Message(place, request, data, what=f"{kind} {request.hex()}")

    def commitment(self, report: bool, number: int) -> tuple[bytes, bytes]:
        rng = self.rng
        reference = [(0x00081150, "UI", CT), (0x00081155, "UI", self.instance(rng.randrange(40))[4])]
        elements: list[tuple[int, str, Any]] = [(0x00081195, "UI", f"{ROOT}.8.1"), (0x00081199, "SQ", [reference])]
        oddity = rng.choice(("", "", "type", "instance", "no transaction", "no references", "no class"))
        if oddity == "no transaction":
            elements = elements[1:]
        elif oddity == "no references":
            elements = elements[:1]
        elif oddity == "no class":
            elements[1] = (0x00081199, "SQ", [reference[1:]])
        kind = 9 if oddity == "type" else 1
        instance = "1.2.3" if oddity == "instance" else COMMITMENT_INSTANCE
        if report:
            request = command(
                sop=COMMITMENT, field=0x100, message_id=number, data=HAS_DATA, instance=instance, event=kind
            )
        else:
            request = command(
                requested=COMMITMENT, field=0x130, message_id=number, data=HAS_DATA, requested_instance=instance,
                action=kind,
            )  # fmt: skip
        return request, data_set(elements, IMPLICIT)

    def __iter__(self) -> Iterator[Conversation]:
        rng = self.rng
        while True:
            calling = "PROBE" if rng.random() < 0.93 else rng.choice(("probe", "STRANGER"))
            kind = rng.choice(("store", "store", "get", "get", "get", "move", "mixed"))
            if kind == "store":
                contexts = [(rng.choice((CT, MR, SC)), [rng.choice((IMPLICIT, EXPLICIT, BIG))]) for _ in range(3)]
                messages = [self.store(contexts) for _ in range(rng.randrange(1, 8))]
                yield Conversation(contexts, messages, calling)
                continue
            abstract, syntax = rng.choice((PATIENT_GET, STUDY_GET)), rng.choice((IMPLICIT, EXPLICIT, IMPLICIT, BIG))
            if kind == "move":
                abstract = rng.choice((PATIENT_MOVE, STUDY_MOVE))
            contexts = [(abstract, [syntax]), (VERIFICATION, [IMPLICIT])]
            classes = [CT, MR, SC] if rng.random() < 0.7 else rng.sample([CT, MR, SC], rng.randrange(3))
            for sop in classes:
                for _ in range(rng.choice((1, 1, 1, 2, 3))):
                    contexts.append((sop, [rng.choice((IMPLICIT, EXPLICIT, BIG))]))
            conversation = Conversation(contexts, [], calling, maximum=rng.choice((16384, 16384, 4096, 0)))
            if rng.random() < 0.8:
                conversation.roles = [(sop, 1, 1) if rng.random() < 0.9 else (sop, 0, 1) for sop in classes]
            for _ in range(rng.randrange(1, 5)):
                if kind == "mixed" and rng.random() < 0.6:
                    conversation.messages.append(self.other(len(contexts)))
                elif kind == "mixed" and rng.random() < 0.3:
                    conversation.messages.append(self.store(contexts))
                elif abstract in (PATIENT_MOVE, STUDY_MOVE):
                    conversation.messages += self.move(0, abstract, syntax)
                else:
                    conversation.messages += self.get(0, abstract, syntax)
            yield conversation


_IDENTIFIER_ODDITIES: Final = (
    "list", "twice", "ending list", "unknown", "empty key", "no key", "wildcard", "star", "case", "no level",
    "empty level", "odd level", "no parents", "wrong parent", "accession", "only accession", "empty accession",
    "more keys",
)  # fmt: skip
_STORE_ODDITIES: Final = (
    "other uid", "other class", "no uid", "no class", "empty uid", "no study", "no series", "empty study",
    "no patient", "empty patient", "truncated", "garbage", "empty", "wrong syntax", "sequence",
    "undefined sequence", "originator", "private", "group length", "padded uid", "other series", "other study",
    "other patient",
)  # fmt: skip
_DROPPED: Final = {
    "no uid": 0x00080018, "no class": 0x00080016, "no study": 0x0020000D, "no series": 0x0020000E,
    "no patient": 0x00100020,
}  # fmt: skip
_EMPTIED: Final = {"empty uid": 0x00080018, "empty study": 0x0020000D, "empty patient": 0x00100020}
_MOVED: Final = {
    "other series": (0x0020000E, "UI"), "other study": (0x0020000D, "UI"), "other patient": (0x00100020, "LO"),
}  # fmt: skip
_LEVELS: Final = ("FOO", "study", "INSTANCE", "STUDYX", "Series", "images", "STU")
_OTHERS: Final = ("echo", "echo other", "cancel", "response", "n", "n data", "undefined", "commitment", "report")


def _odd(
    oddity: str, elements: list[tuple[int, str, Any]], rng: random.Random, uid: str, sop: str
) -> tuple[list[tuple[int, str, Any]], bool, str, str]:
    values = {tag: (vr, value) for tag, vr, value in elements}
    if oddity in _DROPPED:
        del values[_DROPPED[oddity]]
    elif oddity in _EMPTIED:
        tag = _EMPTIED[oddity]
        values[tag] = (values[tag][0], "")
    elif oddity in _MOVED:
        tag, vr = _MOVED[oddity]
        values[tag] = (vr, "PAT7" if vr == "LO" else f"{ROOT}.77")
    elif oddity in ("sequence", "undefined sequence"):
        item = [(0x00081150, "UI", CT), (0x00081155, "UI", "1.2.3")]
        values[0x00081140] = ("SQ", [item, item[:1]])
    elif oddity == "private":
        values[0x00110010] = ("LO", "SOMEBODY")
        values[0x00111001] = ("LO", "x1")
        values[0x00111002] = ("US", 5)
    elif oddity == "group length":
        values[0x00080000] = ("UL", struct.pack("<L", rng.choice((12, 92))))
    if oddity == "other uid":
        uid += "1"
    elif oddity == "padded uid":
        uid += " " if len(uid) % 2 else "  "
    elif oddity == "other class":
        sop = SC if sop != SC else CT
    return [(tag, *each) for tag, each in values.items()], oddity == "undefined sequence", uid, sop
