"""The REST API of Orthanc, and its explorer, over the hospital."""

from .login import gate
from .site import face

__all__ = ["face", "gate"]
