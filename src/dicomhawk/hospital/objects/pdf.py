"""Reports as PDF: Encapsulated PDF objects (PS3.3 A.45.1)."""

from __future__ import annotations

from dicomhawk.hospital.findings.telling import day, heading, tell
from dicomhawk.hospital.findings.vocabulary import words
from dicomhawk.hospital.names import plain_name
from dicomhawk.hospital.objects import sr
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.document_recipe import Report
from dicomhawk.hospital.objects.report import complete, title
from dicomhawk.hospital.typesetting import Line, pdf

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


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
