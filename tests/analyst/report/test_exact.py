"""The numbers of a report are those of the journal: counted anew from its files, with nothing of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from dicomhawk.analyst.report.formats.data import table_value
from dicomhawk.analyst.report.gather import report
from dicomhawk.analyst.report.model import Report
from dicomhawk.analyst.report.selection import Selection, moment_of

from .busy import SENSORS, Recount, journals, read
from .pipeline import analysed

PERIOD = ("2026-03-03T04:00", "2026-03-06")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return journals(tmp_path_factory.mktemp("busy"))


@pytest.fixture(scope="module")
def findings(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return analysed(tmp_path_factory.mktemp("findings"), folders)


Both = tuple[Report, Recount]


@pytest.fixture(scope="module", params=["all", "period"])
def both(folders: list[Path], findings: Engine, request: pytest.FixtureRequest) -> Both:
    """A report, and what it must say."""
    if request.param == "all":
        return report(findings, Selection(), limit=1000), Recount(read(folders))
    selection = Selection(start=moment_of(PERIOD[0]), end=moment_of(PERIOD[1], end=True))
    return report(findings, selection, limit=1000), Recount(read(folders), PERIOD[0], "2026-03-07")


def rows(made: Report, name: str) -> dict[Any, dict[str, Any]]:
    """Rows of a table by their first cell."""
    (table,) = (table for table in made.tables() if table.name == name)
    value = table_value(table)
    first = table.columns[0].label
    return {row[first]: row for row in [*value["rows"], *([value["total"]] if value["total"] else [])]}


def test_something_is_counted(both: Both) -> None:
    _, counted = both
    assert len(counted.names()) > 50
    assert len(counted.interactions("north")) > 5
    assert counted.times("lure.taken") > 0


@pytest.mark.parametrize("sensor", [*SENSORS, ""])
def test_the_numbers(both: Both, sensor: str) -> None:
    made, counted = both
    named = {name: row[sensor or "all sensors"] for name, row in rows(made, "numbers").items()}
    events = counted.of(sensor)
    assert named["sessions"] == len(counted.names(sensor))
    assert named["unique addresses"] == counted.addresses(events)
    assert named["events"] == len(events)
    assert named["total seen"] == counted.times("connection.open", sensor)
    assert named["associations accepted"] == counted.times("dicom.association", sensor)
    assert named["associations rejected"] == counted.times("dicom.association.reject", sensor)
    assert named["HTTP requests"] == counted.times("http.request", sensor)
    assert named["answers to queries"] == counted.sum("dicom.c-find.end", "dicom", "query", "matches", sensor=sensor)
    assert named["objects fetched"] == counted.sum(
        "dicom.c-get.end", "dicom", "suboperations", "completed", sensor=sensor
    )
    assert named["files left"] == counted.times("dicom.c-store", sensor)
    assert named["bytes received"] == counted.sum("connection.close", "source", "bytes", sensor=sensor)
    assert named["bytes sent"] == counted.sum("connection.close", "destination", "bytes", sensor=sensor)
    assert named["times that bait was taken"] == counted.times("lure.taken", sensor)
    assert named["logins tried"] == sum("credential" in event.get("honeypot", {}) for event in events)
    captured = {e["file"]["hash"]["sha256"] for e in events if e["event"]["action"] == "file.captured"}
    assert named["different files captured"] == len(captured)


@pytest.mark.parametrize("sensor", [*SENSORS, ""])
def test_the_categories(both: Both, sensor: str) -> None:
    made, counted = both
    group = sensor or "all sensors"
    table = rows(made, "categories")
    everything = table.pop("All")
    found = {
        name: (row[f"{group}: unique addresses"], row[f"{group}: total seen"])
        for name, row in table.items()
        if row[f"{group}: total seen"] is not None
    }
    assert found == counted.categories(sensor)
    assert everything[f"{group}: total seen"] == sum(total for _, total in found.values())
    assert everything[f"{group}: unique addresses"] == counted.addresses(counted.of(sensor))


@pytest.mark.parametrize("sensor", SENSORS)
def test_interactions_and_depths(both: Both, sensor: str) -> None:
    made, counted = both
    interactions = counted.interactions(sensor)
    table = rows(made, "interactions")
    assert table["interaction"][f"{sensor}: sessions"] == len(interactions)
    assert table["scan"][f"{sensor}: sessions"] == len(counted.names(sensor) - interactions)
    depths = [row[f"{sensor}: sessions"] or 0 for row in rows(made, "depth").values()]
    assert sum(depths) == len(counted.names(sensor))


def test_titles_credentials_and_files(both: Both) -> None:
    made, counted = both
    group = "all sensors: "
    assert {
        title: (row[f"{group}unique addresses"], row[f"{group}requests"], row[f"{group}accepted"])
        for title, row in rows(made, "ae_titles_called").items()
    } == counted.titles()
    (table,) = (table_value(table) for table in made.tables() if table.name == "credentials")
    found: dict[tuple[str, str], int] = {}
    for row in table["rows"]:
        pair = row["user name"], row["password"]
        found[pair] = found.get(pair, 0) + row["times"]
    assert found == dict(counted.credentials())
    (files,) = (table_value(table) for table in made.tables() if table.name == "files")
    assert sum(row["times"] for row in files["rows"]) == counted.times("file.captured")


def test_the_course_of_time(both: Both) -> None:
    made, counted = both
    table = rows(made, "timeline")
    everything = table.pop("All")
    found = {
        (day, category): number
        for day, row in table.items()
        for category, number in row.items()
        if category != "day" and number
    }
    assert found == dict(counted.timeline())
    assert sum(number for name, number in everything.items() if name != "day") == len(counted.of())
    by_day = {day: sum(v for k, v in row.items() if k != "day") for day, row in rows(made, "depth_over_time").items()}
    assert {day: number for day, number in by_day.items() if number} == dict(counted.days())
    hours = {int(hour): row["scans"] + row["interactions"] for hour, row in rows(made, "hours").items()}
    assert {hour: number for hour, number in hours.items() if number} == dict(counted.hours())


def test_what_is_torn_is_said(both: Both) -> None:
    made, _ = both
    assert any(
        "2 lines of the journals read so far could not be read" in text for text in made.sections[0].paragraphs
    )
