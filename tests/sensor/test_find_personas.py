"""Queries that are odd in their command or identifier, as the measured personas take them.

What is expected here was seen of Orthanc 1.10.1 and of dcmqrscp 3.6.7; the neutral one keeps to PS3.4 and PS3.7.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sensor.conftest import DEPLOYMENT
from tests.sensor.scu import STUDY_FIND, WORKLIST
from tests.soak.exchanges import (
    CT,
    HAS_DATA,
    IMPLICIT,
    NO_DATA,
    STUDY_GET,
    VERIFICATION,
    Conversation,
    Message,
    command,
    data_set,
    elements_of,
    hold,
)
from tests.support import Sensor

CONTEXTS = [(uid, [IMPLICIT]) for uid in (VERIFICATION, STUDY_FIND, STUDY_GET)]
ON_VERIFICATION, ON_FIND, ON_GET = range(3)
LEVEL, UID = (0x00080052, "CS", "STUDY"), (0x0020000D, "UI", "1.2.3")
GOOD = data_set([LEVEL, UID], IMPLICIT)
UNREADABLE = b"\xff" * 20
ECHO = Message(ON_VERIFICATION, command(sop=VERIFICATION, field=0x30, message_id=9, data=NO_DATA), what="echo")


@pytest.fixture(scope="module", params=["orthanc", "dcmqrscp", "plain"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A persona, and the port of a sensor that is it and has nothing."""
    data = tmp_path_factory.mktemp(request.param) / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT + "[hospital]\nstudies = 0\n")
    flags = ("--persona", request.param, "--ae-title", "ORTHANC", "--remote", "PROBE@127.0.0.1:11999")
    with Sensor(data, workers=1, flags=flags) as sensor:
        yield request.param, sensor.port


def find(sop: str, data: bytes, *, context: int = ON_FIND, joined: bool = False) -> Message:
    """A query."""
    asked = command(sop=sop, field=0x20, message_id=1, priority=0, data=HAS_DATA)
    return Message(context, asked, data, what="find", joined=joined)


def answers(port: int, *messages: Message, maximum: int = 16384) -> list[int | str]:
    """The statuses of all that comes back, in order, and "abort" or "closed"."""
    found: list[int | str] = []
    for unit in hold(Conversation(CONTEXTS, list(messages), maximum=maximum), port)[1:]:
        if unit.startswith("04"):
            found.append(int.from_bytes(elements_of(bytes.fromhex(unit)[12:])[0x0900], "little"))
        elif unit.startswith("07"):
            found.append("abort")
        elif unit == "closed":
            found.append(unit)
    return found


@pytest.mark.parametrize("context", [ON_FIND, ON_VERIFICATION], ids=["find", "verification"])
@pytest.mark.parametrize(
    ("sop", "expected"),
    [
        (VERIFICATION, {"orthanc": 0x0000, "dcmqrscp": 0x0122, "plain": 0x0122}),
        (CT, {"orthanc": 0x0000, "dcmqrscp": 0x0122, "plain": 0x0122}),
        (STUDY_GET, {"orthanc": 0x0000, "dcmqrscp": 0x0122, "plain": 0x0122}),
        (WORKLIST, {"orthanc": 0xC000, "dcmqrscp": 0x0122, "plain": 0x0122}),
        ("1.2.3.4", {"orthanc": 0x0000, "dcmqrscp": 0x0122, "plain": 0x0122}),
    ],
    ids=["verification", "ct", "get", "worklist", "nothing"],
)
def test_queries_of_other_classes(served: tuple[str, int], context: int, sop: str, expected: dict[str, int]) -> None:
    persona, port = served
    assert answers(port, find(sop, GOOD, context=context), ECHO) == [expected[persona], 0x0000]


def test_a_command_behind_an_unreadable_identifier(served: tuple[str, int]) -> None:
    persona, port = served
    expected: dict[str, list[int | str]] = {"orthanc": [0x0000], "dcmqrscp": ["abort"], "plain": [0xC000, 0x0000]}
    found = answers(port, find(STUDY_FIND, UNREADABLE, joined=True), ECHO)
    assert found[: len(expected[persona])] == expected[persona]


def test_a_command_behind_an_unreadable_identifier_of_a_retrieval(served: tuple[str, int]) -> None:
    persona, port = served
    expected: dict[str, list[int | str]] = {"orthanc": [0x0000], "dcmqrscp": ["abort"], "plain": [0xC001, 0x0000]}
    asked = command(sop=STUDY_GET, field=0x10, message_id=1, priority=0, data=HAS_DATA)
    found = answers(port, Message(ON_GET, asked, UNREADABLE, what="get", joined=True), ECHO)
    assert found[: len(expected[persona])] == expected[persona]


def test_a_command_behind_a_query_that_fails(served: tuple[str, int]) -> None:
    """The products look for a C-CANCEL first, and end with anything else that they see."""
    persona, port = served
    expected: dict[str, list[int | str]] = {"orthanc": [], "dcmqrscp": ["abort"], "plain": [0xA900, 0x0000]}
    bad = data_set([(0x00080052, "CS", "NOTHING")], IMPLICIT)
    assert answers(port, find(STUDY_FIND, bad, joined=True), ECHO)[: len(expected[persona]) or 1] == expected[persona]


@pytest.mark.parametrize("field", [0x20, 0x10], ids=["find", "get"])
def test_of_two_levels_one_counts(served: tuple[str, int], field: int) -> None:
    persona, port = served
    sop, context = (STUDY_FIND, ON_FIND) if field == 0x20 else (STUDY_GET, ON_GET)
    twice = (
        data_set([LEVEL], IMPLICIT) + data_set([(0x00080052, "CS", "NOTHING")], IMPLICIT) + data_set([UID], IMPLICIT)
    )
    asked = command(sop=sop, field=field, message_id=1, priority=0, data=HAS_DATA)
    right = answers(port, Message(context, asked, GOOD, what="once"))
    found = answers(port, Message(context, asked, twice, what="twice"))
    assert (found == right) == (persona != "plain")


INTRUDERS = {
    "a response": Message(ON_FIND, command(field=0x8020, responded=1, data=NO_DATA, status=0)),
    "a cancel on another context": Message(ON_GET, command(field=0x0FFF, responded=1, data=NO_DATA)),
    "a cancel of nothing": Message(ON_FIND, command(field=0x0FFF, data=NO_DATA)),
    "no command": Message(ON_FIND, UNREADABLE),
}


@pytest.mark.parametrize("intruder", INTRUDERS.values(), ids=INTRUDERS)
def test_what_comes_while_a_query_runs(served: tuple[str, int], intruder: Message) -> None:
    """Orthanc says nothing of it, nor of the query, and goes on with the next command."""
    persona, port = served
    expected: dict[str, list[int | str]] = {"orthanc": [0x0000], "dcmqrscp": ["abort"], "plain": [0x0000, 0x0000]}
    if intruder.command == UNREADABLE:
        expected["plain"] = ["abort"]
    elif intruder is INTRUDERS["a cancel on another context"]:
        expected["plain"] = [0xFE00, 0x0000]  # the Message ID is the query's
    assert answers(port, find(STUDY_FIND, GOOD, joined=True), intruder, ECHO) == expected[persona]


def test_no_room_for_an_answer(served: tuple[str, int]) -> None:
    """A maximum length within which no fragment of a response can be sent."""
    persona, port = served
    expected: dict[str, list[int | str]] = {"orthanc": [], "dcmqrscp": ["abort"], "plain": [0x0000]}
    assert answers(port, find(STUDY_FIND, GOOD), maximum=2) == expected[persona]
