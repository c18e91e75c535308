"""The verdict on a file, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .model import LOW, Dicom, Finding

MAX_NAMED: Final = 3
RETURNED: Final = "hospital.returned"
"""The finding that an object is one of the hospital's, which is all there is to say of it."""
_NAMED: Final = {
    "": "A file",
    "empty": "An empty file",
    "data": "A file of unknown kind",
    "unknown": "A file that couldn't be examined",
}
_VOWELS: Final = "AEIOU"
_LETTERS: Final = ("ELF", "HL7 v2", "XML", "HTML", "RTF", "OLE document")


def verdict(kind: str, dicom: Dicom | None, findings: Sequence[Finding]) -> str:
    """What it is, and the worst that was found, as in "A DICOM object (CT): PE in the preamble."."""
    subject = _subject(kind, dicom)
    worst = [each.name for each in findings if each.severity > LOW] or [
        each.name for each in findings if each.severity == LOW
    ]
    worst = worst or [each.name for each in findings if each.id == RETURNED]
    named = list(dict.fromkeys(worst))[:MAX_NAMED]
    if not named:
        return f"{subject}; nothing in it stands out."
    rest = len(dict.fromkeys(worst)) - len(named)
    more = f", and {rest} more" if rest > 0 else ""
    return f"{subject}: {', '.join(named)}{more}."


def _subject(kind: str, dicom: Dicom | None) -> str:
    if dicom is not None:
        facts = [each for each in (dicom.modality[:16], _size(dicom)) if each]
        return f"A DICOM object ({', '.join(facts)})" if facts else "A DICOM object"
    if kind in _NAMED:
        return _NAMED[kind]
    article = "An" if kind[0] in _VOWELS or kind in _LETTERS else "A"
    return f"{article} {kind} file" if kind not in ("form", "text", "script") else f"{article} {kind}"


def _size(dicom: Dicom) -> str:
    return f"{dicom.columns} x {dicom.rows}" if dicom.rows and dicom.columns else ""
