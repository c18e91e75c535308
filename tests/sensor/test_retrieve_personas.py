"""Storage and retrieval as the measured personas have them: order, statuses, what becomes of failures and duplicates.

What is expected here was seen of Orthanc 1.10.1 and of dcmqrscp 3.6.7; the soak tests ask the products themselves.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.hospital.elements import DEFLATED_LE, deflated
from tests.sensor.conftest import DEPLOYMENT
from tests.sensor.raw import ending, receive_pdu
from tests.sensor.scu import STUDY_FIND
from tests.soak.exchanges import (
    COMMITMENT,
    COMMITMENT_INSTANCE,
    CT,
    EXPLICIT,
    HAS_DATA,
    IMPLICIT,
    MR,
    NO_DATA,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    Conversation,
    Message,
    association,
    command,
    data_set,
    elements_of,
    hold,
    pdata,
)
from tests.support import Sensor

STUDY = "1.2.840.99.1"
STORED = [f"{STUDY}.{series}.{number}" for series, number in ((2, 1), (1, 2), (1, 1))]
PATIENT_STUDY_FIND = "1.2.840.10008.5.1.4.1.2.3.1"
RELEASE_RQ, REJECTION = bytes.fromhex("05000000000400000000"), bytes.fromhex("03000000000400010101")
REMOTES = ("PROBE@127.0.0.1:11999", "ELSEWHERE@127.0.0.1:11999", "PROBEDEAD@127.0.0.1:1/down")


def sensor_of(persona: str, folder: Path) -> Sensor:
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    (data / "dicomhawk.toml").write_text(DEPLOYMENT + "[hospital]\nstudies = 0\n")
    flags = [
        "--persona",
        persona,
        "--ae-title",
        "ORTHANC",
        *(word for each in REMOTES for word in ("--remote", each)),
    ]
    return Sensor(data, workers=1, flags=flags)


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with sensor_of("orthanc", tmp_path_factory.mktemp("orthanc")) as sensor:
        fill(sensor.port)
        yield sensor.port


@pytest.fixture(scope="module")
def dcmqrscp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with sensor_of("dcmqrscp", tmp_path_factory.mktemp("dcmqrscp")) as sensor:
        fill(sensor.port)
        yield sensor.port


def image(uid: str, name: str = "First^One", **more: str) -> bytes:
    """An object of the study, in implicit VR."""
    series = uid.rpartition(".")[0]
    elements: list[tuple[int, str, Any]] = [
        (0x00080016, "UI", CT),
        (0x00080018, "UI", uid),
        (0x00080050, "SH", "A1"),
        (0x00100010, "PN", name),
        (0x00100020, "LO", more.get("patient", "P1")),
        (0x0020000D, "UI", more.get("study", STUDY)),
        (0x0020000E, "UI", series),
    ]
    return data_set(elements, IMPLICIT)


def store(port: int, data: bytes, uid: str, sop: str = CT) -> list[str]:
    """What comes back for a C-STORE."""
    request = command(sop=sop, field=1, message_id=1, priority=0, data=HAS_DATA, instance=uid)
    return hold(Conversation([(CT, [IMPLICIT])], [Message(0, request, data)]), port)[2:]


def fill(port: int) -> None:
    """Store the study's objects."""
    for uid in STORED:
        assert status(store(port, image(uid), uid)[0]) == 0


def get(
    port: int, keys: list[tuple[int, str, Any]], *, roles: bool = True, calling: str = "PROBE", **how: Any
) -> list[str]:
    """What comes back for a C-GET."""
    contexts = how.get("contexts", [(STUDY_GET, [IMPLICIT]), (CT, [EXPLICIT]), (CT, [IMPLICIT])])
    request = command(sop=STUDY_GET, field=0x10, message_id=5, priority=2, data=HAS_DATA)
    message = Message(0, request, data_set(keys, IMPLICIT), answers=how.get("answers", ()))
    agreed = how.get("agreed", [(CT, 1, 1)] if roles else [])
    return hold(Conversation(contexts, [message], calling, agreed, how.get("maximum", 16384)), port)[2:]


def move(port: int, destination: str) -> list[str]:
    """What comes back for a C-MOVE of the study."""
    request = command(sop=STUDY_MOVE, field=0x21, message_id=5, priority=0, data=HAS_DATA, destination=destination)
    message = Message(0, request, data_set(THE_STUDY, IMPLICIT))
    return hold(Conversation([(STUDY_MOVE, [IMPLICIT])], [message]), port)[2:]


