"""Journals come into the database once, whatever happens meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from dicomhawk.analyst.database.schema import events, places, sessions
from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.reading import Journal, add
from dicomhawk.settings import SettingsError
from tests.analyst.journals import Sensor, echo, lines


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'findings.sqlite'}")


def told(number: int) -> Sensor:
    sensor = Sensor()
    for at in range(number):
        sensor.connection(f"198.51.100.{at % 7 + 1}", *echo())
    return sensor


def everything(journal: Journal, engine: Engine) -> int:
    new = 0
    while True:
        progress = journal.read(engine)
        new += progress.events
        if not progress.more and not progress.events:
            return new


def identifiers(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(select(events.c.id).order_by(events.c.id)).scalars())


def test_each_event_once(tmp_path: Path, engine: Engine) -> None:
    sensor = told(60)
    journal = Journal(sensor.write(tmp_path / "journal", lines_in_segment=37))
    assert everything(journal, engine) == len(sensor.events)
    assert everything(journal, engine) == 0
    assert identifiers(engine) == sorted(event["event"]["id"] for event in sensor.events)
    assert journal.behind(engine) == 0
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(sessions)).scalar() == 7
        assert set(connection.execute(select(sessions.c.stale)).scalars()) == {True}


def test_another_copy_of_the_journal_adds_nothing(tmp_path: Path, engine: Engine) -> None:
    sensor = told(10)
    everything(Journal(sensor.write(tmp_path / "a")), engine)
    assert everything(Journal(sensor.write(tmp_path / "b", writers=3)), engine) == 0
    assert add(engine, sensor.events) == 0


def test_a_line_that_is_being_written_waits(tmp_path: Path, engine: Engine) -> None:
    sensor = told(2)
    path = tmp_path / "journal" / "2026-03-02.w0.0001.ndjson"
    path.parent.mkdir()
    whole = list(lines(sensor.events))
    path.write_bytes(b"".join(whole[:3]) + whole[3][:40])
    journal = Journal(path.parent)
    assert everything(journal, engine) == 3
    path.write_bytes(b"".join(whole))
    assert everything(journal, engine) == len(whole) - 3
    assert len(identifiers(engine)) == len(whole)


def test_a_line_that_was_cut_short_is_counted_and_passed_over(tmp_path: Path, engine: Engine) -> None:
    sensor = told(2)
    whole = list(lines(sensor.events))
    folder = tmp_path / "journal"
    folder.mkdir()
    (folder / "2026-03-02.w0.0001.ndjson").write_bytes(b"".join(whole[:3]) + whole[3][:40])
    (folder / "2026-03-02.w0.0002.ndjson").write_bytes(b"".join(whole[4:]))
    assert everything(Journal(folder), engine) == len(whole) - 1
    with engine.connect() as connection:
        assert connection.execute(select(func.sum(places.c.torn))).scalar() == 1


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"null\n",
        b"[]\n",
        b'{"@timestamp":"2026-03-02T08:00:00Z"}\n',
        b'{"@timestamp":"yesterday","event":{"id":"X","action":"y"}}\n',
        b'{"@timestamp":"2026-03-02T08:00:00","event":{"id":"X","action":"y"}}\n',
        b'{"@timestamp":"9999-12-31T23:59:59-23:59","event":{"id":"X","action":"y"}}\n',
        b'{"@timestamp":"2026-03-02T08:00:00Z","event":{"id":7,"action":"y"}}\n',
        b'{"@timestamp":"2026-03-02T08:00:00Z","event":{"id":"X","action":"y"},"session":{}}\n',
        b"\xff\xfe\x00\n",
        b'{"a":' * 5000 + b"\n",
    ],
)
def test_lines_that_are_no_events(tmp_path: Path, engine: Engine, line: bytes) -> None:
    sensor = told(1)
    folder = tmp_path / "journal"
    folder.mkdir()
    (folder / "2026-03-02.w0.0001.ndjson").write_bytes(line + b"".join(lines(sensor.events)))
    assert everything(Journal(folder), engine) == len(sensor.events)


def test_how_far_it_was_read(tmp_path: Path, engine: Engine) -> None:
    sensor = told(20)
    journal = Journal(sensor.write(tmp_path / "journal", writers=1, lines_in_segment=30))
    assert journal.place(engine) == {}
    everything(journal, engine)
    assert journal.place(engine) == {path.name: path.stat().st_size for path in (tmp_path / "journal").iterdir()}


def _read_on(folder: Path, url: str) -> None:
    engine = open_database(url)
    journal = Journal(folder)
    while True:
        journal.read(engine)


def test_killed_while_reading_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    sensor = told(3000)
    folder = sensor.write(tmp_path / "journal", writers=3, lines_in_segment=500)
    url = f"sqlite:///{tmp_path / 'findings.sqlite'}"
    draw = random.Random(5)
    context = multiprocessing.get_context("spawn")
    for _ in range(3):
        process = context.Process(target=_read_on, args=(folder, url))
        process.start()
        time.sleep(draw.uniform(0.6, 1.6))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    engine = open_database(url)
    everything(Journal(folder), engine)
    assert identifiers(engine) == sorted(event["event"]["id"] for event in sensor.events)


def test_databases_that_can_not_be_used(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("This is no database. " * 100)
    for url, says in (
        ("mysql://root:secret@db/x", "not a URL of SQLite or PostgreSQL"),
        ("nonsense", "not a URL"),
        (f"sqlite:///{tmp_path / 'no' / 'folder' / 'x'}", "can't be used"),
        (f"sqlite:///{tmp_path / 'text'}", "can't be used"),
    ):
        with pytest.raises(SettingsError) as caught:
            open_database(url)
        assert says in str(caught.value)
        assert "secret" not in str(caught.value)
    with pytest.raises(SettingsError, match="dicomhawk analyse"):
        open_database(f"sqlite:///{tmp_path / 'none'}", read_only=True)
