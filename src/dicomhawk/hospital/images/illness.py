"""What findings make of the recipe of an image: what is drawn, and what they do to the body's shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images.recipe import Body, Recipe

INFLATION = 24.0  # mm by which severe emphysema lowers the diaphragm
MILD = 0.3  # emphysema of less extent doesn't

Image = TypeVar("Image", bound=Recipe)


def altered(image: Image, findings: Sequence[Finding]) -> Image:
    """The recipe with the findings, as far as such images have any; the same if there are none."""
    if not findings:
        return image
    if "findings" in image.__struct_fields__:
        image = replace(image, findings=tuple(findings))
    body = getattr(image, "body", None)
    return replace(image, body=body_with(body, findings)) if isinstance(body, Body) else image


def body_with(body: Body, findings: Sequence[Finding]) -> Body:
    """The body of somebody with these findings: an enlarged heart, lungs that have too much air."""
    for finding in findings:
        if finding.kind == "cardiomegaly":
            body = replace(body, heart=finding.size)
        elif finding.kind == "emphysema" and finding.size > MILD:
            body = replace(body, inflated=round(INFLATION * finding.size, 1))
    return body
