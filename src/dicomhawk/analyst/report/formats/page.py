"""HTML: one file that needs nothing else, neither network nor script."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ....settings.words import DEPTHS, SEVERITIES
from ..calendar import date_of, moment
from ..model import NUMBERS, Cell, Column, Report, Table
from ..selection import DAY
from .charts import drawing
from .shown import shown

_ATTACK = re.compile(r"T\d{4}(?:\.\d{3})?\Z")
_PACKAGE = "dicomhawk.analyst.report"


def as_html(report: Report) -> str:
    """The whole report as a page."""
    style = resources.files(_PACKAGE).joinpath("pages", "report.css").read_text("utf-8")
    # Nothing but this very style sheet has an effect, whatever else might come to stand in the page.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _environment()
        .get_template("report.html.j2")
        .render(report=report, style=Markup(style), digest=digest, period=_period(report))  # noqa: S704
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(drawing=drawing, groups=_groups, starts_of=_starts, cell=_cell)
    environment.filters.update(moment=moment, clock=lambda us: moment(us)[11:])
    environment.tests["number"] = lambda kind: kind in NUMBERS
    return environment


def _groups(table: Table) -> list[tuple[str, int]]:
    """What stands above the columns, each with their number; nothing if there are no groups."""
    found: list[tuple[str, int]] = []
    for column in table.columns:
        if found and found[-1][0] == column.group:
            found[-1] = (column.group, found[-1][1] + 1)
        else:
            found.append((column.group, 1))
    return found if any(name for name, _ in found) else []


def _starts(groups: list[tuple[str, int]]) -> set[int]:
    """Numbers of the columns that are the first of a group with a name."""
    found, at = set(), 0
    for name, wide in groups:
        if name:
            found.add(at)
        at += wide
    return found


def _cell(value: Cell, column: Column) -> Markup:
    """What stands in a cell."""
    text = shown(value, column.kind)
    if column.kind == "severity" and text in SEVERITIES:
        return Markup('<span class="severity {0}">{0}</span>').format(text)
    if column.kind == "depth" and text in DEPTHS:
        return Markup('<span class="depth"><i class="d{0}"></i>{1}</span>').format(DEPTHS.index(text), text)
    if column.kind == "attack":
        return Markup(" ").join(map(_attack, text.split()))
    if column.kind in ("foreign", "hash") and value is not None:
        return Markup("<bdi><code>{}</code></bdi>").format(text) if text else Markup("")
    return Markup("{}").format(text)


def _attack(identifier: str) -> Markup:
    if not _ATTACK.match(identifier):
        return Markup("{}").format(identifier)
    return Markup('<a href="https://attack.mitre.org/techniques/{}/">{}</a>').format(
        identifier.replace(".", "/"), identifier
    )


def _period(report: Report) -> str:
    if report.start is None or report.end is None:
        return "no time"
    return f"{date_of(report.start // DAY)} to {date_of((report.end - 1) // DAY)}"
