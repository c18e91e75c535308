"""How queries are answered is found again from a recording, without any network."""

from __future__ import annotations

import pytest

from dicomhawk.hospital.dialect import Order, RetrieveAE, Unknown
from dicomhawk.persona import model, sopclasses
from dicomhawk.persona.battery import building as b
from dicomhawk.persona.battery.datasets import OBJECTS, contents, data_set
from dicomhawk.persona.battery.experiments import ALL
from dicomhawk.persona.battery.experiments.queries import MODELS
from dicomhawk.persona.battery.experiments.storing import STORING, command
from dicomhawk.persona.battery.laboratory import Laboratory
from dicomhawk.persona.battery.line import Line
from dicomhawk.persona.battery.sampling import synthetic
from dicomhawk.persona.battery.transcript import Answer, End, Observation, Step, Take, Transcript
from dicomhawk.persona.model import Persona
from dicomhawk.persona.recorder import fields
from dicomhawk.persona.recorder.archive import Asked, Found, Kept, queries, sent
from dicomhawk.persona.recorder.matching import EXPERIMENTS, matching
from dicomhawk.persona.recorder.notes import Notes
from dicomhawk.settings import Deployment
from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer.dimse import CommandField
from dicomhawk.upperlayer.negotiation import Accepted, negotiate

OWN = Deployment(seed="0" * 16, hospital="H", locale="en_US", ae_title="ARCHIVE", uid_root="1.2.3")


def response(field: int, status: int, data: bytes | None = None) -> list[bytes]:
    elements: dict[int, dimse.Value] = {
        dimse.Key.CommandField: field | 0x8000,
        dimse.Key.CommandDataSetType: 0x0101 if data is None else 1,
        dimse.Key.Status: status,
    }
    head = b.p_data(b.pdv(3, 3, dimse.encode(elements)))
    return [head] if data is None else [head, b.p_data(b.pdv(3, 2, data))]


class Scripted(Line):
    """A line to nobody: whatever is sent is noted, and an answer made up."""

    def __init__(self, lab: Laboratory, label: str, persona: Persona, kept: Kept | None) -> None:
        self.steps: list[Step] = []
        self.label = label
        self.accepted = {}
        self.answers, self.messages = [], []
        self._persona, self._kept = persona, kept
        self._where = lab

    @property
    def over(self) -> bool:
        return False

    @property
    def open(self) -> bool:
        return True

    def propose(self, proposals) -> None:  # type: ignore[no-untyped-def]
        pass

    def hear(self, enough=None, seconds=None) -> Scripted:  # type: ignore[no-untyped-def, override]
        return self

    def send(self, data: bytes, label: str) -> Scripted:
        self.steps.append(Step(label, data, tuple(Answer(unit, 0.0) for unit in self._answers(data, label))))
        return self

    def finish(self, seconds: float | None = None) -> Take:
        return Take(self.label, tuple(self.steps), End.FIN, 0.0)

    def _answers(self, data: bytes, label: str) -> list[bytes]:
        if label == "A-ASSOCIATE-RQ":
            rq = pdu.decode(data[0], data[1], data[6:])
            assert isinstance(rq, pdu.AssociateRQ)
            outcome = negotiate(rq, self._persona.policy(OWN))
            assert isinstance(outcome, Accepted)
            self.accepted = {
                number: (context.abstract_syntax, context.transfer_syntax)
                for number, context in outcome.contexts.items()
            }
            return [pdu.encode(outcome.ac)]
        if label == "C-STORE-RQ":
            return response(CommandField.C_STORE_RQ, 0)
        if label.startswith("C-FIND-RQ") and self._kept is not None:
            return self._matches(data)
        return []

    def _matches(self, data: bytes) -> list[bytes]:
        request = sent(Step("", data, ()))
        assert request is not None
        assert request.data is not None
        syntax = self.accepted[request.context_id][1]
        asked = Asked("", request.command.sop_class_uid, syntax, request.data, Found((), 0))
        matches, end = self._kept.answering(self._persona).ask(asked)  # type: ignore[union-attr]
        found = [unit for status, match in matches for unit in response(CommandField.C_FIND_RQ, status, match)]
        assert isinstance(end, int)
        return found + response(CommandField.C_FIND_RQ, end)


