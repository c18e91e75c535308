"""What an import did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not imported, and why. `path` is relative to the folder that was imported."""

    path: str
    reason: str

    def __str__(self) -> str:
        # A file's name may hold anything, terminal control sequences included.
        shown = "".join(character if character.isprintable() else "?" for character in self.path)
        return f"{shown}: {self.reason}"


@dataclass(slots=True)
class ImportReport:
    """Counts of files; ``str()`` of it is what an operator wants to read."""

    imported: int = 0
    already_there: int = 0
    skipped: int = 0  # not DICOM, or a DICOMDIR
    refused: list[Refusal] = field(default_factory=list)
    patients: int = 0  # new ones in the catalogue, as the next two
    studies: int = 0
    series: int = 0

    @property
    def seen(self) -> int:
        """All files."""
        return self.imported + self.already_there + self.skipped + len(self.refused)

    def __str__(self) -> str:
        lines = [
            f"{self.imported} imported ({self.patients} new patients, {self.studies} new studies,"
            f" {self.series} new series)",
            f"{self.already_there} already there",
            f"{self.skipped} skipped: not DICOM objects",
            f"{len(self.refused)} refused",
        ]
        return "\n".join(lines + [f"  {refusal}" for refusal in self.refused])