def say(port: int, request: bytes, data: bytes | None = None, abstract: str = VERIFICATION) -> list[str]:
    """What comes back for some command."""
    return hold(Conversation([(abstract, [IMPLICIT])], [Message(0, request, data)]), port)[2:]


THE_STUDY = [(0x00080052, "CS", "STUDY"), (0x0020000D, "UI", STUDY)]
COUNTERS = (0x1020, 0x1021, 0x1022, 0x1023)


def commands(units: list[str]) -> list[dict[int, bytes]]:
    """The command sets among PDUs."""
    found = [bytes.fromhex(unit) for unit in units if unit.startswith("04")]
    return [elements_of(unit[12:]) for unit in found if unit[11] & 1]


def sent(units: list[str]) -> list[str]:
    """SOP Instance UIDs of the C-STORE-RQs among PDUs."""
    return [each[0x1000].rstrip(b"\0").decode() for each in commands(units) if each[0x0100] == b"\1\0"]


def status(unit: str) -> int:
    return int.from_bytes(elements_of(bytes.fromhex(unit)[12:])[0x0900], "little")


def counters(elements: dict[int, bytes]) -> list[int | None]:
    """Remaining, completed, failed, warning; None: not there."""
    return [int.from_bytes(elements[key], "little") if key in elements else None for key in COUNTERS]


def last(units: list[str]) -> dict[int, bytes]:
    return commands(units)[-1]


def is_abort(units: list[str]) -> bool:
    return bool(units) and units[0] == "07000000000400000000"


def test_orthanc_sends_the_newest_first(orthanc: int) -> None:
    units = get(orthanc, THE_STUDY)
    assert sent(units) == [f"{STUDY}.1.1", f"{STUDY}.1.2", f"{STUDY}.2.1"]
    assert counters(last(units)) == [None, 3, 0, 0]
    assert status_of(last(units)) == 0
    context = bytes.fromhex(units[0])[10]
    assert context == 5  # implicit VR, as it was stored
    assert last([units[0]])[0x0700] == b"\0\0"


def test_dcmqrscp_sends_what_came_first(dcmqrscp: int) -> None:
    units = get(dcmqrscp, THE_STUDY)
    assert sent(units) == STORED
    assert bytes.fromhex(units[0])[10] == 3  # the first context of the class
    assert last([units[0]])[0x0700] == b"\2\0"


@pytest.mark.parametrize("maximum", [24, 40, 100])
def test_objects_are_cut_between_elements(orthanc: int, dcmqrscp: int, maximum: int) -> None:
    for port in (orthanc, dcmqrscp):
        units = [bytes.fromhex(unit) for unit in get(port, THE_STUDY, maximum=maximum) if unit.startswith("04")]
        pieces = [unit[12:] for unit in units if not unit[11] & 1]
        end = next(number for number, unit in enumerate(units) if unit[11] == 2)
        first = [unit[12:] for unit in units[: end + 1] if not unit[11] & 1]
        implicit = image(STORED[0]) if port == dcmqrscp else image(STORED[2])
        assert max(map(len, pieces)) <= maximum - 12
        ends = {sum(map(len, first[: number + 1])) for number in range(len(first) - 1)}
        assert ends
        data = b"".join(first)
        explicit = data[4:6] == b"UI"
        assert explicit or data == implicit
        at = 0
        while at < len(data):
            assert not ends & set(range(at + 1, at + 8)), (at, sorted(ends))
            at += 8 + int.from_bytes(data[at + 6 : at + 8] if explicit else data[at + 4 : at + 8], "little")


def status_of(elements: dict[int, bytes]) -> int:
    return int.from_bytes(elements[0x0900], "little")


def test_roles(orthanc: int, dcmqrscp: int) -> None:
    assert len(sent(get(orthanc, THE_STUDY, roles=False))) == 3
    units = get(dcmqrscp, THE_STUDY, roles=False)
    assert sent(units) == []
    assert [counters(each) for each in commands(units)] == [[2, 0, 1, 0], [1, 0, 2, 0], [0, 0, 3, 0], [None, 0, 3, 0]]
    assert status_of(last(units)) == 0xA702
    assert last(units)[0x0800] != b"\1\1"
    assert "\\".join(STORED).encode() in bytes.fromhex(units[-1])


