"""Attributes that all images share: patient, study, series, equipment, request (PS3.3 C.7 and C.8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.objects.attributes import Attributes, Value, decimal, padded_decimal
from dicomhawk.hospital.objects.compression import compressed, encapsulated
from dicomhawk.hospital.objects.makers import CTModel, model_of
from dicomhawk.hospital.objects.model import Model
from dicomhawk.hospital.rows import Device, Instance, Patient, Series, Study

UNPAIRED = frozenset(("CHEST", "HEAD", "ABDOMEN", "BRAIN", "SKULL"))
"""Defined terms of Body Part Examined that have no side."""


@dataclass(frozen=True)
class Context:
    """The rows that an object is made from, and what the hospital writes into all of its objects."""

    patient: Patient
    study: Study
    series: Series
    instance: Instance
    device: Device
    charset: str  # Specific Character Set
    address: str  # Institution Address

    @property
    def model(self) -> Model:
        """The model of the device."""
        return model_of(self.device.manufacturer, self.device.model)

    @property
    def number(self) -> int:
        """The slice: Instance Number less one."""
        return (self.instance.instance_number or 1) - 1


def number_format(model: Model) -> Callable[[float], str]:
    """How the maker writes decimal strings."""
    return padded_decimal if model.maker == "ge" and isinstance(model, CTModel) else decimal


def start(
    context: Context,
    image_type: tuple[str, ...] | None,
    irradiation_event: str | None = None,
    *,
    sections: bool = True,
) -> Attributes:
    """A data set with everything that does not depend on the modality.

    `image_type`: None for what is no image. `sections`: the images have places in a frame of reference, as those of
    CT and MR do.
    """
    patient, study, series, device = context.patient, context.study, context.series, context.device
    instance, ge = context.instance, context.model.maker == "ge"
    made = Attributes(context.charset)
    made.set(
        SpecificCharacterSet=context.charset,
        SOPClassUID=instance.sop_class_uid,
        SOPInstanceUID=instance.sop_uid,
        StudyDate=study.study_date,
        SeriesDate=series.series_date,
        AcquisitionDate=instance.content_date,
        ContentDate=instance.content_date,
        StudyTime=study.study_time,
        SeriesTime=series.series_time,
        AcquisitionTime=instance.content_time,
        ContentTime=instance.content_time,
        AccessionNumber=study.accession_number,
        Modality=series.modality,
        Manufacturer=device.manufacturer,
        InstitutionName=series.institution,
        InstitutionAddress=context.address,
        ReferringPhysicianName=study.referring_physician,
        StationName=device.station_name,
        StudyDescription=study.description,
        SeriesDescription=series.description,
        InstitutionalDepartmentName=series.department,
        PerformingPhysicianName=series.performing_physician,
        OperatorsName=series.operators,
        ManufacturerModelName=device.model,
        PatientName=patient.name,
        PatientID=patient.patient_id,
        PatientBirthDate=patient.birth_date,
        PatientSex=patient.sex,
        PatientAge=study.patient_age,
        BodyPartExamined=series.body_part,
        DeviceSerialNumber=device.serial,
        SoftwareVersions=device.software,
        ProtocolName=series.protocol_name,
        StudyInstanceUID=study.study_uid,
        SeriesInstanceUID=series.series_uid,
        StudyID=study.study_id,
        SeriesNumber=series.series_number,
        InstanceNumber=instance.instance_number,
        PerformedProcedureStepStartDate=series.step_start_date,
        PerformedProcedureStepStartTime=series.step_start_time,
        PerformedProcedureStepID=series.step_id,
        PerformedProcedureStepDescription=study.description,
    )
    _optional(
        made,
        ImageType=image_type,
        IssuerOfPatientID=patient.issuer,
        PatientSize=study.patient_size,
        PatientWeight=study.patient_weight,
        IrradiationEventUID=irradiation_event,
    )
    # Required unless the part is known not to be paired (PS3.3 C.7.3.1), or the image has its own.
    if series.body_part not in UNPAIRED and series.modality != "DX":
        made.set(Laterality="")
    if sections:
        made.set(PatientPosition="HFS", PositionReferenceIndicator="SN" if ge else "")
    if ge:
        made.set(InstanceCreationDate=instance.content_date, InstanceCreationTime=instance.content_time)
    return made


def _optional(made: Attributes, **values: Value) -> None:
    made.set(**{keyword: value for keyword, value in values.items() if value is not None})


def request(made: Attributes, context: Context, requested: str) -> None:
    """Request Attributes (PS3.3 10.6): what the worklist had told the scanner."""
    item = Attributes(context.charset).set(
        RequestedProcedureDescription=requested,
        ScheduledProcedureStepDescription=context.study.description,
        ScheduledProcedureStepID=context.study.accession_number,
        RequestedProcedureID=context.study.accession_number,
    )
    made.items("RequestAttributesSequence", item).set(RequestedProcedureDescription=requested)


def ge_identity(made: Attributes, context: Context, product: str, model: str) -> None:
    """The private block in which scanners of GE name themselves."""
    device = context.device
    made.private(
        0x0009,
        "GEMS_IDEN_01",
        (0x01, "LO", product),
        (0x02, "SH", (device.station_name or context.series.modality)[:4]),
        (0x04, "SH", model[:16]),
        (0xE3, "UI", device.uid_root),
    )


def pixels(
    made: Attributes,
    values: NDArray[np.integer],
    stored: int,
    signed: bool,
    *,
    inverted: bool = False,
    syntax: str = EXPLICIT_LE,
) -> None:
    """Image Pixel module (PS3.3 C.7.6.3) for one image of 16 bits allocated, stored in `stored` bits."""
    rows, columns = values.shape
    made.set(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME1" if inverted else "MONOCHROME2",
        Rows=rows,
        Columns=columns,
        BitsAllocated=16,
        BitsStored=stored,
        HighBit=stored - 1,
        PixelRepresentation=int(signed),
    )
    if syntax == EXPLICIT_LE:
        made.raw("PixelData", "OW", np.ascontiguousarray(values, "<i2" if signed else "<u2").tobytes())
    else:
        made.encapsulate(encapsulated([compressed(syntax, values.astype(np.uint16), stored)]))


def code(value: str, scheme: str, meaning: str) -> Attributes:
    """An item of a code sequence (PS3.3 8.8)."""
    return Attributes("").set(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)
