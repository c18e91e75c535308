"""The web PACS of a product that doesn't exist: pages for people, drawn for each deployment."""

from .site import face

__all__ = ["face"]
