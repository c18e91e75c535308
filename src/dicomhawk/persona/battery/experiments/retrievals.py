"""C-GET and C-MOVE (PS3.4 annex C.4.2 and C.4.3)."""

from __future__ import annotations

from collections.abc import Sequence

from ....upperlayer.dimse import CommandField, Value
from ... import sopclasses
from .. import building as b
from ..datasets import Key, data_set
from ..laboratory import Catalogue, Laboratory, Needs
from ..line import REPLY_SECONDS, Line, answered, final
from .negotiation import CT, MR
from .queries import level

catalogue = Catalogue()

GETTING: tuple[b.Proposal, ...] = (
    (1, sopclasses.STUDY_ROOT_GET, (b.IMPLICIT,)),
    (3, CT, (b.EXPLICIT, b.IMPLICIT)),
    (5, MR, (b.EXPLICIT, b.IMPLICIT)),
)
MOVING: tuple[b.Proposal, ...] = ((1, sopclasses.STUDY_ROOT_MOVE, (b.IMPLICIT,)),)
NO_DESTINATION = "NOWHERE"
"""An AE title that no archive has in its configuration."""
MOVE_SECONDS = 20.0
SUB_OPERATIONS = 24
"""C-STORE sub-operations that are answered; nothing here asks for more objects."""
NOTHING = level("STUDY", ("StudyInstanceUID", b.NOWHERE))
NOISE = bytes(n * 37 + 11 & 0xFF for n in range(60))


def get(line: Line, keys: bytes | None, *, answering: bool = True) -> Line:
    """C-GET; every sub-operation is answered with success."""
    head = b.command(
        CommandField.C_GET_RQ,
        data_set=keys is not None,
        AffectedSOPClassUID=sopclasses.STUDY_ROOT_GET,
        MessageID=1,
        Priority=0,
    )
    line.send(b.message(1, head, keys), "C-GET-RQ").hear(answered, REPLY_SECONDS)
    for _ in range(SUB_OPERATIONS if answering else 0):
        asked = [m for m in line.messages if m.complete and m.command.command_field == CommandField.C_STORE_RQ]
        if final(line) or not asked:
            break
        request = asked[-1]
        response = b.command(
            CommandField.C_STORE_RSP,
            AffectedSOPClassUID=request.command.sop_class_uid,
            MessageIDBeingRespondedTo=request.command.message_id,
            AffectedSOPInstanceUID=request.command.sop_instance_uid,
            Status=0,
        )
        line.send(b.message(request.context_id, response), "C-STORE-RSP").hear(answered, REPLY_SECONDS)
    return line


def move(line: Line, keys: bytes | None, destination: str | None) -> Line:
    """C-MOVE to somewhere that can't be reached."""
    more: dict[str, Value] = {} if destination is None else {"MoveDestination": destination}
    head = b.command(
        CommandField.C_MOVE_RQ,
        data_set=keys is not None,
        AffectedSOPClassUID=sopclasses.STUDY_ROOT_MOVE,
        MessageID=1,
        Priority=0,
        **more,
    )
    return line.send(b.message(1, head, keys), "C-MOVE-RQ").hear(final, MOVE_SECONDS)


_ROLES = b.user(b.role(CT, 1, 1), b.role(MR, 1, 1))


@catalogue.add("retrievals.get-nothing", "C-GET of what doesn't exist, and with keys that are wrong")
def get_nothing(lab: Laboratory) -> None:
    for label, keys in (
        ("unknown study", data_set(NOTHING)),
        ("unknown series", data_set(level("SERIES", ("SeriesInstanceUID", b.NOWHERE)))),
        ("unknown image", data_set([("SOPInstanceUID", b.NOWHERE), *level("IMAGE")])),
        ("no level", data_set([("StudyInstanceUID", b.NOWHERE)])),
        ("unknown level", data_set(level("FOO", ("StudyInstanceUID", b.NOWHERE)))),
        ("no UID", data_set(level("STUDY", ("PatientID", "REC-NOBODY")))),
        ("empty UID", data_set(level("STUDY", ("StudyInstanceUID", "")))),
        ("noise", NOISE),
        ("empty", b""),
        ("none announced", None),
    ):
        if label == "empty UID" and lab.sample is not None and not lab.sample.ours:
            continue  # a product that takes it for all studies would send all of them
        line = lab.line(label).associate(GETTING, information=_ROLES)
        if 1 in line.accepted:
            get(line, keys)
        _leave(line)


