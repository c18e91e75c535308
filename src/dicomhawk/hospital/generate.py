"""The generated hospital: fills the catalogue from the deployment's seed.

Rows for studies to come are there already, with the moment from which they are visible. Pixel data are made later,
from the series' recipes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from dicomhawk.hospital import ahead, schema
from dicomhawk.hospital.ahead import CATALOGUE, HISTORY, GenerateError
from dicomhawk.hospital.catalogue import Catalogue, CatalogueError, CatalogueWriter
from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.rows import Instance, Patient, Series, Study
from dicomhawk.hospital.schema import TABLES, Row
from dicomhawk.hospital.world.calendar import YEARS, Scale
from dicomhawk.hospital.world.history import History, State
from dicomhawk.hospital.world.locale import locale
from dicomhawk.hospital.world.patients import Known
from dicomhawk.hospital.world.people import Person, person_seed
from dicomhawk.settings import Deployment

CACHE = "hospital/cache"
GENERATED = "generated_studies"
"""Key of the catalogue's info: how many studies were asked for."""

Progress = Callable[[int, int], None]

_IMPORTED_SERIES = "series_key IN (SELECT series_key FROM instance WHERE path IS NOT NULL)"
_IMPORTED_STUDIES = f"study_key IN (SELECT study_key FROM series WHERE {_IMPORTED_SERIES})"  # noqa: S608 - ours
_IMPORTED_PATIENTS = f"patient_key IN (SELECT patient_key FROM study WHERE {_IMPORTED_STUDIES})"  # noqa: S608 - ours
_OF_IMPORTED: tuple[tuple[type[Row], str], ...] = (
    (Patient, _IMPORTED_PATIENTS),
    (Study, _IMPORTED_STUDIES),
    (Series, _IMPORTED_SERIES),
    (Instance, "path IS NOT NULL"),
)
_KNOWN = """
SELECT patient_key, patient_id, name, birth_date, sex, patient_size, patient_weight, max(study_date || study_time)
FROM patient JOIN study USING (patient_key)
WHERE study_key IN (SELECT study_key FROM series WHERE recipe IS NOT NULL)
GROUP BY patient_key ORDER BY patient_key
"""
_BEFORE = """
SELECT patient_key, study_date, recipe FROM study JOIN series USING (study_key)
WHERE recipe IS NOT NULL ORDER BY study_date, study_time
"""


def generate(
    data: Path,
    deployment: Deployment,
    studies: int,
    *,
    now: float,
    years: float = YEARS,
    per_day: float | None = None,
    rotate: bool = False,
    progress: Progress | None = None,
) -> None:
    """Make ``hospital/catalogue.sqlite`` below `data` with `studies` in the `years` up to `now` (POSIX seconds), and
    those of the weeks to come, `per_day` on a usual working day (None: as many as go with `studies`).

    What was generated before is replaced, and the cache of rendered objects emptied; imported studies stay. With
    `rotate`, people and images are others than before, and the hospital and its devices are the same. Either it is
    complete in the end or nothing has changed. `progress` is called with the studies made and their number. Raises
    `GenerateError`.
    """
    target = data / CATALOGUE
    path = target.with_suffix(".new")
    try:
        _remove(path)
        with CatalogueWriter(path, bulk=True) as writer:
            rotation, taken = 0, list[str]()
            if target.exists():
                with Catalogue(target) as old:
                    before = ahead.state_of(old, State)
                    rotation = (before.rotation if before else 0) + rotate
                    taken = _carry_over(old, writer)
            history = History(writer, deployment, rotation=rotation, taken=taken)
            for done, total in history.begin(Scale(studies, years, per_day), now):
                if progress is not None:
                    progress(done, total)
            _describe(writer, history, {GENERATED: str(studies)})
        _remove_companions(target)
        path.replace(target)
        shutil.rmtree(data / CACHE, ignore_errors=True)
    except (CatalogueError, sqlite3.Error, OSError) as error:
        raise GenerateError(f"The hospital can't be generated: {error}") from None
    finally:
        _remove(path)


