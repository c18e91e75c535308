"""What a patient has on the day of an examination, in its images and its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.findings.seen import on_radiograph
from dicomhawk.hospital.findings.story import Region, continued, drawn, lines
from dicomhawk.hospital.findings.telling import Subject
from dicomhawk.hospital.images.illness import altered
from dicomhawk.hospital.world.kinds import Kind
from dicomhawk.hospital.world.planned import Planned
from dicomhawk.hospital.world.sonography import looked_closer

SUBJECTS: dict[Kind, Subject] = {
    "ct_native": "chest",
    "ct_contrast": "chest",
    "ct_follow": "chest",
    "ct_head": "ct_head",
    "ct_abdomen": "ct_abdomen",
    "mr_plain": "head",
    "mr_acute": "head",
    "xr_chest": "xr",
    "xr_bedside": "xr",
    "us_abdomen": "us",
    "ecg": "ecg",
}
"""What the reports of each kind are about; a kind that isn't here has none."""
REGIONS: dict[Subject, Region] = {
    "chest": "chest",
    "head": "head",
    "ct_head": "head",
    "ct_abdomen": "abdomen",
    "xr": "chest",
    "us": "abdomen",
}
"""Which findings the images of a subject show."""


def findings_of(
    kind: Kind,
    seed: str,
    age: float,
    began: datetime,
    *,
    urgent: bool,
    before: Mapping[str, tuple[str, tuple[Finding, ...]]] | None = None,
) -> tuple[Finding, ...]:
    """What the patient `seed` has that an examination of that kind shows; `before` is as in `Known`."""
    subject = SUBJECTS.get(kind)
    region = REGIONS.get(subject) if subject is not None else None
    if region is None:
        return ()
    made = drawn(region, seed, age, began.date(), urgent=urgent)
    earlier = [before[other] for other, same in REGIONS.items() if same == region and before and other in before]
    day, found = max(earlier, key=lambda examined: examined[0], default=("", ()))
    if found:
        made = continued(made, found, (began.date() - date.fromisoformat(day)).days)
    if kind == "xr_bedside":
        made += lines(seed, began.date())
    return tuple(filter(on_radiograph, made)) if subject == "xr" else made


def with_findings(plan: Planned, findings: tuple[Finding, ...]) -> Planned:
    """The same series with the findings in its images."""
    image = altered(plan.image, findings)
    return plan if image is plan.image else looked_closer(replace(plan, image=image), findings)
