"""What a finding is: enough to draw it, to tell of it, and to find it again in the next examination."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

ChestKind = Literal[
    "nodule",
    "calcified",
    "subsolid",
    "mass",
    "consolidation",
    "ground_glass",
    "effusion",
    "pneumothorax",
    "emphysema",
    "node",
    "coronary",
    "cardiomegaly",
    "pacemaker",
    "central_line",
    "tube",
]
HeadKind = Literal[
    "infarct",
    "old_infarct",
    "haemorrhage",
    "tumour",
    "meningioma",
    "subdural",
    "epidural",
    "subarachnoid",
]
AbdomenKind = Literal[
    "gallstone",
    "steatosis",
    "liver_cyst",
    "haemangioma",
    "metastases",
    "renal_cyst",
    "hydronephrosis",
]
Kind = Literal[ChestKind, HeadKind, AbdomenKind]
CHEST_KINDS: frozenset[str] = frozenset(get_args(ChestKind))


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One finding at one time.

    `at` is its middle (x, y, z), in mm from the centre of the base volume: x to the patient's left, y to the back, z
    up. The base is warped into the patient, and so the finding stays at its place in every series and prior.
    """

    kind: Kind
    seed: str  # of its shape
    place: str  # lobe, side, station or region: a key of the words
    at: tuple[float, float, float]
    size: float  # mm across in the patient: of a disc of fluid or air, how deep; of emphysema, the part of the lung
    age: float = 0.0  # days since its beginning, where it matters
