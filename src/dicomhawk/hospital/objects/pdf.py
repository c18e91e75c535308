"""Reports as PDF: a small writer for text on pages (ISO 32000-1), and Encapsulated PDF objects (PS3.3 A.45.1)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from dicomhawk.hospital.findings.telling import day, heading, tell
from dicomhawk.hospital.findings.vocabulary import words
from dicomhawk.hospital.objects import sr
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.document_recipe import Report
from dicomhawk.hospital.objects.report import complete, title

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
PAGE = (595, 842)  # points: A4
MARGIN = 62
LEADING = 1.42  # of the size of the letters
# Widths of Helvetica, in thousandths of its size, for the characters from the space on (Adobe Core 14 metrics).
_NARROW = dict.fromkeys("ijl'", 222) | dict.fromkeys(" !,./:;I\\[]ftí", 278) | dict.fromkeys("()-r`", 333)
_WIDE = dict.fromkeys("ckszxJvy", 500) | dict.fromkeys("ABEKPSVXYÅÄ&", 667) | dict.fromkeys("CDHNRUwÜ", 722)
_WIDEST = dict.fromkeys("GOQÖØ", 778) | dict.fromkeys("mM", 833) | {"W": 944, "@": 1015, "æ": 889, "Æ": 1000}
_WIDTHS = _NARROW | _WIDE | _WIDEST
_USUAL = 556


@dataclass(frozen=True)
class Line:
    """A paragraph to be set: it is broken into as many lines as it needs."""

    text: str
    size: float = 10.0
    bold: bool = False
    after: float = 3.0  # points below it


def width(text: str, size: float) -> float:
    """About how wide (points) a text is in Helvetica."""
    return sum(_WIDTHS.get(c, _USUAL) for c in text) * size / 1000


def broken(text: str, size: float, room: float) -> list[str]:
    """The lines that a text is set in."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and width(longer, size) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def pdf(lines: list[Line], *, title: str, producer: str, created: str) -> bytes:
    """A PDF of these lines; `created` is YYYYMMDDHHMMSS. The same bytes for the same lines."""
    pages: list[list[str]] = [[]]
    y = PAGE[1] - MARGIN
    for line in lines:
        for text in broken(line.text, line.size, PAGE[0] - 2 * MARGIN):
            y -= int(line.size * LEADING + 0.5)
            if y < MARGIN:
                pages.append([])
                y = PAGE[1] - MARGIN - int(line.size * LEADING + 0.5)
            font = "/F2" if line.bold else "/F1"
            pages[-1].append(f"BT {font} {line.size:g} Tf {MARGIN} {y} Td ({_escaped(text)}) Tj ET")
        y -= int(line.after)
    kids = " ".join(f"{6 + 2 * n} 0 R" for n in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        font.format("Helvetica").encode(),
        font.format("Helvetica-Bold").encode(),
        f"<< /Title ({_escaped(title)}) /Producer ({_escaped(producer)}) /CreationDate (D:{created}) >>".encode(
            "latin-1"
        ),
    ]
    for n, page in enumerate(pages):
        stream = zlib.compress("\n".join(page).encode("cp1252", "replace"))
        resources = "<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
        box = f"[0 0 {PAGE[0]} {PAGE[1]}]"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} "
            f"/Contents {7 + 2 * n} 0 R >>".encode()
        )
        head = f"<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n".encode()
        objects.append(head + stream + b"\nendstream")
    made = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(made))
        made += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(made)
    made += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    made += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    made += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(made)


def _escaped(text: str) -> str:
    """A literal string's content; what WinAnsi lacks becomes a question mark."""
    known = text.encode("cp1252", "replace").decode("cp1252")
    return known.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def plain_name(name: str) -> str:
    """A person name (PN) as people write it."""
    family, given, middle, prefix, suffix = (name.partition("=")[0].split("^") + [""] * 5)[:5]
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part)


def written(context: Context, report: Report) -> list[Line]:
    """The report as it is printed."""
    study, patient, locale = context.study, context.patient, report.facts.locale
    headings = words(locale)["headings"]
    born = day(locale, patient.birth_date) if len(patient.birth_date) == 8 else ""
    examined = day(locale, study.study_date)
    lines = [
        Line(context.series.institution or "", 14, bold=True, after=1),
        Line(", ".join(part for part in (context.series.department, context.address) if part), 9, after=14),
        Line(f"{headings['patient']}: {plain_name(patient.name)}   {patient.patient_id}", after=1),
        Line(f"{headings['born']}: {born}", after=1),
        Line(f"{headings['examination']}: {study.description}, {examined}", after=1),
        Line(f"{headings['number']}: {study.accession_number}", after=1),
        Line(f"{headings['referrer']}: {plain_name(study.referring_physician)}", after=16),
    ]
    for section in tell(complete(report)):
        lines.append(Line(section.heading, 11, bold=True, after=1))
        text = " ".join(statement.text for statement in section.statements)
        lines.append(Line(text, after=9))
    instance = context.instance
    moment = f"{day(locale, instance.content_date or study.study_date)} {(instance.content_time or '')[:2]}:"
    moment += (instance.content_time or "")[2:4]
    reader = plain_name((study.reading_physicians or "").partition("\\")[0])
    lines.append(Line(headings["reported"].format(name=reader, date=moment), 9))
    return lines


def build(context: Context, report: Report, equipment: sr.Equipment) -> Attributes:
    """The data set of an encapsulated report."""
    instance, study = context.instance, context.study
    name = heading(report.facts)
    created = f"{instance.content_date}{(instance.content_time or '000000')[:6]}"
    content = pdf(
        written(context, report),
        title=f"{study.accession_number}",
        producer=f"{equipment.manufacturer} {equipment.model}",
        created=created,
    )
    made = sr.start(context, equipment)
    made.set(
        ContentDate=instance.content_date,
        ContentTime=instance.content_time,
        AcquisitionDateTime=f"{study.study_date}{study.study_time[:6]}",
        ConversionType="WSD",
        BurnedInAnnotation="YES",
        DocumentTitle=name,
        VerificationFlag="VERIFIED" if report.verified else "UNVERIFIED",
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocumentLength=len(content),
    )
    code = sr.Writer(context.charset).code(title(report))
    made.items("ConceptNameCodeSequence", code)
    made.raw("EncapsulatedDocument", "OB", content + b"\0" * (len(content) & 1))
    return made
