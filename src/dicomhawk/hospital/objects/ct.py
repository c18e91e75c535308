"""CT Image objects (PS3.3 A.3) as the scanners of two makers write them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images import chest, head_ct
from dicomhawk.hospital.images.recipe import AbdomenCT, ChestCT, HeadCT
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context, code, ge_identity, number_format, pixels, request, start
from dicomhawk.hospital.objects.makers import CTModel
from dicomhawk.hospital.objects.recipe import CTAcquisition

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
INTERCEPT = -1024


def build(context: Context, image: ChestCT | HeadCT, scan: CTAcquisition, hu: NDArray[np.int16]) -> Attributes:
    """The data set of one slice; `hu` is the rendered image."""
    model = context.model
    assert isinstance(model, CTModel)
    siemens = model.maker == "siemens"
    image_type = ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI") if siemens else ("ORIGINAL", "PRIMARY", "AXIAL")
    made = start(context, image_type, scan.irradiation_event if siemens else None)
    _geometry(made, context, image, scan, model)
    _exposure(made, context, image, scan, model)
    if scan.agent is not None:
        text = number_format(model)
        made.set(ContrastBolusAgent=scan.agent, ContrastBolusRoute="IV", ContrastBolusVolume=text(scan.agent_volume))
        made.set(ContrastFlowRate=text(scan.flow))
    _siemens(made, scan, model) if siemens else _ge(made, context, image, scan, model)
    request(made, context, scan.requested)
    made.set(RescaleIntercept=str(INTERCEPT), RescaleSlope="1", RescaleType="HU")
    centres, widths = zip(*scan.windows, strict=True)
    made.set(WindowCenter=centres, WindowWidth=widths)
    if len(centres) > 1:
        made.set(WindowCenterWidthExplanation=tuple(f"WINDOW{n + 1}" for n in range(len(centres))))
    stored = hu - np.int16(INTERCEPT)
    if siemens:
        pixels(made, stored, 12, signed=False)
        made.set(SmallestImagePixelValue=int(stored.min()), LargestImagePixelValue=int(stored.max()))
    else:
        pixels(made, stored, 16, signed=True)
        made.as_vr("SS", PixelPaddingValue=image.padding - INTERCEPT)
    return made


def _centre(image: ChestCT | HeadCT, scan: CTAcquisition, k: int) -> tuple[float, float, float]:
    """Middle (x, y, z) of slice `k`, mm; y and z as the scanner counts them without its table's height."""
    if isinstance(image, HeadCT):
        x, y, z = head_ct.centre(image, k)
    else:
        (y, x), z = chest.middle(image), image.top - k * image.spacing
    return x, y, scan.table_position + z


def _geometry(
    made: Attributes, context: Context, image: ChestCT | HeadCT, scan: CTAcquisition, model: CTModel
) -> None:
    text = number_format(model)
    pixel = image.fov / image.matrix
    corner = (image.matrix - 1) / 2 * pixel
    middle_x, y, z = _centre(image, scan, context.number)
    middle_y = y - scan.table_height if model.maker == "siemens" else y
    down, up, tilt = 1.0, 0.0, 0.0
    if isinstance(image, HeadCT):
        (down, up), tilt = head_ct.column(image), image.tilt
    made.set(
        FrameOfReferenceUID=scan.frame_of_reference,
        SliceThickness=text(image.thickness),
        ImagePositionPatient=(text(middle_x - corner), text(middle_y - corner * down), text(z - corner * up)),
        ImageOrientationPatient=tuple(text(v) for v in (1, 0, 0, 0, down, up)),
        SliceLocation=text(z),
        PixelSpacing=(text(pixel), text(pixel)),
        AcquisitionNumber=scan.acquisition,
        DataCollectionDiameter=text(500 if isinstance(image, ChestCT) or model.maker == "siemens" else 250),
        ReconstructionDiameter=text(image.fov),
        GantryDetectorTilt=text(tilt),
        TableHeight=text(scan.table_height),
    )
    if model.maker == "siemens":
        made.set(DataCollectionCenterPatient=(0.0, middle_y - y, z))
        made.set(ReconstructionTargetCenterPatient=(middle_x, middle_y, z))
    else:
        made.set(SpacingBetweenSlices=text(image.spacing))


