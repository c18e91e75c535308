"""What is ours: names by which somebody could find the honeypot, or tell it from a hospital."""

from __future__ import annotations

import re
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from ...analyst.database.schema import events, lures, sessions
from ...evidence.documents import text_at
from ...hospital.archive import CATALOGUE
from ...settings import Settings

SHORTEST = 4
"""Characters from which on a name says something when it stands within another text."""
SHORTEST_NUMBER = 6
"""Digits from which on a number says something: versions of programs have fewer."""
WORD_ONLY = "\0"
MAX_NAMES = 200_000
"""Names that are kept: a hospital has some tens of thousands of people."""
MAX_OPENINGS = 5_000
"""Connections of each sensor that are looked at for addresses of ours."""
_COLUMNS = {
    "device": ("ae_title", "host", "station_name", "serial"),
    "patient": ("patient_id", "name"),
    "study": ("accession_number", "study_id", "referring_physician"),
}
"""Of the catalogue: what names a thing or a person of the hospital."""
_WORD = re.compile(r"[^\W_]+")

_decode = msgspec.json.Decoder(dict).decode


class Own:
    """Names of ours, and whether a text has one in it."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names`: alone, as a word, or in a longer text, whatever their case. A single word of a person's name (it
        ends with `WORD_ONLY`) isn't looked for within other words, of which it might be a part by chance."""
        self._whole: set[str] = set()
        self._within: set[str] = set()
        for name in names:
            folded = name.removesuffix(WORD_ONLY).strip().casefold()
            if not folded or len(self._whole) >= MAX_NAMES or (folded.isdigit() and len(folded) < SHORTEST_NUMBER):
                continue
            self._whole.add(folded)
            if len(folded) >= SHORTEST and not name.endswith(WORD_ONLY):
                self._within.add(folded)
        self._lengths = sorted({len(name) for name in self._within})

    def __contains__(self, text: str) -> bool:
        folded = text.casefold()
        if folded.strip() in self._whole:
            return True
        if any(word in self._whole for word in _WORD.findall(folded)):
            return True
        return any(
            folded[start : start + length] in self._within
            for length in self._lengths
            if length <= len(folded)
            for start in range(len(folded) - length + 1)
        )


def names_of(settings: Settings, connection: Connection) -> Iterator[str]:
    """All names of ours: of the settings, the hospital, its people, the lures, this host, and what visitors called
    us."""
    yield from _configured(settings)
    yield from _hospital(settings.hospital_dir / CATALOGUE)
    yield from _seen(connection)


def _configured(settings: Settings) -> Iterator[str]:
    yield socket.gethostname()
    yield socket.getfqdn()
    yield settings.sensor_name
    if settings.host not in ("0.0.0.0", "::", "127.0.0.1", "::1"):  # noqa: S104
        yield settings.host
    deployment = settings.deployment
    if deployment is not None:
        yield from (deployment.seed, deployment.hospital, deployment.ae_title, deployment.uid_root)
        # The place that the hospital's name is made of.
        yield from (word for word in _WORD.findall(deployment.hospital) if len(word) > SHORTEST)
    for remote in settings.dicom.remotes:
        yield from (remote.ae_title, remote.host)
    lure = settings.lures
    yield from (lure.canary_url, lure.canary_zone, *lure.own.values(), settings.canary.address)
    for pair in lure.credentials:
        yield from (pair.username, pair.password)


def _hospital(catalogue: Path) -> Iterator[str]:
    if not catalogue.exists():
        return
    reader = sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True)
    try:
        for table, columns in _COLUMNS.items():
            for column in columns:
                # The names are those above.
                found = reader.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} != ''")  # noqa: S608
                for (value,) in found:
                    yield from _parts(str(value))
    finally:
        reader.close()


def _parts(value: str) -> Iterator[str]:
    """A value, and the parts of a person's name in it."""
    yield value
    if "^" in value or "=" in value:
        yield from (part + WORD_ONLY for part in re.split(r"[\^= ]+", value) if len(part) >= SHORTEST)


def _seen(connection: Connection) -> Iterator[str]:
    """What the findings know: sensors, their addresses, bait, and the names that visitors used for us."""
    yield from connection.scalars(select(sessions.c.sensor).distinct())
    for row in connection.execute(select(lures.c.lure, lures.c.token, lures.c.detail).distinct().limit(MAX_NAMES)):
        yield from row
    sensors = list(connection.scalars(select(sessions.c.sensor).distinct()))
    for action, paths in (
        ("connection.open", ("destination.ip",)),
        ("http.request", ("url.domain",)),
        ("tls.handshake", ("tls.client.server_name",)),
    ):
        for sensor in sensors:
            documents = connection.scalars(
                select(events.c.document)
                .where(events.c.action == action, events.c.sensor == sensor)
                .order_by(events.c.moment.desc())
                .limit(MAX_OPENINGS)
                .execution_options(yield_per=500)
            )
            for document in documents:
                yield from (text_at(_decode(document), path) for path in paths)
