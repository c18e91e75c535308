"""Response times become distributions, and a service that takes any SOP class a group of contexts."""

from __future__ import annotations

import pytest

from dicomhawk.persona import model
from dicomhawk.persona.battery import building as b
from dicomhawk.persona.battery.experiments.syntaxes import ORDERS, abstract_syntaxes, transfer_syntaxes
from dicomhawk.persona.battery.transcript import Answer, End, Observation, Step, Take, Transcript
from dicomhawk.persona.model import Persona
from dicomhawk.persona.model.negotiation import Group
from dicomhawk.persona.model.timing import Timing
from dicomhawk.persona.recorder import contexts, fields
from dicomhawk.persona.recorder.notes import Notes
from dicomhawk.persona.recorder.pace import pace
from dicomhawk.settings import Deployment
from dicomhawk.upperlayer import pdu
from dicomhawk.upperlayer.negotiation import Accepted, negotiate

OWN = Deployment(seed="0" * 16, hospital="H", locale="en_US", ae_title="ARCHIVE", uid_root="1.2.3")


def timed(experiment: str, label: str, *milliseconds: float, answer: bytes = b"") -> Transcript:
    steps = tuple(
        Step(label, b"", (Answer(answer or b.echo(), ms / 1000 + 0.04, (12,), ms / 1000),)) for ms in milliseconds
    )
    return Transcript("A", "B", {experiment: Observation(experiment, (Take("", steps, End.FIN, 0.0),))}, {})


def test_a_distribution_is_of_the_first_bytes() -> None:
    found = pace(timed("rhythm.find", "C-FIND-RQ no match", *(10 + n / 10 for n in range(101))), Notes())
    quantiles = found["timing", "find"]
    assert quantiles == (10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 19.8)
    assert Timing(find=quantiles).find == quantiles


def test_one_late_answer_is_an_accident() -> None:
    times = [5.0] * 49 + [900.0]
    assert pace(timed("rhythm.find", "C-FIND-RQ", *times), Notes())["timing", "find"] == (5.0,) * 11


def test_what_is_answered_at_once_needs_no_waiting() -> None:
    assert pace(timed("rhythm.echo", "C-ECHO-RQ", *[0.4] * 95, *[30.0] * 5), Notes()) == {("timing", "echo"): ()}


@pytest.mark.parametrize(
    ("count", "answer", "said"),
    [(8, b"", "only 8 answers were timed"), (40, b.ABORT, "only 0 answers were timed")],
)
def test_too_few_answers_say_nothing(count: int, answer: bytes, said: str) -> None:
    notes = Notes()
    assert pace(timed("rhythm.retrieve", "C-GET-RQ", *[5.0] * count, answer=answer), notes) == {}
    assert notes.unseen["timing.retrieve"] == said


# Any abstract syntax


def swept(persona: Persona) -> Transcript:
    """The answers of a persona to the sweeps."""
    policy = persona.policy(OWN)
    known = abstract_syntaxes()
    offers: dict[str, list[list[b.Proposal]]] = {
        "syntaxes.abstract": [
            [(2 * n + 1, uid, (b.EXPLICIT, b.IMPLICIT)) for n, uid in enumerate(known[start : start + 100])]
            for start in range(0, len(known), 100)
        ],
        "syntaxes.alone-unknown": [[(2 * n + 1, b.NOWHERE, (s,)) for n, s in enumerate(transfer_syntaxes())]],
        "syntaxes.picked-unknown": [[(2 * n + 1, b.NOWHERE, offer) for n, offer in enumerate(ORDERS)]],
    }
    observations = {}
    for name, lines in offers.items():
        takes = []
        for proposals in lines:
            data = b.associate("ARCHIVE", "TESTER", b.items(proposals))
            rq = pdu.decode(data[0], data[1], data[6:])
            assert isinstance(rq, pdu.AssociateRQ)
            outcome = negotiate(rq, policy)
            assert isinstance(outcome, Accepted)
            step = Step("A-ASSOCIATE-RQ", data, (Answer(pdu.encode(outcome.ac), 0.0),))
            takes.append(Take("", (step,), End.OPEN, 0.0))
        observations[name] = Observation(name, tuple(takes))
    return Transcript("ARCHIVE", "TESTER", observations, {})


def test_any_abstract_syntax_is_seen_with_an_invented_one() -> None:
    orthanc = model.load("orthanc")
    others = Group(
        name="others",
        abstract_syntaxes=("*",),
        without=("BasicFilmBox", "ModalityPerformedProcedureStep"),
        transfer_syntaxes=("explicit-le", "implicit-le", "deflated"),
        prefer="acceptor",
    )
    known = orthanc.contexts.groups
    truth = fields.changed(orthanc, ("contexts", "groups"), (*known, others))
    found = contexts.groups(swept(truth), orthanc)
    assert found is not None
    last = found[-1]
    assert (last.abstract_syntaxes, set(last.without)) == (("*",), set(others.without))
    assert last.transfer_syntaxes == others.transfer_syntaxes
    again = fields.changed(orthanc, ("contexts", "groups"), found)
    assert again.contexts.stores("1.2.3.4")
    assert not again.contexts.stores("1.2.840.10008.5.1.1.2")


def test_without_one_the_groups_are_as_they_were() -> None:
    orthanc = model.load("orthanc")
    found = contexts.groups(swept(orthanc), orthanc)
    assert found is not None
    assert not any("*" in group.abstract_syntaxes for group in found)
