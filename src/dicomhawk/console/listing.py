"""Long tables, a page at a time: the next page begins behind the last row of this one, wherever that is by then."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select

from ..analyst.report.cells import many
from .findings import Findings

ROWS = 50
"""Of one page."""
MOST_COUNTED = 10_000
"""Rows that are counted; of more, it is said that there are more."""

_KEY = "_key_"


@dataclass(frozen=True)
class Page:
    """Some rows, and the cursor of those behind them; empty: there are none."""

    rows: list[Any]
    behind: str


def page_of(
    findings: Findings,
    query: Select[Any],
    keys: Sequence[ColumnElement[Any]],
    cursor: str = "",
    *,
    ascending: bool = False,
    rows: int = ROWS,
) -> Page:
    """The rows of `query` behind `cursor`, in the order of `keys`: the last makes it unambiguous, none is null.

    A cursor that isn't one counts as none.
    """
    after = _decoded(cursor, len(keys))
    if after is not None:
        query = query.where(_behind(keys, after, ascending=ascending))
    order = [key.asc() if ascending else key.desc() for key in keys]
    labelled = [key.label(f"{_KEY}{number}") for number, key in enumerate(keys)]
    found = findings.all(query.add_columns(*labelled).order_by(*order).limit(rows + 1))
    behind = ""
    if len(found) > rows:
        last = found[rows - 1]._mapping
        behind = _encoded([last[f"{_KEY}{number}"] for number in range(len(keys))])
    return Page(found[:rows], behind)


def counted(findings: Findings, query: Select[Any], one: str, several: str = "") -> str:
    """How many rows `query` has, in words: `one` of them, or `several` (with an "s" unless it is given)."""
    bounded = (
        query.with_only_columns(literal(1), maintain_column_froms=True)
        .order_by(None)
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    number = int(findings.value(select(func.count()).select_from(bounded)) or 0)
    return f"more than {many(MOST_COUNTED, one, several)}" if number > MOST_COUNTED else many(number, one, several)


def _behind(keys: Sequence[ColumnElement[Any]], after: list[Any], *, ascending: bool) -> ColumnElement[bool]:
    # Spelt out, since an index is used for the first comparison, and types of all databases can be compared so.
    steps = []
    for number, (key, value) in enumerate(zip(keys, after, strict=True)):
        equal = [keys[before] == after[before] for before in range(number)]
        steps.append(and_(*equal, key > value if ascending else key < value))
    first = keys[0] >= after[0] if ascending else keys[0] <= after[0]
    return and_(first, or_(*steps))


def _encoded(values: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _decoded(cursor: str, length: int) -> list[Any] | None:
    if not cursor or len(cursor) > 4000:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        return None
    if not isinstance(values, list) or len(values) != length:
        return None
    return values if all(isinstance(value, (str, int, float)) for value in values) else None
