"""Who came: categories, operators, countries, networks."""

from __future__ import annotations

from sqlalchemy import case, func

from ..database.schema import sessions
from ..origin import CATEGORIES
from .counting import (
    ADDRESSES,
    CONNECTIONS,
    SESSIONS,
    Counted,
    Frame,
    Measure,
    columns_of,
    count,
    more,
    scanned,
    total,
)
from .model import Cell, Column, Section, Table

ALL = "All"


def section(frame: Frame) -> Section:
    """The chapter."""
    return Section(
        name="origins",
        title="Who came",
        tables=[categories(frame), operators(frame), countries(frame), networks(frame)],
    )


def categories(frame: Frame) -> Table:
    """The table of the published results: a row for each category, and one of all."""
    measures = (ADDRESSES, CONNECTIONS)
    found = dict(count(frame, (scanned(sessions.c.category),), measures).rows)
    nothing: list[Cell] = [None] * (len(measures) * len(frame.groups))
    others = sorted(key[0] for key in found if key[0] not in CATEGORIES)
    names = [*CATEGORIES[:-1], *others, CATEGORIES[-1]]
    return Table(
        name="categories",
        title="Categories",
        about="Unique addresses are different source addresses; total seen are their TCP connections. A dash: no "
        "session of that category. All: addresses counted once each, connections summed up.",
        columns=[Column("category"), *columns_of(frame, measures)],
        rows=[[name, *found.get((name,), nothing)] for name in names],
        total=[ALL, *total(frame, measures)],
        chart="bars",
    )


def operators(frame: Frame) -> Table:
    """Who is behind the addresses, as far as that is known."""
    measures = (ADDRESSES, CONNECTIONS)
    name = case((sessions.c.operator == "", "not known"), else_=sessions.c.operator).label("who")
    found = count(frame, (name, sessions.c.category), measures, limit=frame.limit, by=1)
    return Table(
        name="operators",
        title="Operators",
        about="The organisation behind an address, by published ranges, reverse DNS, user agent or fingerprint.",
        columns=[Column("operator"), Column("category"), *found.columns],
        rows=[[*key, *cells] for key, cells in found.rows],
        more=more(found.left_out, "operators"),
    )


def countries(frame: Frame) -> Table:
    """Where addresses are registered, where a database of the operator's says so."""
    measures = (ADDRESSES, SESSIONS, CONNECTIONS)
    name = case((sessions.c.country == "", "not known"), else_=sessions.c.country).label("where")
    found = count(frame, (name,), measures, limit=frame.limit, by=2)
    return Table(
        name="countries",
        title="Countries",
        about="ISO 3166 codes of the countries that addresses are registered in; needs a database of countries in "
        "the settings. It isn't where a person sits.",
        columns=[Column("country"), *found.columns],
        rows=_known(found),
        more=more(found.left_out, "countries"),
        empty="No database of countries was given.",
    )


def networks(frame: Frame) -> Table:
    """Autonomous systems."""
    measures = (ADDRESSES, SESSIONS, CONNECTIONS)
    number: Measure = Measure("AS", func.max(sessions.c.asn))
    found = count(frame, (sessions.c.network,), measures, where=(sessions.c.network != "",), limit=frame.limit, by=2)
    numbers = {
        key[0]: cells[0]
        for key, cells in count(
            frame._replace(sensors=[]),
            (sessions.c.network,),
            (number,),
            where=(sessions.c.network.in_([key[0] for key, _ in found.rows]),),
        ).rows
    }
    return Table(
        name="networks",
        title="Networks",
        about="Autonomous systems that the addresses belong to, by a database in the settings.",
        columns=[Column("network", "foreign"), Column("AS"), *found.columns],
        rows=[[key[0], _autonomous(numbers.get(key[0])), *cells] for key, cells in found.rows],
        more=more(found.left_out, "networks"),
        empty="No database of networks was given, or it knew none of the addresses.",
    )


def _known(found: Counted) -> list[list[Cell]]:
    """Rows; none if nothing but the lack of knowledge is in them."""
    rows: list[list[Cell]] = [[*key, *cells] for key, cells in found.rows]
    return [] if len(rows) == 1 and rows[0][0] == "not known" else rows


def _autonomous(number: Cell) -> str:
    return "" if number is None else f"AS{number}"
