"""Structured report content (PS3.3 C.17) and what all structured reports have around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dicomhawk.hospital.objects.attributes import Attributes, Value, decimal
from dicomhawk.hospital.objects.common import Context

Code = tuple[str, str, str]
"""Code Value, Coding Scheme Designator, Code Meaning."""

CONTAINS, CONTEXT, MODIFIES, PROPERTIES, INFERRED = (
    "CONTAINS",
    "HAS OBS CONTEXT",
    "HAS CONCEPT MOD",
    "HAS PROPERTIES",
    "INFERRED FROM",
)


@dataclass(frozen=True)
class Writer:
    """Writes content items in the character set of a data set."""

    charset: str

    def code(self, code: Code) -> Attributes:
        """An item of a code sequence."""
        value, scheme, meaning = code
        return Attributes(self.charset).set(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)

    def _item(
        self, kind: str, relation: str | None, concept: Code | None, children: Iterable[Attributes]
    ) -> Attributes:
        made = Attributes(self.charset).set(ValueType=kind)
        if relation is not None:
            made.set(RelationshipType=relation)
        if concept is not None:
            made.items("ConceptNameCodeSequence", self.code(concept))
        below = list(children)
        if below:
            made.items("ContentSequence", *below)
        return made

    def container(
        self,
        relation: str | None,
        concept: Code,
        children: Iterable[Attributes],
        template: str | None = None,
        *,
        separate: bool = True,
    ) -> Attributes:
        """A CONTAINER; `template` is a number of DCMR (PS3.16)."""
        made = self._item("CONTAINER", relation, concept, children)
        made.set(ContinuityOfContent="SEPARATE" if separate else "CONTINUOUS")
        if template is not None:
            item = Attributes(self.charset).set(MappingResource="DCMR", TemplateIdentifier=template)
            made.items("ContentTemplateSequence", item)
        return made

    def text(self, relation: str, concept: Code, value: str, children: Iterable[Attributes] = ()) -> Attributes:
        """A TEXT."""
        return self._item("TEXT", relation, concept, children).set(TextValue=value)

    def coded(self, relation: str, concept: Code, value: Code, children: Iterable[Attributes] = ()) -> Attributes:
        """A CODE."""
        return self._item("CODE", relation, concept, children).items("ConceptCodeSequence", self.code(value))

    def number(
        self, relation: str, concept: Code, value: float, unit: Code, children: Iterable[Attributes] = ()
    ) -> Attributes:
        """A NUM."""
        measured = Attributes(self.charset).set(NumericValue=decimal(value))
        measured.items("MeasurementUnitsCodeSequence", self.code(unit))
        return self._item("NUM", relation, concept, children).items("MeasuredValueSequence", measured)

    def person(self, relation: str, concept: Code, name: str) -> Attributes:
        """A PNAME."""
        return self._item("PNAME", relation, concept, ()).set(PersonName=name)

    def uid(self, relation: str, concept: Code, value: str) -> Attributes:
        """A UIDREF."""
        return self._item("UIDREF", relation, concept, ()).set(UID=value)

    def moment(self, relation: str, concept: Code, value: str) -> Attributes:
        """A DATETIME."""
        return self._item("DATETIME", relation, concept, ()).set(DateTime=value)

    def image(self, relation: str, sop_class: str, sop_uid: str) -> Attributes:
        """An IMAGE."""
        item = Attributes(self.charset).set(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=sop_uid)
        return self._item("IMAGE", relation, None, ()).items("ReferencedSOPSequence", item)


@dataclass(frozen=True)
class Equipment:
    """What writes a document (PS3.3 C.7.5.1), and how its files say so."""

    manufacturer: str
    model: str
    software: str
    implementation: tuple[str, str]
    serial: str | None = None


def start(context: Context, equipment: Equipment) -> Attributes:
    """A data set with patient, study, series and equipment of a document."""
    patient, study, series, instance = context.patient, context.study, context.series, context.instance
    made = Attributes(context.charset).set(
        SpecificCharacterSet=context.charset,
        InstanceCreationDate=instance.content_date,
        InstanceCreationTime=instance.content_time,
        SOPClassUID=instance.sop_class_uid,
        SOPInstanceUID=instance.sop_uid,
        StudyDate=study.study_date,
        SeriesDate=series.series_date,
        StudyTime=study.study_time,
        SeriesTime=series.series_time,
        AccessionNumber=study.accession_number,
        Modality=series.modality,
        Manufacturer=equipment.manufacturer,
        InstitutionName=series.institution,
        InstitutionAddress=context.address,
        ReferringPhysicianName=study.referring_physician,
        StudyDescription=study.description,
        SeriesDescription=series.description,
        ManufacturerModelName=equipment.model,
        PatientName=patient.name,
        PatientID=patient.patient_id,
        PatientBirthDate=patient.birth_date,
        PatientSex=patient.sex,
        PatientAge=study.patient_age,
        SoftwareVersions=equipment.software,
        StudyInstanceUID=study.study_uid,
        SeriesInstanceUID=series.series_uid,
        StudyID=study.study_id,
        SeriesNumber=series.series_number,
        InstanceNumber=instance.instance_number,
    )
    optional: Mapping[str, Value] = {
        "IssuerOfPatientID": patient.issuer,
        "StationName": series.station_name,
        "InstitutionalDepartmentName": series.department,
        "DeviceSerialNumber": equipment.serial,
    }
    return made.set(**{keyword: value for keyword, value in optional.items() if value is not None})


def described(made: Attributes, context: Context, *, verified: bool | None) -> None:
    """The attributes of an SR document series and document (PS3.3 C.17.1, C.17.2).

    `verified`: by the reader of the study, at the moment of the content; None for what nobody verifies.
    """
    study, instance, charset = context.study, context.instance, context.charset
    made.set(ContentDate=instance.content_date, ContentTime=instance.content_time)
    made.items("ReferencedPerformedProcedureStepSequence")
    made.items("PerformedProcedureCodeSequence")
    if verified is None:
        made.set(CompletionFlag="COMPLETE", VerificationFlag="UNVERIFIED")
    else:
        made.set(CompletionFlag="COMPLETE" if verified else "PARTIAL")
        made.set(VerificationFlag="VERIFIED" if verified else "UNVERIFIED")
        if verified:
            observer = Attributes(charset).set(
                VerifyingOrganization=context.series.institution,
                VerificationDateTime=f"{instance.content_date}{(instance.content_time or '')[:6]}",
                VerifyingObserverName=(study.reading_physicians or "").partition("\\")[0],
            )
            made.items("VerifyingObserverSequence", observer.items("VerifyingObserverIdentificationCodeSequence"))
    made.items("ReferencedRequestSequence", requested(context))


def requested(context: Context) -> Attributes:
    """The item of Referenced Request Sequence for the study's order."""
    study = context.study
    request = Attributes(context.charset).set(
        AccessionNumber=study.accession_number,
        StudyInstanceUID=study.study_uid,
        RequestedProcedureDescription=study.description,
        RequestedProcedureID=study.accession_number,
        PlacerOrderNumberImagingServiceRequest=None,
        FillerOrderNumberImagingServiceRequest=study.accession_number,
    )
    return request.items("ReferencedStudySequence").items("RequestedProcedureCodeSequence")


def evidence(context: Context, images: Sequence[tuple[str, str, str]]) -> Attributes:
    """An item of an evidence sequence for instances of the study: (series UID, SOP class, SOP instance) each."""
    by_series: dict[str, list[Attributes]] = {}
    for series_uid, sop_class, sop_uid in dict.fromkeys(images):
        item = Attributes(context.charset).set(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=sop_uid)
        by_series.setdefault(series_uid, []).append(item)
    series = [
        Attributes(context.charset).set(SeriesInstanceUID=uid).items("ReferencedSOPSequence", *items)
        for uid, items in by_series.items()
    ]
    made = Attributes(context.charset).set(StudyInstanceUID=context.study.study_uid)
    return made.items("ReferencedSeriesSequence", *series)


def adopt(made: Attributes, root: Attributes) -> None:
    """Make the data set itself the root of the content."""
    made.data_set.update(root.data_set)
