"""DICOM objects of generated series: headers as the scanner would have written them, and files (PS3.10)."""

from __future__ import annotations

from dicomhawk.hospital.elements import EXPLICIT_LE
from dicomhawk.hospital.images import render
from dicomhawk.hospital.images.recipe import ChestCT
from dicomhawk.hospital.objects import ct, mr
from dicomhawk.hospital.objects.common import Context
from dicomhawk.hospital.objects.makers import implementation_of
from dicomhawk.hospital.objects.recipe import CTAcquisition, MRAcquisition, SeriesRecipe
from dicomhawk.hospital.part10 import file_meta

__all__ = ["Context", "make_file"]


def make_file(context: Context, recipe: SeriesRecipe) -> bytes:
    """The instance of `context` as a DICOM file in Explicit VR Little Endian: the same bytes every time."""
    image, acquisition = recipe.image, recipe.acquisition
    pixels = render(image, context.number)
    if isinstance(image, ChestCT):
        assert isinstance(acquisition, CTAcquisition)
        made = ct.build(context, image, acquisition, pixels)
    else:
        assert isinstance(acquisition, MRAcquisition)
        made = mr.build(context, image, acquisition, pixels)
    instance = context.instance
    class_uid, version_name = implementation_of(context.model, context.device.software)
    head = file_meta(
        instance.sop_class_uid,
        instance.sop_uid,
        EXPLICIT_LE,
        class_uid,
        implementation_version_name=version_name,
        source_ae=context.device.ae_title,
    )
    return head + made.encode()
