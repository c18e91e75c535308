"""A patient, study, series or instance as a product knows it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from dicomhawk.hospital.products.objects import StoredObject


class Resource(ABC):
    """`ids`: its identifiers, from the patient's down."""

    __slots__ = ("ids",)

    ids: tuple[str, ...]

    @property
    @abstractmethod
    def charset(self) -> str:
        """The set of the kept values, as declared."""

    @abstractmethod
    def kept(self, tag: int) -> str | None:
        """The value that the index keeps of it; None: it has none."""

    @abstractmethod
    def object(self) -> StoredObject:
        """The first of its objects."""

    @abstractmethod
    def count(self, tag: int) -> str | None:
        """Number of ... Related ..., Modalities in Study or SOP Classes in Study; None: not at this level."""
