"""Journals to forward from, and an output that a test decides about."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dicomhawk.evidence.stamps import rfc3339
from dicomhawk.outputs.forwarding.base import Batch, Output, Record
from dicomhawk.outputs.forwarding.pump import Pump
from dicomhawk.outputs.forwarding.queue import Queue
from dicomhawk.outputs.forwarding.sources import Findings, Sources
from dicomhawk.settings import Settings, load
from dicomhawk.settings.outputs import AnyOutput

BEGIN_NS = 1_796_000_000_000_000_000
"""Some moment in 2026."""
HOSTILE = "<!channel> <https://evil.example|ok> @everyone |=\\ \n\x1b[31m*b* `c` [x](http://evil.example) \u202e ]]>"
"""Text that a stranger could send."""


def event(number: int, *, action: str = "dicom.c-find", severity: int = 40, **more: Any) -> dict[str, Any]:
    """An event as the journal has it."""
    ns = BEGIN_NS + number * 1_000_000
    found: dict[str, Any] = {
        "@timestamp": rfc3339(ns // 1000),
        "event": {
            "id": f"01K9EVENT{number:017d}",
            "sequence": number,
            "kind": "event",
            "action": action,
            "category": ["network"],
            "type": ["protocol", "access"],
            "module": action.partition(".")[0],
            "dataset": f"honeypot.{action.partition('.')[0]}",
            "provider": "sensor",
            "severity": severity,
        },
        "session": "01K9SESSION0000000000000AA",
        "source": {"ip": "203.0.113.9", "port": 40022},
        "destination": {"ip": "198.51.100.7", "port": 104},
        "network": {"transport": "tcp", "protocol": "dicom", "type": "ipv4", "direction": "inbound"},
        "observer": {"type": "honeypot", "vendor": "DICOMHawk", "product": "dicomhawk", "name": "ward-7"},
        "ecs": {"version": "9.2.0"},
        "related": {"ip": ["203.0.113.9", "198.51.100.7"]},
        "honeypot": {"connection": "01K9CONNECTION0000000000AA"},
        "dicom": {
            "ae": {"calling": "FINDSCU", "called": "ANY-SCP"},
            "query": {"level": "STUDY", "keys": {"00100010": HOSTILE}, "wildcard": True},
        },
    }
    return found | more


def write_journal(folder: Path, events: Sequence[dict[str, Any]], name: str = "2026-11-30.w0.0001.ndjson") -> Path:
    """Append `events` to a segment of the journal."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with path.open("ab") as file:
        file.write(b"".join(json.dumps(one).encode() + b"\n" for one in events))
    return path


def record(number: int = 1, kind: Any = "events", severity: int = 2, **more: Any) -> Record:
    """A record of an event."""
    document = event(number, **more)
    return Record(kind, document["event"]["id"], severity, json.dumps(document).encode())


def settings_with(data: Path, *outputs: dict[str, Any]) -> Settings:
    """Settings with these tables ``[[outputs]]``."""
    return load(data=data, environment={}, flags={"outputs": list(outputs)})


def table(kind: str, **more: Any) -> Any:
    """One table ``[[outputs]]``, as settings."""
    return settings_with(Path("/nowhere"), {"type": kind, "name": "out", **more}).outputs[0]


class Receiver(Output):
    """Takes what `judge` doesn't raise for; keeps identifiers in the order in which they came."""

    def __init__(self, judge: Callable[[Batch], None] = lambda batch: None) -> None:
        self.judge = judge
        self.got: list[str] = []
        self.batches: list[int] = []

    @property
    def where(self) -> str:
        return "a test"

    async def send(self, batch: Batch) -> None:
        self.judge(batch)
        self.got += [one.id for one in batch]
        self.batches.append(len(batch))


def pump_of(settings: Settings, output: Output, which: int = 0, *, limit: int = 64 << 20) -> tuple[Pump, Queue]:
    """A pump of the settings' output number `which`, that delivers to `output`."""
    one: AnyOutput = settings.outputs[which]
    folder = settings.outputs_dir / one.name
    queue = Queue(folder / "queue.sqlite", limit)
    sources = Sources(settings, one, queue, Findings(settings.database_url))
    return Pump(one, folder, output, queue, sources), queue
