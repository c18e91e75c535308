"""Options in the bodies of calls, of the types that Orthanc takes them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .problems import Fault, Problem


def boolean(options: Mapping[str, Any], name: str) -> bool:
    """A flag, which is down where it isn't given. Raises `Problem`."""
    value = options.get(name, False)
    if not isinstance(value, bool):
        raise Problem(Fault.FILE, f"Boolean value expected in field: {name}")
    return value


def integer(options: Mapping[str, Any], name: str) -> int:
    """A number; 0 where it isn't given. Raises `Problem`."""
    value = options.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(Fault.FILE, f"Integer value expected in field: {name}")
    return value


def string(options: Mapping[str, Any], name: str) -> str:
    """A text; empty where it isn't given. Raises `Problem`."""
    value = options.get(name, "")
    if not isinstance(value, str):
        raise Problem(Fault.FILE, f"String value expected in field: {name}")
    return value


def check_job(options: Mapping[str, Any]) -> None:
    """Raises `Problem` for what can't say how a call becomes a job."""
    for name in ("Synchronous", "Asynchronous"):
        boolean(options, name)
    integer(options, "Priority")
