"""The REST API of Orthanc, and its explorer, over the hospital."""

from typing import Final

from .login import gate
from .site import face

__all__ = ["DICOMWEB", "face", "gate"]

DICOMWEB: Final = True
"""Whether the face answers DICOMweb, too."""
