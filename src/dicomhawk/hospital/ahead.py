"""Whether the generated hospital has enough days to come. Without what makes them, which takes long to import."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from dicomhawk.hospital.catalogue import Catalogue, CatalogueError
from dicomhawk.hospital.world.locale import locale
from dicomhawk.settings import Deployment

CATALOGUE: Final = "hospital/catalogue.sqlite"
HISTORY: Final = "history"
"""Key of the catalogue's info: the generated history's state; absent in one that was only imported into."""
DAYS: Final = 35
"""Days to come whose studies are made: longer than anybody's wait for an appointment."""
LEAST: Final = DAYS - 14
"""Days to come that are left in the catalogue when more are made."""


class GenerateError(Exception):
    """The catalogue can't be generated; the message is one sentence for the operator."""


class Reached(msgspec.Struct, frozen=True):
    """Of the generated history's state what tells how far it has come."""

    last_day: str
    """ISO 8601: up to and with that day there are studies."""


S = TypeVar("S", bound=Reached)


def is_due(data: Path, deployment: Deployment, *, now: float) -> bool:
    """Whether few days to come are left at `now` (POSIX seconds). Raises `GenerateError`.

    Never in a catalogue without generated studies.
    """
    try:
        with Catalogue(data / CATALOGUE) as catalogue:
            state = state_of(catalogue, Reached)
    except (CatalogueError, sqlite3.Error, OSError) as error:
        raise GenerateError(f"The hospital can't be continued: {error}") from None
    return state is not None and has_few(state, deployment, now)


def has_few(state: Reached, deployment: Deployment, now: float) -> bool:
    """Whether few days to come are left at `now` (POSIX seconds)."""
    return (date.fromisoformat(state.last_day) - today(deployment, now)).days < LEAST


def today(deployment: Deployment, now: float) -> date:
    """The day at the hospital at `now` (POSIX seconds)."""
    return datetime.fromtimestamp(now, locale(deployment.locale).zone()).date()


def state_of(catalogue: Catalogue, kind: type[S]) -> S | None:
    """How far the generated history has come; None if there is none. Raises `CatalogueError`."""
    text = catalogue.info(HISTORY)
    try:
        return None if text is None else msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise CatalogueError(f"the state of the history is damaged: {error}.") from None
