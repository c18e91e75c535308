"""What stands behind the sites of one worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ...evidence.recorder import Recorder
from ...lures.bait import Lures
from ...persona.model import Persona
from ...settings import Deployment, Settings
from ..holdings import Holdings


class Backing(NamedTuple):
    """Persona, deployment, hospital and evidence, as every site gets them when its worker starts."""

    settings: Settings
    deployment: Deployment
    persona: Persona
    holdings: Holdings
    recorder: Recorder
    clock: Callable[[], float]
    """POSIX seconds."""
    lures: Lures | None = None
    """Bait; None: there is none."""
