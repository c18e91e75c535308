"""Write a data set: its tables, and a card that says what it is, for people and for programs."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine

from ...analyst.report.formats.sheet import harmless
from ...analyst.report.selection import Selection, sensors_of
from ...settings import Settings, SettingsError
from . import card, columns, rows
from .columns import Table
from .own import Own, names_of
from .pseudonyms import KEY_FILE, Pseudonyms, key_of
from .times import Coarseness

FORMATS = ("ndjson", "csv")
LEAST = 2
"""Visitors who must have written a text, unless the operator says otherwise."""
MAX_CLASSES = 1_000_000
"""Classes of sessions that are told apart when it is counted how many are alike."""


@dataclass(frozen=True)
class Options:
    """What an operator chooses."""

    selection: Selection = field(default_factory=Selection)
    format: str = "ndjson"
    times: Coarseness = Coarseness.HOUR
    networks: bool = False
    """Whether the pseudonyms of networks are given, so that visitors of one /24 can be told to be."""
    least: int = LEAST
    key: Path | None = None
    licence: str = ""


class Exported(NamedTuple):
    """What was written."""

    folder: Path
    rows: dict[str, int]
    withheld: int
    """Different texts that were not given."""
    key: Path


class Written(NamedTuple):
    """One table on disk."""

    table: Table
    file: str
    rows: int
    sha256: str


_MAKERS: dict[str, Callable[[Connection, rows.Rules], Iterator[rows.Row]]] = {
    "sessions": rows.session_rows,
    "techniques": rows.technique_rows,
    "ae_titles": rows.title_rows,
    "clients": rows.client_rows,
    "paths": rows.path_rows,
    "files": rows.file_rows,
    "lures": rows.lure_rows,
}


def export(engine: Engine, settings: Settings, folder: Path, options: Options) -> Exported:
    """An anonymised data set of the findings in `folder`, which is made, or must be empty. Raises `SettingsError`."""
    if options.format not in FORMATS:
        raise SettingsError(f"{options.format} is no format of a data set; there are: {', '.join(FORMATS)}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder} is not empty: a data set has a folder of its own.")
    key = options.key or settings.data / KEY_FILE
    pseudonyms = Pseudonyms(key_of(key))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} can't be written: {error.strerror}.") from None
    with engine.connect() as connection:
        sensors = sensors_of(connection, options.selection)
        rules = rows.rules_of(
            connection,
            options.selection,
            pseudonyms,
            options.times,
            Own(names_of(settings, connection)),
            networks=options.networks,
            least=options.least,
        )
        alike = Alike()
        written = []
        for table in columns.ALL:
            made = _MAKERS[table.name](connection, rules)
            if table is columns.SESSIONS:
                made = alike.counted(made)
            written.append(_write(folder, table, made, options.format))
    withheld = sum(len(allowed.withheld) for allowed in (rules.texts, rules.paths, rules.origins))
    facts = card.Facts(
        written=written,
        format=options.format,
        sensors=len(sensors),
        times=options.times.value,
        networks=options.networks,
        least=options.least,
        withheld=withheld,
        key=pseudonyms.identifier,
        licence=options.licence,
        first=alike.first,
        last=alike.last,
        classes=alike.sizes(),
    )
    (folder / "README.md").write_text(card.readme(facts), "utf-8")
    (folder / "croissant.json").write_bytes(card.croissant(facts))
    return Exported(folder, {one.table.name: one.rows for one in written}, withheld, key)


class Alike:
    """Counts how many visitors share what is told of a session: the day, category, country and client."""

    def __init__(self) -> None:
        self._visitors: dict[tuple[str, ...], set[str]] = {}
        self.sessions: Counter[tuple[str, ...]] = Counter()
        self.first = self.last = ""

    def counted(self, made: Iterable[rows.Row]) -> Iterator[rows.Row]:
        """The rows as they are."""
        for row in made:
            key = (row["start"][:10], row["category"], row["country"], row["client"])
            if key in self._visitors or len(self._visitors) < MAX_CLASSES:
                self._visitors.setdefault(key, set()).add(row["visitor"])
                self.sessions[key] += 1
            self.first = min(self.first or row["start"], row["start"])
            self.last = max(self.last, row["start"])
            yield row

    def sizes(self) -> list[tuple[str, int, int]]:
        """Sessions and classes, by how many visitors a class has."""
        found = []
        for label, least, most in (("1", 1, 1), ("2 to 4", 2, 4), ("5 or more", 5, 1 << 62)):
            keys = [key for key, visitors in self._visitors.items() if least <= len(visitors) <= most]
            found.append((label, len(keys), sum(self.sessions[key] for key in keys)))
        return found


class _Hashed:
    """A file whose content is hashed as it is written."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()

    def write(self, text: str) -> None:
        """As text files do."""
        data = text.encode("utf-8", "replace")
        self._file.write(data)
        self._hash.update(data)

    def close(self) -> str:
        """Its SHA-256."""
        self._file.close()
        return self._hash.hexdigest()


def _write(folder: Path, table: Table, made: Iterable[rows.Row], format: str) -> Written:
    name = f"{table.name}.{format}"
    file = _Hashed(folder / name)
    names = [column.name for column in table.columns]
    count = 0
    sheet = csv.DictWriter(file, names, lineterminator="\r\n")
    if format == "csv":
        sheet.writeheader()
    for row in made:
        assert list(row) == names, table.name
        count += 1
        if format == "csv":
            sheet.writerow({key: harmless(_flat(value)) for key, value in row.items()})
        else:
            file.write(msgspec.json.encode({k: v for k, v in row.items() if v is not None}).decode() + "\n")
    return Written(table, name, count, file.close())


def _flat(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
