"""Markdown (CommonMark with tables), for wikis and issue trackers."""

from __future__ import annotations

import re

from ..calendar import date_of, moment
from ..model import NUMBERS, Cell, Column, Report, Story, Table
from ..selection import DAY
from .shown import labels, shown

_SPECIAL = re.compile(
    r"""[\\`*_\[\]<>#|~&@]        # markup, entities, mentions
    | ^[-+=] | ^\d+(?=[.)])       # lists and headings
    | (?<=\w):(?=\S) | www(?=\.)  # links that need no markup""",
    re.VERBOSE | re.IGNORECASE,
)


def escaped(text: str) -> str:
    """`text` so that nothing in it is markup or a link."""
    return _SPECIAL.sub(lambda m: f"\\{m[0]}" if not m[0].isalnum() else f"{m[0]}\\", text)


def code(text: str) -> str:
    """`text` in a code span, in a table: nothing in it is markup, whatever it is."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if text[:1] == "`" or text[-1:] == "`" else ""
    # Between bars a backslash before a bar is taken off again, also in code; a lone one at the end can't be had.
    return f"{fence}{padding}{text.replace('|', chr(92) + '|')}{padding}{fence}" if text.strip() else ""


def as_markdown(report: Report) -> str:
    """The whole report."""
    lines = [f"# {escaped(report.title)}", "", _period(report), ""]
    lines += [f"- {escaped(sentence)}" for sentence in report.headlines]
    for section in report.sections:
        lines += ["", f"## {escaped(section.title)}"]
        for paragraph in section.paragraphs:
            lines += ["", escaped(paragraph)]
        for table in section.tables:
            lines += ["", f"### {escaped(table.title)}", "", *table_lines(table)]
        for story in section.stories:
            lines += ["", *_story(story)]
    lines += ["", "## What the numbers are", ""]
    lines += [f"- **{escaped(term)}**: {escaped(meaning)}" for term, meaning in report.definitions]
    return "\n".join(lines) + "\n"


def _period(report: Report) -> str:
    sensors = ", ".join(map(code, report.sensors)) or "none"
    if report.start is None or report.end is None:
        return f"Sensors: {sensors}."
    return f"{date_of(report.start // DAY)} to {date_of((report.end - 1) // DAY)} (UTC). Sensors: {sensors}."


def table_lines(table: Table) -> list[str]:
    """One table, after what its numbers are."""
    lines = [escaped(table.about), ""]
    if not table.rows:
        return [escaped(table.empty)]
    if table.drawn_only:
        return [*lines, "The table is long; it is in the CSV and JSON forms of this report."]
    lines.append(_row([escaped(label) for label in labels(table.columns)]))
    lines.append(_row(["---:" if column.kind in NUMBERS else "---" for column in table.columns]))
    lines += [_row(_cells(row, table.columns)) for row in table.rows]
    if table.total is not None:
        lines.append(_row([f"**{cell}**" if cell else "" for cell in _cells(table.total, table.columns)]))
    return [*lines, "", escaped(table.more)] if table.more else lines


def _cells(row: list[Cell], columns: list[Column]) -> list[str]:
    return [
        code(shown(cell, column.kind))
        if column.kind in ("foreign", "hash") and cell is not None
        else escaped(shown(cell, column.kind))
        for cell, column in zip(row, columns, strict=True)
    ]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _story(story: Story) -> list[str]:
    lines = [f"### {escaped(story.title)}", ""]
    if story.verdict:
        lines += [escaped(story.verdict), ""]
    lines += [f"- {escaped(name)}: {escaped(value)}" for name, value in story.facts]
    lines.append("")
    for number, step in enumerate(story.steps, 1):
        answer = f" *Answer: {escaped(step.answer)}.*" if step.answer else ""
        times = f" ({step.times:,} times)" if step.times > 1 else ""
        lines.append(f"{number}. {moment(step.moment)[11:]} {escaped(step.text)}{times}{answer}")
    return [*lines, "", escaped(story.more)] if story.more else lines
