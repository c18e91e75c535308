"""A report on disk, in any of the formats."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ....settings import SettingsError
from ..model import Report, Table
from .data import as_json, table_value
from .markdown import as_markdown, table_lines
from .page import as_html
from .sheet import sheet, write_folder, write_zip

FORMATS = ("html", "csv", "json", "md")
_SUFFIXES = {".csv": "csv", ".zip": "csv", ".json": "json", ".md": "md"}


def kind_of(path: Path | None) -> str:
    """The format that a file's name speaks of; HTML if it says nothing."""
    return "html" if path is None else _SUFFIXES.get(path.suffix.lower(), "html")


def one_file(report: Report, kind: str, table: str = "") -> bytes:
    """A report, or one table of it, as one file. Raises `SettingsError` if that can't be, or for an unknown table."""
    if table:
        return _table(_named(report, table), kind)
    if kind == "html":
        return as_html(report).encode()
    if kind == "json":
        return as_json(report)
    if kind == "md":
        return as_markdown(report).encode()
    raise SettingsError("All tables as CSV need a folder or a ZIP archive; one alone can be had with --table.")


def write(report: Report, kind: str, path: Path, table: str = "") -> None:
    """Write a report to `path`: CSV to a folder, or to a ZIP archive if its name ends so. Raises `SettingsError`."""
    try:
        if kind == "csv" and not table:
            if path.suffix.lower() == ".zip":
                write_zip(report, path)
            else:
                write_folder(report, path)
            return
        path.write_bytes(one_file(report, kind, table))
    except OSError as error:
        raise SettingsError(f"{path} can't be written: {error.strerror or error}.") from None


def _table(table: Table, kind: str) -> bytes:
    if kind == "csv":
        return sheet(table).encode()
    if kind == "json":
        return msgspec.json.format(msgspec.json.encode(table_value(table)), indent=2) + b"\n"
    if kind == "md":
        return ("\n".join(table_lines(table)) + "\n").encode()
    raise SettingsError("One table alone can be had as CSV, JSON or Markdown.")


def _named(report: Report, name: str) -> Table:
    for table in report.tables():
        if table.name == name:
            return table
    raise SettingsError(f"There is no table {name}; there are: {', '.join(t.name for t in report.tables())}.")
