"""CSV (RFC 4180): a table, or all of them in a folder or a ZIP archive. A spreadsheet takes no cell for a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..calendar import moment
from ..model import Cell, Report, Table
from .shown import exact, labels

FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""A cell that begins with one of these is a formula to some spreadsheet; the last four are their full-width forms."""
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def harmless(cell: Cell) -> Cell:
    """`cell` as no spreadsheet takes it for a formula (an apostrophe before it), on one line, without controls."""
    if not isinstance(cell, str):
        return cell
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cell)
    return f"'{text}" if cell[:1] in FORMULA or text.lstrip()[:1] in FORMULA else text


def sheet(table: Table) -> str:
    """One table."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([harmless(label) for label in labels(table.columns)])
    for row in [*table.rows, *([table.total] if table.total is not None else [])]:
        cells = (exact(cell, column.kind) for cell, column in zip(row, table.columns, strict=True))
        writer.writerow(["" if cell is None else harmless(cell) for cell in cells])
    return file.getvalue()


def sheets(report: Report) -> Iterator[tuple[str, str]]:
    """Names of files, and what is in them: each table, the told sessions, and the definitions."""
    for table in report.tables():
        yield f"{table.name}.csv", sheet(table)
    yield "stories.csv", _stories(report)
    yield "definitions.csv", _rows([("term", "meaning"), *report.definitions])


def write_folder(report: Report, folder: Path) -> None:
    """All of them in a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sheets(report):
        (folder / name).write_text(text, encoding="utf-8", newline="")


def write_zip(report: Report, path: Path) -> None:
    """All of them in a ZIP archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sheets(report):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_EPOCH), text.encode(), zipfile.ZIP_DEFLATED)


def _stories(report: Report) -> str:
    rows: list[tuple[Cell, ...]] = [("session", "sensor", "address", "moment", "what", "answer", "times")]
    for section in report.sections:
        for story in section.stories:
            rows += [
                (story.session, story.sensor, story.address, moment(step.moment), step.text, step.answer, step.times)
                for step in story.steps
            ]
    return _rows(rows)


def _rows(rows: list[tuple[Cell, ...]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows([harmless(cell) for cell in row] for row in rows)
    return file.getvalue()
