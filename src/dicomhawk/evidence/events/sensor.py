"""The sensor itself."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ..fields import Event, Field, Kind
from .common import Outcome


class SensorStart(Event, frozen=True, kw_only=True):
    """The sensor has started, and every door is open."""

    kind: ClassVar[Kind] = Kind("sensor.start", ("process",), ("start",), 0)
    pid: Annotated[int, Field("process.pid", "Process of the supervisor.")]
    workers: Annotated[int, Field("honeypot.workers", "Number of worker processes.")]
    doors: Annotated[tuple[str, ...], Field("honeypot.doors", "Open doors, as in `dicom:11112`.")]
    persona: Annotated[str, Field("honeypot.persona", "Name of the persona.")]


class SensorStop(Event, frozen=True, kw_only=True):
    """The sensor was told to end."""

    kind: ClassVar[Kind] = Kind("sensor.stop", ("process",), ("end",), 0)
    pid: Annotated[int, Field("process.pid", "Process of the supervisor.")]
    reason: Annotated[str, Field("event.reason", "Signal or request that ended it.")]


class WorkerStart(Event, frozen=True, kw_only=True):
    """A worker process answers from now on."""

    kind: ClassVar[Kind] = Kind("worker.start", ("process",), ("start",), 0)
    pid: Annotated[int, Field("process.pid", "Process of the worker.")]
    worker: Annotated[str, Field("honeypot.worker", "Name of the worker, also in the names of its files.")]


class WorkerExit(Event, frozen=True, kw_only=True):
    """A worker process has ended; the supervisor starts another unless the sensor is ending."""

    kind: ClassVar[Kind] = Kind("worker.exit", ("process",), ("end",), 20)
    pid: Annotated[int, Field("process.pid", "Process of the worker.")]
    worker: Annotated[str, Field("honeypot.worker", "Name of the worker.")]
    exit_code: Annotated[int, Field("process.exit_code", "Exit status; negative: the signal that ended it.")]
    outcome: Outcome = None


class HospitalExtend(Event, frozen=True, kw_only=True):
    """The hospital's studies and appointments of further days were made, or could not be."""

    kind: ClassVar[Kind] = Kind("hospital.extend", ("process",), ("change",), 10)
    pid: Annotated[int, Field("process.pid", "Process that did it.")]
    outcome: Outcome = None
    reason: Annotated[str | None, Field("event.reason", "Why it failed.")] = None


class SensorError(Event, frozen=True, kw_only=True):
    """An error of ours that nothing foresaw. The connection it happened on is lost, the worker goes on."""

    kind: ClassVar[Kind] = Kind("sensor.error", ("process",), ("error",), 70)
    detail: Annotated[str, Field("error.stack_trace", "Where it happened.")]


class JournalGap(Event, frozen=True, kw_only=True):
    """Events could not be written (the disk was full, say) and are lost; writing works again."""

    kind: ClassVar[Kind] = Kind("journal.gap", ("file",), ("error",), 60)
    events: Annotated[int, Field("honeypot.lost.events", "Events lost.")]
    reason: Annotated[str | None, Field("event.reason", "What the system said.")] = None
