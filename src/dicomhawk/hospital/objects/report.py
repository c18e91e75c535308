"""Radiology reports as Basic Text and Enhanced SR (PS3.3 A.35.1, A.35.2) by TID 2000 (PS3.16)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.findings.telling import STATES, Facts, Section, Statement, tell
from dicomhawk.hospital.images import brain
from dicomhawk.hospital.images.locating import spot
from dicomhawk.hospital.images.recipe import BrainMR, HeadCT
from dicomhawk.hospital.objects import sr
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.document_recipe import Reference, Report

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
ENHANCED_SR = "1.2.840.10008.5.1.4.1.1.88.22"
MILLIMETRE: sr.Code = ("mm", "UCUM", "mm")
DIAMETER: sr.Code = ("81827009", "SCT", "Diameter")

_LANGUAGES = {
    "da": ("da", "Danish"),
    "de": ("de", "German"),
    "en": ("en", "English"),
    "es": ("es", "Spanish"),
    "fi": ("fi", "Finnish"),
    "fr": ("fr", "French"),
    "it": ("it", "Italian"),
    "nb": ("nb", "Norwegian Bokmal"),
    "nl": ("nl", "Dutch"),
    "sv": ("sv", "Swedish"),
}
_SECTIONS: dict[str, tuple[sr.Code, sr.Code]] = {
    "indication": (("121109", "DCM", "Indications for Procedure"), ("121060", "DCM", "History")),
    "technique": (("121064", "DCM", "Current Procedure Descriptions"), ("121065", "DCM", "Procedure Description")),
    "comparison": (("121066", "DCM", "Prior Procedure Descriptions"), ("121065", "DCM", "Procedure Description")),
    "findings": (("121070", "DCM", "Findings"), ("121071", "DCM", "Finding")),
    "impression": (("121072", "DCM", "Impressions"), ("121073", "DCM", "Impression")),
}
"""For each section of the text its container's concept, and that of what it contains (CID 7001, 7002)."""


def build(context: Context, report: Report, equipment: sr.Equipment) -> Attributes:
    """The data set of a report."""
    writer = sr.Writer(context.charset)
    made = sr.start(context, equipment)
    sr.described(made, context, verified=report.verified)
    sections = tell(complete(report))
    enhanced = report.form == "enhanced"
    images = list(_images(report, sections))
    if images:
        made.items("CurrentRequestedProcedureEvidenceSequence", sr.evidence(context, images))
    children = [language(writer, report.facts.locale), *observer(writer, context)]
    for section in sections:
        concept, inner = _SECTIONS[section.key]
        said = [_statement(writer, report, inner, statement, enhanced) for statement in section.statements]
        children.append(writer.container(sr.CONTAINS, concept, said))
    root = writer.container(None, title(report), children, "2000")
    sr.adopt(made, root)
    return made


def title(report: Report) -> sr.Code:
    """What kind of report it is (CID 7000)."""
    if report.facts.tracing is not None:
        return ("11524-6", "LN", "EKG study")
    return ("18748-4", "LN", "Diagnostic Imaging Report")


def complete(report: Report) -> Facts:
    """The facts, with what only the images know: how much a head has aged."""
    for reference in report.references:
        if isinstance(reference.image, BrainMR | HeadCT):
            person = brain.head(reference.image.body)
            return replace(report.facts, lesions=len(person.lesions), atrophy=person.atrophy)
    return report.facts


def language(writer: sr.Writer, locale: str, *, with_country: bool = True) -> Attributes:
    """Language of Content Item and Descendants (TID 1204), with its country where the object may have it."""
    name, _, country = locale.partition("_")
    code, meaning = _LANGUAGES.get(name, _LANGUAGES["en"])
    within = (
        []
        if not (country and with_country)
        else [writer.coded(sr.MODIFIES, _COUNTRY, (country, "ISO3166_1", country))]
    )
    return writer.coded(sr.MODIFIES, _LANGUAGE, (code, "RFC5646", meaning), within)


_LANGUAGE: sr.Code = ("121049", "DCM", "Language of Content Item and Descendants")
_COUNTRY: sr.Code = ("121046", "DCM", "Country of Language")


def observer(writer: sr.Writer, context: Context) -> Iterator[Attributes]:
    """The reader as the observer (TID 1002, 1003)."""
    reader = (context.study.reading_physicians or "").partition("\\")[0]
    yield writer.coded(sr.CONTEXT, ("121005", "DCM", "Observer Type"), ("121006", "DCM", "Person"))
    yield writer.person(sr.CONTEXT, ("121008", "DCM", "Person Observer Name"), reader)
    if context.series.institution:
        concept = ("121009", "DCM", "Person Observer's Organization Name")
        yield writer.text(sr.CONTEXT, concept, context.series.institution)


def shown(references: tuple[Reference, ...], finding: Finding) -> tuple[Reference, int] | None:
    """The series and slice (from 0) that show a finding best: the first series that has it."""
    for reference in references:
        found = spot(reference.image, finding)
        if found is not None:
            return reference, found.slice
    return None


def _images(report: Report, sections: tuple[Section, ...]) -> Iterator[tuple[str, str, str]]:
    for section in sections:
        for statement in section.statements:
            if section.key == "findings" and statement.finding is not None:
                found = shown(report.references, statement.finding)
                if found is not None:
                    reference, k = found
                    yield reference.series_uid, reference.sop_class, reference.uid(k)


def _statement(
    writer: sr.Writer, report: Report, concept: sr.Code, statement: Statement, enhanced: bool
) -> Attributes:
    below = []
    finding = statement.finding
    if finding is not None and concept[2] == "Finding":
        if enhanced and finding.kind not in STATES:
            below.append(writer.number(sr.INFERRED, DIAMETER, float(round(finding.size)), MILLIMETRE))
        found = shown(report.references, finding)
        if found is not None:
            reference, k = found
            below.append(writer.image(sr.INFERRED, reference.sop_class, reference.uid(k)))
    return writer.text(sr.CONTAINS, concept, statement.text, below)
