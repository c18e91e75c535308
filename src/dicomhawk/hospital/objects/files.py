"""DICOM objects of generated series as files (PS3.10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dicomhawk.hospital.images.recipe import (
    AbdomenCT,
    BrainMR,
    ChestCT,
    DoseSheet,
    HeadCT,
    Radiograph,
    Scout,
    Ultrasound,
)
from dicomhawk.hospital.images.rendering import render
from dicomhawk.hospital.objects import ct, documents, ecg, mr, sc, scout, us, xray
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.makers import implementation_of
from dicomhawk.hospital.objects.recipe import DocumentRecipe, SeriesRecipe
from dicomhawk.hospital.part10 import file_meta
from dicomhawk.hospital.waveforms.recipe import Electrocardiogram
from dicomhawk.hospital.waveforms.tracing import record

BUILDERS: dict[type[Any], Callable[[Context, Any, Any, Any], Attributes]] = {
    ChestCT: ct.build,
    AbdomenCT: ct.build,
    HeadCT: ct.build,
    BrainMR: mr.build,
    Scout: scout.build,
    Radiograph: xray.build,
    Ultrasound: us.build,
    DoseSheet: sc.build,
    Electrocardiogram: ecg.build,
}
"""For each kind of image, what makes a data set of context, recipe, acquisition and pixels."""


def make_file(context: Context, recipe: SeriesRecipe | DocumentRecipe) -> bytes:
    """The instance of `context` as a DICOM file in its transfer syntax: the same bytes every time."""
    if isinstance(recipe, DocumentRecipe):
        return documents.make_file(context, recipe.document)
    image = recipe.image
    content = record(image) if isinstance(image, Electrocardiogram) else render(image, context.number)
    made = BUILDERS[type(image)](context, image, recipe.acquisition, content)
    instance = context.instance
    class_uid, version_name = implementation_of(context.model, context.device.software)
    head = file_meta(
        instance.sop_class_uid,
        instance.sop_uid,
        instance.transfer_syntax_uid,
        class_uid,
        implementation_version_name=version_name,
        source_ae=context.device.ae_title,
    )
    return head + made.encode()
