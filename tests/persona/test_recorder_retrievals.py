"""What C-GET and C-MOVE say of a product is found again from a recording, without any network."""

from __future__ import annotations

import pytest

from dicomhawk.persona import model
from dicomhawk.persona.battery import building as b
from dicomhawk.persona.battery.transcript import Answer, End, Observation, Step, Take, Transcript
from dicomhawk.persona.recorder import direct, fields
from dicomhawk.persona.recorder.notes import Notes
from dicomhawk.persona.recorder.retrievals import retrievals
from dicomhawk.upperlayer import dimse
from dicomhawk.upperlayer.dialect import Close
from dicomhawk.upperlayer.dimse import CommandField, Key

GET_RSP, MOVE_RSP = CommandField.C_GET_RQ | 0x8000, CommandField.C_MOVE_RQ | 0x8000
LIST = b"\x08\0\x58\0\2\0\0\x001\0"


def response(field: int, status: int, data: bytes | None = None, **counts: int) -> bytes:
    elements: dict[int, dimse.Value] = {
        Key.CommandField: field,
        Key.CommandDataSetType: 0x0101 if data is None else 1,
        Key.Status: status,
        **{Key[name]: value for name, value in counts.items()},
    }
    return b.message(1, dimse.encode(elements), data)


STORE = b.message(1, b.command(CommandField.C_STORE_RQ, MessageID=1, AffectedSOPInstanceUID="1.2"))


def take(label: str, step: str, *answers: bytes) -> Take:
    units = tuple(Answer(unit, 0.01) for unit in answers)
    return Take(label, (Step("the connection", b"", ()), Step(step, b"", units)), End.OPEN, 0.0)


def transcript(**takes: tuple[Take, ...]) -> Transcript:
    named = {f"retrievals.{name.replace('_', '-')}": found for name, found in takes.items()}
    return Transcript("A", "B", {name: Observation(name, found) for name, found in named.items()}, {})


def split(message: bytes) -> tuple[bytes, ...]:
    """The P-DATA-TFs of a message."""
    size = 6 + int.from_bytes(message[2:6], "big")
    return (message[:size], *split(message[size:])) if message else ()


def got(*bare: bytes, plain: bytes = STORE) -> dict[fields.Path, object]:
    usual = take("usual", "C-GET-RQ", STORE)
    roles, contexts = take("without roles", "C-GET-RQ", plain), take("without contexts", "C-GET-RQ", *bare)
    return retrievals(transcript(get_one=(usual, roles, contexts)), Notes())


def test_an_end_without_failures_is_one_of_the_retrieval() -> None:
    found = got(response(GET_RSP, 0xC000, NumberOfFailedSuboperations=0))
    assert found["get", "roles"] == "any"
    assert (found["get", "no_context"], found["get", "no_context_status"]) == ("end", 0xC000)


@pytest.mark.parametrize(("data", "place"), [(LIST, "data-set"), (None, "none")])
def test_failures_are_counted_and_listed(data: bytes | None, place: str) -> None:
    failure = response(GET_RSP, 0xA702, NumberOfFailedSuboperations=1)
    found = got(*split(response(GET_RSP, 0xA702, data, NumberOfFailedSuboperations=1)), plain=failure)
    assert found["get", "roles"] == "scp"
    assert (found["get", "no_context"], found["get", "progress", "all_failed"]) == ("fail", 0xA702)
    assert found["get", "progress", "failed_list"] == place


def test_without_an_object_nothing_is_said() -> None:
    notes = Notes()
    assert retrievals(transcript(), notes) == {}
    assert notes.unseen["get.roles and what fits no context"] == "no object was sent"


@pytest.mark.parametrize(
    ("nothing", "known", "first", "empty"),
    [(0x0000, 0x0000, False, 0x0000), (0xA801, 0x0000, True, 0x0000), (0xA801, 0xA801, None, None)],
)
def test_what_counts_first_of_a_move(nothing: int, known: int, first: object, empty: object) -> None:
    pair = (
        take("unknown study", "C-MOVE-RQ", response(MOVE_RSP, nothing)),
        take("unknown study to ourselves", "C-MOVE-RQ", response(MOVE_RSP, known)),
    )
    nowhere = (take("", "C-MOVE-RQ", response(MOVE_RSP, 0xA801)),)
    found = retrievals(transcript(move_nothing=pair, move_nowhere=nowhere), Notes())
    assert found["move", "unknown_destination"] == 0xA801
    assert found.get(("move", "destination_first")) is first
    assert found.get(("move", "select", "nothing_found")) == empty


@pytest.mark.parametrize(
    ("size", "answers", "kept"),
    [(7, (b.ABORT,), False), (8, (b.ABORT,), True), (7, (), True)],
    ids=["abort", "even", "passed over"],
)
def test_an_odd_fragment_shows_what_violations_get_in_a_service(
    size: int, answers: tuple[bytes, ...], kept: bool
) -> None:
    orthanc = model.load("orthanc")
    units = tuple(Answer(unit, 0.01) for unit in answers)
    cut = Take("cut", (Step("C-STORE-RQ", bytes(size), units),), End.OPEN, 0.0)
    seen = Transcript("A", "B", {"storing.wrong": Observation("storing.wrong", (cut,))}, {})
    found = direct.apply(orthanc, direct.in_service(seen, orthanc, Notes()), Notes()).wire.in_service
    assert (found == orthanc.wire.in_service) is kept
    assert kept or not any(reaction.close is Close.KEEP for reaction in found.values())


def test_whether_data_sets_have_pdus_of_their_own_is_seen() -> None:
    apart = response(CommandField.C_FIND_RQ | 0x8000, 0xFF00, b"12345678")
    head, body = split(apart)
    together = b.p_data(head[6:], body[6:])
    for answers, packed in ((split(apart), False), ((together,), True)):
        seen = Transcript("A", "B", {"x": Observation("x", (take("", "C-FIND-RQ", *answers),))}, {})
        assert direct.packed(seen, Notes()) == {("wire", "fragments", "packed"): packed}
    notes = Notes()
    assert direct.packed(transcript(), notes) == {}
    assert "wire.fragments.packed" in notes.unseen
