"""`dicomhawk report` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.report.selection import moment_of
from dicomhawk.cli.main import command_line
from dicomhawk.settings import SettingsError
from tests.support import dicomhawk

from .sample import DAY, SENSORS, START, fill


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command")
    fill(open_database(f"sqlite:///{folder / 'findings.sqlite'}"), sessions=60)
    return folder


def test_the_name_of_the_output_says_what_it_is(data: Path, tmp_path: Path) -> None:
    for name, begins in (("a.html", "<!DOCTYPE html>"), ("a.md", "# October"), ("a.json", "{")):
        done = CliRunner().invoke(
            command_line(), ["report", "--data", str(data), "--title", "October", "-o", str(tmp_path / name)]
        )
        assert (done.exit_code, done.stdout) == (0, "")
        assert (tmp_path / name).read_text("utf-8").startswith(begins)


def test_a_table_to_a_pipe_and_the_names_of_all(data: Path) -> None:
    done = dicomhawk(
        "report", "--data", data, "--sensor", "north", "--table", "numbers", "--format", "json", "-o", "-"
    )
    assert json.loads(done.stdout)["rows"][0]["what"] == "sessions"
    names = [
        line.partition("\t")[0] for line in dicomhawk("report", "--data", data, "--table", "?").stdout.splitlines()
    ]
    assert {"numbers", "categories", "timeline", "lures"} <= set(names)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--sensor", "nowhere", "-o", "-"), "There is no sensor nowhere in the findings; there are: north, south."),
        (("--compare", "north", "north", "-o", "-"), "Two different sensors can be compared."),
        (("--compare", *SENSORS, "--sensor", "north", "-o", "-"), "Give either --sensor or --compare, not both."),
        (("--from", "2026-03-03", "--to", "2026-03-02", "-o", "-"), "The period ends before it begins."),
        (("--from", "yesterday", "-o", "-"), "yesterday is not a day or a moment such as"),
        ((), "Say with -o where the report is to be written; - is a pipe."),
        (("--format", "csv", "-o", "-"), "All tables as CSV need a folder or a ZIP archive"),
        (("--table", "nothing", "--format", "csv", "-o", "-"), "There is no table nothing; there are: numbers,"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(data: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = CliRunner().invoke(command_line(), ["report", "--data", str(data), *arguments])
    assert isinstance(done.exception, SettingsError)
    assert str(done.exception).startswith(sentence)
    assert done.stdout == ""


def test_without_findings(tmp_path: Path) -> None:
    done = dicomhawk("report", "--data", tmp_path, "-o", "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("The database ")


def test_days_and_moments() -> None:
    assert moment_of("2025-01-01") == START
    assert moment_of("2025-01-01", end=True) == START + DAY
    assert moment_of("2025-01-01T06:00", end=True) == START + DAY // 4
    assert moment_of("2025-01-01T06:00+06:00") == START
    for never in ("0001-01-00", "9999-12-31", "9999-12-31T23:59-23:59", "0001-01-01T00:00+23:59"):
        with pytest.raises(SettingsError):
            moment_of(never, end=True)
