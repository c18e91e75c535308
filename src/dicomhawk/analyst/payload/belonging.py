"""Which study of the hospital an object claims to belong to, and the hospital's own object of the same UID."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Final, Literal, NamedTuple

from ...hospital.archive import CATALOGUE, Archive, render
from ...hospital.catalogue import Catalogue, CatalogueError
from ...hospital.rows import Instance, Patient, Series, Study
from ...settings import Settings
from .model import CRITICAL, HIGH, INFO, MEDIUM, Comparison, Dicom, Finding, Findings
from .summary import RETURNED

Level = Literal["", "patient", "study", "series", "instance"]
_UID: Final = re.compile(r"[0-9.]{1,64}")


class Belonging(NamedTuple):
    """The lowest level on which an object uses an identifier of the hospital's; empty: it is none of it."""

    level: Level
    instance: Instance | None = None


class Hospital:
    """The hospital of one data folder, as far as it is needed here. Without a catalogue nothing belongs to it."""

    def __init__(self, settings: Settings) -> None:
        self._data = settings.data
        self._budget = settings.hospital.cache_mib << 20
        self._archive = Archive(settings.data)
        self._catalogue: Catalogue | None = None

    def close(self) -> None:
        """Close the catalogue."""
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def belonging(self, dicom: Dicom) -> Belonging:
        """Whose identifiers those are; of none, if the catalogue can't be asked now."""
        catalogue = self._opened()
        try:
            return _belonging(catalogue, dicom) if catalogue is not None else Belonging("")
        except sqlite3.Error:
            self.close()  # it was made anew, perhaps
            return Belonging("")

    def file_of(self, instance: Instance) -> Path | None:
        """The hospital's own file, made if it isn't there; None: it can't be had."""
        try:
            return self._archive.path_of(instance) or Path(
                render(str(self._data), instance.instance_key, self._budget)
            )
        except (OSError, LookupError, ValueError, CatalogueError, sqlite3.Error):
            return None

    def _opened(self) -> Catalogue | None:
        if self._catalogue is None:
            path = self._data / CATALOGUE
            try:
                self._catalogue = Catalogue(path) if path.exists() else None
            except CatalogueError:
                return None
        return self._catalogue


def _belonging(catalogue: Catalogue, dicom: Dicom) -> Belonging:
    if _UID.fullmatch(dicom.sop_uid):
        key = catalogue.key_of(Instance, dicom.sop_uid)
        if key is not None:
            return Belonging("instance", catalogue.instance(key))
    if _UID.fullmatch(dicom.series_uid) and catalogue.key_of(Series, dicom.series_uid) is not None:
        return Belonging("series")
    if _UID.fullmatch(dicom.study_uid) and catalogue.key_of(Study, dicom.study_uid) is not None:
        return Belonging("study")
    if dicom.patient_id and catalogue.key_of(Patient, dicom.patient_id) is not None:
        return Belonging("patient")
    return Belonging("")


def findings_of(belonging: Belonging, comparison: Comparison | None) -> list[Finding]:
    """What follows from where an object claims to belong."""
    found = Findings()
    match belonging.level:
        case "instance":
            _of_instance(comparison, found)
        case "series":
            found.add("tampering.foreign-instance", "new object in a series of the hospital", HIGH)
        case "study":
            found.add("tampering.foreign-series", "new series in a study of the hospital", HIGH)
        case "patient":
            found.add("hospital.foreign-study", "new study of a patient of the hospital", MEDIUM)
    return found.all


def _of_instance(comparison: Comparison | None, found: Findings) -> None:
    if comparison is None:
        found.add("tampering.same-instance", "SOP Instance UID of the hospital's", HIGH, "it couldn't be compared")
        return
    attributes = [each.keyword or each.tag for each in comparison.attributes]
    listed = ", ".join(attributes[:8]) + (f" and {len(attributes) - 8} more" if len(attributes) > 8 else "")
    pixels = comparison.pixels
    if pixels is not None and pixels.compared and not pixels.identical:
        where = ""
        if len(pixels.box) == 4:
            top, left, bottom, right = pixels.box
            where = f" in rows {top} to {bottom}, columns {left} to {right}"
        detail = f"{pixels.changed:.2%} of the pixels differ{where}" + (f"; also {listed}" if listed else "")
        found.add("tampering.same-instance", "image of the hospital, altered", CRITICAL, detail)
    elif pixels is not None and not pixels.compared:
        detail = f"pixels can't be compared: {pixels.why_not}" + (f"; {listed}" if listed else "")
        found.add("tampering.same-instance", "object of the hospital, with other pixels", HIGH, detail)
    elif attributes:
        found.add("tampering.same-instance", "object of the hospital, with other attributes", HIGH, listed)
    else:
        found.add(RETURNED, "object of the hospital, unaltered", INFO)