def test_the_scu_role_alone(orthanc: int, dcmqrscp: int) -> None:
    """Orthanc does without a role selection, but not against one."""
    assert [counters(each) for each in commands(get(orthanc, THE_STUDY, agreed=[(CT, 1, 0)]))] == [[None, 0, 1, 0]]
    assert sent(get(dcmqrscp, THE_STUDY, agreed=[(CT, 1, 0)])) == []
    assert len(sent(get(orthanc, THE_STUDY, agreed=[(CT, 0, 1)]))) == 3


def test_two_answers_to_one_object(orthanc: int, dcmqrscp: int) -> None:
    """The second is taken for an intruder, after the response about the first."""
    units = get(orthanc, THE_STUDY, answers=("twice",))
    assert [counters(each) for each in commands(units) if 0x0900 in each] == [[2, 1, 0, 0]]
    units = get(dcmqrscp, THE_STUDY, answers=("twice",))
    assert counters(commands(units)[-1]) == [2, 1, 0, 0]
    assert is_abort(units[-1:])


def test_orthanc_puts_failed_instances_into_the_command_set(orthanc: int) -> None:
    units = get(orthanc, THE_STUDY, contexts=[(STUDY_GET, [IMPLICIT])])
    (unit,) = units
    raw = bytes.fromhex(unit)
    assert status(unit) == 0xC000
    assert counters(last(units)) == [None, 0, 1, 0]
    failed = f"{STUDY}.1.1".encode()
    assert raw.endswith(
        b"\x08\0\0\0\4\0\0\0" + bytes([8 + len(failed), 0, 0, 0]) + b"\x08\0\x58\0\x10\0\0\0" + failed
    )
    units = get(orthanc, THE_STUDY, answers=(0xA700, 0xB000))
    assert [status_of(each) for each in commands(units) if 0x0900 in each] == [0xFF00, 0xFF00, 0xFF00, 0xB000]
    assert counters(last(units)) == [None, 1, 1, 1]


@pytest.mark.parametrize("keys", [THE_STUDY[1:], THE_STUDY[:1], [*THE_STUDY[:1], (0x0020000D, "UI", "1.9")]])
def test_identifiers_of_nothing(orthanc: int, dcmqrscp: int, keys: list[tuple[int, str, Any]]) -> None:
    assert status_of(last(get(orthanc, keys))) == 0xC000
    units = get(dcmqrscp, keys)
    assert status_of(last(units)) == (0xA900 if keys == THE_STUDY[1:] else 0)
    assert len(sent(units)) == (3 if keys == THE_STUDY[:1] else 0)


def test_strangers(orthanc: int, dcmqrscp: int) -> None:
    assert is_abort(get(orthanc, THE_STUDY, calling="STRANGER"))
    for title in ("probe", "PROBE\0garbage"):
        assert len(sent(get(orthanc, THE_STUDY, calling=title))) == 3
    assert is_abort(get(orthanc, THE_STUDY, calling=" PROBE"))
    assert len(sent(get(dcmqrscp, THE_STUDY, calling="STRANGER"))) == 3


@pytest.mark.parametrize("uid", [STUDY, "9.9.9"])
def test_a_cancelled_query_is_answered_alone(orthanc: int, dcmqrscp: int, uid: str) -> None:
    """A C-CANCEL counts even if nothing is found, and what is behind it is a command for later."""
    keys = [(0x00080052, "CS", "STUDY"), (0x0020000D, "UI", uid)]
    request = command(sop=STUDY_FIND, field=0x20, message_id=5, priority=0, data=HAS_DATA)
    messages = [
        Message(0, request, data_set(keys, IMPLICIT), joined=True),
        Message(0, command(field=0x0FFF, responded=5, data=NO_DATA), joined=True),
        Message(0, command(sop=VERIFICATION, field=0x30, message_id=6, data=NO_DATA)),
    ]
    for port in (orthanc, dcmqrscp):
        cancelled, echoed = commands(hold(Conversation([(STUDY_FIND, [IMPLICIT])], messages), port)[2:])
        assert (status_of(cancelled), status_of(echoed)) == (0xFE00, 0)
        has_match = cancelled[0x0800] != b"\1\1"
        assert has_match is (port == orthanc and uid == STUDY)


