"""Timers and reactions are found again from what a transcript says of them, without waiting for any."""

from __future__ import annotations

import pytest

from dicomhawk.persona import model
from dicomhawk.persona.battery import building as b
from dicomhawk.persona.battery.transcript import Answer, End, Observation, Step, Take, Transcript
from dicomhawk.persona.model import Persona
from dicomhawk.persona.recorder import fields, services, timers
from dicomhawk.persona.recorder.evidence import Evidence
from dicomhawk.persona.recorder.fit import Fit
from dicomhawk.persona.recorder.notes import Notes
from dicomhawk.persona.recorder.simulate import Simulator
from dicomhawk.upperlayer import dimse, pdu

PATIENCE = 75.0
PROPOSED: tuple[b.Proposal, ...] = ((1, b.VERIFICATION, (b.IMPLICIT,)),)
REQUEST = b.associate("ARCHIVE", "TESTER", b.items(PROPOSED))
WAITED_FOR = {
    "timers.silent": (),
    "timers.idle": (REQUEST,),
    "timers.half-p-data": (REQUEST, b.echo()[:40]),
    "timers.after-release": (REQUEST, b.RELEASE_RQ),
    "timers.half-request": (REQUEST[:90],),
}


def watched(persona: Persona, late: float = 0.0) -> Transcript:
    """What would be seen of a persona's timers, everything noticed a little late."""
    simulator = Simulator(persona, "ARCHIVE", "TESTER")
    found = {}
    for name, sent in WAITED_FOR.items():
        steps = (Step("the connection", b"", ()), *(Step(f"step {n}", data, ()) for n, data in enumerate(sent)))
        foreseen = simulator.play(Take("", steps, End.OPEN, PATIENCE))
        answered = tuple(
            Step(
                step.label,
                step.sent,
                tuple(Answer(d, s + late * (s > 1)) for d, s in zip(said, when, strict=True)),
            )
            for step, said, when in zip(steps, foreseen.steps, foreseen.seconds, strict=True)
        )
        assert foreseen.end is not None
        found[name] = Observation(name, (Take("", answered, foreseen.end, foreseen.ended + late),))
    return Transcript("ARCHIVE", "TESTER", found, {}, PATIENCE)


def fitted(transcript: Transcript, start: Persona) -> Fit:
    fit = Fit(Evidence(transcript), start)
    timers.fit_times(fit, transcript)
    return fit


@pytest.mark.parametrize(("field", "seconds"), [("idle", 12.0), ("artim", 20.0), ("partial_pdu", 45.0)])
def test_another_time_is_found(field: str, seconds: float) -> None:
    orthanc = model.load("orthanc")
    fit = fitted(watched(fields.changed(orthanc, ("wire", field), seconds), late=0.04), orthanc)
    assert not fit.wrong
    assert getattr(fit.persona.wire, field) == seconds


def test_what_is_longer_than_the_patience_is_left_as_it_is_known() -> None:
    orthanc = model.load("orthanc")
    fit = fitted(watched(orthanc), orthanc)
    assert fit.persona == orthanc


def test_a_time_and_what_follows_it_are_found_together() -> None:
    orthanc, dcmqrscp = model.load("orthanc"), model.load("dcmqrscp")
    like_dcmqrscp = fields.changed(orthanc, ("wire",), dcmqrscp.wire)
    fit = fitted(watched(like_dcmqrscp), orthanc)
    assert "timers.idle" not in {fit.evidence.seen[number].experiment for number in fit.wrong}


def test_moments_are_taken_for_what_they_are_meant_to_be() -> None:
    steps = (Step("the connection", b"", (Answer(b.ABORT, 30.04),)),)
    seen = Observation("timers.silent", (Take("", steps, End.FIN, 60.61),))
    assert timers.moments(Transcript("A", "B", {"timers.silent": seen}, {})) == [30.0, 60.0]


# Services, one experiment for each field


def answered(experiment: str, take: str, label: str, *answers: bytes, end: End = End.OPEN) -> Observation:
    step = Step(label, b"", tuple(Answer(data, 0.01) for data in answers))
    return Observation(experiment, (Take(take, (Step("the connection", b"", ()), step), end, 0.0),))


