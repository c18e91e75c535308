"""Files of documents: which builder makes which, and what writes them in the hospital."""

from __future__ import annotations

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.objects import dose, ko, pdf, pr, report, sr
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.document_recipe import Document, DoseReport, KeyObjects, Presentation
from dicomhawk.hospital.objects.makers import implementation_of
from dicomhawk.hospital.part10 import file_meta

_DCMTK = "1.2.276.0.7230010.3.0.3.6."
SYSTEMS = (
    sr.Equipment("Sectra", "IDS7", "23.1.6", (_DCMTK + "4", "OFFIS_DCMTK_364")),
    sr.Equipment("Agfa HealthCare", "Enterprise Imaging", "8.1.4", ("1.2.40.0.13.1.3", "dcm4che-5.24.2")),
    sr.Equipment("Visage Imaging", "Visage 7", "7.1.16", (_DCMTK + "2", "OFFIS_DCMTK_362")),
    sr.Equipment("GE Healthcare", "Centricity RIS-i", "6.0.8", ("1.2.40.0.13.1.3", "dcm4che-5.22.5")),
    sr.Equipment("CGM", "CGM RIS", "10.4", (_DCMTK + "5", "OFFIS_DCMTK_365")),
)
"""Reporting systems: a hospital has one of them."""


def make_file(context: Context, document: Document) -> bytes:
    """A document as a DICOM file in Explicit VR Little Endian: the same bytes every time."""
    if isinstance(document, DoseReport):
        made = dose.build(context, document)
        class_uid, version = implementation_of(context.model, context.device.software)
    else:
        system = SYSTEMS[document.system]
        class_uid, version = system.implementation
        if isinstance(document, KeyObjects):
            made = ko.build(context, document, system)
        elif isinstance(document, Presentation):
            made = pr.build(context, document, system)
        elif document.form == "pdf":
            made = pdf.build(context, document, system)
        else:
            made = report.build(context, document, system)
    instance = context.instance
    head = file_meta(
        instance.sop_class_uid, instance.sop_uid, EXPLICIT_LE, class_uid, implementation_version_name=version
    )
    return head + made.encode()
