"""A report in each format, full of what strangers wrote: none of it has an effect."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dicomhawk.analyst.database.store import open_database
from dicomhawk.analyst.report.formats import charts, markdown, sheet, written
from dicomhawk.analyst.report.gather import report
from dicomhawk.analyst.report.model import Column, Report, Table
from dicomhawk.analyst.report.selection import Selection
from dicomhawk.settings import SettingsError

from .sample import HOSTILE, SENSORS, fill

COMPARED = Selection(sensors=SENSORS, compare=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("formats")
    fill(open_database(f"sqlite:///{found / 'findings.sqlite'}"))
    return found


@pytest.fixture(scope="module", params=[Selection(), COMPARED, Selection(sensors=("north",))])
def made(folder: Path, request: pytest.FixtureRequest) -> Report:
    engine = open_database(f"sqlite:///{folder / 'findings.sqlite'}", read_only=True)
    return report(engine, request.param)


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "rect", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_a_page_needs_nothing_and_runs_nothing(made: Report) -> None:
    page = Page()
    page.feed(written.one_file(made, "html").decode())
    assert page.open == []
    assert not {"script", "img", "link", "iframe", "object", "base", "form"}.intersection(tag for tag, _ in page.tags)
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes), (tag, attributes)
        target = attributes.get("href") or "#"
        assert target.startswith(("#", "https://attack.mitre.org/techniques/T"))
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert "default-src 'none'" in str(policies[0])


def test_what_strangers_wrote_is_shown_as_it_was_and_has_no_effect(made: Report) -> None:
    text = written.one_file(made, "html").decode()
    page = Page()
    page.feed(text)
    assert "<script" not in text
    assert any("<script>alert(1)</script>\"'`|\\x1b[2J\\u202e=1+1" in part for part in page.text)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_tables_can_be_read_aloud(made: Report) -> None:
    page = Page()
    page.feed(written.one_file(made, "html").decode())
    identifiers = [a["id"] for _, a in page.tags if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    for tag, attributes in page.tags:
        if tag == "th":
            assert attributes.get("scope") in ("col", "row", "colgroup")
        for name in ("aria-labelledby", "aria-describedby"):
            assert all(part in identifiers for part in str(attributes.get(name) or "").split())


def test_every_drawing_is_whole_and_says_what_it_shows(made: Report) -> None:
    drawn = [(table, charts.drawing(table)) for table in made.tables() if table.chart]
    assert {table.name for table, _ in drawn} == {"categories", "depth", "depth_over_time", "timeline", "hours"}
    for table, drawing in drawn:
        root = ElementTree.fromstring(str(drawing))
        assert root.find("title").text == table.title  # type: ignore[union-attr]
        assert re.search(r"\d", root.find("desc").text or "")  # type: ignore[union-attr]
        _, _, wide, high = map(float, root.attrib["viewBox"].split())
        for part in root.iter("rect"):
            assert float(part.attrib["x"]) + float(part.attrib["width"]) <= wide + 0.2
            assert float(part.attrib["y"]) >= 0
            assert float(part.attrib["y"]) + float(part.attrib["height"]) <= high + 0.2


@pytest.mark.parametrize(
    ("most", "end", "step"), [(0, 1, 1), (1, 1, 1), (7, 8, 2), (408, 500, 100), (12345, 15000, 5000)]
)
def test_axes_have_round_numbers(most: int, end: int, step: int) -> None:
    assert charts.scale(most) == (end, step)


def test_no_cell_of_a_sheet_is_a_formula(made: Report) -> None:
    for name, text in sheet.sheets(made):
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(row) for row in rows}) == 1, name
        for cell in (cell for row in rows for cell in row):
            assert cell[:1] not in set("=+-@\t\r"), (name, cell)
            assert cell.isprintable() or not cell


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "\uff1d1", "=cmd|' /C calc'!A0"]
)
def test_formulas_are_text(cell: str) -> None:
    assert str(sheet.harmless(cell)).startswith("'")
    table = Table(name="t", title="", about="", columns=[Column("a", "foreign")], rows=[[cell]])
    assert "\n=" not in sheet.sheet(table)


def test_numbers_are_left_alone() -> None:
    assert sheet.harmless(-5) == -5
    assert sheet.harmless("AE-1") == "AE-1"


def test_json_holds_every_number_as_one(made: Report) -> None:
    value = json.loads(written.one_file(made, "json"))
    tables = {table["name"]: table for section in value["sections"] for table in section["tables"]}
    assert set(tables) == {table.name for table in made.tables()}
    for table in made.tables():
        for column, key in zip(table.columns, tables[table.name]["rows"][0] if table.rows else (), strict=False):
            if column.kind in ("number", "bytes"):
                assert all(row[key] is None or isinstance(row[key], int) for row in tables[table.name]["rows"])
    assert any(HOSTILE in str(row["client"]) for row in tables["tools"]["rows"])


MARKUP = [
    "[x](javascript:alert(1))",
    "<b>x</b>",
    "**x**",
    "a|b",
    "`x`",
    "http://x.example",
    "www.x.example",
    "# x",
    "- x",
]


@pytest.mark.parametrize("text", [*MARKUP, "1. x", "&lt;", "![x](y)", "~~x~~", "@somebody"])
def test_nothing_in_a_text_is_markdown(text: str) -> None:
    escaped = markdown.escaped(text)
    assert escaped != text
    assert re.sub(r"\\(.)", r"\1", escaped) == text
    for special in re.finditer(r"[`*\[\]<>#|~&@]", escaped):
        assert escaped[special.start() - 1] == "\\"


@pytest.mark.parametrize("text", ["a`b", "``", "`", "a|b", "`a|`b``"])
def test_code_is_closed_where_it_ends(text: str) -> None:
    span = markdown.code(text)
    fence = re.match(r"`+", span)[0]  # type: ignore[index]
    assert span.endswith(fence)
    inner = span[len(fence) : -len(fence)]
    assert fence not in re.findall(r"`+", inner)
    assert not re.search(r"(?<!\\)\|", span)


def test_every_line_of_a_markdown_table_has_as_many_cells(made: Report) -> None:
    wide = 0
    for line in written.one_file(made, "md").decode().splitlines():
        if not line.startswith("|"):
            wide = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert wide in (0, cells), line
        wide = cells


def test_to_a_folder_an_archive_or_a_file(made: Report, tmp_path: Path) -> None:
    written.write(made, "csv", tmp_path / "folder")
    written.write(made, "csv", tmp_path / "tables.zip")
    with zipfile.ZipFile(tmp_path / "tables.zip") as archive:
        assert sorted(archive.namelist()) == sorted(path.name for path in (tmp_path / "folder").iterdir())
        assert archive.read("categories.csv") == (tmp_path / "folder" / "categories.csv").read_bytes()
    written.write(made, "csv", tmp_path / "one.csv", "categories")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "folder" / "categories.csv").read_bytes()


def test_what_cannot_be_had_is_refused_in_a_sentence(made: Report, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no table nothing; there are: numbers, categories"):
        written.one_file(made, "csv", "nothing")
    with pytest.raises(SettingsError, match="folder or a ZIP archive"):
        written.one_file(made, "csv")
    with pytest.raises(SettingsError, match="can't be written"):
        written.write(made, "html", tmp_path / "there" / "is" / "none")
    with pytest.raises(SettingsError, match="alone"):
        written.one_file(made, "html", "categories")