def test_a_cancel_behind_the_request(orthanc: int, dcmqrscp: int) -> None:
    request = command(sop=STUDY_GET, field=0x10, message_id=5, priority=0, data=HAS_DATA)
    cancel = command(field=0x0FFF, responded=5, data=NO_DATA)
    both = [Message(0, request, data_set(THE_STUDY, IMPLICIT), joined=True), Message(0, cancel)]
    conversation = Conversation([(STUDY_GET, [IMPLICIT]), (CT, [IMPLICIT])], both, roles=[(CT, 1, 1)])
    units = hold(conversation, orthanc)[2:]
    assert len(sent(units)) == 1
    assert (status_of(last(units)), counters(last(units))) == (0xFE00, [2, 1, 0, 0])
    units = hold(conversation, dcmqrscp)[2:]
    assert (status_of(last(units)), counters(last(units))) == (0xFE00, [0, 0, 0, 0])


def test_a_cancel_before_a_wrong_answer_is_forgotten(orthanc: int, dcmqrscp: int) -> None:
    cancel = command(field=0x0FFF, responded=5, data=NO_DATA)
    echo = command(sop=VERIFICATION, field=0x30, message_id=6, data=NO_DATA)
    for port in (orthanc, dcmqrscp):
        units = get(port, THE_STUDY, answers=(pdata(0, True, cancel) + pdata(0, True, echo),))
        assert len(sent(units)) == 3
        assert (status_of(last(units)), counters(last(units))) == (0xB000, [None, 2, 1, 0])


def test_moves(orthanc: int, dcmqrscp: int) -> None:
    for destination in ("NOWHERE", "ORTHANC", "PROBEDEAD"):
        (answer,) = commands(move(orthanc, destination))
        assert (status_of(answer), counters(answer)) == (0xC000, [None, 0, 0, 0])
    for destination in ("NOWHERE", "ORTHANC"):
        (answer,) = commands(move(dcmqrscp, destination))
        assert status_of(answer) == 0xA801
    (answer,) = commands(move(dcmqrscp, "PROBEDEAD"))
    assert (status_of(answer), counters(answer)) == (0xA702, [None, 0, 3, 0])
    assert [counters(each) for each in commands(move(orthanc, "elsewhere"))] == [
        [2, 1, 0, 0],
        [1, 2, 0, 0],
        [None, 3, 0, 0],
    ]
    assert [counters(each)[0] for each in commands(move(dcmqrscp, "ELSEWHERE"))] == [2, 1, 0, None]


def test_white_space_in_a_uid(orthanc: int, dcmqrscp: int) -> None:
    for port in (orthanc, dcmqrscp):
        (unit,) = store(port, image("1.2 .3\t.4", study="1.2.840.99.5"), "1.2 .3\t.4")
        assert (status(unit), last([unit])[0x1000]) == (0, b"1.2.3.4\0")


def test_queries_of_odd_classes(orthanc: int, dcmqrscp: int) -> None:
    keys = [(0x00080052, "CS", "SERIES"), (0x00100020, "LO", ""), THE_STUDY[1], (0x0020000E, "UI", "")]
    found = {}
    for port, sop in ((orthanc, ""), (dcmqrscp, PATIENT_STUDY_FIND)):
        request = command(sop=sop, field=0x20, message_id=5, priority=0, data=HAS_DATA)
        found[port] = commands(say(port, request, data_set(keys, IMPLICIT), STUDY_FIND))
        assert {status_of(each) for each in found[port][:-1]} == {0xFF00}
        assert status_of(found[port][-1]) == 0
    assert {each[0x0002] for each in found[orthanc]} == {b""}


def test_part_of_a_pdu_behind_a_query(orthanc: int, dcmqrscp: int) -> None:
    """A header that isn't whole ends the query; where it is, the rest is waited for."""
    request = command(sop=STUDY_FIND, field=0x20, message_id=5, priority=0, data=HAS_DATA)
    query = Message(0, request, data_set(THE_STUDY, IMPLICIT), joined=True)
    release = [Message(-1, RELEASE_RQ[6:])]
    for port, expected in ((orthanc, []), (dcmqrscp, ["07000000000400000000"])):
        assert hold(Conversation([(STUDY_FIND, [IMPLICIT])], [query, Message(-1, b"\4")]), port)[2:] == expected
    for port, expected in ((orthanc, []), (dcmqrscp, ["06000000000400000000"])):
        units = hold(Conversation([(STUDY_FIND, [IMPLICIT])], [query, Message(-1, RELEASE_RQ[:6]), *release]), port)
        assert [unit for unit in units[2:] if unit[0] != "#"] == expected


