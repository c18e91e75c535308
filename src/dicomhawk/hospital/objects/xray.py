"""Computed (PS3.3 A.2) and digital (PS3.3 A.26) radiographs of the chest as the machines of six makers write them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images.radiograph import GEOMETRY
from dicomhawk.hospital.images.recipe import Radiograph
from dicomhawk.hospital.objects.attributes import Attributes, decimal
from dicomhawk.hospital.objects.common import Context, code, pixels, request, start
from dicomhawk.hospital.objects.recipe import XRayAcquisition
from dicomhawk.hospital.objects.xray_makers import XRayModel

CR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
DX_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.1.1"
ORIENTATION = {"PA": ("L", "F"), "AP": ("L", "F"), "LL": ("P", "F")}
VIEWS = {
    "PA": ("R-10214", "postero-anterior"),
    "AP": ("R-10206", "antero-posterior"),
    "LL": ("R-10236", "left lateral"),
}
"""Codes of SNOMED RT, which such machines write (PS3.16 CID 4010)."""


def build(context: Context, image: Radiograph, scan: XRayAcquisition, stored: NDArray[np.uint16]) -> Attributes:
    """The data set of one radiograph; `stored` is the rendered image."""
    model = context.model
    assert isinstance(model, XRayModel)
    digital = model.kind == "DX"
    image_type = ("ORIGINAL", "PRIMARY", "") if digital else ("DERIVED", "PRIMARY")
    made = start(context, image_type, sections=False)
    _exposure(made, image, scan)
    made.set(
        PatientOrientation=ORIENTATION[image.view],
        ViewPosition=image.view,
        ImagerPixelSpacing=(decimal(image.pixel),) * 2,
        AcquisitionDeviceProcessingDescription=model.programs[image.view],
        BurnedInAnnotation="YES" if image.mark is not None and image.mark.electronic else "NO",
        LossyImageCompression="00",
        AcquisitionNumber=context.number + 1,
    )
    _digital(made, context, image, scan, model) if digital else _computed(made, image, scan, model)
    request(made, context, scan.requested)
    top = 1 << image.bits
    made.set(WindowCenter=str(top // 2), WindowWidth=str(top), WindowCenterWidthExplanation="NORMAL")
    _PRIVATE.get(model.maker, _nothing)(made, context, model, scan)
    syntax = context.instance.transfer_syntax_uid
    pixels(made, stored, image.bits, signed=False, inverted=image.inverted, syntax=syntax)
    return made


def _exposure(made: Attributes, image: Radiograph, scan: XRayAcquisition) -> None:
    made.set(
        KVP=str(scan.kvp),
        DistanceSourceToDetector=decimal(GEOMETRY[image.view][0]),
        ExposureTime=scan.milliseconds,
        XRayTubeCurrent=round(scan.exposure * 1000 / scan.milliseconds),
        Exposure=max(1, round(scan.exposure)),
        ExposureInuAs=round(scan.exposure * 1000),
        ImageAndFluoroscopyAreaDoseProduct=decimal(scan.dose_area),
        FocalSpots="1.2",
    )
    if scan.grid:
        made.set(Grid=("FOCUSED", "RECIPROCATING"))


def _computed(made: Attributes, image: Radiograph, scan: XRayAcquisition, model: XRayModel) -> None:
    wide, high = (f"{round(size * image.pixel / 10)}CM" for size in (image.columns, image.rows))
    made.set(
        PlateID=scan.plate,
        PlateType=model.detector[1],
        CassetteOrientation="LANDSCAPE" if image.columns > image.rows else "PORTRAIT",
        CassetteSize=f"{min(high, wide)}X{max(high, wide)}",
        PixelSpacing=(decimal(image.pixel),) * 2,
        # The makers' own numbers: the S value falls as the exposure rises, Agfa's rises with it.
        Sensitivity=str(round(200 * model.target / scan.index)) if model.maker == "fuji" else str(model.target),
        RelativeXRayExposure=scan.index,
        AcquisitionDeviceProcessingCode="5001" if image.view == "PA" else "5004",
    )


def _digital(made: Attributes, context: Context, image: Radiograph, scan: XRayAcquisition, model: XRayModel) -> None:
    view, meaning = VIEWS[image.view]
    made.set(
        PresentationIntentType="FOR PRESENTATION",
        ImageLaterality="U",
        DetectorType=model.detector[1],
        DetectorConfiguration="AREA",
        DetectorID=scan.plate,
        DetectorTemperature="31.5",
        DetectorActiveTime=decimal(float(scan.milliseconds)),
        DetectorBinning=("1", "1"),
        PositionerType="NONE" if model.mobile else "COLUMN",
        PixelIntensityRelationship="LOG",
        PixelIntensityRelationshipSign=1 if image.inverted else -1,
        RescaleIntercept="0",
        RescaleSlope="1",
        RescaleType="US",
        PresentationLUTShape="INVERSE" if image.inverted else "IDENTITY",
        ExposureIndex=str(scan.index),
        TargetExposureIndex=str(model.target),
        DeviationIndex=decimal(round(10 * math.log10(scan.index / model.target), 1)),
        Sensitivity="400",
        FieldOfViewShape="RECTANGLE",
        FieldOfViewDimensions=tuple(round(size * image.pixel) for size in (image.rows, image.columns)),
    )
    made.items("AnatomicRegionSequence", code("T-D3000", "SRT", "Chest"))
    made.items("ViewCodeSequence", code(view, "SRT", meaning).items("ViewModifierCodeSequence"))
    made.items("AcquisitionContextSequence")


def _nothing(made: Attributes, context: Context, model: XRayModel, scan: XRayAcquisition) -> None:
    """Makers whose machines write no private elements that matter."""


def _fuji(made: Attributes, context: Context, model: XRayModel, scan: XRayAcquisition) -> None:
    made.private(0x0009, "FDMS 1.0", (0x04, "SH", "CHEST"))
    made.private(0x0019, "FDMS 1.0", (0x15, "LO", "Z"))
    made.private(0x0021, "FDMS 1.0", (0x10, "CS", "NO"), (0x30, "CS", "00"))


def _agfa(made: Attributes, context: Context, model: XRayModel, scan: XRayAcquisition) -> None:
    made.private(
        0x0019,
        "Agfa ADC NX",
        (0x07, "CS", "N"),
        (0xF5, "CS", "AGFA"),
        (0xFD, "CS", ("CHEST", "PA")),
    )


def _siemens(made: Attributes, context: Context, model: XRayModel, scan: XRayAcquisition) -> None:
    window = 1 << model.bits
    made.private(
        0x0025,
        "SIEMENS SMS-AX  ORIGINAL IMAGE INFO 1.0",
        (0x00, "US", 1),
        (0x01, "US", context.series.series_number or 1),
        (0x02, "US", context.number + 1),
        (0x03, "US", window // 2),
        (0x04, "US", window - 1),
    )
    made.private(0x0021, "SIEMENS MED", (0x11, "DS", ("0", "0")))


def _ge(made: Attributes, context: Context, model: XRayModel, scan: XRayAcquisition) -> None:
    window = 1 << model.bits
    made.private(
        0x0011,
        "GEMS_GDXE_FALCON_04",
        (0x03, "UI", context.series.series_uid),
        (0x04, "CS", "FRONTAL"),
        (0x33, "DS", float(scan.index)),
    )
    made.private(0x0045, "GEMS_FALCON_03", (0x62, "IS", window // 2), (0x63, "IS", window))


_PRIVATE = {"fuji": _fuji, "agfa": _agfa, "siemens": _siemens, "ge": _ge}
