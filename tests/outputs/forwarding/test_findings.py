"""Sessions and alerts: as documents, and each given once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dicomhawk.analyst.database.schema import alerts, sessions
from dicomhawk.analyst.database.store import open_database
from dicomhawk.outputs.forwarding import pump as pump_module
from dicomhawk.outputs.forwarding import sources
from dicomhawk.outputs.forwarding.pump import Pump
from dicomhawk.settings import load
from tests.analyst.postgres import postgres

from .findings import SHA256, add_alert, add_session, database, told
from .support import HOSTILE, Receiver, event, pump_of, settings_with, write_journal

ALL = {"type": "file", "name": "out", "path": "out.ndjson", "what": ["events", "sessions", "alerts"]}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump_module, "POLL_SECONDS", 0.005)
    monkeypatch.setattr(sources, "FINDINGS_SECONDS", 0.0)


def drain(pump: Pump) -> None:
    async def work() -> None:
        for _ in range(4):
            await pump.drain()

    asyncio.run(work())


def test_a_session_is_a_document_with_all_that_was_found(tmp_path: Path) -> None:
    engine = database(tmp_path / "findings.sqlite")
    name = add_session(engine, 1)
    ((one,), _) = told(engine)
    document = one.document
    assert (one.id, one.kind, one.severity, one.level) == (f"session-{name}", "sessions", 3, "high")
    assert document["@timestamp"] == "2026-11-30T00:54:51.000Z"
    assert document["event"]["severity"] == 70
    assert document["event"]["duration"] == 90_000_000_000
    assert document["message"] == "Somebody unknown fetched 12 studies."
    assert document["source"]["as"] == {"number": 64496, "organization": {"name": "EXAMPLE"}}
    assert document["rule"]["id"] == ["D08", "D20"]
    assert document["threat"]["technique"]["id"] == ["T1119", "T1213", "T1595.002"]
    assert document["related"]["hash"] == [SHA256]
    found = document["honeypot"]["session"]
    assert found["doors"] == ["dicom:104", "http:80"]
    assert found["files"][0]["type"] == "application/x-dosexec"
    assert [one["username"] for one in found["credentials"]] == [HOSTILE, "admin"]
    assert found["ae_titles"] == ["FINDSCU>ANY-SCP"]
    assert found["lures"] == ["taken credential"]


def test_an_alert_is_a_document_that_knows_its_visitor(tmp_path: Path) -> None:
    engine = database(tmp_path / "findings.sqlite")
    name = add_session(engine, 1)
    add_alert(engine, 1, name)
    add_alert(engine, 2, "gone", facts="no JSON")
    _, (one, two) = told(engine)
    assert one.id.startswith("alert-")
    assert one.id != two.id
    assert one.document["event"]["kind"] == "alert"
    assert one.document["source"]["ip"] == "203.0.113.1"
    facts = {"studies": 12, "attack": ["T1213"]}
    assert one.document["honeypot"]["alert"] == {"text": "Twelve of them.", "facts": facts, "repeats": 0}
    assert one.document["threat"]["technique"]["id"] == ["T1213"]
    assert "source" not in two.document
    assert two.document["session"] == "gone"


def test_each_finding_is_given_once_however_late_it_comes(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, ALL)
    receiver = Receiver()
    pump, queue = pump_of(settings, receiver)
    drain(pump)
    assert not receiver.got, "there is no database yet"
    engine = database(tmp_path / "findings.sqlite")
    write_journal(settings.journal_dir, [event(1)])
    add_session(engine, 100)
    add_session(engine, 200, ended=False)
    add_session(engine, 201, stale=True)
    add_alert(engine, 1)
    add_alert(engine, 2, state="held")
    drain(pump)
    assert len(receiver.got) == 3
    with engine.begin() as connection:
        connection.execute(sessions.update().values(ended=True, stale=False))
        connection.execute(alerts.update().values(state="due"))
    add_session(engine, 50)
    drain(pump)
    drain(pump)
    queue.close()
    drain(pump_of(settings, receiver)[0])
    assert len(receiver.got) == len(set(receiver.got)) == 7


def test_a_database_that_is_made_anew_is_read_anew(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, ALL | {"what": ["sessions"]})
    path = tmp_path / "findings.sqlite"
    engine = database(path)
    add_session(engine, 1)
    receiver = Receiver()
    pump, _ = pump_of(settings, receiver)
    drain(pump)
    engine.dispose()
    for each in tmp_path.glob("findings.sqlite*"):
        each.unlink()
    drain(pump)
    engine = database(path)
    add_session(engine, 1)
    add_session(engine, 2)
    drain(pump)
    assert len(receiver.got) == len(set(receiver.got)) == 2


def test_less_than_was_asked_for_is_left_out(tmp_path: Path) -> None:
    engine = database(tmp_path / "findings.sqlite")
    for number, severity in enumerate(range(5)):
        add_session(engine, number, severity=severity)
        add_alert(engine, number, severity=severity)
    settings = settings_with(tmp_path, ALL | {"what": ["sessions", "alerts"], "severity": "high"})
    receiver = Receiver()
    drain(pump_of(settings, receiver)[0])
    assert len(receiver.got) == 4


def test_without_history_only_new_findings(tmp_path: Path) -> None:
    engine = database(tmp_path / "findings.sqlite")
    add_session(engine, 1)
    add_alert(engine, 1)
    add_session(engine, 3, ended=False)
    add_alert(engine, 3, state="held")
    settings = settings_with(tmp_path, ALL | {"history": False})
    receiver = Receiver()
    pump, _ = pump_of(settings, receiver)
    drain(pump)
    assert not receiver.got
    add_session(engine, 2)
    add_alert(engine, 2)
    with engine.begin() as connection:
        connection.execute(sessions.update().values(ended=True))
        connection.execute(alerts.update().values(state="due"))
    drain(pump)
    assert len(receiver.got) == 4


def test_a_database_that_cannot_be_read_at_first_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "findings.sqlite"
    path.write_bytes(b"no database" * 100)
    settings = settings_with(tmp_path, ALL | {"history": False})
    write_journal(settings.journal_dir, [event(1)])
    receiver = Receiver()
    pump, queue = pump_of(settings, receiver)
    drain(pump)
    assert "can't be used" in pump.status().last_error
    queue.close()
    path.unlink()
    engine = database(path)
    add_session(engine, 1)
    write_journal(settings.journal_dir, [event(2)])
    pump, _ = pump_of(settings, receiver)
    drain(pump)
    assert receiver.got == [event(2)["event"]["id"]]
    add_session(engine, 2)
    drain(pump)
    assert len(receiver.got) == 2


def test_findings_in_postgresql_that_goes_and_comes_back(tmp_path: Path) -> None:
    with postgres() as server:
        url = server.url()
        engine = open_database(url)
        settings = load(data=tmp_path, environment={}, flags={"outputs": [ALL], "analyst": {"database": url}})
        receiver = Receiver()
        pump, _ = pump_of(settings, receiver)
        name = add_session(engine, 1)
        add_alert(engine, 1, name)
        drain(pump)
        assert len(receiver.got) == 2
        server.stop("immediate")
        drain(pump)
        assert "findings" in pump.status().last_error
        server.start()
        engine.dispose()
        add_session(engine, 2)
        add_alert(engine, 2)
        write_journal(settings.journal_dir, [event(1)])
        drain(pump)
    assert len(receiver.got) == len(set(receiver.got)) == 5


def test_more_sessions_than_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ROWS", 10)
    engine = database(tmp_path / "findings.sqlite")
    for number in range(45):
        add_session(engine, number)
    settings = settings_with(tmp_path, ALL | {"what": ["sessions"]})
    receiver = Receiver()
    pump, queue = pump_of(settings, receiver)
    drain(pump)
    assert len(set(receiver.got)) == len(receiver.got) == 45
    pump._sources.tidy()
    drain(pump)
    assert queue.marks["sent"] == 45