def test_objects_that_are_not_taken(orthanc: int, dcmqrscp: int) -> None:
    data = image("1.2.3")
    for port in (orthanc, dcmqrscp):
        assert status(store(port, data, "1.2.4")[0]) == 0xA900
        assert status(store(port, data, "1.2.3", MR)[0]) == 0xA900
        assert status(store(port, data_set([(0x00100020, "LO", "P1")], IMPLICIT), "1.2.3")[0]) == 0xC000
    assert store(orthanc, data[:-3], "1.2.3") == []
    assert is_abort(store(dcmqrscp, data[:-3], "1.2.3"))
    without_study = data_set([(0x00080016, "UI", CT), (0x00080018, "UI", "1.2.3")], IMPLICIT)
    assert status(store(orthanc, without_study, "1.2.3")[0]) == 0xA700
    assert status(store(dcmqrscp, without_study, "1.2.3")[0]) == 0


def test_commands_of_no_service(orthanc: int, dcmqrscp: int) -> None:
    n_get = command(requested=VERIFICATION, field=0x110, message_id=1, data=NO_DATA, requested_instance="1.2")
    echo_rsp = command(sop=VERIFICATION, field=0x8030, responded=1, data=NO_DATA, status=0)
    undefined = command(sop=VERIFICATION, field=0x0123, message_id=1, data=NO_DATA)
    cancel = command(field=0x0FFF, responded=1, data=NO_DATA)
    assert [say(orthanc, each) for each in (n_get, echo_rsp, cancel)] == [[], [], []]
    assert is_abort(say(orthanc, undefined))
    assert say(dcmqrscp, cancel) == []
    assert all(is_abort(say(dcmqrscp, each)) for each in (n_get, echo_rsp, undefined))
    echo = command(sop="1.2.3", field=0x30, message_id=1, data=NO_DATA)
    for port in (orthanc, dcmqrscp):
        assert status(say(port, echo, abstract=CT)[0]) == 0


def test_storage_commitment(orthanc: int) -> None:
    reference = [(0x00081150, "UI", CT), (0x00081155, "UI", STORED[0])]
    data = data_set([(0x00081195, "UI", "1.2.3"), (0x00081199, "SQ", [reference])], IMPLICIT)
    right = {"requested": COMMITMENT, "field": 0x130, "message_id": 1, "data": HAS_DATA, "action": 1}
    (answer,) = commands(say(orthanc, command(**right, requested_instance=COMMITMENT_INSTANCE), data))
    assert status_of(answer) == 0
    assert answer[0x0002].rstrip(b"\0").decode() == COMMITMENT
    assert answer[0x1000].rstrip(b"\0").decode() == COMMITMENT_INSTANCE
    assert say(orthanc, command(**right, requested_instance="1.2.3"), data) == ["closed"]
    (answer,) = commands(
        say(orthanc, command(**right, requested_instance=COMMITMENT_INSTANCE, sop=CT, instance="1.2"), data)
    )
    assert (status_of(answer), answer[0x0002].rstrip(b"\0").decode()) == (0, COMMITMENT)
    # What doesn't come whole ends the connection, as what is wrong does.
    cut = Message(0, command(**right, requested_instance=COMMITMENT_INSTANCE), data[:-3])
    echo = Message(0, command(sop=VERIFICATION, field=0x30, message_id=1, data=NO_DATA))
    assert hold(Conversation([(VERIFICATION, [IMPLICIT])], [cut, echo]), orthanc)[-1] == "closed"
    request = pdata(0, True, command(**right, requested_instance=COMMITMENT_INSTANCE))
    with socket.create_connection(("127.0.0.1", orthanc), 10) as sock:
        sock.sendall(association(Conversation([(COMMITMENT, [IMPLICIT])])))
        assert receive_pdu(sock)[0] == 2
        sock.sendall(request + REJECTION)
        assert ending(sock) == (bytes.fromhex("07000000000400000202"), "rst")


