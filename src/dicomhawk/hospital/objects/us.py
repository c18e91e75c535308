"""Ultrasound images (PS3.3 A.6) and loops (A.7) as the machines of four makers write them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.images import ultrasound
from dicomhawk.hospital.images.recipe import Ultrasound
from dicomhawk.hospital.objects import us_overlay
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context, request, start
from dicomhawk.hospital.objects.compression import JPEG_BASELINE, compressed, encapsulated
from dicomhawk.hospital.objects.recipe import USAcquisition
from dicomhawk.hospital.objects.us_makers import USModel

US_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.6.1"
US_MULTIFRAME_STORAGE = "1.2.840.10008.5.1.4.1.1.3.1"
FRAME_TIME = 38.5  # ms
CENTIMETRES = 3  # Physical Units (PS3.3 C.8.5.5.1.15)
TISSUE, TWO_DIMENSIONAL = 1, 1  # Region Data Type and Region Spatial Format


def build(context: Context, image: Ultrasound, setting: USAcquisition, grey: NDArray[np.uint8]) -> Attributes:
    """The data set of one image or loop; `grey` is the rendered sector."""
    model = context.model
    assert isinstance(model, USModel)
    made = start(context, ("ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"), sections=False)
    made.set(
        PatientOrientation="",
        TransducerData=(setting.transducer,),
        TransducerType="CURVED LINEAR",
        ProcessingFunction="B",
        DepthOfScanField=round(image.scans[context.number].depth),
        MechanicalIndex=f"{setting.mechanical_index:.1f}",
        SoftTissueThermalIndex=f"{setting.thermal_index:.1f}",
        BurnedInAnnotation="YES",
        UltrasoundColorDataPresent=0,
    )
    made.items("SequenceOfUltrasoundRegions", _region(image, context.number, setting))
    request(made, context, setting.requested)
    overlay = us_overlay.draw(context, model, image, setting, context.number)
    drawn = overlay.any(2, keepdims=True)
    frames = [np.where(drawn, overlay, frame[..., None]) for frame in _frames(grey)]
    if image.frames > 1:
        made.set(
            NumberOfFrames=image.frames,
            FrameTime=FRAME_TIME,
            CineRate=round(1000 / FRAME_TIME),
            RecommendedDisplayFrameRate=round(1000 / FRAME_TIME),
            StartTrim=1,
            StopTrim=image.frames,
            PreferredPlaybackSequencing=0,
        )
        made.raw("FrameIncrementPointer", "AT", b"\x18\x00\x63\x10")
    _pixels(made, frames, context.instance.transfer_syntax_uid)
    return made


def _frames(grey: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [grey] if grey.ndim == 2 else list(grey)


def _region(image: Ultrasound, k: int, setting: USAcquisition) -> Attributes:
    """US Region Calibration (PS3.3 C.8.5.5): where the sector is, and how large a pixel is."""
    scan = image.scans[k]
    sector = ultrasound.sector_of(image, scan)
    reach = float(np.sin(ultrasound.SECTOR / 2)) * (ultrasound.RADIUS + scan.depth)
    left, bottom = sector.pixel(-reach, scan.depth)
    right, _ = sector.pixel(reach, scan.depth)
    middle = sector.pixel(0, 0)
    per_pixel = 0.1 / sector.scale
    return Attributes("").set(
        RegionSpatialFormat=TWO_DIMENSIONAL,
        RegionDataType=TISSUE,
        RegionFlags=2,
        RegionLocationMinX0=max(int(left), 0),
        RegionLocationMinY0=int(ultrasound.TOP * image.rows),
        RegionLocationMaxX1=min(int(right) + 1, image.columns - 1),
        RegionLocationMaxY1=min(int(bottom) + 1, image.rows - 1),
        ReferencePixelX0=round(middle[0]) - max(int(left), 0),
        ReferencePixelY0=round(middle[1]) - int(ultrasound.TOP * image.rows),
        PhysicalUnitsXDirection=CENTIMETRES,
        PhysicalUnitsYDirection=CENTIMETRES,
        ReferencePixelPhysicalValueX=0.0,
        ReferencePixelPhysicalValueY=0.0,
        PhysicalDeltaX=per_pixel,
        PhysicalDeltaY=per_pixel,
        TransducerFrequency=round(setting.frequency * 1000),
    )


def _pixels(made: Attributes, frames: list[NDArray[np.uint8]], syntax: str) -> None:
    rows, columns, _ = frames[0].shape
    made.set(
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_FULL_422" if syntax == JPEG_BASELINE else "RGB",
        PlanarConfiguration=0,
        Rows=rows,
        Columns=columns,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
        LossyImageCompression="01" if syntax == JPEG_BASELINE else "00",
    )
    if syntax == EXPLICIT_LE:
        made.raw("PixelData", "OB", b"".join(frame.tobytes() for frame in frames))
        return
    encoded = [compressed(syntax, frame, 8) for frame in frames]
    if syntax == JPEG_BASELINE:
        ratio = sum(frame.size for frame in frames) / sum(map(len, encoded))
        made.set(LossyImageCompressionRatio=round(ratio, 2), LossyImageCompressionMethod="ISO_10918_1")
    made.encapsulate(encapsulated(encoded))
