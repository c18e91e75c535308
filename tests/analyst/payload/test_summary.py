"""The verdict is a sentence that a person would write."""

from __future__ import annotations

import pytest

from dicomhawk.analyst.payload.model import Dicom, Finding, clean
from dicomhawk.analyst.payload.summary import verdict

CT = Dicom(modality="CT", rows=512, columns=512)


def finding(name: str, severity: int, id: str = "a.b") -> Finding:
    return Finding(id, name, severity)


@pytest.mark.parametrize(
    ("kind", "dicom", "findings", "sentence"),
    [
        ("DICOM", CT, [], "A DICOM object (CT, 512 x 512); nothing in it stands out."),
        ("DICOM", Dicom(), [finding("x", 0)], "A DICOM object; nothing in it stands out."),
        ("DICOM + PE", CT, [finding("PE in the preamble", 4)], "A DICOM object (CT, 512 x 512): PE in the preamble."),
        ("ELF", None, [finding("b", 3), finding("c", 1)], "An ELF file: b."),
        ("form", None, [finding("c", 1)], "A form: c."),
        ("empty", None, [], "An empty file; nothing in it stands out."),
        ("data", None, [], "A file of unknown kind; nothing in it stands out."),
        ("unknown", None, [finding("it crashed", 3)], "A file that couldn't be examined: it crashed."),
        ("PDF", None, [finding(name, 2) for name in "abcde"], "A PDF file: a, b, c, and 2 more."),
        ("PDF", None, [finding("a", 2), finding("a", 2)], "A PDF file: a."),
    ],
)
def test_verdicts(kind: str, dicom: Dicom | None, findings: list[Finding], sentence: str) -> None:
    assert verdict(kind, dicom, findings) == sentence


def test_texts_are_cleaned() -> None:
    assert clean(b"a\x00b\x1b[1m") == "a·b·[1m"
    assert clean("a\u202eb\ud800") == "a·b·"
    assert clean("x" * 500, 10) == "x" * 9 + "…"