def test_objects_come_back_as_the_products_write_them(orthanc: int, dcmqrscp: int) -> None:
    uid, study = "1.2.840.99.7.1.1", "1.2.840.99.7"
    item: list[tuple[int, str, Any]] = [(0x00081150, "UI", b"1.2 "), (0x00081155, "UI", b"3.4\0\0\0")]
    elements: list[tuple[int, str, Any]] = [
        (0x00080016, "UI", CT),
        (0x00080018, "UI", uid.encode() + b"\0xyz"),
        (0x00080090, "PN", b"A^B"),
        (0x00080092, "ST", b"x"),
        (0x00081030, "LO", b"CHEST   "),
        (0x00081140, "SQ", [item]),
        (0x00100010, "PN", b"Name^A\0 "),
        (0x00100020, "LO", "P7"),
        (0x0020000D, "UI", study.encode() + b"    "),
        (0x0020000E, "UI", f"{study}.1"),
    ]
    again = data_set([(0x0020000D, "UI", "1.2.3"), (0xFFFCFFFC, "OB", b"abcd")], IMPLICIT)
    data = data_set([(0x00020010, "UI", IMPLICIT)], IMPLICIT) + data_set(elements, IMPLICIT) + again + b"\x50\0"
    written = data_set(
        [
            *elements[:1],
            (0x00080018, "UI", uid.encode() + b"\0xyz"),
            (0x00080090, "PN", b"A^B\0"),
            (0x00080092, "ST", b"x\0"),
            (0x00081030, "LO", b"CHEST "),
            (0x00081140, "SQ", [[(0x00081150, "UI", "1.2"), (0x00081155, "UI", "3.4")]]),
            (0x00100010, "PN", b"Name^A\0 "),
            *elements[7:8],
            (0x0020000D, "UI", study),
            *elements[9:],
        ],
        IMPLICIT,
    )
    for port, expected in (
        (orthanc, written),
        (dcmqrscp, data_set([(0x00020010, "UI", IMPLICIT)], IMPLICIT) + written),
    ):
        assert status(store(port, data, uid)[0]) == 0
        units = get(
            port,
            [(0x00080052, "CS", "STUDY"), (0x0020000D, "UI", study)],
            contexts=[(STUDY_GET, [IMPLICIT]), (CT, [IMPLICIT])],
        )
        assert sent(units) == [uid]
        (came,) = [unit for unit in map(bytes.fromhex, units) if unit[0] == 4 and not unit[11] & 1]
        assert came[12:] == expected


def test_a_deflated_object_comes_back_inflated(orthanc: int) -> None:
    uid = "1.2.840.99.6.1.1"
    elements: list[tuple[int, str, Any]] = [
        (0x00080016, "UI", CT),
        (0x00080018, "UI", uid),
        (0x00100020, "LO", "P6"),
        (0x0020000D, "UI", "1.2.840.99.6"),
        (0x0020000E, "UI", "1.2.840.99.6.1"),
    ]
    request = command(sop=CT, field=1, message_id=1, priority=0, data=HAS_DATA, instance=uid)
    stored = Message(0, request, deflated(data_set(elements, EXPLICIT)))
    assert status(hold(Conversation([(CT, [DEFLATED_LE])], [stored]), orthanc)[2]) == 0
    for syntax in (IMPLICIT, EXPLICIT):
        keys = [(0x00080052, "CS", "STUDY"), (0x0020000D, "UI", "1.2.840.99.6")]
        units = get(orthanc, keys, contexts=[(STUDY_GET, [IMPLICIT]), (CT, [syntax])])
        (came,) = [unit for unit in map(bytes.fromhex, units) if unit[0] == 4 and not unit[11] & 1]
        assert came[12:] == data_set(elements, syntax)


def test_the_first_of_two_elements_counts(orthanc: int, dcmqrscp: int) -> None:
    uid = "1.2.840.99.8.1.1"
    for port in (orthanc, dcmqrscp):
        other = data_set([(0x00080018, "UI", "1.2.3")], IMPLICIT)
        data = image(uid, study="1.2.840.99.8")
        assert status(store(port, data + other, uid)[0]) == 0
        assert status(store(port, other + data, uid)[0]) == 0xA900


def test_identifiers_that_are_too_long(orthanc: int, dcmqrscp: int) -> None:
    for length, expected in ((256, 0), (258, 0xA700)):
        uid = f"1.2.840.99.9.1.{length}"
        data = image(uid, patient="P" * length, study="1.2.840.99.9")
        assert status(store(orthanc, data, uid)[0]) == expected
        assert status(store(dcmqrscp, data, uid)[0]) == 0