@catalogue.add("retrievals.move-nothing", "C-MOVE of what doesn't exist, and to nowhere")
def move_nothing(lab: Laboratory) -> None:
    for label, keys, destination in (
        ("unknown study", data_set(NOTHING), NO_DESTINATION),
        ("unknown study to ourselves", data_set(NOTHING), lab.calling),
        ("no destination", data_set(NOTHING), None),
        ("empty destination", data_set(NOTHING), ""),
        ("no level", data_set([("StudyInstanceUID", b.NOWHERE)]), NO_DESTINATION),
        ("no UID", data_set(level("STUDY", ("PatientID", "REC-NOBODY"))), NO_DESTINATION),
        ("unknown level", data_set(level("FOO", ("StudyInstanceUID", b.NOWHERE))), NO_DESTINATION),
        ("noise", NOISE, NO_DESTINATION),
        ("none announced", None, NO_DESTINATION),
    ):
        line = lab.line(label).associate(MOVING)
        if 1 in line.accepted:
            move(line, keys, destination)
        _leave(line)


def _leave(line: Line) -> None:
    if line.over:
        line.finish()
    else:
        line.release()


@catalogue.add("retrievals.stranger", "C-GET and C-MOVE from an AE title that isn't known")
def stranger(lab: Laboratory) -> None:
    line = lab.line("get").associate(GETTING, calling=lab.stranger, information=_ROLES)
    if 1 in line.accepted:
        get(line, data_set(NOTHING))
    _leave(line)
    line = lab.line("move").associate(MOVING, calling=lab.stranger)
    if 1 in line.accepted:
        move(line, data_set(NOTHING), NO_DESTINATION)
    _leave(line)


def _keys(lab: Laboratory, *, one: bool) -> list[Key]:
    sample = lab.sample
    if sample is None:
        return NOTHING
    if not one:
        return level("STUDY", ("StudyInstanceUID", sample.study_uid))
    above: Sequence[Key] = (("StudyInstanceUID", sample.study_uid), ("SeriesInstanceUID", sample.series_uid))
    return [("SOPInstanceUID", sample.instance_uid), *level("IMAGE", *above)]


@catalogue.add("retrievals.get-one", "C-GET of one image", needs=Needs.SAMPLE)
def get_one(lab: Laboratory) -> None:
    sop_class = CT if lab.sample is None else lab.sample.sop_class_uid
    for label, proposals, information in (
        ("usual", ((1, sopclasses.STUDY_ROOT_GET, (b.IMPLICIT,)), (3, sop_class, (b.EXPLICIT, b.IMPLICIT))), True),
        ("implicit VR only", ((1, sopclasses.STUDY_ROOT_GET, (b.IMPLICIT,)), (3, sop_class, (b.IMPLICIT,))), True),
        ("without roles", ((1, sopclasses.STUDY_ROOT_GET, (b.IMPLICIT,)), (3, sop_class, (b.IMPLICIT,))), False),
        ("without contexts", ((1, sopclasses.STUDY_ROOT_GET, (b.IMPLICIT,)),), False),
    ):
        roles = b.user(b.role(sop_class, 1, 1)) if information else b.user()
        line = lab.line(label).associate(proposals, information=roles)
        if 1 in line.accepted:
            get(line, data_set(_keys(lab, one=True)))
        _leave(line)


@catalogue.add("retrievals.get-study", "C-GET of a study", needs=Needs.STORING)
def get_study(lab: Laboratory) -> None:
    for label, keys in (
        ("usual", data_set(_keys(lab, one=False))),
        ("no level", data_set(_keys(lab, one=False)[1:])),
        ("by patient", data_set(level("STUDY", ("PatientID", "REC-0001")))),
    ):
        line = lab.line(label).associate(GETTING, information=_ROLES)
        if 1 in line.accepted:
            get(line, data_set(_keys(lab, one=False)) if label == "usual" else keys)
        _leave(line)


@catalogue.add("retrievals.move-nowhere", "C-MOVE of one image to an AE title that isn't known", needs=Needs.SAMPLE)
def move_nowhere(lab: Laboratory) -> None:
    line = lab.line().associate(MOVING)
    if 1 in line.accepted:
        move(line, data_set(_keys(lab, one=True)), NO_DESTINATION)
    _leave(line)
