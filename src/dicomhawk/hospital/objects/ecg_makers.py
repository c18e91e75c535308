"""Models of electrocardiographs ("carts"), as their objects show them.

From general knowledge of such machines: nobody read conformance statements for them. Nothing here identifies an
existing machine: serial numbers are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dicomhawk.hospital.objects.model import Model


@dataclass(frozen=True, kw_only=True)
class ECGModel(Model):
    """A model of electrocardiograph."""

    frequency: int  # samples a second
    step: float  # microvolts of one unit
    filters: tuple[str, str]  # Hz, as it writes them: high-pass, low-pass
    scheme: Literal["SCPECG", "MDC"]  # of its codes for leads
    coded: bool  # measurements have codes; else they are lines of text
    median: bool  # a second group has the median beat
    strips: tuple[str, ...]  # leads of its rhythm strips, which are General ECG; none if it sends none
    protocols: tuple[str, ...]


ECG_MODELS = (
    ECGModel(
        key="mac5500",
        maker="ge",
        manufacturer="GE Healthcare",
        model="MAC 5500 HD",
        software=("009B", "010A", "010B.1"),
        serial="SCD######PA",
        station=("MAC_%", "EKG0%", "MAC5500-%"),
        arc="2.235",
        implementation=("1.2.840.113619.6.235", ("MUSE_7.1", "MUSE_8.0", "MUSE_9.0")),
        frequency=500,
        step=4.88,
        filters=("0.16", "150"),
        scheme="MDC",
        coded=True,
        median=True,
        strips=(),
        protocols=("12 Lead ECG", "RESTING ECG"),
    ),
    ECGModel(
        key="eli280",
        maker="mortara",
        manufacturer="Mortara Instrument, Inc.",
        model="ELI280",
        software=("1.3.1", "2.1.0", "2.2.2"),
        serial="1#############",
        station=("%", "ELI280_%", "ECG-%"),
        arc="1.20029.40",
        implementation=("1.3.6.1.4.1.20029.10", ("MORTARA_1.0",)),
        frequency=1000,
        step=1.25,
        filters=("0.05", "300"),
        scheme="SCPECG",
        coded=False,
        median=True,
        strips=(),
        protocols=("ECG",),
    ),
    ECGModel(
        key="at102",
        maker="schiller",
        manufacturer="SCHILLER AG",
        model="CARDIOVIT AT-102 plus",
        software=("1.10", "1.14", "1.23"),
        serial="190.####",
        station=("AT102-%", "SCHILLER%", "EKG_%"),
        arc="1.29565.3",
        implementation=("1.2.276.0.7230010.3.0.3.5.4", ("OFFIS_DCMTK_354",)),
        frequency=1000,
        step=1.0,
        filters=("0.05", "150"),
        scheme="MDC",
        coded=True,
        median=False,
        strips=("II", "V1", "V5"),
        protocols=("RESTING ECG", "Resting 12L"),
    ),
    ECGModel(
        key="tc70",
        maker="philips",
        manufacturer="Philips Medical Systems",
        model="PageWriter TC70",
        software=("A.05.01", "A.07.04.03", "A.07.06.08"),
        serial="USN#######",
        station=("TC70-%", "PAGEWRITER%", "PW%"),
        arc="1.33437.14",
        implementation=("1.3.46.670589.36.7.1", ("PW_TC_A05", "PW_TC_A07", "PW_TC_A07")),
        frequency=500,
        step=5.0,
        filters=("0.05", "150"),
        scheme="MDC",
        coded=False,
        median=False,
        strips=("II",),
        protocols=("12-Lead ECG", "12 LEAD"),
    ),
    ECGModel(
        key="ecg2550",
        maker="nihonkohden",
        manufacturer="NIHON KOHDEN",
        model="ECG-2550",
        software=("02-13", "03-01"),
        serial="0####",
        station=("ECG2550_%", "NK%", "ECG%"),
        arc="1.200046.3",
        implementation=("1.2.392.200046.100.3.10", ("NKC_ECG_1",)),
        frequency=500,
        step=1.25,
        filters=("0.05", "150"),
        scheme="SCPECG",
        coded=True,
        median=False,
        strips=("II", "V1", "V5"),
        protocols=("STANDARD 12",),
    ),
)
