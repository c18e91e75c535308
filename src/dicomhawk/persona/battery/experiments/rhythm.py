"""How answers are written, and how long they take."""

from __future__ import annotations

from .. import building as b
from ..datasets import data_set
from ..laboratory import Catalogue, Laboratory
from .queries import MODELS, NOBODY, STUDY, ask, level

catalogue = Catalogue()

PER_ASSOCIATION = 50


@catalogue.add("rhythm.echo", "many C-ECHOs: pauses inside the answers, and their times", sampled=True)
def echo(lab: Laboratory) -> None:
    left = lab.samples
    while left > 0:
        line = lab.line(f"{left} left").associate()
        for number in range(min(left, PER_ASSOCIATION)):
            if line.open:
                line.echo(1, number + 1)
        line.finish(0.0)
        left -= PER_ASSOCIATION


@catalogue.add("rhythm.associate", "many associations: the times of their answers", sampled=True)
def associate(lab: Laboratory) -> None:
    for number in range(max(1, lab.samples // 5)):
        line = lab.line(str(number + 1)).associate()
        line.send(b.RELEASE_RQ, "A-RELEASE-RQ").hear().finish(0.0)


@catalogue.add("rhythm.find", "many queries without a match: the times of their answers", sampled=True)
def find(lab: Laboratory) -> None:
    keys = data_set(level("STUDY", ("PatientID", NOBODY), ("StudyInstanceUID", "")))
    left = lab.samples
    while left > 0:
        line = lab.line(f"{left} left").associate(MODELS)
        for number in range(min(left, PER_ASSOCIATION)):
            if STUDY in line.accepted and line.open:
                ask(line, STUDY, keys, "no match", number + 1)
        line.finish(0.0)
        left -= PER_ASSOCIATION
