"""How outputs are doing: one small file for each, for whoever wants to show it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from ...settings import Settings

FILE = "status.json"
STALE_SECONDS = 30.0
"""A status that is older is of a process that is no more: a running one writes it every few seconds."""


class Status(msgspec.Struct, kw_only=True, omit_defaults=False):
    """An output. Moments are microseconds since the epoch, UTC; 0: never. Counts are since the output was set up."""

    name: str
    type: str
    where: str = ""
    state: Literal["working", "failing", "off", "unknown"] = "unknown"
    """unknown: `dicomhawk forward` doesn't run, or never did; off: the settings say so."""
    sent: int = 0
    refused: int = 0
    """Records that the receiver looked at and didn't want."""
    dropped: int = 0
    """Records that were too much for the queue."""
    queued: int = 0
    queued_bytes: int = 0
    failures: int = 0
    """Attempts without success since the last one with."""
    last_error: str = ""
    last_error_at: int = 0
    last_sent_at: int = 0
    next_attempt_at: int = 0
    updated_at: int = 0


def write_status(folder: Path, status: Status) -> None:
    """Put `status` into an output's folder, at once or not at all."""
    part = folder / f".{FILE}.{os.getpid()}"
    part.write_bytes(msgspec.json.encode(status))
    part.replace(folder / FILE)


def read_status(settings: Settings, now: int) -> list[Status]:
    """The outputs of the settings, in their order. `now`: microseconds since the epoch."""
    found = []
    for output in settings.outputs:
        try:
            status = msgspec.json.decode((settings.outputs_dir / output.name / FILE).read_bytes(), type=Status)
        except (OSError, msgspec.MsgspecError):
            status = Status(name=output.name, type=output.type)
        status.type = output.type
        if not output.enabled:
            status.state = "off"
        elif now - status.updated_at > STALE_SECONDS * 1_000_000:
            status.state = "unknown"
        found.append(status)
    return found
