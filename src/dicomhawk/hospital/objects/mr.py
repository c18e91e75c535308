"""MR Image objects (PS3.3 A.4) as the scanners of two makers write them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images import brain
from dicomhawk.hospital.images.recipe import BrainMR
from dicomhawk.hospital.objects.attributes import Attributes, decimal
from dicomhawk.hospital.objects.common import Context, ge_identity, pixels, request, start
from dicomhawk.hospital.objects.makers import MRModel
from dicomhawk.hospital.objects.recipe import MRAcquisition

MR_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.4"


@dataclass(frozen=True)
class SequenceNames:
    """What a maker calls a kind of sequence."""

    scanning: tuple[str, ...]  # Scanning Sequence
    variant: tuple[str, ...]  # Sequence Variant
    options: tuple[str, ...]  # Scan Options
    name: str  # Sequence Name, or the pulse sequence's name
    image_type: tuple[str, ...]


_SIEMENS_TYPE = ("ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D")
_GE_TYPE = ("ORIGINAL", "PRIMARY", "OTHER")

SIEMENS_SEQUENCES = {
    "T1": SequenceNames(("SE",), ("SP", "OSP"), ("SAT1",), "*se2d1", _SIEMENS_TYPE),
    "T2": SequenceNames(("SE",), ("SK", "SP", "OSP"), (), "*tse2d1_15", _SIEMENS_TYPE),
    "FLAIR": SequenceNames(("SE", "IR"), ("SK", "SP", "MP"), ("IR",), "*tir2d1_16", _SIEMENS_TYPE),
    "DWI": SequenceNames(
        ("EP",), ("SK", "SP"), ("PFP", "FS"), "*ep_b1000t", ("ORIGINAL", "PRIMARY", "DIFFUSION", "TRACEW", "ND")
    ),
    "ADC": SequenceNames(
        ("EP",), ("SK", "SP"), ("PFP", "FS"), "*ep_b0_1000", ("DERIVED", "PRIMARY", "DIFFUSION", "ADC", "ND")
    ),
}
GE_SEQUENCES = {
    "T1": SequenceNames(("SE",), ("NONE",), ("SAT_GEMS",), "memp", _GE_TYPE),
    "T2": SequenceNames(("SE",), ("SK",), ("FAST_GEMS", "SAT_GEMS", "TRF_GEMS"), "fse-xl", _GE_TYPE),
    "FLAIR": SequenceNames(("SE", "IR"), ("SK",), ("FAST_GEMS", "TRF_GEMS"), "T2FLAIR", _GE_TYPE),
    "DWI": SequenceNames(("EP", "SE"), ("NONE",), ("SAT_GEMS", "EPI_GEMS", "PFF", "FS"), "epi2", _GE_TYPE),
    "ADC": SequenceNames(
        ("EP", "SE"), ("NONE",), ("SAT_GEMS", "EPI_GEMS", "PFF", "FS"), "epi2", ("DERIVED", "SECONDARY", "ADC")
    ),
}


def build(context: Context, image: BrainMR, scan: MRAcquisition, stored: NDArray[np.uint16]) -> Attributes:
    """The data set of one slice; `stored` is the rendered image."""
    model = context.model
    assert isinstance(model, MRModel)
    siemens = model.maker == "siemens"
    names = (SIEMENS_SEQUENCES if siemens else GE_SEQUENCES)[scan.sequence]
    made = start(context, names.image_type)
    _geometry(made, context, image, scan)
    _timing(made, image, scan, model, names)
    if scan.agent is not None:
        made.set(ContrastBolusAgent=scan.agent)
    _siemens(made, context, image, scan) if siemens else _ge(made, context, image, scan, names)
    request(made, context, scan.requested)
    centre, width = scan.window
    made.set(WindowCenter=str(centre), WindowWidth=str(width))
    pixels(made, stored, 12 if siemens else 16, signed=not siemens)
    smallest, largest = int(stored.min()), int(stored.max())
    made.as_vr("US" if siemens else "SS", SmallestImagePixelValue=smallest, LargestImagePixelValue=largest)
    if siemens:
        made.set(WindowCenterWidthExplanation="Algo1")
    return made


def _geometry(made: Attributes, context: Context, image: BrainMR, scan: MRAcquisition) -> None:
    row, column, normal = brain.directions(image)
    pixel = image.fov / image.matrix
    half = pixel * (image.matrix - 1) / 2
    centre = brain.slice_centre(image, context.number) + np.array(scan.centre)
    corner = centre - row * half - column * half
    made.set(
        FrameOfReferenceUID=scan.frame_of_reference,
        SliceThickness=decimal(image.thickness),
        SpacingBetweenSlices=decimal(image.spacing),
        ImagePositionPatient=tuple(decimal(float(v)) for v in corner),
        ImageOrientationPatient=tuple(decimal(float(v)) for v in (*row, *column)),
        SliceLocation=decimal(float(centre @ normal)),
        PixelSpacing=(decimal(pixel), decimal(pixel)),
        AcquisitionNumber=1,
    )


def _timing(made: Attributes, image: BrainMR, scan: MRAcquisition, model: MRModel, names: SequenceNames) -> None:
    lines = round(image.acquired * 0.92)
    siemens = model.maker == "siemens"
    made.set(
        ScanningSequence=names.scanning,
        SequenceVariant=names.variant,
        ScanOptions=names.options or None,
        MRAcquisitionType="2D",
        AngioFlag="N",
        RepetitionTime=decimal(scan.repetition_time),
        EchoTime=decimal(scan.echo_time),
        NumberOfAverages=str(scan.averages),
        ImagingFrequency=f"{scan.frequency:.6f}",
        ImagedNucleus="1H",
        EchoNumbers=1,
        MagneticFieldStrength=decimal(model.field),
        NumberOfPhaseEncodingSteps=lines,
        EchoTrainLength=scan.echo_train,
        PercentSampling="92" if siemens else "100",
        PercentPhaseFieldOfView="100",
        PixelBandwidth=str(scan.bandwidth),
        AcquisitionMatrix=(image.acquired, 0, 0, lines) if siemens else (0, image.acquired, lines, 0),
        InPlanePhaseEncodingDirection="COL" if siemens else "ROW",
        FlipAngle=str(scan.flip_angle),
        VariableFlipAngleFlag="N",
        SAR=f"{scan.sar:.8f}",
    )
    if scan.inversion_time is not None:
        made.set(InversionTime=decimal(scan.inversion_time))
    if siemens:
        made.set(SequenceName=names.name, TransmitCoilName="Body", dBdt="0")
    else:
        made.set(ReceiveCoilName=scan.coil, ReconstructionDiameter=decimal(image.fov), HeartRate="0")
        made.set(CardiacNumberOfImages="0", TriggerWindow="0", BeatRejectionFlag="Y")


def _siemens(made: Attributes, context: Context, image: BrainMR, scan: MRAcquisition) -> None:
    orientation = f"Tra>Cor({image.tilt:.1f})" if image.plane == "axial" else f"Cor>Tra({image.tilt:.1f})"
    if scan.sequence in ("DWI", "ADC"):
        made.private(0x0019, "SIEMENS MR HEADER", (0x08, "CS", "IMAGE NUM 4"), (0x0C, "IS", 1000))
    made.private(
        0x0029, "SIEMENS CSA HEADER", (0x08, "CS", "IMAGE NUM 4"), (0x09, "LO", context.instance.content_date)
    )
    made.private(
        0x0051,
        "SIEMENS MR HEADER",
        (0x08, "CS", "IMAGE NUM 4"),
        (0x09, "LO", "1.0"),
        (0x0A, "LO", f"TA {scan.duration // 60:02d}:{scan.duration % 60:02d}"),
        (0x0B, "LO", f"{image.acquired}*{round(image.acquired * 0.92)}s"),
        (0x0C, "LO", f"FoV {image.fov:.0f}*{image.fov:.0f}"),
        (0x0E, "LO", orientation),
        (0x0F, "LO", scan.coil[:16]),
        (0x12, "LO", "TP 0"),
        (0x13, "LO", "+LPH"),
        (0x16, "LO", "M/NORM/DIS2D"),
        (0x17, "LO", f"SL {image.thickness:.1f}"),
    )


def _ge(made: Attributes, context: Context, image: BrainMR, scan: MRAcquisition, names: SequenceNames) -> None:
    ge_identity(made, context, "GE_GENESIS_FF", "SIGNA")
    made.private(
        0x0019,
        "GEMS_ACQU_01",
        (0x0F, "DS", decimal(image.fov / 2)),
        (0x11, "SS", 0),
        (0x12, "SS", 0),
        (0x17, "SS", 2 if image.plane == "axial" else 8),
        (0x5A, "FL", float(scan.duration * 1_000_000)),
        (0x7E, "SS", 1),
        (0x9C, "LO", names.name),
        (0x9E, "LO", names.name),
    )
    made.private(0x0025, "GEMS_SERS_01", (0x07, "SL", image.slices), (0x19, "SL", image.slices))
    made.private(0x0027, "GEMS_IMAG_01", (0x10, "SS", 0), (0x41, "FL", float(image.first)))
    diffusion = 1000 if scan.sequence in ("DWI", "ADC") else 0
    made.private(
        0x0043,
        "GEMS_PARM_01",
        (0x2F, "SS", 0),
        (0x39, "IS", (diffusion, 8, 0, 0)),
        (0x60, "IS", 0),
    )
