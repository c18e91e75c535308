"""Something that the archive holds, to ask for: a synthetic object of ours, or one that was there before."""

from __future__ import annotations

from collections.abc import Sequence

from ...hospital import elements
from ...upperlayer.dimse import CommandField
from .. import sopclasses
from . import building as b
from .datasets import OBJECTS, Key, data_set
from .experiments.queries import MODELS, STUDY, level
from .experiments.storing import STORING
from .laboratory import Laboratory, Sample
from .line import Line
from .reading import messages
from .transcript import Answer, Transcript

STUDY_UID, SERIES_UID, INSTANCE_UID, CLASS_UID = 0x0020000D, 0x0020000E, 0x00080018, 0x00080016
PATIENT_ID = 0x00100020
DRAIN_SECONDS = 2.0
"""For answers that come in spite of the C-CANCEL."""


def stored(transcript: Transcript) -> bool:
    """Whether the synthetic objects were taken: as many answers of success as objects."""
    take = transcript.take("storing.objects")
    if take is None:
        return False
    good = [step for step in take.steps if step.label == "C-STORE-RQ" and _success(step.answers)]
    return len(good) == len(OBJECTS)


def _success(answers: Sequence[Answer]) -> bool:
    return any(message.command.status == 0 for message in messages(answers))


def synthetic() -> Sample:
    """The first of the synthetic objects."""
    first = OBJECTS[0]
    return Sample(
        first.patient_id, first.study_uid, first.series_uid, first.instance_uid, first.sop_class_uid, ours=True
    )


def existing(lab: Laboratory) -> Sample | None:
    """An object that is there, found by three queries, each cancelled after its first answer; None if there is
    none, or queries are refused."""
    study = _first(lab, [*level("STUDY", ("PatientID", ""), ("StudyInstanceUID", ""))])
    if not study.get(STUDY_UID):
        return None
    above: list[Key] = [("StudyInstanceUID", study[STUDY_UID])]
    series = _first(lab, [*level("SERIES", *above, ("SeriesInstanceUID", ""))])
    if not series.get(SERIES_UID):
        return None
    above.append(("SeriesInstanceUID", series[SERIES_UID]))
    image = _first(lab, [("SOPClassUID", ""), ("SOPInstanceUID", ""), *level("IMAGE", *above)])
    if not image.get(INSTANCE_UID):
        return None
    return Sample(
        study.get(PATIENT_ID, ""),
        study[STUDY_UID],
        series[SERIES_UID],
        image[INSTANCE_UID],
        image.get(CLASS_UID) or STORING[0][1] or "",
        ours=False,
    )


def _first(lab: Laboratory, keys: Sequence[Key]) -> dict[int, str]:
    """Values of the first answer to a query, by tag."""
    line = Line(lab, "looking for something to ask for").associate(MODELS)
    found: dict[int, str] = {}
    if STUDY in line.accepted:
        head = b.command(
            CommandField.C_FIND_RQ,
            data_set=True,
            AffectedSOPClassUID=sopclasses.STUDY_ROOT_FIND,
            MessageID=1,
            Priority=0,
        )
        line.send(b.message(STUDY, head, data_set(keys)), "C-FIND-RQ")
        line.hear(lambda line: line.over or any(message.complete for message in line.messages), 10.0)
        for message in line.messages:
            if message.data is not None and not found:
                found = _values(message.data)
        if found and not line.over:
            cancel = b.command(CommandField.C_CANCEL_RQ, MessageIDBeingRespondedTo=1)
            line.send(b.message(STUDY, cancel), "C-CANCEL-RQ").watch(DRAIN_SECONDS)
    line.send(b.ABORT, "A-ABORT").finish(0.0)
    return found


def _values(data: bytes) -> dict[int, str]:
    try:
        read = elements.decode(data, b.IMPLICIT)
    except elements.ElementsError:
        return {}
    return {
        tag: element.value.decode("latin-1").strip("\0 ")
        for tag, element in read.items()
        if isinstance(element.value, bytes)
    }
