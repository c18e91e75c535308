"""Sessions told step by step, as a sensor would put them on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dicomhawk.analyst.clients import clients_of
from dicomhawk.evidence import events as ev
from dicomhawk.evidence import journal
from dicomhawk.evidence.recorder import ConnectionRecord, Recorder
from dicomhawk.persona.clients import load
from dicomhawk.settings import Settings

VISITOR, DICOM, WEB = "198.51.100.7", ("203.0.113.10", 11112), ("203.0.113.10", 8042)


class Told:
    """A recorder with a clock that is set by hand, and what `clients_of` says of what it recorded."""

    def __init__(self, folder: Path) -> None:
        self.ns = 1_760_000_000_000_000_000
        self.folder = folder
        self.visitor = VISITOR
        self.recorder = Recorder(Settings(data=folder), "w0", clock=lambda: self.ns)

    def open(self, door: tuple[str, int] = DICOM) -> ConnectionRecord:
        return self.recorder.open((self.visitor, 41822), door)

    def asked(
        self, *, after_ac: str | None = None, wait: float = 0.0, called: str = "ANY-SCP", **fields: Any
    ) -> ConnectionRecord:
        record = self.open()
        self.ns += int(wait * 1e9)
        record.emit(ev.Association(calling="ECHOSCU", called=called, **fields))
        record.close("peer-fin", after_ac=after_ac)
        return record

    def request(self, agent: str | None, *headers: str, target: str = "/", **fields: Any) -> None:
        record = self.open(WEB)
        if agent is not None:
            headers = (*headers, f"User-Agent: {agent}")
        values: dict[str, Any] = {"method": "GET", "target": target, "version": "1.1", "number": 1} | fields
        record.emit(ev.HttpRequest(headers=headers, user_agent=agent, **values))

    def events(self) -> list[dict[str, Any]]:
        self.recorder.flush()
        return [event for event in journal.read(self.folder / "journal") if event.get("session")]

    def clients(self) -> tuple[list[dict[str, Any]], str]:
        return clients_of(self.events())

    def tool(self) -> str:
        return self.clients()[1]

    def values(self, kind: str) -> dict[str, str]:
        return {row["value"]: row["tool"] for row in self.clients()[0] if row["kind"] == kind}


def by_dfp(dfp: str) -> dict[str, Any]:
    """What the sensor puts on record of a request with this fingerprint."""
    rows = [row for row in load().rows if dfp in row.dfp]
    return {
        "client": " or ".join(dict.fromkeys(row.name for row in rows)),
        "client_versions": rows[0].versions if len(rows) == 1 else None,
        "client_match": "dfp",
        "fingerprint": dfp,
    }
