"""What every model of device shows of itself in its objects."""

from __future__ import annotations

from dataclasses import dataclass

Maker = str
"""Who made a device, in one word; what depends on it is in the modules of the object types."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of device that makes objects."""

    key: str
    maker: Maker
    manufacturer: str
    model: str
    software: tuple[str, ...]  # versions to choose from
    serial: str  # drawn digits for '#'
    station: tuple[str, ...]  # '#': digits of the serial number; '%': number of the machine
    arc: str  # of its UIDs, below the root
    implementation: tuple[str, tuple[str, ...]]
    """Implementation Class UID, and a Version Name for each version of the software, or fewer: the last goes on."""


def implementation_of(model: Model, software: str | None) -> tuple[str, str]:
    """Implementation Class UID and Version Name that go with a version of the model's software."""
    uid, versions = model.implementation
    number = model.software.index(software) if software in model.software else 0
    return uid, versions[min(number, len(versions) - 1)]
