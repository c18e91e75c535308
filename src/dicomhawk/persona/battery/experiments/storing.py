"""C-STORE (PS3.7 9.1.1), and the objects that queries and retrievals ask for afterwards.

Only with leave: the objects stay behind in the archive, under the patient identifiers REC-0001 to REC-0003.
"""

from __future__ import annotations

from ....upperlayer.dimse import CommandField, Value
from .. import building as b
from ..datasets import OBJECTS, SPARE, Made, contents, data_set
from ..laboratory import Catalogue, Laboratory, Needs
from ..line import REPLY_SECONDS, Line, final
from .negotiation import CT, MR

catalogue = Catalogue()

STORING: tuple[b.Proposal, ...] = (
    (1, CT, (b.IMPLICIT,)),
    (3, MR, (b.IMPLICIT,)),
    (5, b.VERIFICATION, (b.IMPLICIT,)),
    (7, CT, (b.EXPLICIT,)),
)
NOISE = bytes(n * 37 + 11 & 0xFF for n in range(200))


def command(made: Made, **changed: Value | None) -> bytes:
    """The command of a C-STORE-RQ; None leaves an element out."""
    elements: dict[str, Value | None] = {
        "AffectedSOPClassUID": made.sop_class_uid,
        "MessageID": 1,
        "Priority": 0,
        "AffectedSOPInstanceUID": made.instance_uid,
    }
    elements.update(changed)
    kept = {keyword: value for keyword, value in elements.items() if value is not None}
    return b.command(CommandField.C_STORE_RQ, data_set=True, **kept)


def store(line: Line, made: Made, *, number: int = 0) -> Line:
    """Store one object, as it should be."""
    number = number or (1 if made.sop_class_uid == CT else 3)
    syntax = line.accepted[number][1] if number in line.accepted else b.IMPLICIT
    return line.send(b.message(number, command(made), data_set(contents(made), syntax)), "C-STORE-RQ").hear(
        final, REPLY_SECONDS
    )


@catalogue.add("storing.objects", "the synthetic objects", needs=Needs.STORING)
def objects(lab: Laboratory) -> None:
    line = lab.line().associate(STORING)
    for made in OBJECTS:
        if line.open:
            store(line, made)
    line.release()


@catalogue.add("storing.again", "an object that is there, and another with its UID", needs=Needs.STORING)
def again(lab: Laboratory) -> None:
    made = SPARE[0]
    for label, name in (("first", b"RECORDER^ANNA"), ("same", b"RECORDER^ANNA"), ("changed", b"RECORDER^OTHER")):
        line = lab.line(label).associate(STORING)
        data = data_set(contents(made, PatientName=name))
        line.send(b.message(1, command(made), data), "C-STORE-RQ").hear(final, REPLY_SECONDS).release()


@catalogue.add("storing.wrong", "objects that are not what the command says, or none", needs=Needs.STORING)
def wrong(lab: Laboratory) -> None:
    made = SPARE[1]
    good = data_set(contents(made))
    for label, number, head, data in (
        ("other instance", 1, command(made, AffectedSOPInstanceUID=SPARE[2].instance_uid), good),
        ("other class", 1, command(made, AffectedSOPClassUID=MR), good),
        ("class of another context", 3, command(made), good),
        ("noise", 1, command(SPARE[3]), NOISE),
        ("cut", 1, command(SPARE[4]), data_set(contents(SPARE[4]))[:-7]),
        ("explicit VR", 1, command(SPARE[5]), data_set(contents(SPARE[5]), b.EXPLICIT)),
        ("empty", 1, command(SPARE[6]), b""),
        ("no instance UID", 1, command(SPARE[7], AffectedSOPInstanceUID=None), data_set(contents(SPARE[7]))),
        ("no class UID", 1, command(SPARE[7], AffectedSOPClassUID=None), data_set(contents(SPARE[7]))),
        ("no study", 1, command(SPARE[7]), data_set(contents(SPARE[7], StudyInstanceUID=""))),
        ("on verification", 5, command(SPARE[7]), data_set(contents(SPARE[7]))),
    ):
        line = lab.line(label).associate(STORING)
        line.send(b.message(number, head, data), "C-STORE-RQ").hear(final, REPLY_SECONDS)
        if line.over:
            line.finish()
        else:
            line.release()


@catalogue.add("storing.usual", "a move originator; many values; a stranger", needs=Needs.STORING)
def usual(lab: Laboratory) -> None:
    made = SPARE[0]
    data = data_set(contents(made))
    head = command(made, MoveOriginatorApplicationEntityTitle="SOMEONE", MoveOriginatorMessageID=7)
    lab.line("move originator").associate(STORING).send(b.message(1, head, data), "C-STORE-RQ").hear(
        final, REPLY_SECONDS
    ).release()
    size = len(data) // 40 + 1
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    values = [b.p_data(b.pdv(1, b.LAST if n == len(parts) - 1 else 0, part)) for n, part in enumerate(parts)]
    line = lab.line("many values").associate(STORING)
    line.send(b.message(1, command(made)) + b"".join(values), "C-STORE-RQ").hear(final, REPLY_SECONDS).release()
    one = b.p_data(b.pdv(1, b.COMMAND | b.LAST, command(made)), b.pdv(1, b.LAST, data))
    lab.line("one PDU").associate(STORING).send(one, "C-STORE-RQ").hear(final, REPLY_SECONDS).release()
    line = lab.line("stranger").associate(STORING, calling=lab.stranger)
    if line.open:
        store(line, made)
    line.release()
    line = lab.line("explicit VR").associate(STORING)
    if 7 in line.accepted:
        store(line, made, number=7)
    line.release()