def _exposure(
    made: Attributes, context: Context, image: ChestCT | HeadCT, scan: CTAcquisition, model: CTModel
) -> None:
    text = number_format(model)
    single, total = model.collimation
    feed = total * scan.pitch
    current = tube_current(image, scan, model, context.number)
    # Siemens gives the effective current-time product; GE the time of the exposure of one image.
    siemens, head = model.maker == "siemens", isinstance(image, HeadCT)
    rotation = 1.0 if head else model.rotation
    exposure = current * rotation / (scan.pitch if siemens else 1)
    made.set(
        ScanOptions=None if siemens else "AXIAL MODE" if scan.axial else "HELICAL MODE",
        KVP=str(scan.kvp),
        DistanceSourceToDetector=text(model.distances[0]),
        DistanceSourceToPatient=text(model.distances[1]),
        RotationDirection="CW",
        ExposureTime=round(rotation * 1000),
        XRayTubeCurrent=current,
        Exposure=max(1, round(exposure)),
        FilterType="FLAT" if siemens else "HEAD FILTER" if head else "BODY FILTER",
        GeneratorPower=round(scan.kvp * current / (1000 if siemens else 1)),
        FocalSpots=text(1.2),
        ConvolutionKernel=scan.kernel,
        RevolutionTime=rotation,
        SingleCollimationWidth=single,
        TotalCollimationWidth=total,
    )
    if not scan.axial:
        made.set(TableSpeed=round(feed / rotation, 3), TableFeedPerRotation=round(feed, 4))
        made.set(SpiralPitchFactor=scan.pitch)
    if siemens:
        made.set(ExposureModulationType="XYZ_EC", CTDIvol=scan.ctdi)
        value, meaning = ("113690", "Head") if head else ("113691", "Body")
        made.items("CTDIPhantomTypeCodeSequence", code(value, "DCM", f"IEC {meaning} Dosimetry Phantom"))


def tube_current(image: ChestCT | HeadCT, scan: CTAcquisition, model: CTModel, k: int) -> int:
    """mA at slice `k`: the scanner gives more at the shoulders and the liver than through the lungs, and more at the
    base of the skull than above it."""
    at = k / max(image.slices - 1, 1)
    if isinstance(image, AbdomenCT):
        shape = 1.06 - 0.16 * math.exp(-((at / 0.16) ** 2))
        return min(round(scan.current * shape + 3 * math.sin(k * 1.7)), model.tube_limits[1])
    if isinstance(image, HeadCT):
        return scan.current if scan.axial else round(scan.current * (1.1 - 0.22 * at * at) + 2 * math.sin(k * 1.3))
    shape = 1 + 0.55 * math.exp(-((at / 0.14) ** 2)) + 0.3 / (1 + math.exp((0.68 - at) * 14))
    low, high = model.tube_limits
    return int(min(max(scan.current * shape * 0.86 + 3 * math.sin(k * 1.7), low), high))


def _siemens(made: Attributes, scan: CTAcquisition, model: CTModel) -> None:
    feed = model.collimation[1] * scan.pitch
    made.private(
        0x0019,
        "SIEMENS CT VA0  COAD",
        (0x90, "DS", "0"),
        (0x92, "DS", "0.9179"),
        (0x93, "DS", "-0.21"),
        (0x96, "IS", 0),
        (0xB0, "DS", float(round(feed, 3))),
    )
    made.private(0x0021, "SIEMENS MED", (0x11, "DS", ("0", "0")))
    made.private(0x0029, "SIEMENS MEDCOM HEADER")


def _ge(made: Attributes, context: Context, image: ChestCT | HeadCT, scan: CTAcquisition, model: CTModel) -> None:
    text = number_format(model)
    first, here, last = (_centre(image, scan, k)[2] for k in (0, context.number, image.slices - 1))
    ge_identity(made, context, "CT_LIGHTSPEED", model.model)
    made.private(0x0011, "GEMS_PATI_01", (0x10, "SS", 0))
    made.private(
        0x0019,
        "GEMS_ACQU_01",
        (0x02, "SL", 912),
        (0x03, "DS", text(389.75)),
        (0x04, "DS", text(1.0239)),
        (0x0F, "DS", text(scan.table_height * 7)),
        (0x11, "SS", 2 if scan.agent else 0),
        (0x18, "LO", "S" if first >= 0 else "I"),
        (0x19, "DS", text(first)),
        (0x1A, "LO", "S" if last >= 0 else "I"),
        (0x1B, "DS", text(last)),
        (0x23, "DS", text(model.collimation[1] * (1 if scan.axial else scan.pitch))),
        (0x25, "SS", 1),
        (0x26, "SL", 0),
        (0x27, "DS", text(1.0 if isinstance(image, HeadCT) else model.rotation)),
        (0x39, "SS", 16),
        (0x52, "SS", 1),
    )
    made.private(0x0025, "GEMS_SERS_01", (0x06, "SS", image.slices), (0x07, "SL", image.slices), (0x10, "SL", 0))
    made.private(
        0x0027,
        "GEMS_IMAG_01",
        (0x10, "SS", 0),
        (0x1C, "SL", 2),
        (0x41, "FL", here),
        (0x50, "FL", here),
    )
    made.private(
        0x0043,
        "GEMS_PARM_01",
        (0x10, "US", 400),
        (0x12, "SS", (14, 2, 3)),
        (0x16, "SS", 2),
        (0x1E, "DS", text(2.0)),
        *(() if scan.axial else ((0x27, "SH", f"{scan.pitch:.3f}:1"),)),
        (0x40, "FL", 178.08),
    )
