"""Sessions told step by step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dicomhawk.analyst.database.schema import sessions
from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.report import story
from dicomhawk.analyst.report.calendar import Spans, date_of, lasted, moment
from dicomhawk.analyst.report.gather import report
from dicomhawk.analyst.report.model import Step
from dicomhawk.analyst.report.selection import Selection
from dicomhawk.analyst.report.steps import Told
from tests.analyst.journals import Event, Sensor
from tests.analyst.report.sample import fill

VISITOR = "198.51.100.7"
HOSTILE = "\x1b[2J\u202e<b>"


def told(*doings: Event) -> list[Step]:
    """The story of one connection."""
    sensor = Sensor()
    sensor.connection(VISITOR, *doings)
    return story.fold(story.steps_of(json.dumps(event) for event in sensor.events))


def texts(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.text, step.answer) for step in steps]


def test_what_was_asked_and_what_was_answered() -> None:
    steps = told(
        {
            "action": "dicom.association",
            "dicom__ae__called": "PACS",
            "dicom__ae__calling": HOSTILE,
            "dicom__contexts": [{"result": "accepted"}, {"result": "user-rejection"}],
            "dicom__implementation__version": "OFFIS_DCMTK_367",
        },
        {"action": "dicom.c-echo", "dicom__status": "0x0000"},
        {
            "action": "dicom.c-find",
            "dicom__command__message_id": 2,
            "dicom__query__level": "STUDY",
            "dicom__query__keys": {"00080052": "STUDY", "00100010": "A*"},
        },
        {
            "action": "dicom.c-find.end",
            "dicom__command__message_id": 2,
            "dicom__query__matches": 1,
            "dicom__status": "0x0000",
        },
        {"action": "dicom.c-get", "dicom__command__message_id": 3, "dicom__query__level": "STUDY"},
        {
            "action": "dicom.c-get.end",
            "dicom__command__message_id": 3,
            "dicom__suboperations__completed": 7,
            "dicom__dataset__bytes": 3 << 20,
            "dicom__status": "0x0000",
        },
        {"action": "dicom.c-store", "dicom__dataset__bytes": 2048, "dicom__sop__instance_uid": "1.2"}
        | {"dicom__status": "0x0000"},
    )
    assert texts(steps) == [
        (
            "It asked for an association, calling itself \\x1b[2J\\u202e<b> and us PACS with OFFIS_DCMTK_367.",
            "accepted, 1 of 2 services",
        ),
        ("It asked whether the archive answers (C-ECHO).", "status 0x0000"),
        ("It searched for studies (C-FIND) with PatientName=A*.", "1 match (status 0x0000)"),
        ("It fetched studies (C-GET).", "7 objects sent, 3.0 MiB (status 0x0000)"),
        ("It left an object of 2.0 KiB (C-STORE), 1.2.", "status 0x0000"),
    ]
    assert [step.alarming for step in steps] == [False] * 4 + [True]


def test_why_it_was_rejected() -> None:
    reject = {"dicom__reject__result": 1, "dicom__reject__source": 1, "dicom__reject__reason": 7}
    (step,) = told({"action": "dicom.association.reject", "dicom__ae__called": "", **reject})
    assert "us (blank)" in step.text
    assert step.answer == "rejected: called AE title not recognised"


def request(number: int, path: str = "/") -> Event:
    return {
        "action": "http.request",
        "http__request__method": "GET",
        "url__original": path,
        "honeypot__web__request": number,
    }


def response(number: int, status: int = 200) -> Event:
    return {
        "action": "http.response",
        "http__response__status_code": status,
        "http__response__body__bytes": 12,
        "honeypot__web__request": number,
    }


def login(password: str, outcome: str = "failure") -> Event:
    return {
        "action": "http.login",
        "event__outcome": outcome,
        "honeypot__credential__username": "admin",
        "honeypot__credential__password": password,
    }


def test_a_request_that_is_a_login_is_told_as_one() -> None:
    steps = told(request(1, "/x"), response(1, 404), request(2, "/login"), login("x"), response(2, 401))
    assert texts(steps) == [
        ("It requested GET /x.", "status 404 with 12 B"),
        ("It tried to sign in as admin and x.", "refused, status 401 with 12 B"),
    ]


def test_being_let_in_is_notable() -> None:
    steps = told(request(1, "/login"), login("admin", "success"), response(1, 302))
    assert [(step.answer, step.alarming) for step in steps] == [("status 302 with 12 B", False), ("let in", True)]


def test_a_password_list_is_a_few_steps() -> None:
    doings = [doing for n in range(50) for doing in (request(n), login(str(n)), response(n, 401))]
    steps = told(*doings)
    assert len(steps) == story.TOLD_OF_RUN + 1
    assert (steps[-1].text, steps[-1].times) == ("It tried to sign in with more names and passwords.", 47)
    assert steps[-1].until > steps[-1].moment


def test_of_a_long_session_the_notable_steps_are_told() -> None:
    steps = [Step(moment=at, text=str(at), alarming=at == 500) for at in range(1000)]
    chosen = story.choose(steps)
    assert [step.text for step in chosen[: story.FIRST]] == [str(at) for at in range(story.FIRST)]
    assert "500" in [step.text for step in chosen]
    assert [step.text for step in chosen[-story.LAST :]] == [str(at) for at in range(1000 - story.LAST, 1000)]
    left_out = [int(step.text[1:].split()[0]) for step in chosen if step.text.startswith("(")]
    assert sum(left_out) + len(chosen) - len(left_out) == 1000


def test_memory_is_bounded_however_long_it_is() -> None:
    kinds = ("a", "b")
    steps = story.fold(Told(kinds[at % 2], Step(moment=at, text=str(at))) for at in range(3 * story.MAX_KEPT))
    assert len(steps) == story.MAX_KEPT


def test_every_event_that_strangers_cause_is_told_or_known_not_to_be() -> None:
    from dicomhawk.analyst.report.steps import _ENDS, _TELLERS
    from dicomhawk.evidence import ecs

    silent = {"connection.open", "connection.close", "dicom.release", "dicom.abort", "dicom.c-cancel"}
    silent |= {"dicom.n-event-report", "session.start", "session.end", "vault.limit", "vault.dropped", "journal.gap"}
    known = {kind.kind.action for kind in ecs.catalogue()}
    told = {*_TELLERS, *_ENDS}
    assert told <= known
    assert {a for a in known - told if not a.startswith(("sensor.", "worker.", "hospital.", "evidence."))} == silent


def test_whatever_is_in_an_event_it_is_told() -> None:
    from dicomhawk.analyst.report.steps import _ENDS, _TELLERS

    odd: list[Any] = [None, 1, "x", [], {}, [1], {"a": 1}, 1.5, True]
    for action in {*_TELLERS, *_ENDS}:
        for value in odd:
            event = {
                "@timestamp": "2026-03-02T08:00:00Z",
                "event": {"action": action, "outcome": value},
                "dicom": dict.fromkeys(("ae", "query", "contexts", "status", "command", "reject", "sop"), value),
                "honeypot": dict.fromkeys(("credential", "web", "lure", "browser", "connection"), value),
                "http": {"request": value, "response": value},
                "url": value,
                "file": value,
            }
            story.fold(story.steps_of([json.dumps(event), "{", json.dumps(value)]))


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (0, "less than a second"),
        (59_999_999, "59 s"),
        (61_000_000, "1 min 1 s"),
        (7_200_000_000, "2 h"),
        (90_000_000_000, "1 d 1 h"),
    ],
)
def test_lengths_of_time(us: int, said: str) -> None:
    assert lasted(us) == said


DAY = 86_400_000_000


@pytest.mark.parametrize(
    ("days", "unit", "count"),
    [(1, "day", 1), (200, "day", 200), (201, "week", 30), (1400, "week", 201), (2000, "month", 66)],
)
def test_a_time_axis_has_room(days: int, unit: str, count: int) -> None:
    start = 20_454 * DAY  # 2026-01-01
    spans = Spans.of(start, start + days * DAY)
    assert (spans.unit, len(list(spans))) == (unit, count)
    assert list(spans) == sorted({spans.span(start // DAY + day) for day in range(days)})
    assert len({date_of(span) for span in spans}) == count


def test_a_false_moment_is_no_error() -> None:
    assert date_of(10**12) == moment(10**20) == ""
    assert len(list(Spans.of(0, 10**18))) <= 2400
    assert list(Spans.of(None, None)) == []


def test_numbers_have_their_thousands_and_one_is_singular() -> None:
    found = [
        {"action": "dicom.c-find.end", "dicom__command__message_id": 2, "dicom__query__matches": 5000},
        {"action": "web.query", "dicom__query__level": "STUDY", "dicom__query__matches": 1},
        {"action": "web.query", "dicom__query__level": "SERIES", "dicom__query__matches": 0},
    ]
    steps = told({"action": "dicom.c-find", "dicom__command__message_id": 2, "dicom__query__level": "STUDY"}, *found)
    assert [step.answer for step in steps] == ["5,000 matches", "1 match", "0 matches"]


@pytest.mark.parametrize(
    ("scans", "interactions", "sentence"),
    [
        (0, 1, "It was an interaction, not a scan."),
        (0, 2, "All were interactions, "),
        (1, 1, "One session was an interaction, the other was a scan."),
        (2, 1, "One session was an interaction, the others were scans."),
    ],
)
def test_one_session_has_no_others(tmp_path: Path, scans: int, interactions: int, sentence: str) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'findings.sqlite'}")
    fill(engine, sessions=scans + interactions)
    with engine.begin() as connection:
        names = connection.scalars(select(sessions.c.session)).all()
        connection.execute(sessions.update().values(interaction=True, sensor="north"))
        connection.execute(sessions.update().where(sessions.c.session.in_(names[:scans])).values(interaction=False))
    made = report(engine, Selection())
    assert any(sentence in line for line in made.headlines), made.headlines
