"""Secondary Capture images (PS3.3 A.8.1): the dose sheets of CT scanners."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images.recipe import DoseSheet
from dicomhawk.hospital.images.screen import with_header
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context, start
from dicomhawk.hospital.objects.recipe import CaptureAcquisition

SECONDARY_CAPTURE_STORAGE = "1.2.840.10008.5.1.4.1.1.7"


def build(context: Context, image: DoseSheet, capture: CaptureAcquisition, screen: NDArray[np.uint8]) -> Attributes:
    """The data set of one screen; `screen` is the rendered text without its header."""
    siemens = context.model.maker == "siemens"
    kind = ("DERIVED", "SECONDARY", "OTHER", "CT_SOM5 PROT") if siemens else ("DERIVED", "SECONDARY", "SCREEN SAVE")
    made = start(context, kind, sections=False)
    made.set(ConversionType="WSD", PatientOrientation="", BurnedInAnnotation="YES", LossyImageCompression="00")
    made.set(
        DateOfSecondaryCapture=context.instance.content_date,
        TimeOfSecondaryCapture=context.instance.content_time,
        RequestedProcedureDescription=capture.requested,
    )
    shown = with_header(screen, _header(context))
    rows, columns = shown.shape
    made.set(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=rows,
        Columns=columns,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        WindowCenter="128",
        WindowWidth="256",
    )
    return made.raw("PixelData", "OB", shown.tobytes())


def _header(context: Context) -> list[str]:
    patient, study, device = context.patient, context.study, context.device
    name = patient.name.split("=")[0].replace("^", ", ", 1).replace("^", " ").strip(", ")
    day, moment = study.study_date, study.study_time
    when = f"{day[6:8]}.{day[4:6]}.{day[:4]}  {moment[:2]}:{moment[2:4]}"
    if context.model.maker == "siemens":
        return [
            f"{when}   {device.model}   {device.station_name}",
            name,
            f"{patient.patient_id}   {study.accession_number}",
        ]
    return [
        f"Patient Name: {name}",
        f"Accession Number: {study.accession_number}",
        f"Patient ID: {patient.patient_id}",
        f"Exam Description: {study.description}   {when}",
    ]
