"""dicompot's log as events of ours."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from dicomhawk.analyst.importing import events_from
from dicomhawk.analyst.techniques import Rules
from dicomhawk.evidence import ecs
from dicomhawk.evidence.documents import moment_of, value_at
from dicomhawk.settings import SettingsError

from .import_logs import Dicompot, as_tpot, write

Event = dict[str, Any]
SCANNER, INTRUDER = "162.142.125.7", "203.0.113.9"


def events(path: Path, sensor: str = "pot") -> list[Event]:
    return list(events_from("dicompot", path, sensor))


def actions(found: list[Event]) -> list[str]:
    return [event["event"]["action"] for event in found]


def only(found: list[Event], action: str) -> Event:
    [event] = [event for event in found if event["event"]["action"] == action]
    return event


def intrusion() -> Dicompot:
    log = Dicompot()
    key = log.open(INTRUDER, 51004)
    log.client(key, "OFFIS_DCMTK_367")
    log.wait(seconds=1)
    log.echo(key)
    log.find(key, 50, PatientName="*", QueryRetrieveLevel="PATIENT")
    log.wait(seconds=2)
    log.get(key, 12, PatientID="4711")
    log.move(key, 3, StudyInstanceUID="1.2.3")
    log.log("error", "C-STORE received", Type="We don't like that", ID=key)
    log.wait(seconds=3)
    log.finish(key)
    return log


def test_a_visit_becomes_events_of_ours(tmp_path: Path) -> None:
    found = events(write(tmp_path / "dicompot.log", intrusion().lines))
    assert actions(found) == [
        "session.start",
        "connection.open",
        "dicom.association",
        "dicom.c-echo",
        "dicom.c-find",
        "dicom.c-find.end",
        "dicom.c-get",
        "dicom.c-get.end",
        "dicom.c-move",
        "dicom.c-store",
        "connection.close",
    ]
    query = only(found, "dicom.c-find")
    assert query["dicom"]["query"] == {
        "keys": {"00100010": "*", "00080052": "PATIENT"},
        "level": "PATIENT",
        "wildcard": True,
    }
    assert value_at(only(found, "dicom.c-find.end"), "dicom.query.matches") == 50
    assert value_at(only(found, "dicom.c-get"), "dicom.query.keys") == {"00100020": "4711"}
    assert value_at(only(found, "dicom.c-get.end"), "dicom.suboperations.completed") == 12
    assert value_at(only(found, "dicom.c-move"), "dicom.query.keys") == {"0020000D": "1.2.3"}
    assert only(found, "dicom.c-store")["event"]["outcome"] == "failure"
    assert only(found, "connection.close")["event"]["duration"] == 6_000_000_000


def test_the_envelope_is_that_of_our_journal(tmp_path: Path) -> None:
    found = events(write(tmp_path / "dicompot.log", intrusion().lines), "north")
    query = only(found, "dicom.c-find")
    assert query["@timestamp"] == "2025-01-12T08:30:06.000Z"
    assert query["source"] == {"ip": INTRUDER, "port": 51004}
    assert query["destination"] == {"port": 11112}
    assert query["observer"] == {"type": "honeypot", "vendor": "dicompot", "product": "dicompot", "name": "north"}
    assert query["network"] == {"transport": "tcp", "protocol": "dicom", "type": "ipv4", "direction": "inbound"}
    assert query["dicom"]["implementation"] == {"version": "OFFIS_DCMTK_367"}
    assert len({event["session"] for event in found}) == 1
    assert len({event["honeypot"]["connection"] for event in found[1:]}) == 1
    kinds = {kind.kind.action: kind.kind for kind in ecs.catalogue()}
    for event in found:
        assert event["event"]["severity"] == kinds[event["event"]["action"]].severity
        assert event["event"]["category"] == list(kinds[event["event"]["action"]].category)


def test_events_are_in_the_order_of_moment_and_identifier(tmp_path: Path) -> None:
    found = events(write(tmp_path / "dicompot.log", intrusion().lines))
    places = [(moment_of(event), event["event"]["id"]) for event in found]
    assert places == sorted(places)
    assert len({identifier for _, identifier in places}) == len(places)
    assert all(len(identifier) == 26 for _, identifier in places)


def test_each_connection_is_opened_once(tmp_path: Path) -> None:
    log = Dicompot()
    for number in range(300):
        log.probe(f"198.51.100.{number % 40}")
        log.wait(minutes=7)
    found = actions(events(write(tmp_path / "dicompot.log", log.lines)))
    assert found.count("connection.open") == found.count("connection.close") == 300


def test_sessions_end_after_thirty_minutes(tmp_path: Path) -> None:
    log = Dicompot()
    log.probe(SCANNER)
    log.wait(minutes=30)
    log.probe(SCANNER)
    log.wait(minutes=30, seconds=1)
    log.probe(SCANNER)
    found = events(write(tmp_path / "dicompot.log", log.lines))
    opened = [event["session"] for event in found if event["event"]["action"] == "connection.open"]
    assert opened[0] == opened[1] != opened[2]
    end = only(found, "session.end")
    assert end["session"] == opened[0]
    assert end["honeypot"]["connections"] == 2


@pytest.mark.parametrize("wrapped", [False, True])
def test_tpots_names_give_the_same_events_in_any_order(tmp_path: Path, wrapped: bool) -> None:
    log = intrusion()
    log.wait(minutes=1)
    log.probe(SCANNER)
    plain = events(write(tmp_path / "dicompot.log", log.lines))
    lines = as_tpot(log.lines, wrapped=wrapped)
    by_second: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_second.setdefault(line.get("_source", line)["@timestamp"], []).append(line)
    shuffled = list(by_second.values())
    random.Random(5).shuffle(shuffled)
    other = {"type": "Cowrie", "@timestamp": "2025-01-12T08:30:05.000Z", "message": "login"}
    export = [other, *(line for second in shuffled for line in second)]
    assert events(write(tmp_path / "export.json", export)) == plain


def test_what_windows_does_to_a_log_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "dicompot.log", intrusion().lines)
    plain = events(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert events(path) == plain


def test_importing_again_doubles_nothing(tmp_path: Path) -> None:
    log = intrusion()
    log.wait(minutes=1)
    for _ in range(20):
        log.probe(SCANNER)
        log.wait(seconds=50)
    whole = events(write(tmp_path / "dicompot.log", log.lines))
    rotated = tmp_path / "rotated"
    rotated.mkdir()
    write(rotated / "dicompot.log.2.gz", log.lines[:9])
    write(rotated / "dicompot.log.1", log.lines[9:40])
    write(rotated / "dicompot.log", log.lines[40:])
    assert events(rotated) == whole
    identifiers = {event["event"]["id"] for event in whole}
    for length in range(0, len(log.lines), 5):
        part = events(write(tmp_path / "part.log", log.lines[:length]))
        assert {event["event"]["id"] for event in part} <= identifiers, length


def test_two_sensors_have_events_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "dicompot.log", intrusion().lines)
    north, south = ({event["event"]["id"] for event in events(path, name)} for name in ("north", "south"))
    assert not north & south


def test_ae_titles_where_they_are_enforced(tmp_path: Path) -> None:
    log = Dicompot()
    key = log.open(INTRUDER)
    log.log("error", "Connection", AETitle="ORTHANC", ID=key)
    log.finish(key)
    key = log.open(INTRUDER)
    log.log("info", "Client", AETitle="RADIANT", ID=key)
    log.log("info", "Client", Identifier="ECHOSCU", ID=key)
    log.client(key)
    log.echo(key)
    log.finish(key)
    found = events(write(tmp_path / "dicompot.log", log.lines))
    assert only(found, "dicom.association.reject")["dicom"] == {
        "ae": {"called": "ORTHANC"},
        "reject": {"result": 1, "source": 2, "reason": 2},
    }
    assert only(found, "dicom.c-echo")["dicom"] == {
        "ae": {"called": "RADIANT", "calling": "ECHOSCU"},
        "implementation": {"version": "OFFIS_DCMTK_362"},
    }


def crawl(log: Dicompot) -> Dicompot:
    """Everybody is asked for, and then one study after the other; as is logged of it, which is no ``STUDY``."""
    key = log.open(INTRUDER, 51005)
    log.find(key, 50, PatientName="*")
    for number in range(10):
        log.find(key, 2, QueryRetrieveLevel="SERIES", StudyInstanceUID=f"1.2.{number}")
    log.finish(key)
    return log


def test_a_query_of_studies_is_one_though_the_log_leaves_that_out(tmp_path: Path) -> None:
    found = events(write(tmp_path / "dicompot.log", crawl(Dicompot()).lines))
    asked = [value_at(event, "dicom.query") for event in found if event["event"]["action"] == "dicom.c-find"]
    assert asked[0] == {"keys": {"00100010": "*"}, "level": "STUDY", "wildcard": True}
    assert {one["level"] for one in asked[1:]} == {"SERIES"}
    nameless = [{key: value for key, value in line.items() if key != "ID"} for line in crawl(Dicompot()).lines]
    found = events(write(tmp_path / "nameless.log", nameless))
    first = next(event for event in found if event["event"]["action"] == "dicom.c-find")
    assert "level" not in first["dicom"]["query"], "these logged one key only"


def test_rules_see_the_same_in_a_log_as_in_our_journal(tmp_path: Path) -> None:
    found = events(write(tmp_path / "dicompot.log", crawl(Dicompot()).lines))
    assert {"D08", "D11"} <= {match.rule for match in Rules.load().match(found, {})}


def test_the_first_logs_had_no_identifiers(tmp_path: Path) -> None:
    log = intrusion()
    lines = [{key: value for key, value in line.items() if key != "ID"} for line in log.lines]
    found = actions(events(write(tmp_path / "dicompot.log", lines)))
    assert found.count("connection.open") == 1
    assert "dicom.c-get" in found


def test_a_query_without_an_end_is_told_when_the_log_goes_on(tmp_path: Path) -> None:
    log = Dicompot()
    key = log.open(INTRUDER)
    log.log("info", "C-FIND Search", Type="PatientName", Term="A*", ID=key)
    assert "dicom.c-find" not in actions(events(write(tmp_path / "dicompot.log", log.lines)))
    log.wait(hours=1)
    log.probe(SCANNER)
    query = only(events(write(tmp_path / "dicompot.log", log.lines)), "dicom.c-find")
    assert query["dicom"]["query"]["keys"] == {"00100010": "A*"}


def test_torn_and_hostile_lines_are_counted(tmp_path: Path) -> None:
    log = intrusion()
    good = [json.dumps(line) for line in log.lines]
    stranger = {"level": "info", "msg": "Received", "Command": "C-ECHO", "ID": "9", "time": "2025-01-12 08:30:05"}
    cut = {"level": "warning", "msg": "Connection from", "IP": "[2001", "Port": "db8", "ID": "8"}
    bad = [
        good[0][:30],
        "[" * 50_000,
        '"text"',
        json.dumps({"time": 5, "msg": "Client"}),
        json.dumps({"time": "9999-01-01 00:00:00", "msg": "Client"}),
        json.dumps({"time": "2025-01-12 08:30:05", "msg": ["Client"]}),
        json.dumps({"time": "2025-01-12 08:30:05", "msg": "x" * (1 << 21)}),
        json.dumps(cut | {"time": "2025-01-12 08:30:05"}),
        "\x00\x1b[31m",
    ]
    path = write(tmp_path / "dicompot.log", [*good[:4], *bad, stranger, "", *good[4:]])
    imported = events_from("dicompot", path, "pot")
    assert list(imported) == events(write(tmp_path / "clean.log", log.lines))
    assert imported.skipped == len(bad) + 1
    assert imported.sentence == (
        f"{len(good) + len(bad) + 2} lines, 1 connections; {len(bad)} lines skipped that are torn or not of this"
        " format; 1 lines skipped whose connection began before the log."
    )


def test_a_damaged_gzip_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "dicompot.log.1.gz", intrusion().lines * 50)
    path.write_bytes(path.read_bytes()[:-20])
    imported = events_from("dicompot", path, "pot")
    assert "connection.open" in actions(list(imported))
    assert "1 files are damaged" in imported.sentence


def test_what_can_not_be_imported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        events_from("dicompot", tmp_path / "nothing.log", "pot")
    with pytest.raises(SettingsError, match="no files"):
        events_from("dicompot", tmp_path, "pot")
    path = write(tmp_path / "dicompot.log", [])
    with pytest.raises(SettingsError, match="dicomhawk-legacy"):
        events_from("cowrie", path, "pot")
    with pytest.raises(SettingsError, match="name of the sensor"):
        events_from("dicompot", path, " ")
    assert events(path) == []


ODD: tuple[Any, ...] = (None, True, -1, 1.5, 10**30, "", "x" * 2000, "\x00\ud800", [], ["a", [1]], {}, {"a": {}})
NAMES = ("Port", "Type", "Term", "Status", "Version", "AETitle", "Identifier", "Matches", "Files", "_source", "level")
MESSAGES = ("Connection from", "Client", "Received", "C-FIND Search", "C-FIND Search result", "Connection")
LINES = st.fixed_dictionaries(
    {
        "time": st.sampled_from(("2025-01-12 08:30:05", "2025-01-12 08:30:05", *ODD)),
        "msg": st.sampled_from((*MESSAGES, *MESSAGES, *MESSAGES, *ODD)),
        "ID": st.sampled_from(("1", "1", "2", *ODD)),
    },
    optional={
        "IP": st.sampled_from(("203.0.113.9", "2001:db8::1%eth0", *ODD)),
        "Command": st.sampled_from(("C-FIND", "C-MOVE", "C-GET", "C-ECHO", *ODD)),
        **{name: st.sampled_from(ODD) for name in NAMES},
    },
)


@budget(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=8))
def test_nothing_in_a_log_stops_the_import(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    for event in events(write(tmp_path / "dicompot.log", lines)):
        json.dumps(event)
        moment_of(event)
