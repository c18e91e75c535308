"""Journals for tests: events as the sensor writes them, without a sensor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dicomhawk.evidence.documents import moment
from dicomhawk.evidence.stamps import base32, rfc3339

Event = dict[str, Any]
START = moment("2026-03-02T08:00:00.000Z")
SECOND = 1_000_000


class Sensor:
    """Tells what a sensor would have told. Each connection moves the clock on."""

    def __init__(self, name: str = "sensor-a", start: int = START) -> None:
        self.name = name
        self.now = start
        self.events: list[Event] = []
        self._count = 0
        self._sessions: dict[str, tuple[str, int]] = {}

    def identifier(self) -> str:
        """As a ULID: greater than those before."""
        self._count += 1
        return (base32(self.now // 1000, 10) + base32(sum(self.name.encode()) << 40 | self._count, 16)).decode()

    def emit(self, action: str, address: str | None = None, session: str | None = None, **fields: Any) -> Event:
        """An event; ``dicom__status=3`` is ``dicom.status``."""
        event: Event = {
            "@timestamp": rfc3339(self.now),
            "ecs": {"version": "9.2.0"},
            "event": {"id": self.identifier(), "action": action, "severity": 20},
            "observer": {"name": self.name, "type": "honeypot"},
        }
        if address is not None:
            event["session"] = session or self.session(address)
            event["source"] = {"ip": address, "port": 40000 + self._count % 20000}
        for path, value in fields.items():
            at = event
            *parents, leaf = path.split("__")
            for key in parents:
                at = at.setdefault(key, {})
            at[leaf] = value
        self.events.append(event)
        return event

    def session(self, address: str) -> str:
        """The visitor's session at this moment, by the 30 minutes."""
        known = self._sessions.get(address)
        if known is None or self.now - known[1] > 1800 * SECOND:
            known = (self.identifier()[:10] + base32(self._count, 6).decode(), self.now)
        self._sessions[address] = (known[0], self.now)
        return known[0]

    def connection(self, address: str, *doings: Event, port: int = 11112, seconds: float = 1.0) -> None:
        """A connection with what is done on it: dictionaries of fields for `emit`, with their action."""
        connection = self.identifier()
        common = {"destination__port": port, "network__protocol": "dicom", "honeypot__connection": connection}
        self.emit("connection.open", address, **common)
        for doing in doings:
            self.now += 10_000
            self.emit(doing["action"], address, **common, **{k: v for k, v in doing.items() if k != "action"})
        self.now += int(seconds * SECOND)
        self.emit(
            "connection.close",
            address,
            **common,
            source__bytes=100 * len(doings),
            destination__bytes=90 * len(doings),
        )

    def write(self, folder: Path, *, writers: int = 2, lines_in_segment: int = 1000) -> Path:
        """The journal, spread over several writers; its folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for writer in range(writers):
            own = self.events[writer::writers]
            for number, start in enumerate(range(0, len(own), lines_in_segment), 1):
                path = folder / f"{own[start]['@timestamp'][:10]}.w{writer}.{number:04d}.ndjson"
                path.write_bytes(b"".join(lines(own[start : start + lines_in_segment])))
        return folder


def lines(events: Iterable[Event]) -> Iterator[bytes]:
    """As they are in a segment."""
    return (json.dumps(event).encode() + b"\n" for event in events)


def echo(called: str = "ANY-SCP", calling: str = "ECHOSCU") -> tuple[Event, Event]:
    """An association with a C-ECHO on it."""
    return (
        {"action": "dicom.association", "dicom__ae__called": called, "dicom__ae__calling": calling},
        {"action": "dicom.c-echo", "dicom__status": "0x0000"},
    )
