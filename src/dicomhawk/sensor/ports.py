"""Which doors a deployment has: the ports of each kind."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from ..persona.model import Persona
from ..persona.model.ports import drawn_port
from ..settings import Deployment, Settings

DoorKind: TypeAlias = Literal["dicom", "dicom-tls", "web", "web-tls"]
KINDS: Final[tuple[DoorKind, ...]] = get_args(DoorKind)
NAMES: Final = {"dicom": "DICOM", "dicom-tls": "DICOM over TLS", "web": "web", "web-tls": "web over TLS"}
"""For the operator."""

_UNPRIVILEGED: Final = {"dicom-tls": 2762, "web": 8080, "web-tls": 8443}
"""For those whose product is on ports only that the administrator alone may open."""


def ports_of(settings: Settings, persona: Persona, deployment: Deployment) -> dict[DoorKind, tuple[int, ...]]:
    """Where doors are to be opened; 0 picks a free port."""
    has_web = settings.web.enabled and persona.http.face != "none"
    has_tls, tls = settings.tls.enabled, persona.tls
    return {
        "dicom": settings.dicom.ports,
        "dicom-tls": _ports("dicom-tls", settings.tls.dicom_ports, tls.dicom_ports, deployment) if has_tls else (),
        "web": _ports("web", settings.web.ports, persona.http.ports, deployment) if has_web else (),
        "web-tls": _ports("web-tls", settings.tls.web_ports, tls.web_ports, deployment)
        if has_web and has_tls
        else (),
    }


def _ports(
    kind: DoorKind, wanted: tuple[int, ...] | None, usual: tuple[int, ...], deployment: Deployment
) -> tuple[int, ...]:
    if wanted is not None:
        return wanted
    return (drawn_port(f"{kind} port {deployment.seed}", usual, _UNPRIVILEGED[kind]),) if usual else ()
