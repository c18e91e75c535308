"""What was taken from public archives: to attribute it, and not to take it twice.

``hospital/import/ledger.json`` below the data folder. Series stand in it by keyed hashes, as in the catalogue.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ...hospital.importer.keys import Keys
from .errors import FetchError
from .offers import Work
from .transfer import disk

FOLDER = Path("hospital") / "import"
MAX_BYTES = 64 * 2**20
"""Of the ledger; a series has about 80."""


class Taken(msgspec.Struct):
    """A series; `work` is an index of the ledger's works, `objects` None while it is being imported."""

    work: int
    objects: int | None = None


class _File(msgspec.Struct):
    works: list[Work] = []
    series: dict[str, Taken] = {}


@dataclass(frozen=True, slots=True)
class Attribution:
    """What the hospital has of a work."""

    work: Work
    series: int
    objects: int

    def __str__(self) -> str:
        work = self.work
        cited = work.citation or f"{work.collection}. {work.archive}. {work.address}"
        licence = f"{work.licence.name}, {work.licence.url}"
        return f"{cited.rstrip('. ')} ({licence}). Changed: identities, dates, UIDs and texts replaced."


class Ledger:
    """The ledger of one data folder. Raises `FetchError` if it can't be read or written."""

    def __init__(self, data: Path, seed: str = "") -> None:
        self.folder = data / FOLDER
        self._path = self.folder / "ledger.json"
        self._keys = Keys(seed)
        self._file = self._read()

    def key(self, uid: str) -> str:
        """The name by which the series is known here."""
        return self._keys.digest("online series", uid).hex()[:32]

    def taken(self, uid: str) -> int | None:
        """How many objects of the series were imported; None: it was not tried to the end."""
        found = self._file.series.get(self.key(uid))
        return None if found is None else found.objects

    def begin(self, uid: str, work: Work) -> None:
        """Note whose work it is, before anything of it can be seen."""
        if work not in self._file.works:
            self._file.works.append(work)
        self._file.series[self.key(uid)] = Taken(self._file.works.index(work))
        self._write()

    def finish(self, uid: str, objects: int) -> None:
        """Note that the import of the series has ended, with so many objects in the hospital."""
        self._file.series[self.key(uid)].objects = objects
        self._write()

    def attributions(self) -> list[Attribution]:
        """What to attribute, in the order in which it was first taken."""
        found = []
        for number, work in enumerate(self._file.works):
            series = [taken for taken in self._file.series.values() if taken.work == number and taken.objects != 0]
            if series:
                found.append(Attribution(work, len(series), sum(taken.objects or 0 for taken in series)))
        return found

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other imports from archives out meanwhile."""
        with disk(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise FetchError("Another import from an archive is under way.") from None
            self._file = self._read()
            yield

    def _read(self) -> _File:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(MAX_BYTES), type=_File)
        except FileNotFoundError:
            return _File()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FetchError(f"{self._path} can't be read: {error}.") from None

    def _write(self) -> None:
        temporary = self._path.with_suffix(".part")
        with disk(self.folder):
            temporary.write_bytes(msgspec.json.encode(self._file))
            temporary.replace(self._path)