def extend(data: Path, deployment: Deployment, *, now: float, progress: Progress | None = None) -> bool:
    """Make the studies of further days if there are few to come; whether there were. A sensor may be running.

    Nothing is done to a catalogue without generated studies. Raises `GenerateError`.
    """
    try:
        with Catalogue(data / CATALOGUE) as catalogue:
            state = ahead.state_of(catalogue, State)
            if state is None or not ahead.has_few(state, deployment, now):
                return False
            made, known = catalogue.devices(), list(_known(catalogue, deployment))
            taken = [row[0] for row in catalogue.connection.execute("SELECT patient_id FROM patient")]
        with CatalogueWriter(data / CATALOGUE) as writer:
            history = History(writer, deployment, rotation=state.rotation, taken=taken)
            until = ahead.today(deployment, now) + timedelta(days=ahead.DAYS)
            for done, total in history.resume(state, made, known, until):
                if progress is not None:
                    progress(done, total)
            _describe(writer, history, {})
    except (CatalogueError, sqlite3.Error, OSError) as error:
        raise GenerateError(f"The hospital can't be continued: {error}") from None
    return True


def _describe(writer: CatalogueWriter, history: History, more: dict[str, str]) -> None:
    state = msgspec.json.encode(history.state()).decode()
    for key, value in (history.info() | more | {HISTORY: state}).items():
        writer.set_info(key, value)


def _known(catalogue: Catalogue, deployment: Deployment) -> Iterator[Known]:
    """The patients of generated studies."""
    zone = locale(deployment.locale).zone()
    before = _before(catalogue)
    for key, identifier, name, born, sex, size, weight, last in catalogue.connection.execute(_KNOWN):
        person = Person(
            seed=person_seed(deployment.seed, identifier),
            identifier=identifier,
            name=name,
            birth=datetime.strptime(born, "%Y%m%d").date(),
            sex=sex,
            height=float(size),
            weight=float(weight),
        )
        moment = datetime.strptime(last[:14], "%Y%m%d%H%M%S").replace(tzinfo=zone)
        yield Known(person, key, moment, before.get(key, {}))


class _Image(msgspec.Struct):
    """What of a recipe's image tells what was found."""

    kind: str = msgspec.field(name="type")
    findings: tuple[Finding, ...] = ()


class _Recipe(msgspec.Struct):
    image: _Image | None = None


_SUBJECTS = {
    "chest_ct": "chest",
    "head_ct": "ct_head",
    "abdomen_ct": "ct_abdomen",
    "brain_mr": "head",
    "radiograph": "xr",
    "ultrasound": "us",
    "ecg": "ecg",
}


def _before(catalogue: Catalogue) -> dict[int, dict[str, tuple[str, tuple[Finding, ...]]]]:
    """By patient, `Known.before`."""
    decoder, made = msgspec.json.Decoder(_Recipe), dict[int, dict[str, tuple[str, tuple[Finding, ...]]]]()
    for key, day, recipe in catalogue.connection.execute(_BEFORE):
        image = decoder.decode(recipe).image
        if image is not None and image.kind in _SUBJECTS:
            made.setdefault(key, {})[_SUBJECTS[image.kind]] = (day, image.findings)
    return made


def _carry_over(old: Catalogue, writer: CatalogueWriter) -> list[str]:
    """Copy what was imported, and return the Patient IDs of it."""
    for key, value in old.connection.execute("SELECT key, value FROM info"):
        if key not in (HISTORY, GENERATED):
            writer.set_info(key, value)
    taken: list[str] = []
    for row_class, where in _OF_IMPORTED:
        names = schema.columns(row_class)
        columns = ", ".join(f'"{name}"' for name in names)
        sql = f"SELECT {columns} FROM {TABLES[row_class]} WHERE {where}"  # noqa: S608 - names of ours
        rows = (row_class(**dict(zip(names, row, strict=True))) for row in old.connection.execute(sql))
        writer.add_all(rows)
        if row_class is Patient:
            taken = [row[0] for row in old.connection.execute(f"SELECT patient_id FROM patient WHERE {where}")]  # noqa: S608
    return taken


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _remove_companions(path)


def _remove_companions(path: Path) -> None:
    """SQLite's own files beside a database, which belong to that database only."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
