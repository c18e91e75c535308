"""Reports as text, by files that others wrote and by nonsense."""

from __future__ import annotations

import io
import zlib

from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.typesetting import Line as Set
from dicomhawk.hospital.typesetting import pdf
from dicomhawk.sensor.web.portal.documents import (
    MAX_LINES,
    Line,
    encapsulated,
    printed,
    structured,
    without_letterhead,
)


def code(meaning: str) -> list[Dataset]:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = "1", "99X", meaning
    return [made]


def item(kind: str, concept: str, **values: object) -> Dataset:
    made = Dataset()
    made.RelationshipType, made.ValueType, made.ConceptNameCodeSequence = "CONTAINS", kind, code(concept)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def written(data_set: Dataset) -> bytes:
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, False
    write_dataset(out, data_set)
    return bytes(out.getvalue())


def test_a_structured_report_is_its_content() -> None:
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "12", code("mm")
    number = item("NUM", "Diameter", MeasuredValueSequence=[measured])
    found = item("TEXT", "Finding", TextValue="Nodule, 12 mm.", ContentSequence=[number])
    context = item("PNAME", "Observer", PersonName="A^B")
    context.RelationshipType = "HAS OBS CONTEXT"
    root = Dataset()
    root.SpecificCharacterSet, root.ValueType = "ISO_IR 100", "CONTAINER"
    root.ConceptNameCodeSequence = code("Report")
    root.ContentSequence = [
        context,
        item("CONTAINER", "Findings", ContentSequence=[found]),
        item("CONTAINER", "Empty"),
    ]
    verifier = Dataset()
    verifier.VerifyingObserverName, verifier.VerificationDateTime = "Ågård^Søren", "20240102030405"
    root.VerifyingObserverSequence = [verifier]
    document = structured(written(root), EXPLICIT_LE)
    assert document is not None
    assert document.title == "Report"
    assert document.lines == (Line(0, "Findings", ""), Line(1, "", "Nodule, 12 mm."), Line(2, "Diameter", "12 1"))
    assert (document.signed, document.moment) == ("Ågård^Søren", "20240102030405")


def test_endless_reports_end() -> None:
    root = Dataset()
    root.ContentSequence = [item("TEXT", "X", TextValue="text") for _ in range(1500)]
    document = structured(written(root), EXPLICIT_LE)
    assert document is not None
    assert len(document.lines) == MAX_LINES


def test_a_pdf_of_the_hospital_is_its_lines() -> None:
    lines = [Set("Hospital", 14, bold=True), Set("Findings", 11, bold=True), Set("Words (and more) " * 20, 10)]
    made = pdf(lines, title="t", producer="p", created="20240102030405")
    data = Dataset()
    data.DocumentTitle, data.EncapsulatedDocument = "Report", made + b"\0" * (len(made) & 1)
    inside = encapsulated(written(data), EXPLICIT_LE)
    assert inside is not None
    document = printed(*inside)
    assert document.title == "Report"
    assert document.lines[:2] == (Line(0, "Hospital", ""), Line(0, "Findings", ""))
    assert without_letterhead(document, "Hospital").lines == document.lines[1:]
    assert without_letterhead(document, "Another") == document
    assert document.lines[2].text == ("Words (and more) " * 20).strip()


def test_what_is_no_pdf_is_none() -> None:
    data = Dataset()
    data.EncapsulatedDocument = b"<html><script></script></html>"
    assert encapsulated(written(data), EXPLICIT_LE) is None
    bomb = zlib.compress(bytes(1 << 26))
    assert printed("", b"%PDF-\nstream\n" + bomb + b"\nendstream").lines == ()


@given(st.binary(max_size=500))
def test_nonsense_raises_nothing(data: bytes) -> None:
    structured(data, EXPLICIT_LE)
    encapsulated(data, EXPLICIT_LE)
    printed("", io.BytesIO(b"%PDF-" + data).getvalue())
