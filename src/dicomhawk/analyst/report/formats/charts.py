"""Drawings as SVG, within the page: no script, readable on paper, with a title and a description for those who can't
see them. Colours are classes of the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from ....settings.words import DEPTHS
from ...origin import CATEGORIES
from ..counting import TOGETHER
from ..model import Column, Table
from .shown import shown

WIDTH = 760.0
"""Of a drawing, in its own units; the page scales it."""
_LEFT, _RIGHT, _TOP, _BASE = 46.0, 6.0, 10.0, 22.0
_PLOT = 190.0
"""Height of a plot."""
_LEGEND = 18.0
_CHARACTER = 6.8
"""Width of a character of 11 units, more or less, to place words by."""
MAX_SERIES = 12
"""Colours that the style sheet has."""
_TICKS = 5


def drawing(table: Table) -> Markup:
    """The drawing of a table; nothing if there is nothing to be drawn."""
    numbers = [at for at, column in enumerate(table.columns) if column.kind == "number"]
    if not any(row[at] for row in table.rows for at in numbers):
        return Markup("")
    return _columns(table, numbers) if table.chart == "columns" else _bars(table, numbers)


def _figure(table: Table, height: float, body: Sequence[Markup], description: str) -> Markup:
    return Markup(
        '<svg role="img" viewBox="0 0 {w:.0f} {h:.0f}" aria-labelledby="{n}-title {n}-desc">'
        '<title id="{n}-title">{title}</title><desc id="{n}-desc">{desc}</desc>{body}</svg>'
    ).format(w=WIDTH, h=height, n=table.name, title=table.title, desc=description, body=Markup("").join(body))


def _columns(table: Table, numbers: list[int]) -> Markup:
    """Columns over time, the series on top of each other."""
    sums = [sum(int(row[at] or 0) for at in numbers) for row in table.rows]
    top, step = scale(max(sums))
    names = [table.columns[at].label for at in numbers]
    legend, legend_height = _legend(table, names)
    base = legend_height + _TOP + _PLOT
    room = (WIDTH - _LEFT - _RIGHT) / len(table.rows)
    gap = min(2.0, room * 0.2)
    body = [legend, *_grid(top, step, base)]
    for place, row in enumerate(table.rows):
        y = base
        for series, at in enumerate(numbers):
            value = int(row[at] or 0)
            if value:
                high = value / top * _PLOT
                y -= high
                body.append(_rect(_LEFT + place * room + gap / 2, y, room - gap, high, colour(names[series], series)))
    body += _dates(table, room, base)
    most = max(range(len(sums)), key=sums.__getitem__)
    when = shown(table.rows[most][0], table.columns[0].kind)
    description = f"Together {sum(sums):,}; the most, {sums[most]:,}, {table.columns[0].label} {when}."
    return _figure(table, base + _BASE, body, description)


def _grid(top: int, step: int, base: float) -> list[Markup]:
    parts = []
    for value in range(0, top + 1, step):
        y = base - value / top * _PLOT
        parts.append(
            Markup('<line class="grid" x1="{l}" x2="{r:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
                l=_LEFT, r=WIDTH - _RIGHT, y=y
            )
        )
        parts.append(_text(_LEFT - 5, y + 3.5, f"{value:,}", "end"))
    return parts


def _dates(table: Table, room: float, base: float) -> list[Markup]:
    labels = [shown(row[0], table.columns[0].kind) for row in table.rows]
    wide = max(map(len, labels)) * _CHARACTER + 14
    every = max(1, math.ceil(wide / room))
    parts = []
    for at in range(0, len(labels), every):
        x = _LEFT + (at + 0.5) * room
        half = len(labels[at]) * _CHARACTER / 2
        parts.append(_text(min(max(x, half), WIDTH - half), base + 15, labels[at], "middle"))
    return parts


def _legend(table: Table, names: list[str]) -> tuple[Markup, float]:
    """Names of series in their colours, in as many lines as they need; and their height."""
    x, y = _LEFT, 10.0
    parts = []
    for at, name in enumerate(names):
        wide = len(name) * _CHARACTER + 28
        if x + wide > WIDTH and x > _LEFT:
            x, y = _LEFT, y + _LEGEND
        parts.append(_rect(x, y - 8, 10, 10, colour(name, at)))
        parts.append(_text(x + 14, y + 1, name, "start"))
        x += wide
    return Markup("").join(parts), y + _LEGEND / 2


def _bars(table: Table, numbers: list[int]) -> Markup:
    """A panel for each measure, with a bar for each row, or for each row and sensor."""
    groups = [group for group in dict.fromkeys(table.columns[at].group for at in numbers) if group != TOGETHER]
    measures = list(dict.fromkeys(table.columns[at].label for at in numbers))
    words = [shown(row[0], table.columns[0].kind) for row in table.rows]
    margin = max(len(word) for word in words) * _CHARACTER + 10
    legend, top = _legend(table, groups) if groups != [""] else (Markup(""), 0.0)
    panel = (WIDTH - margin) / len(measures)
    thick = 12.0 if len(groups) == 1 else 8.0
    line = thick * len(groups) + 7
    body = [legend]
    for at, word in enumerate(words):
        y = top + 24 + at * line + (line - 7) / 2
        body.append(_text(margin - 8, y + 4, word, "end"))
    for place, measure in enumerate(measures):
        left = margin + place * panel
        body.append(_text(left, top + 14, measure, "start", "head"))
        of = {c.group: at for at, c in enumerate(table.columns) if c.label == measure and c.kind == "number"}
        most = max([int(row[of[group]] or 0) for row in table.rows for group in groups] + [1])
        room = panel - 62
        for at, row in enumerate(table.rows):
            for which, group in enumerate(groups):
                value = row[of[group]]
                y = top + 24 + at * line + which * thick
                long = int(value or 0) / most * room
                body.append(_rect(left, y, max(long, 0.75 if value else 0), thick - 1.5, f"c{which % MAX_SERIES}"))
                body.append(_text(left + long + 4, y + thick / 2 + 2.5, shown(value, "number"), "start", "value"))
    return _figure(table, top + 24 + len(words) * line + 2, body, _most(table, numbers, words))


def _most(table: Table, numbers: list[int], words: list[str]) -> str:
    said = []
    for at in numbers:
        column: Column = table.columns[at]
        best = max(range(len(words)), key=lambda row: int(table.rows[row][at] or 0))
        if table.rows[best][at]:
            sensor = f" of {column.group}" if column.group else ""
            said.append(f"most {column.label}{sensor}: {words[best]} with {int(table.rows[best][at] or 0):,}")
    return "; ".join(said).capitalize() + "."


def colour(name: str, series: int) -> str:
    """The class of a series: the same for a category or depth in all drawings."""
    if name in DEPTHS:
        return f"d{DEPTHS.index(name)}"
    if name in CATEGORIES:
        return f"k{CATEGORIES.index(name)}"
    return f"c{series % MAX_SERIES}"


def scale(most: int) -> tuple[int, int]:
    """End and steps of an axis that has `most` on it: round numbers, none of them a fraction."""
    rough = max(1.0, most / _TICKS)
    power = 10 ** math.floor(math.log10(rough))
    step = next(int(power * factor) for factor in (1, 2, 5, 10) if power * factor >= rough)
    return math.ceil(max(1, most) / step) * step, step


def _rect(x: float, y: float, wide: float, high: float, kind: str) -> Markup:
    return Markup('<rect class="{k}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>').format(
        k=kind, x=x, y=y, w=max(wide, 0), h=max(high, 0)
    )


def _text(x: float, y: float, text: str, anchor: str, kind: str = "label") -> Markup:
    return Markup('<text class="{k}" x="{x:.1f}" y="{y:.1f}" text-anchor="{a}">{t}</text>').format(
        k=kind, x=x, y=y, a=anchor, t=text
    )
