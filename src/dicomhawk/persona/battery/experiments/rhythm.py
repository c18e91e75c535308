"""How answers are written, and how long they take."""

from __future__ import annotations

from .. import building as b
from ..datasets import SPARE, data_set
from ..laboratory import Catalogue, Laboratory, Needs
from .queries import MODELS, NOBODY, STUDY, ask, level
from .retrievals import GETTING, NOTHING, get
from .storing import STORING, store

catalogue = Catalogue()

PER_ASSOCIATION = 50
FEWER = 5
"""Associations, retrievals and objects are one fifth as many as the others: each costs more."""
ENOUGH = 30
"""But so many at least: fewer say little of a distribution."""


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
    for number in range(max(ENOUGH, lab.samples // FEWER)):
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


@catalogue.add("rhythm.retrieve", "many C-GETs of what doesn't exist: the times of their answers", sampled=True)
def retrieve(lab: Laboratory) -> None:
    keys = data_set(NOTHING)
    line = lab.line().associate(GETTING)
    for _ in range(max(ENOUGH, lab.samples // FEWER)):
        if 1 in line.accepted and line.open:
            get(line, keys, answering=False)
    line.finish(0.0)


@catalogue.add("rhythm.store", "an object many times: the times of the answers", needs=Needs.STORING, sampled=True)
def storing(lab: Laboratory) -> None:
    line = lab.line().associate(STORING)
    for _ in range(max(ENOUGH, lab.samples // FEWER)):
        if 1 in line.accepted and line.open:
            store(line, SPARE[0])
    line.finish(0.0)
