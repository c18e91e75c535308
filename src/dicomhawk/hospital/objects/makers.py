"""Scanner models as their objects show them: names, versions, kernels, private blocks, ways of writing numbers.

From general knowledge of such machines, and compared with the headers of images in pydicom's test data; see
``docs/images.md``. Nothing here identifies an existing machine: serial numbers are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dicomhawk.hospital.objects.ecg_makers import ECG_MODELS
from dicomhawk.hospital.objects.model import Model, implementation_of
from dicomhawk.hospital.objects.us_makers import US_MODELS
from dicomhawk.hospital.objects.xray_makers import XRAY_MODELS

__all__ = [
    "CT_MODELS",
    "ECG_MODELS",
    "MR_MODELS",
    "US_MODELS",
    "XRAY_MODELS",
    "CTModel",
    "MRModel",
    "implementation_of",
    "model_of",
]


@dataclass(frozen=True, kw_only=True)
class CTModel(Model):
    """A model of CT scanner."""

    kernels: Mapping[str, tuple[str, ...]]
    table: Literal["cradle", "slab", "shell"]
    slices: tuple[tuple[float, float, float], ...]  # thickness, spacing, weight
    tilts: bool = False  # heads are examined with a tilted gantry
    collimation: tuple[float, float]
    rotation: float  # seconds
    pitch: tuple[float, ...]
    distances: tuple[float, float]  # source to detector, source to patient
    tube_limits: tuple[int, int]  # mA


@dataclass(frozen=True, kw_only=True)
class MRModel(Model):
    """A model of MR scanner."""

    field: float  # tesla
    frequency: float  # MHz
    coil: tuple[str, ...]


_SIEMENS_KERNELS = {
    "soft": ("B30f", "B31f", "I30f\\3", "I31f\\3"),
    "lung": ("B60f", "B70f", "I70f\\3", "B80f"),
    "brain": ("H31s", "H30s", "J40s\\3", "J30s\\2"),
    "bone": ("H60s", "H70h", "J70h\\3", "H60f"),
}
_GE_KERNELS = {
    "soft": ("STANDARD", "SOFT"),
    "lung": ("LUNG", "BONEPLUS"),
    "brain": ("SOFT", "STANDARD"),
    "bone": ("BONE", "BONEPLUS"),
}

CT_MODELS = (
    CTModel(
        key="as+",
        maker="siemens",
        manufacturer="SIEMENS",
        model="SOMATOM Definition AS+",
        software=("syngo CT 2012B", "syngo CT 2013A", "syngo CT VA48A"),
        serial="6####",
        station=("CTAWP#####", "CT#####", "CT%"),
        arc="5.1.4",
        implementation=("1.3.12.2.1107.5.1", ("SIEMENS_S7VA44A", "SIEMENS_S7VA44A", "SIEMENS_S7VA48A")),
        kernels=_SIEMENS_KERNELS,
        table="slab",
        slices=((2.0, 2.0, 2.0), (3.0, 3.0, 3.0), (1.5, 1.5, 0.5), (5.0, 5.0, 1.5)),
        collimation=(0.6, 38.4),
        rotation=0.5,
        pitch=(0.6, 0.9, 1.2),
        distances=(1085.6, 595.0),
        tube_limits=(60, 650),
    ),
    CTModel(
        key="edge",
        maker="siemens",
        manufacturer="SIEMENS",
        model="SOMATOM Definition Edge",
        software=("syngo CT VA44A", "syngo CT VA48A"),
        serial="8####",
        station=("CTAWP#####", "CT#####", "CTEDGE%"),
        arc="5.1.4",
        implementation=("1.3.12.2.1107.5.1", ("SIEMENS_S7VA44A", "SIEMENS_S7VA48A")),
        kernels={
            "soft": ("I30f\\2", "I31f\\3", "Br38f\\3"),
            "lung": ("I70f\\3", "Bl57f\\3"),
            "brain": ("J40s\\3", "J30s\\3", "Hr38f\\3"),
            "bone": ("J70h\\3", "Hr59f\\3"),
        },
        table="slab",
        slices=((1.5, 1.5, 1.0), (2.0, 2.0, 2.0), (3.0, 3.0, 3.0)),
        collimation=(0.6, 38.4),
        rotation=0.28,
        pitch=(0.6, 1.2),
        distances=(1085.6, 595.0),
        tube_limits=(60, 700),
    ),
    CTModel(
        key="vct",
        maker="ge",
        manufacturer="GE MEDICAL SYSTEMS",
        model="LightSpeed VCT",
        software=("gmp_vct.42", "07MW18.4", "12HW28.8"),
        serial="000000######CT",
        station=("CT%_OC0", "CT_###", "CT0%"),
        arc="2.55.3",
        implementation=("1.2.840.113619.6.80", ("2.4", "2.5")),
        kernels=_GE_KERNELS,
        table="cradle",
        slices=((2.5, 2.5, 3.0), (1.25, 1.25, 0.6), (5.0, 5.0, 1.5)),
        tilts=True,
        collimation=(0.625, 40.0),
        rotation=0.5,
        pitch=(0.984375, 1.375),
        distances=(949.147, 541.0),
        tube_limits=(80, 600),
    ),
    CTModel(
        key="660",
        maker="ge",
        manufacturer="GE MEDICAL SYSTEMS",
        model="Optima CT660",
        software=("12HW14.6", "12HW28.8", "15MW44.10"),
        serial="000000######CT",
        station=("CT%_OC0", "CTGE%", "CT660_###"),
        arc="2.55.3",
        implementation=("1.2.840.113619.6.80", ("2.4", "2.5")),
        kernels=_GE_KERNELS,
        table="cradle",
        slices=((2.5, 2.5, 3.0), (1.25, 1.25, 0.6), (3.75, 3.75, 0.6), (5.0, 5.0, 1.0)),
        tilts=True,
        collimation=(0.625, 40.0),
        rotation=0.5,
        pitch=(0.984375, 1.375),
        distances=(946.746, 538.52),
        tube_limits=(50, 560),
    ),
)

MR_MODELS = (
    MRModel(
        key="avanto",
        maker="siemens",
        manufacturer="SIEMENS",
        model="Avanto",
        software=("syngo MR B17", "syngo MR B19"),
        serial="2####",
        station=("MRC#####", "AWP#####", "MR%"),
        arc="5.2.30",
        implementation=("1.3.12.2.1107.5.2", ("MR_VB17A", "MR_VB19A")),
        field=1.5,
        frequency=63.68,
        coil=("Body", "HE1-4;NE1,2", "HEA;HEP"),
    ),
    MRModel(
        key="aera",
        maker="siemens",
        manufacturer="SIEMENS",
        model="Aera",
        software=("syngo MR E11", "syngo MR D13"),
        serial="4####",
        station=("MRC#####", "AWP#####", "MRAERA%"),
        arc="5.2.18",
        implementation=("1.3.12.2.1107.5.2", ("MR_VE11C", "MR_VD13A")),
        field=1.5,
        frequency=63.68,
        coil=("Body", "HEA;HEP", "HE1-4"),
    ),
    MRModel(
        key="skyra",
        maker="siemens",
        manufacturer="SIEMENS",
        model="Skyra",
        software=("syngo MR E11", "syngo MR D13"),
        serial="4####",
        station=("MRC#####", "AWP#####", "MR3T%"),
        arc="5.2.19",
        implementation=("1.3.12.2.1107.5.2", ("MR_VE11C", "MR_VD13A")),
        field=3.0,
        frequency=123.25,
        coil=("Body", "HC1-6", "HE1-4"),
    ),
    MRModel(
        key="mr450w",
        maker="ge",
        manufacturer="GE MEDICAL SYSTEMS",
        model="Optima MR450w",
        software=(
            "25\\LX\\MR Software release:DV25.0_R02_1549.b",
            "27\\LX\\MR Software release:DV25.1_R01_1617.b",
        ),
        serial="000000######MR",
        station=("MR%_OW0", "GEHCGEHC", "mr450w%"),
        arc="2.312",
        implementation=("1.2.840.113619.6.374", ("1_2_5", "1_2_6")),
        field=1.5,
        frequency=63.86,
        coil=("BODY", "GEM HNU 24 Head", "HNS Head"),
    ),
    MRModel(
        key="mr750",
        maker="ge",
        manufacturer="GE MEDICAL SYSTEMS",
        model="DISCOVERY MR750",
        software=(
            "24\\LX\\MR Software release:DV24.0_R01_1344.a",
            "27\\LX\\MR Software release:DV26.0_R01_1725.a",
        ),
        serial="000000######MR",
        station=("MR%_OW0", "GEHCGEHC", "mr750_%"),
        arc="2.408",
        implementation=("1.2.840.113619.6.336", ("1_2_5", "1_2_6")),
        field=3.0,
        frequency=127.70,
        coil=("BODY", "32Ch Head", "8HRBRAIN"),
    ),
)

_BY_MODEL: dict[tuple[str, str], Model] = {
    (m.manufacturer, m.model): m for m in (*CT_MODELS, *MR_MODELS, *XRAY_MODELS, *US_MODELS, *ECG_MODELS)
}


def model_of(manufacturer: str | None, model: str | None) -> Model:
    """The model with these names. Raises KeyError if it is none of ours."""
    return _BY_MODEL[manufacturer or "", model or ""]
