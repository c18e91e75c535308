"""What many deployments have in common, less what every archive of the kind has in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ...hospital.registry import UIDS
from ..model import Persona
from .observe import Observed

ORDINARY_DIGITS = 4
"""Significant digits up to which a number can be the same in all hospitals by nature: 512 rows, 120 kV."""
FEWEST = 8
"""Deployments that were looked at for a kind of objects before what they share means anything."""
NATURAL_ARCS = 2
"""Arcs that UIDs of different makers share: ``1.2`` or ``1.3``."""

_NUMBERS = frozenset({"DS", "IS", "US", "SS", "UL", "SL", "FD", "FL", "SV", "UV", "AT"})
_TERMS = frozenset({"CS"})
"""Defined by the standard, so the same wherever it is kept to."""
_DEFINED = frozenset(
    {
        "(0008,0100)",
        "(0008,0102)",
        "(0008,0104)",
        "(0018,0085)",
        "(0018,5020)",
        "(0028,1054)",
        "(0028,1055)",
        "(003A,0020)",
        "(003A,0203)",
        "(0042,0012)",
        "(0070,0066)",
    }
)
"""Attributes of another VR that have terms of a vocabulary all the same: codes, nucleus, ultrasound's mode, unit of
rescaled values, names of windows, of a cart's groups of channels, and of leads, a document's type, white."""
_IDENTIFIERS = (
    "ae title",
    "patient.patient_id",
    "study.accession_number",
    "series.station_name",
    "scheduled_step.station_ae",
    "scheduled_step.requested_procedure_id",
)
"""Where the hospital's own habit shows in a value's shape."""
_ROWS_OF_TERMS = frozenset(
    {
        "instance.bits_allocated",
        "instance.columns",
        "instance.instance_number",
        "instance.rows",
        "patient.sex",
        "scheduled_step.modality",
        "scheduled_step.priority",
        "scheduled_step.start_date",
        "scheduled_step.status",
        "series.body_part",
        "series.modality",
        "series.series_number",
        "study.patient_age",
        "study.patient_size",
        "study.patient_weight",
    }
)
"""Columns with defined terms, small numbers, or the day on which one looks in them."""
_PRODUCT = {
    "AC MaximumLength.length": lambda persona: True,
    "AC ImplementationClassUID.uid": lambda persona: persona.identity.implementation_class_uid is not None,
    "AC ImplementationVersionName.name": lambda persona: persona.identity.implementation_version_name is not None,
}
"""What the persona's product itself has in common over its installations."""


class Common(NamedTuple):
    """Something that all deployments show: a value, the shape of values, or the beginning of UIDs."""

    place: str
    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.place}: {self.kind} {self.value!r}"


def common(deployments: Sequence[Observed], persona: Persona) -> list[Common]:
    """What is the same wherever a deployment shows it, and need not be the same in the real product's."""
    found = list(_values(deployments, persona))
    found += _shapes(deployments)
    found += _beginnings(deployments)
    return sorted(found)


def _values(deployments: Sequence[Observed], persona: Persona) -> Iterator[Common]:
    for place in sorted(set().union(*deployments)):
        kind, apart, _ = place.partition(" ")
        # Not every hospital has all modalities, and pixels aren't looked at everywhere.
        looked_at = [seen for seen in deployments if not apart or any(p.startswith(f"{kind} ") for p in seen)]
        if len(looked_at) < min(FEWEST, len(deployments)) or not all(place in seen for seen in looked_at):
            continue
        for value in frozenset.intersection(*(seen[place] for seen in looked_at)):
            if not _by_nature(place, value, persona):
                yield Common(place, "value", value)


def _by_nature(place: str, value: str, persona: Persona) -> bool:
    """Whether a value at this place is the same in real archives, too."""
    if place.startswith("AC "):
        of_product: Callable[[Persona], bool] | None = _PRODUCT.get(place)
        return of_product(persona) if of_product is not None else place.endswith(".reserved")
    if place in _ROWS_OF_TERMS or value in UIDS:
        return True
    vr = place.rpartition(" ")[2]
    if vr in _TERMS or any(tag in place for tag in _DEFINED):
        return True
    digits = re.sub(r"[^0-9]", "", value).strip("0")
    return vr in _NUMBERS and len(digits) <= ORDINARY_DIGITS


def _shapes(deployments: Sequence[Observed]) -> Iterator[Common]:
    for place in _IDENTIFIERS:
        shapes = [frozenset(map(_shape, seen.get(place, ()))) for seen in deployments]
        for shape in frozenset.intersection(*shapes):
            yield Common(place, "shape", shape)


def _shape(value: str) -> str:
    """``RAD-CT01`` gives ``AAA-AA99``."""
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", value))


def _beginnings(deployments: Sequence[Observed]) -> Iterator[Common]:
    for place in ("study.study_uid", "series.series_uid", "instance.sop_uid"):
        uids = [uid.split(".") for seen in deployments for uid in seen.get(place, ())]
        if uids:
            first, last = min(uids), max(uids)  # what these two share, all share
            arcs = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
            if arcs > NATURAL_ARCS:
                yield Common(place, "beginning", ".".join(first[:arcs]))
