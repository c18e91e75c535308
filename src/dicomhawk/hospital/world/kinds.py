"""What a radiology department is asked for: kinds of examinations, when, for whom, and what follows them.

The weights are those of a general hospital's department, put together from published activity counts (NHS England's
Diagnostic Imaging Dataset for the shares of modalities and of emergencies; national dose surveys for ages). Kinds
that no planner of `protocols` or no device is there for are left out, and the others share the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "ct_native",
    "ct_contrast",
    "ct_follow",
    "ct_head",
    "ct_abdomen",
    "mr_plain",
    "mr_acute",
    "xr_chest",
    "xr_bedside",
    "us_abdomen",
    "ecg",
]
"""Names of `Locale.studies`."""


@dataclass(frozen=True)
class Return:
    """Another examination that may follow: how probable it is, and after how many days, one of `days`."""

    kind: Kind
    probability: float
    days: tuple[int, ...]


@dataclass(frozen=True)
class Demand:
    """How often a kind of examination is made, relative to the others: by appointment, and as an emergency."""

    modalities: tuple[str, ...]  # of the devices that can make it
    planned: float
    urgent: float
    ages: tuple[float, float]  # mean and standard deviation
    minutes: tuple[int, int]  # that the device is in use
    wards: dict[str, float]  # where it is ordered, if it is planned
    returns: tuple[Return, ...] = ()


_DAYS_3_6_12_MONTHS = (91, 91, 182, 182, 365)
_PRACTICE = {"practice": 4.0, "medicine": 2.0, "surgery": 1.0, "lung": 1.0}

DEMAND: dict[Kind, Demand] = {
    "ct_native": Demand(
        ("CT",),
        5,
        1,
        (64, 13),
        (8, 15),
        {"lung": 4, "practice": 2, "medicine": 1},
        (Return("ct_follow", 0.35, (91, 182, 365)),),
    ),
    "ct_contrast": Demand(
        ("CT",),
        8,
        3,
        (66, 13),
        (12, 22),
        {"lung": 3, "oncology": 3, "medicine": 2},
        (Return("ct_follow", 0.5, _DAYS_3_6_12_MONTHS), Return("ct_abdomen", 0.05, (7, 14))),
    ),
    "ct_follow": Demand(
        ("CT",),
        4,
        0,
        (66, 12),
        (12, 20),
        {"oncology": 5, "lung": 2},
        (Return("ct_follow", 0.65, _DAYS_3_6_12_MONTHS),),
    ),
    "ct_head": Demand(
        ("CT",),
        3,
        9,
        (69, 17),
        (6, 12),
        {"neurology": 3, "medicine": 2, "practice": 1},
        (Return("ct_head", 0.15, (1, 1, 2)), Return("mr_plain", 0.1, (3, 14, 30))),
    ),
    "ct_abdomen": Demand(
        ("CT",),
        7,
        7,
        (62, 17),
        (10, 20),
        {"surgery": 3, "oncology": 3, "medicine": 2},
        (Return("ct_abdomen", 0.3, _DAYS_3_6_12_MONTHS), Return("ct_abdomen", 0.08, (2, 4, 6))),
    ),
    "mr_plain": Demand(
        ("MR",),
        11,
        0.2,
        (52, 18),
        (24, 40),
        {"neurology": 5, "practice": 2},
        (Return("mr_plain", 0.35, (182, 365, 365)),),
    ),
    "mr_acute": Demand(
        ("MR",), 0.5, 2.5, (67, 15), (18, 30), {"neurology": 3, "medicine": 2}, (Return("mr_plain", 0.2, (91, 182)),)
    ),
    "xr_chest": Demand(
        ("DX", "CR"),
        22,
        14,
        (63, 18),
        (4, 9),
        _PRACTICE,
        (
            Return("xr_chest", 0.16, (35, 42, 49)),
            Return("xr_bedside", 0.12, (1, 1, 2)),
            Return("ct_contrast", 0.06, (3, 7, 10)),
        ),
    ),
    "xr_bedside": Demand(
        ("DX", "CR"),
        2,
        6,
        (70, 13),
        (5, 12),
        {"medicine": 3, "surgery": 3},
        (Return("xr_bedside", 0.5, (1, 1, 2, 3)),),
    ),
    "us_abdomen": Demand(
        ("US",),
        13,
        3,
        (54, 18),
        (15, 25),
        {"practice": 4, "surgery": 1, "medicine": 2},
        (Return("ct_abdomen", 0.08, (5, 9, 14)), Return("us_abdomen", 0.1, (182, 365))),
    ),
    "ecg": Demand(("ECG",), 9, 9, (64, 16), (4, 8), _PRACTICE, (Return("ecg", 0.2, (1, 30, 365)),)),
}

URGENT_WARDS = {"emergency": 8.0, "medicine": 2.0, "surgery": 1.0}
"""Where emergencies are ordered."""

SOON = 6
"""Days: whoever is to come back within them stays in hospital meanwhile, and is examined on any day."""
