"""Models of computed and digital radiography, as their objects show them.

Written from general knowledge of such machines and of the makers' roots of UIDs, not from their conformance
statements and not compared with images of these models: names of products and makers are right as far as known;
versions, station names, arcs of UIDs, implementation UIDs and private elements are plausible and may be wrong.
Nothing here identifies an existing machine: serial numbers are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dicomhawk.hospital.objects.model import Model


@dataclass(frozen=True)
class Processing:
    """How a model makes an image of an exposure: parameters of the recipe of a radiograph."""

    detail: float
    contrast: float
    brightness: float
    shutter: float
    electronic_mark: bool


@dataclass(frozen=True, kw_only=True)
class XRayModel(Model):
    """A reader of plates (CR) or a flat-panel detector (DX)."""

    kind: Literal["CR", "DX"]
    pixel: float  # mm at the detector
    formats: tuple[tuple[int, int], ...]  # rows and columns of whole images; DX images are cut to the collimation
    bits: int
    inverted: bool  # MONOCHROME1
    mobile: bool
    processing: Processing
    detector: tuple[str, str]  # Detector ID and Detector Type (DX), or Plate ID's pattern and Plate Type (CR)
    target: int  # exposure index aimed at, as IEC 62494-1 has it, or as the maker's own sensitivity
    programs: Mapping[str, str]  # by view: what the operator chose
    syntax: Literal["explicit", "jpeg-lossless", "jpeg2000", "rle"] = "explicit"


XRAY_MODELS = (
    XRayModel(
        key="fuji-cr",
        maker="fuji",
        manufacturer="FUJIFILM Corporation",
        model="5000PLUS",
        software=("A09-04", "A11-02", "A15-05"),
        serial="4687####",
        station=("FCR%", "CR-RTG%", "IP-CR%"),
        arc="9125.2",
        implementation=("1.2.392.200036.9125.5.0.0", ("FCR_A09", "FCR_A11", "FCR_A15")),
        kind="CR",
        pixel=0.2,
        formats=((1760, 2140), (1760, 1760)),
        bits=10,
        inverted=True,
        mobile=False,
        processing=Processing(1.0, 4.3, 0.43, 0.93, False),
        detector=("A########C", "ST-VI"),
        target=200,
        programs={"PA": "CHEST,GENERAL", "AP": "CHEST,PORTABLE", "LL": "CHEST,LATERAL"},
    ),
    XRayModel(
        key="agfa-cr",
        maker="agfa",
        manufacturer="Agfa",
        model="CR 85",
        software=("NIM2.1.122", "NIM2.5.311"),
        serial="######",
        station=("NX%", "ADC_###", "CR85-%"),
        arc="7.2",
        implementation=("1.2.124.113532.3320", ("NX2.0", "NX3.0")),
        kind="CR",
        pixel=0.2,
        formats=((1752, 2136), (1752, 1752)),
        bits=12,
        inverted=False,
        mobile=False,
        processing=Processing(1.12, 4.6, 0.42, 0.02, True),
        detector=("########", "MD4.0"),
        target=400,
        programs={"PA": "Thorax PA", "AP": "Thorax AP bed", "LL": "Thorax LAT"},
    ),
    XRayModel(
        key="ysio",
        maker="siemens",
        manufacturer="SIEMENS",
        model="Fluorospot Compact FD",
        software=("VB10L", "VC10G", "VE10K"),
        serial="2####",
        station=("AXIOM##", "YSIO%", "FDX%"),
        arc="5.3.60",
        implementation=("1.3.12.2.1107.5.3.60", ("SIEMENS_FD_VB10", "SIEMENS_FD_VC10", "SIEMENS_FD_VE10")),
        kind="DX",
        pixel=0.144,
        formats=((2430, 2880), (2306, 2690)),
        bits=14,
        inverted=False,
        mobile=False,
        processing=Processing(1.05, 4.4, 0.42, 0.0, True),
        detector=("PIXIUM RAD 4343", "SCINTILLATOR"),
        target=320,
        programs={"PA": "Thorax p.a.", "AP": "Thorax a.p.", "LL": "Thorax lat."},
    ),
    XRayModel(
        key="digitaldiagnost",
        maker="philips",
        manufacturer="Philips Medical Systems",
        model="digital DIAGNOST",
        software=("2.1.3", "3.0.1", "4.0.3"),
        serial="0911####",
        station=("DD%", "DIDI%", "PHDX%"),
        arc="1.33437.10",
        implementation=("1.3.46.670589.30.1.3.1", ("PHDDEleva21", "PHDDEleva30", "PHDDEleva40")),
        kind="DX",
        pixel=0.143,
        formats=((2500, 3000), (2350, 2800)),
        bits=12,
        inverted=False,
        mobile=False,
        processing=Processing(0.95, 4.0, 0.44, 0.0, False),
        detector=("PIXIUM 4600", "SCINTILLATOR"),
        target=250,
        programs={"PA": "Chest pa", "AP": "Chest ap", "LL": "Chest lat"},
        syntax="jpeg-lossless",
    ),
    XRayModel(
        key="drx",
        maker="carestream",
        manufacturer="CARESTREAM HEALTH",
        model="DRX-REVOLUTION",
        software=("5.7.408.2", "5.7.607.12"),
        serial="10####",
        station=("DRXREV%", "MOBILE%", "REV####"),
        arc="1.9205",
        implementation=("1.2.840.113564.3.1", ("CSH_DR_5.7", "CSH_DR_5.7")),
        kind="DX",
        pixel=0.139,
        formats=((2408, 2880), (2520, 3032)),
        bits=12,
        inverted=True,
        mobile=True,
        processing=Processing(1.1, 4.5, 0.43, 0.0, False),
        detector=("DRX-1C", "SCINTILLATOR"),
        target=300,
        programs={"PA": "PA CHEST", "AP": "PORTABLE CHEST", "LL": "LATERAL CHEST"},
    ),
    XRayModel(
        key="xr656",
        maker="ge",
        manufacturer="GE Healthcare",
        model="Discovery XR656",
        software=("dm_Platform_release_superbee-FW22_3", "dm_Platform_release_superbee-FW30_1"),
        serial="00000######XR",
        station=("XR656-%", "XR%", "gexr####"),
        arc="2.203",
        implementation=("1.2.840.113619.6.380", ("XR_656_1", "XR_656_2")),
        kind="DX",
        pixel=0.2,
        formats=((1780, 2022), (1700, 2022)),
        bits=14,
        inverted=False,
        mobile=False,
        processing=Processing(1.15, 4.4, 0.43, 0.0, True),
        detector=("FLASHPAD-####", "SCINTILLATOR"),
        target=280,
        programs={"PA": "CHEST PA", "AP": "CHEST AP", "LL": "CHEST LATERAL"},
        syntax="jpeg2000",
    ),
)
