"""Models of ultrasound machines, as their objects show them.

Written from general knowledge of such machines and of the makers' roots of UIDs, not from their conformance
statements and not compared with images of these models: names of products and makers are right as far as known;
versions, station names, arcs of UIDs, implementation UIDs and private elements are plausible and may be wrong.
Nothing here identifies an existing machine: serial numbers are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dicomhawk.hospital.objects.model import Model


@dataclass(frozen=True, kw_only=True)
class USModel(Model):
    """An ultrasound machine."""

    layout: Literal["logiq", "epiq", "acuson", "aplio"]
    size: tuple[int, int]  # rows and columns of its screen
    transducers: tuple[tuple[str, float], ...]  # curved ones for the abdomen, and their frequency in MHz
    syntax: Literal["explicit", "jpeg", "rle"]  # of single images; loops are JPEG everywhere


US_MODELS = (
    USModel(
        key="logiqe9",
        maker="ge",
        manufacturer="GE Healthcare",
        model="LOGIQE9",
        software=("LOGIQE9:R4.2.56", "LOGIQE9:R5.1.2", "LOGIQE9:R6.1.2"),
        serial="2#####US#",
        station=("LOGIQE9-######", "US%", "LE9-%"),
        arc="2.256",
        implementation=("1.2.840.113619.6.213", ("LOGIQE9_R4", "LOGIQE9_R5", "LOGIQE9_R6")),
        layout="logiq",
        size=(720, 960),
        transducers=(("C1-5-D", 4.0), ("C1-6-D", 4.5)),
        syntax="jpeg",
    ),
    USModel(
        key="epiq7",
        maker="philips",
        manufacturer="Philips Medical Systems",
        model="EPIQ 7G",
        software=("EPIQ 7G_1.3.2.1285", "EPIQ 7G_1.5.0.1649", "EPIQ 7G_3.0.3.1421"),
        serial="US#14B####",
        station=("EPIQ7-%", "EPIQ_%", "USEPIQ%"),
        arc="1.33437.11",
        implementation=("1.3.46.670589.14.8000", ("PMS_EPIQ_1.3", "PMS_EPIQ_1.5", "PMS_EPIQ_3.0")),
        layout="epiq",
        size=(768, 1024),
        transducers=(("C5-1", 3.4),),
        syntax="explicit",
    ),
    USModel(
        key="s2000",
        maker="siemens",
        manufacturer="SIEMENS",
        model="ACUSON S2000",
        software=("VB10D", "VC31B", "VD10C"),
        serial="20####",
        station=("ACUSONS2000-%", "S2000_%", "US#####"),
        arc="5.5.4",
        implementation=("1.3.12.2.1107.5.5.4", ("S2000_VB", "S2000_VC", "S2000_VD")),
        layout="acuson",
        size=(768, 1024),
        transducers=(("6C1 HD", 3.5), ("4C1", 4.0)),
        syntax="rle",
    ),
    USModel(
        key="aplio500",
        maker="toshiba",
        manufacturer="TOSHIBA_MEC_US",
        model="TUS-A500",
        software=("AB_V4.00*R000", "AB_V5.50*R011", "AB_V6.00*R012"),
        serial="99C#######",
        station=("APLIO500_%", "TUSA500", "APLIO%"),
        arc="1.200036.116",
        implementation=("1.2.392.200036.9116.6.18", ("TM_US_1.0",)),
        layout="aplio",
        size=(720, 960),
        transducers=(("PVT-375BT", 3.5), ("PVI-475BX", 4.0)),
        syntax="explicit",
    ),
)