def retrieved(
    port: int, keys: list[tuple[int, str, Any]], *, sop: str = STUDY_GET, syntax: str = IMPLICIT
) -> list[str]:
    """What comes back for a C-GET, or a C-MOVE, with an identifier in a transfer syntax."""
    field, destination = (0x21, "ELSEWHERE") if sop == STUDY_MOVE else (0x10, None)
    request = command(sop=sop, field=field, message_id=5, priority=0, data=HAS_DATA, destination=destination)
    contexts = [(sop, [syntax]), (CT, [IMPLICIT])]
    message = Message(0, request, data_set(keys, syntax))
    return hold(Conversation(contexts, [message], "PROBE", [(CT, 1, 1)]), port)[2:]


def test_statuses_of_the_peer_that_are_warnings(orthanc: int, dcmqrscp: int) -> None:
    answers = (0x0001, 0x0107, 0x0116)
    assert counters(last(get(dcmqrscp, THE_STUDY, answers=answers))) == [None, 0, 0, 3]
    assert counters(last(get(orthanc, THE_STUDY, answers=answers))) == [None, 0, 3, 0]


def test_levels_of_retrievals(orthanc: int, dcmqrscp: int) -> None:
    spaced = [(0x00080052, "CS", " STUDY"), *THE_STUDY[1:]]
    empty = [(0x00080052, "CS", ""), *THE_STUDY[1:]]
    for port in (orthanc, dcmqrscp):
        assert status_of(last(get(port, spaced))) == 0xC000
    assert status_of(last(retrieved(orthanc, empty, sop=STUDY_MOVE))) == 0xC000
    assert counters(last(retrieved(orthanc, THE_STUDY[1:], sop=STUDY_MOVE))) == [None, 3, 0, 0]


@pytest.mark.parametrize("vr", ["UN", "OB"])
def test_retrievals_with_keys_of_other_vrs(orthanc: int, dcmqrscp: int, vr: str) -> None:
    keys = [THE_STUDY[0], (0x0020000D, vr, STUDY.encode())]
    units = retrieved(orthanc, keys, syntax=EXPLICIT)
    assert len(sent(units)) == (3 if vr == "UN" else 0)
    assert status_of(last(units)) == (0 if vr == "UN" else 0xC000)
    units = retrieved(dcmqrscp, keys, syntax=EXPLICIT)
    assert (sent(units), status_of(last(units))) == ([], 0)


def test_wildcards_in_a_list_of_patients(orthanc: int) -> None:
    for value, expected in (("P1\\P9", 0), ("P1\\P*", 0xC000), ("P1\\?", 0xC000)):
        keys = [(0x00080052, "CS", "PATIENT"), (0x00100020, "LO", value)]
        assert status_of(last(retrieved(orthanc, keys, sop=STUDY_MOVE))) == expected


def test_levels_below_patient_study_only(dcmqrscp: int) -> None:
    keys = [(0x00080052, "CS", "SERIES"), (0x00100020, "LO", "P1"), (0x0020000D, "UI", STUDY)]
    keys.append((0x0020000E, "UI", f"{STUDY}.1"))
    assert len(sent(retrieved(dcmqrscp, keys, sop="1.2.840.10008.5.1.4.1.2.3.3"))) == 2


def test_duplicates(orthanc: int, dcmqrscp: int) -> None:
    """The last of all: it leaves another object in the study."""
    uid = STORED[0]
    one = [(0x00080052, "CS", "IMAGE"), *THE_STUDY[1:], (0x0020000E, "UI", f"{STUDY}.2"), (0x00080018, "UI", uid)]
    for port, name in ((orthanc, b"First^One"), (dcmqrscp, b"Second^One")):
        assert status(store(port, image(uid, "Second^One"), uid)[0]) == 0
        units = get(port, one)
        assert sent(units) == [uid]
        assert name in bytes.fromhex(units[1])
        assert status(store(port, image(uid), uid)[0]) == 0
    # Under another patient it is another object for Orthanc, and the same for dcmqrscp, at its old place.
    assert status(store(orthanc, image(uid, patient="P2"), uid)[0]) == 0
    assert sent(get(orthanc, one)) == [uid, uid]
    assert sent(get(dcmqrscp, THE_STUDY)) == STORED
