"""What the hospital holds, asked of its index in plain SQL: what answers are compared with."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any


class Hospital:
    """The catalogue below a data folder, as it is visible now."""

    def __init__(self, data: Path) -> None:
        self._path = data / "hospital" / "catalogue.sqlite"

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of a query; ``:now`` may be in it."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            named = {"now": time.time()} | {f"v{number}": value for number, value in enumerate(values, 1)}
            return connection.execute(sql, named).fetchall()

    def studies(self, where: str = "1", *values: Any) -> list[sqlite3.Row]:
        """Studies with their patients (aliases t and p) and counts of series and instances, by date."""
        return self.rows(
            "SELECT t.*, p.patient_id, p.name, p.birth_date, p.sex, "
            "(SELECT count(*) FROM series e WHERE e.study_key = t.study_key AND e.visible_from <= :now) AS n_series, "
            "(SELECT count(*) FROM instance i JOIN series e USING (series_key) "
            " WHERE e.study_key = t.study_key AND i.visible_from <= :now) AS n_instances, "
            "(SELECT group_concat(DISTINCT modality) FROM series e "
            " WHERE e.study_key = t.study_key AND e.visible_from <= :now) AS modalities "
            f"FROM study t JOIN patient p USING (patient_key) WHERE t.visible_from <= :now AND ({where}) "
            "ORDER BY t.study_date, t.study_key",
            *values,
        )

    def patients(self, where: str = "1", *values: Any) -> list[sqlite3.Row]:
        """Patients (alias p)."""
        return self.rows(f"SELECT * FROM patient p WHERE p.visible_from <= :now AND ({where})", *values)

    def series(self, study_key: int) -> list[sqlite3.Row]:
        """The series of a study."""
        return self.rows("SELECT * FROM series WHERE study_key = :v1 AND visible_from <= :now", study_key)

    def instances(self, series_key: int) -> list[sqlite3.Row]:
        """The instances of a series."""
        return self.rows(
            "SELECT * FROM instance WHERE series_key = :v1 AND visible_from <= :now ORDER BY instance_number",
            series_key,
        )

    def small_study(self, modality: str) -> sqlite3.Row:
        """The study with a modality that has the fewest instances; a visit with it is short."""
        found = [study for study in self.studies() if modality in (study["modalities"] or "").split(",")]
        return min(found, key=lambda study: (study["n_instances"], study["study_key"]))

    def workstation(self) -> sqlite3.Row:
        """A device that images can be sent to."""
        return self.rows("SELECT * FROM device WHERE role = 'workstation' ORDER BY device_key LIMIT 1")[0]
