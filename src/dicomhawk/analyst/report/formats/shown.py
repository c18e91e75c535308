"""Cells as people read them."""

from __future__ import annotations

from ....settings.words import DEPTHS, SEVERITIES
from ...narrative import printable, size
from ..calendar import date_of, moment
from ..model import Cell, Column, Kind

NOTHING = "-"
MAX_SHOWN = 160
"""Characters of a stranger's text in a document; the data formats have it whole."""
HASH_SHOWN = 16


def shown(cell: Cell, kind: Kind, limit: int = MAX_SHOWN) -> str:
    """A cell as text. Control and formatting characters are escaped."""
    if cell is None:
        return NOTHING
    if isinstance(cell, str):
        if kind == "hash" and len(cell) > HASH_SHOWN:
            return printable(cell, HASH_SHOWN)
        return printable(cell, limit)
    number = int(cell)
    if kind == "moment":
        return moment(number)
    if kind == "day":
        return date_of(number)
    if kind == "bytes":
        return size(number)
    if kind == "severity":
        return _word(SEVERITIES, number)
    if kind == "depth":
        return _word(DEPTHS, number)
    return f"{cell:,}"


def exact(cell: Cell, kind: Kind) -> Cell:
    """A cell as a program reads it: numbers as they are, moments as RFC 3339."""
    if cell is None or isinstance(cell, str) or kind in ("number", "bytes", "text"):
        return cell
    if kind == "moment":
        return moment(int(cell)).replace(" ", "T") + "Z"
    return shown(cell, kind)


def labels(columns: list[Column]) -> list[str]:
    """The columns' names, each different."""
    return [f"{column.group}: {column.label}" if column.group else column.label for column in columns]


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if 0 <= number < len(words) else str(number)