def response(field: int, status: int) -> bytes:
    elements = {
        dimse.Key.CommandField: field | 0x8000,
        dimse.Key.CommandDataSetType: 0x0101,
        dimse.Key.Status: status,
    }
    return b.message(1, dimse.encode(elements))


WORKS = answered("queries.nothing", "", services.FIND, response(0x20, 0))


def found(*observations: Observation) -> tuple[dict[fields.Path, object], Notes]:
    notes = Notes()
    transcript = Transcript("A", "B", {o.experiment: o for o in observations}, {})
    return services.services(transcript, model.load("plain"), notes), notes


def test_a_status_is_seen() -> None:
    bad = answered("queries.bad-levels", "", "C-FIND-RQ unknown", response(0x20, 0xA987))
    assert found(WORKS, bad)[0]["find", "failures", "unknown_level"] == 0xA987


def test_nothing_is_said_of_a_service_that_is_refused_to_us() -> None:
    refused = answered("queries.nothing", "", services.FIND, pdu.encode(pdu.Abort(0, 0)))
    bad = answered("queries.bad-levels", "", "C-FIND-RQ unknown", pdu.encode(pdu.Abort(0, 0)))
    values, notes = found(refused, bad)
    assert not [path for path in values if path[0] == "find"]
    assert "--calling" in notes.unseen["find"]


@pytest.mark.parametrize(
    ("answers", "end", "disposal"),
    [
        ((response(0x20, 0xC123),), End.OPEN, 0xC123),
        ((pdu.encode(pdu.Abort(0, 0)),), End.FIN, "abort"),
        ((), End.FIN, "close"),
        ((), End.OPEN, "ignore"),
    ],
)
def test_what_becomes_of_a_request_is_seen(answers: tuple[bytes, ...], end: End, disposal: object) -> None:
    broken = answered("queries.broken", "noise", "C-FIND-RQ noise", *answers, end=end)
    assert found(WORKS, broken)[0]["find", "failures", "unreadable"] == disposal


def test_commands_that_strangers_may_not_send_are_seen() -> None:
    stranger = answered("queries.stranger", "", "C-FIND-RQ no match", pdu.encode(pdu.Abort(0, 0)))
    values, _ = found(WORKS, stranger)
    assert values["commands", "of_known_callers"] == ("C-FIND",)
    assert values["commands", "of_strangers"] == "abort"


def test_what_is_refused_to_us_leaves_the_other_commands_as_they_were_seen() -> None:
    aborted = pdu.encode(pdu.Abort(0, 0))
    observations = (
        WORKS,
        answered("queries.stranger", "", "C-FIND-RQ no match", aborted),
        answered("storing.objects", "", "C-STORE-RQ", aborted),
        answered("storing.usual", "stranger", "C-STORE-RQ", aborted),
    )
    values, notes = found(*observations)
    assert values["commands", "of_known_callers"] == ("C-FIND",)
    assert notes.unseen["commands.of_known_callers for C-STORE"] == "it was refused to us as it is to strangers"


@pytest.mark.parametrize(("status", "value"), [(0x0000, None), (0xC123, 0xC123)])
def test_a_worklist_is_seen_also_where_nothing_else_is_answered(status: int, value: object) -> None:
    values, _ = found(answered("queries.worklist", "", "C-FIND-RQ nobody", response(0x20, status)))
    assert values["find", "failures", "no_worklist"] == value


@pytest.mark.parametrize(
    ("take", "field"),
    [("other instance", "mismatch"), ("no instance UID", "no_sop_uids"), ("no study", "required_missing")],
)
@pytest.mark.parametrize("status", [0x0000, 0xA7FF])
def test_what_is_kept_all_the_same_is_seen(take: str, field: str, status: int) -> None:
    taken = answered("storing.objects", "", "C-STORE-RQ", response(0x01, 0))
    values, _ = found(taken, answered("storing.wrong", take, "C-STORE-RQ", response(0x01, status)))
    assert values["store", field] == status
