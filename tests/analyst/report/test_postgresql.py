"""The same report and the same data set, whichever database the findings are in."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.report.gather import report
from dicomhawk.analyst.report.model import Report
from dicomhawk.analyst.report.selection import Selection
from dicomhawk.outputs.research import Options, export
from dicomhawk.settings import Settings
from tests.analyst.postgres import postgres

from .sample import DAY, SENSORS, START, fill

SELECTIONS = (
    Selection(),
    Selection(sensors=SENSORS, compare=True),
    Selection(start=START + 10 * DAY, end=START + 40 * DAY, sensors=("south",)),
    Selection(start=0, end=DAY),
)


def whole(made: Report) -> object:
    """All of a report but the moment at which it was made."""
    return msgspec.to_builtins(msgspec.structs.replace(made, made=0))


@pytest.mark.soak
def test_the_same_on_postgresql(tmp_path: Path) -> None:
    with postgres() as server:
        urls = (f"sqlite:///{tmp_path / 'findings.sqlite'}", server.url())
        for url in urls:
            fill(open_database(url))
        one, two = (open_database(url, read_only=True) for url in urls)
        for selection in SELECTIONS:
            # So few rows that ties are cut in the middle, and so many that nothing is.
            for limit in (3, 1000):
                assert whole(report(one, selection, limit=limit)) == whole(report(two, selection, limit=limit))
        sets = [_export(engine, tmp_path, name) for engine, name in ((one, "sqlite"), (two, "postgresql"))]
        assert sets[0] == sets[1]
        two.dispose()


def _export(engine: Engine, folder: Path, name: str) -> dict[str, str]:
    export(engine, Settings(data=folder), folder / name, Options())
    return {path.name: path.read_text() for path in (folder / name).iterdir()}


@pytest.mark.parametrize("selection", [Selection(), Selection(start=0, end=DAY)])
def test_a_report_of_nothing(tmp_path: Path, selection: Selection) -> None:
    url = f"sqlite:///{tmp_path / 'findings.sqlite'}"
    open_database(url)
    made = report(open_database(url, read_only=True), selection)
    assert made.headlines
    assert [table.name for table in made.tables()]
    from dicomhawk.analyst.report.formats import written

    for kind in ("html", "json", "md"):
        assert written.one_file(made, kind)
    written.write(made, "csv", tmp_path / "csv")
