"""The tables of a published talk come out of journals that hold its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from dicomhawk.analyst.origin import CATEGORIES
from dicomhawk.analyst.report.formats.data import table_value
from dicomhawk.analyst.report.gather import report
from dicomhawk.analyst.report.model import Report
from dicomhawk.analyst.report.selection import Selection, moment_of
from tests.support import dicomhawk

from . import published
from .pipeline import analysed

BOTH = ("DICOMHawk", "dicompot")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture(scope="module")
def findings(data: Path) -> Engine:
    log = published.dicompot_log(data / "dicompot.log")
    return analysed(data, [published.journal(data / "journal")], {"dicompot": log})


@pytest.fixture(scope="module")
def compared(findings: Engine) -> Report:
    return report(findings, Selection(sensors=BOTH, compare=True))


def rows(made: Report, name: str) -> dict[str, dict[str, object]]:
    """Rows of a table by their first cell, the row of all among them."""
    (table,) = (table for table in made.tables() if table.name == name)
    value = table_value(table)
    first = table.columns[0].label
    return {row[first]: row for row in [*value["rows"], *([value["total"]] if value["total"] else [])]}


def test_the_journals_hold_what_was_published() -> None:
    for sensor, categories in published.PUBLISHED.items():
        made = published.visits(sensor)
        unique = len({visit.address for visit in made})
        assert (unique, len(made)) == published.ALL[sensor]
        assert tuple(map(sum, zip(*categories.values(), strict=True))) == published.ALL[sensor]
    assert len({v.address for v in published.visits("dicompot") if v.interacts}) == 1


@pytest.mark.parametrize("sensor", BOTH)
@pytest.mark.parametrize("category", CATEGORIES)
def test_each_category(compared: Report, sensor: str, category: str) -> None:
    unique, total = published.PUBLISHED[sensor].get(category, (None, None))
    row = rows(compared, "categories")[category]
    assert (row[f"{sensor}: unique addresses"], row[f"{sensor}: total seen"]) == (unique, total)


@pytest.mark.parametrize("sensor", BOTH)
def test_the_row_of_all_is_computed(compared: Report, sensor: str) -> None:
    row = rows(compared, "categories")["All"]
    assert (row[f"{sensor}: unique addresses"], row[f"{sensor}: total seen"]) == published.ALL[sensor]


def test_nothing_but_scans_here_and_five_interactions_from_one_address_there(compared: Report) -> None:
    row = rows(compared, "interactions")["interaction"]
    assert (row["DICOMHawk: sessions"], row["DICOMHawk: unique addresses"]) == (0, 0)
    assert (row["dicompot: sessions"], row["dicompot: unique addresses"]) == (published.INTERACTIONS, 1)
    assert any("5 sessions were interactions, all from one address" in line for line in compared.headlines)
    assert any("All of it was scanning" in line for line in compared.headlines)


def test_the_period_is_that_of_the_talk(findings: Engine) -> None:
    until_february = Selection(end=moment_of("2025-01-31", end=True), sensors=("dicompot",))
    made = report(findings, until_february)
    wanted = [visit for visit in published.visits("dicompot") if visit.at.isoformat() < "2025-02-01"]
    assert rows(made, "categories")["All"] == {
        "category": "All",
        "unique addresses": len({visit.address for visit in wanted}),
        "total seen": len(wanted),
    }


def test_side_by_side_on_the_command_line(findings: Engine, data: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = dicomhawk("report", "--data", data, "--compare", *BOTH, "-o", page)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1,889" in page.read_text()
    done = dicomhawk(
        "report", "--data", data, "--compare", *BOTH, "--table", "categories", "--format", "csv", "-o", "-"
    )
    assert done.stdout.splitlines()[-1] == "All,126,655,648,1889"
    assert "Palo Alto,,,203,260" in done.stdout