def recording(persona: Persona) -> Transcript:
    """What would be seen of a persona that was given the synthetic objects and asked for them."""
    lab = Laboratory(("127.0.0.1", 0), "ARCHIVE", "TESTER", sample=synthetic())
    line = Scripted(lab, "", persona, None)
    line.associate(STORING)
    for made in OBJECTS:
        number = 1 if made.modality == "CT" else 3
        line.send(b.message(number, command(made), data_set(contents(made), line.accepted[number][1])), "C-STORE-RQ")
    observations = {"storing.objects": Observation("storing.objects", (line.finish(),))}
    stored = Transcript("ARCHIVE", "TESTER", observations, {})
    with Kept(stored, persona) as kept:
        lab.line = lambda label="": _noted(lab, Scripted(lab, label, persona, kept))  # type: ignore[method-assign]
        for name in ALL.experiments:
            if name in EXPERIMENTS:
                ALL.experiments[name].play(lab)
                observations[name] = Observation(name, lab.takes())
    return stored


def _noted(lab: Laboratory, line: Scripted) -> Scripted:
    lab.lines.append(line)
    return line


def found(truth: Persona, start: Persona) -> tuple[Persona, Notes]:
    notes = Notes()
    return matching(start, recording(truth), notes), notes


@pytest.mark.parametrize(
    "changes",
    [
        {
            ("find", "unknown"): Unknown.OMITTED,
            ("find", "order"): {"PATIENT": Order.DIGEST, "STUDY": Order.STORED, "SERIES": Order.DIGEST},
            ("find", "compare", "insensitive_vrs"): ("LO", "PN"),
        },
        {
            ("find", "retrieve_ae"): RetrieveAE.ALWAYS,
            ("find", "compare", "wildcard_vrs"): ("AE", "CS", "LT", "PN", "SH", "ST", "UC", "UR", "UT"),
            ("find", "failures", "unknown_level"): 0xA987,
        },
    ],
    ids=["contents", "reading"],
)
def test_what_differs_from_a_known_product_is_found(changes: dict[fields.Path, object]) -> None:
    orthanc = truth = model.load("orthanc")
    for path, value in changes.items():
        truth = fields.changed(truth, path, value)
    again, notes = found(truth, orthanc)
    assert {path: fields.get(again, path) for path in changes} == changes
    assert changes.keys() <= notes.seen
    (remark,) = notes.remarks
    total = remark.split()[2]
    assert remark == f"{total} of {total} queries are foreseen to the byte"


@pytest.mark.parametrize("term", ["ISO_IR 192", "ISO_IR 101"])
def test_the_character_set_of_answers_is_found(term: str) -> None:
    orthanc = model.load("orthanc")
    sets = orthanc.find.character_sets.model_copy(update={"answers_in": term, "undeclared": term})
    again, notes = found(fields.changed(orthanc, ("find", "character_sets"), sets), orthanc)
    assert again.find.character_sets == sets
    assert ("find", "character_sets", "answers_in") in notes.seen


def test_what_is_as_known_stays_and_counts_as_seen() -> None:
    orthanc = model.load("orthanc")
    again, notes = found(orthanc, orthanc)
    assert again == orthanc
    assert {("find", "retrieve_ae"), ("find", "counts"), ("find", "compare", "insensitive_vrs")} <= notes.seen
    assert ("find", "cancel_with_match") not in notes.seen


def test_patient_study_only_may_have_all_levels() -> None:
    seen = recording(model.load("dcmqrscp"))
    asked = [one for one in queries(seen, frozenset({"queries.levels"})) if b"SERIES" in one.identifier]
    (answer,) = [one.found for one in asked if one.sop_class == sopclasses.PATIENT_STUDY_FIND]
    assert (len(answer.matches), answer.end) == (2, 0)


def test_without_objects_of_ours_nothing_is_changed() -> None:
    orthanc = model.load("orthanc")
    seen = recording(orthanc)
    del seen.observations["storing.objects"]
    notes = Notes()
    assert matching(orthanc, seen, notes) is orthanc
    assert not notes.seen


def test_the_experiments_are_there() -> None:
    assert set(ALL.experiments) >= EXPERIMENTS
    assert len(MODELS) == 4
