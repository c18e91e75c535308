"""An import from an archive: choose, then download, verify and take over series after series."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...hospital.importer import ImportReport, SourceError, import_folder
from ...settings import Deployment
from .errors import FetchError, NoRoom, Unreachable
from .ledger import Ledger
from .offers import Archive, Offer, Wanted
from .transfer import disk, free_bytes

MAX_IN_ROW = 3
"""Series that fail for the archive's silence before the rest isn't tried."""

MARGIN = 64 * 2**20
"""Bytes of the disk that are left alone."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much (0: unknown): ``choosing``, ``series`` with
counts, ``downloading`` with bytes of the series."""


@dataclass(slots=True)
class OnlineReport:
    """What an import from an archive did; ``str()`` of it is what an operator wants to read."""

    archive: str
    asked: int  # series
    imported: int = 0  # series with an object in the hospital since this run
    already_there: int = 0  # series of those asked for that an earlier run had imported
    unsuitable: int = 0  # series of which the importer took nothing, in this run or an earlier one
    passed_over: dict[str, int] = field(default_factory=dict)  # series that were not chosen, and why
    failed: list[str] = field(default_factory=list)
    files: ImportReport = field(default_factory=ImportReport)

    @property
    def complete(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def __str__(self) -> str:
        lines = [
            f"{self.imported} series imported of {self.asked} asked for ({self.files.imported} objects,"
            f" {self.files.patients} new patients, {self.files.studies} new studies)",
            f"{self.already_there} already there",
        ]
        if self.unsuitable:
            lines.append(f"{self.unsuitable} taken by none of the importer's rules")
        lines += [f"{count} passed over: {reason}" for reason, count in sorted(self.passed_over.items())]
        lines += [f"{len(self.files.refused)} objects refused"] if self.files.refused else []
        lines += [f"  {reason} ({count})" for reason, count in self._reasons().most_common()]
        if self.failed:
            lines.append(f"{len(self.failed)} failed; the same command tries them again")
        return "\n".join(lines + [f"  {failure}" for failure in self.failed])

    def _reasons(self) -> Counter[str]:
        return Counter(refusal.reason for refusal in self.files.refused)


def import_online(
    archive: Archive,
    wanted: Wanted,
    data: Path,
    deployment: Deployment,
    *,
    now: float,
    progress: Progress | None = None,
) -> OnlineReport:
    """Import series of `archive` into the hospital below the folder `data`, with false identities.

    Which ones are chosen follows from the deployment, so a repeated import goes on where it was, and one of more
    series adds to what is there. A series is imported when all of it has been downloaded and verified. `now` (POSIX
    seconds) is when it becomes visible. Raises `FetchError`, `SourceError` and `CatalogueError`; what is wrong with
    single series is in the report.
    """
    ledger = Ledger(data, deployment.seed)
    tell = progress or (lambda what, done, total: None)
    with ledger.alone():
        tell("choosing", 0, 0)
        offered = archive.offers(wanted, deployment.seed)
        if not offered.offers:
            reasons = ", ".join(f"{count} for {reason}" for reason, count in sorted(offered.passed_over.items()))
            raise FetchError(f"{archive.name} has no series that may be taken; passed over: {reasons}.")
        report = OnlineReport(archive.name, wanted.count, passed_over=dict(offered.passed_over))
        _Run(archive, ledger, report, data, deployment, now, tell).run(offered.offers)
        return report


@dataclass(slots=True)
class _Run:
    archive: Archive
    ledger: Ledger
    report: OnlineReport
    data: Path
    deployment: Deployment
    now: float
    progress: Progress

    def run(self, offers: list[Offer]) -> None:
        report, silent = self.report, 0
        for offer in offers:
            there = report.imported + report.already_there
            self.progress("series", there, report.asked)
            if there >= report.asked:
                break
            # A collection that the importer refuses is not downloaded to its end.
            if report.unsuitable + len(report.failed) > report.asked + MAX_IN_ROW:
                break
            objects = self.ledger.taken(offer.uid)
            if objects is not None:
                report.already_there += objects > 0
                report.unsuitable += objects == 0
                continue
            try:
                self._take(offer)
                silent = 0
            except NoRoom:
                raise
            except FetchError as failure:
                report.failed.append(f"series {offer.uid}: {failure}")
                silent = silent + 1 if isinstance(failure, Unreachable) else 0
                if silent == MAX_IN_ROW:
                    break
        if report.complete:
            shutil.rmtree(self._downloads, ignore_errors=True)

    @property
    def _downloads(self) -> Path:
        return self.ledger.folder / "downloads"

    def _take(self, offer: Offer) -> None:
        folder = self._downloads / self.ledger.key(offer.uid)
        with disk(self._downloads):
            folder.mkdir(parents=True, exist_ok=True)
            # Twice: packed and unpacked, then downloaded and imported.
            if free_bytes(folder) < 2 * offer.size + MARGIN:
                raise NoRoom(
                    f"The disk of {self.data} has no room for a series of {offer.size >> 20} MiB:"
                    " when there is room, the same command goes on where it was."
                )
        self.progress("downloading", 0, offer.size)
        self.archive.fetch(offer, folder, lambda got: self.progress("downloading", got, offer.size))
        self.ledger.begin(offer.uid, offer.work)
        try:
            found = import_folder(folder, self.data, self.deployment, now=self.now)
        except sqlite3.Error as error:
            raise SourceError(f"The catalogue can't be written: {error}.") from None
        objects = found.imported + found.already_there
        self.ledger.finish(offer.uid, objects)
        self._add(found, objects)
        shutil.rmtree(folder, ignore_errors=True)

    def _add(self, found: ImportReport, objects: int) -> None:
        report, files = self.report, self.report.files
        report.imported += objects > 0
        report.unsuitable += objects == 0
        files.imported += found.imported
        files.already_there += found.already_there
        files.skipped += found.skipped
        files.refused += found.refused
        files.patients += found.patients
        files.studies += found.studies
        files.series += found.series
