"""Reports and what goes with them: true to the images, valid, and readable by others."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pydicom
import pytest

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.findings.story import drawn
from dicomhawk.hospital.findings.telling import STATES, Facts, tell
from dicomhawk.hospital.findings.vocabulary import words
from dicomhawk.hospital.images.locating import spot
from dicomhawk.hospital.images.recipe import ChestCT
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.document_recipe import (
    Document,
    DosePart,
    DoseReport,
    KeyObjects,
    Presentation,
    Reference,
    Report,
)
from dicomhawk.hospital.objects.dose import DOSE_SR
from dicomhawk.hospital.objects.files import make_file
from dicomhawk.hospital.objects.ko import KEY_OBJECT_SELECTION
from dicomhawk.hospital.objects.makers import CT_MODELS
from dicomhawk.hospital.objects.pdf import ENCAPSULATED_PDF
from dicomhawk.hospital.objects.pr import GRAYSCALE_PRESENTATION
from dicomhawk.hospital.objects.recipe import DocumentRecipe, decode, encode
from dicomhawk.hospital.objects.report import BASIC_TEXT_SR, ENHANCED_SR
from dicomhawk.hospital.rows import Series
from dicomhawk.hospital.typesetting import Line, broken, pdf, width
from tests.hospital.object_samples import BODY, ROOT, dciodvfy, errors_in
from tests.hospital.object_samples import context_for as image_context

LOCALES = ("da_DK", "de_DE", "en_GB", "en_US", "es_ES", "fi_FI", "fr_FR", "it_IT", "nb_NO", "nl_NL", "sv_SE")
NODULE = Finding("nodule", "n", "rl", (-60.0, 20.0, -10.0), 9.0)
FLUID = Finding("effusion", "e", "l", (66.0, 64.0, -30.0), 18.0)
CT = ChestCT(
    body=BODY,
    study="s",
    series="t",
    slices=120,
    top=142.0,
    spacing=2.0,
    thickness=2.0,
    fov=350.0,
    contrast=0.9,
    kernel="soft",
    noise=10.0,
    table="slab",
    findings=(NODULE, FLUID),
)
REFERENCE = Reference(f"{ROOT}.5.1.77", "1.2.840.10008.5.1.4.1.1.2", f"{ROOT}.5.1.77.", 1, 0, 120, CT)
PART = DosePart(f"{ROOT}.5.1.9", "Thorax", True, 5.2, 320.0, 1.2, 120, 190, 260, 6.21, 201.4)


def facts(locale: str = "en_GB", **changes: object) -> Facts:
    """Facts of a chest CT with two findings, one of which has grown."""
    plain = Facts(
        subject="chest",
        locale=locale,
        seed="x",
        technique="ct_contrast",
        reason="Hoste",
        findings=(NODULE, FLUID),
        prior="20250811",
        before=(msgspec.structs.replace(NODULE, size=6.0),),
    )
    return msgspec.structs.replace(plain, **changes)


DOCUMENTS: dict[str, tuple[str, str, Document]] = {
    "basic": (BASIC_TEXT_SR, "SR", Report(facts("da_DK"), "basic", 0, (REFERENCE,))),
    "enhanced": (ENHANCED_SR, "SR", Report(facts("de_DE"), "enhanced", 1, (REFERENCE,))),
    "pdf": (ENCAPSULATED_PDF, "OT", Report(facts("fr_FR"), "pdf", 2)),
    "keys": (KEY_OBJECT_SELECTION, "KO", KeyObjects((NODULE, FLUID), (REFERENCE,), 0, "sv_SE")),
    "presentation": (
        GRAYSCALE_PRESENTATION,
        "PR",
        Presentation(NODULE, REFERENCE, (-600, 1500), "FINDING", "9 mm", 3),
    ),
    "dose": (
        DOSE_SR,
        "SR",
        DoseReport((PART, msgspec.structs.replace(PART, spiral=False)), "chest", "20260304101605", "20260304101612"),
    ),
}


def context_for(name: str, charset: str = "ISO_IR 100") -> Context:
    """Rows as the generator writes them for a document."""
    sop_class, modality, _ = DOCUMENTS[name]
    usual = image_context(CT_MODELS[0], 1)
    series = Series(
        series_key=9,
        study_key=1,
        series_uid=f"{ROOT}.6.1",
        modality=modality,
        series_number=601,
        description="Report",
        series_date="20260304",
        series_time="131600",
        institution=usual.series.institution,
        department=usual.series.department,
        protocol_name="Thorax",
        device_key=1,
    )
    instance = replace(
        usual.instance,
        series_key=9,
        sop_uid=f"{ROOT}.6.1.1",
        sop_class_uid=sop_class,
        content_time="131612",
    )
    study = replace(usual.study, reading_physicians="Dam^Karen^^Dr")
    return replace(usual, study=study, series=series, instance=instance, charset=charset)


def made(name: str) -> bytes:
    """The file of one of the documents above."""
    return make_file(context_for(name), DocumentRecipe(DOCUMENTS[name][2]))


def opened(name: str) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(made(name)))


def texts(item: pydicom.Dataset) -> list[str]:
    """All TEXT values below a content item."""
    own = [str(item.TextValue)] if item.get("ValueType") == "TEXT" else []
    return own + [text for child in item.get("ContentSequence", ()) for text in texts(child)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_valid(name: str, tmp_path: Path) -> None:
    assert errors_in(dciodvfy(made(name), tmp_path, "-new")) == []


@pytest.mark.parametrize("name", [name for name, (_, modality, _) in DOCUMENTS.items() if modality in ("SR", "KO")])
def test_dcmtk_reads_structured_reports(name: str, tmp_path: Path) -> None:
    if shutil.which("dsrdump") is None:
        pytest.skip("dsrdump (DCMTK) is not installed")
    path = tmp_path / "a.dcm"
    path.write_bytes(made(name))
    run = subprocess.run(["dsrdump", "+Pl", str(path)], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    unsupported = b"W: Check for template constraints not yet supported"  # DCMTK on all key object selections
    assert [line for line in run.stderr.splitlines() if line != unsupported] == []


def test_dcmtk_takes_the_pdf_out(tmp_path: Path) -> None:
    if shutil.which("dcm2pdf") is None:
        pytest.skip("dcm2pdf (DCMTK) is not installed")
    source, target = tmp_path / "a.dcm", tmp_path / "a.pdf"
    source.write_bytes(made("pdf"))
    subprocess.run(["dcm2pdf", str(source), str(target)], check=True, capture_output=True)
    content = target.read_bytes()
    assert content.startswith(b"%PDF-1.4")
    assert content.endswith(b"%%EOF\n")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_same_document_has_the_same_bytes(name: str) -> None:
    document = DOCUMENTS[name][2]
    kept = decode(encode(DocumentRecipe(document)))
    assert isinstance(kept, DocumentRecipe)
    assert make_file(context_for(name), kept) == made(name)


@pytest.mark.parametrize("name", ["basic", "enhanced"])
def test_every_finding_of_the_image_is_in_the_report(name: str) -> None:
    report = opened(name)
    said = " ".join(texts(report))
    assert "9" in said
    assert "18" in said
    assert "11.08.2025" in said
    shown = spot(CT, NODULE)
    assert shown is not None
    referenced = {
        ref.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for ref in series.ReferencedSOPSequence
    }
    assert f"{ROOT}.5.1.77.{shown.slice + 1}" in referenced


@pytest.mark.parametrize("region", ["chest", "head"])
@pytest.mark.parametrize("locale", LOCALES)
def test_whatever_is_found_is_told_in_every_language(region: str, locale: str) -> None:
    kinds = set()
    for number in range(120):
        findings = drawn(region, f"p{number}", 68.0, date(2026, 3, 4), urgent=number % 2 == 0)  # type: ignore[arg-type]
        kinds |= {finding.kind for finding in findings}
        subject = "chest" if region == "chest" else "head"
        told = facts(locale, subject=subject, technique="mr" if subject == "head" else "ct_native", findings=findings)
        sections = {section.key: section for section in tell(told)}
        assert [s.finding for s in sections["findings"].statements if s.finding] == list(findings)
        for statement in (s for section in sections.values() for s in section.statements):
            assert statement.text
            assert not set("{}") & set(statement.text)
            statement.text.encode("cp1252")
        for statement in sections["findings"].statements:
            finding = statement.finding
            if finding is not None and finding.kind not in STATES:
                assert str(round(finding.size)) in statement.text
    assert len(kinds) >= (9 if region == "chest" else 4)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_has_all_the_words(locale: str) -> None:
    def shape(table: object) -> object:
        if isinstance(table, dict):
            return {key: shape(value) for key, value in table.items()}
        return type(table).__name__

    assert shape(words(locale)) == shape(words("en_GB"))


def test_languages_differ() -> None:
    told = {locale: tell(facts(locale))[3].statements[0].text for locale in LOCALES if locale != "en_US"}
    assert len(set(told.values())) == len(told)


def test_normal_statements_give_way_to_findings() -> None:
    ill = " ".join(s.text for s in tell(facts())[3].statements)
    well = " ".join(s.text for s in tell(facts(findings=(), before=()))[3].statements)
    assert not any(text in ill for text in words("en_GB")["normal"]["chest"]["pleura"])
    assert any(text in well for text in words("en_GB")["normal"]["chest"]["pleura"])


def test_growth_is_told_against_the_prior() -> None:
    nodule, fluid = (s.text for s in tell(facts())[3].statements[:2])
    assert "6 mm" in nodule
    assert any(text in fluid for text in words("en_GB")["change"]["new"])
    gone = tell(facts(findings=(FLUID,)))[3].statements[1].text
    assert "nodule" in gone


def test_no_two_reports_read_the_same() -> None:
    told = {str([s.text for section in tell(facts(seed=f"{n}")) for s in section.statements]) for n in range(200)}
    assert len(told) > 150


def test_a_note_ends_the_report() -> None:
    assert tell(facts(note="See the portal."))[-1].statements[-1].text == "See the portal."


def test_the_arrow_points_at_the_finding() -> None:
    state = opened("presentation")
    place = spot(CT, NODULE)
    assert place is not None
    arrow = state.GraphicAnnotationSequence[0].GraphicObjectSequence[0].GraphicData
    tip = (arrow[-2], arrow[-1])
    assert abs(tip[0] - place.column) < place.reach + 8
    assert abs(tip[1] - place.row) < place.reach + 8
    image = state.ReferencedSeriesSequence[0].ReferencedImageSequence[0].ReferencedSOPInstanceUID
    assert image == f"{ROOT}.5.1.77.{place.slice + 1}"


def test_a_preliminary_report_is_not_verified() -> None:
    document = msgspec.structs.replace(DOCUMENTS["basic"][2], verified=False)
    report = pydicom.dcmread(io.BytesIO(make_file(context_for("basic"), DocumentRecipe(document))))
    assert (report.CompletionFlag, report.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    assert "VerifyingObserverSequence" not in report
    final = opened("basic")
    assert (final.CompletionFlag, final.VerificationFlag) == ("COMPLETE", "VERIFIED")
    assert final.VerifyingObserverSequence[0].VerifyingObserverName == "Dam^Karen^^Dr"


def test_the_dose_adds_up() -> None:
    content = {item.ConceptNameCodeSequence[0].CodeValue: item for item in opened("dose").ContentSequence}
    total = content["113811"].ContentSequence[1].MeasuredValueSequence[0].NumericValue
    assert float(total) == pytest.approx(2 * PART.dlp)


def test_text_that_the_character_set_lacks_does_not_break_a_report() -> None:
    context = context_for("basic", "ISO_IR 192")
    context = replace(context, patient=replace(context.patient, name="Ωmega^日本"))
    for form in ("basic", "pdf"):
        document = msgspec.structs.replace(DOCUMENTS["basic"][2], form=form)
        pydicom.dcmread(io.BytesIO(make_file(context, DocumentRecipe(document))))


def test_pdf_breaks_lines_and_pages() -> None:
    text = "word " * 400
    lines = broken(text, 10, 300)
    assert " ".join(lines).split() == text.split()
    assert all(width(line, 10) <= 300 for line in lines)
    long = pdf([Line(text)] * 8, title="(t\\", producer="p", created="20260304101500")
    assert long.count(b"/Type /Page ") > 1
    start = int(long.rsplit(b"startxref\n", 1)[1].split()[0])
    assert long[start : start + 4] == b"xref"
