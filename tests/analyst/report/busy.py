"""Journals of two busy sensors, and the same numbers as a report has, counted anew from the files alone."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.analyst.journals import START, Event, Sensor

from .published import NETWORKS

SENSORS = ("north", "south")
CATEGORIES = {
    "162.142.125.": "Censys",
    "93.174.95.106": "Shodan",
    "87.236.176.": "Internet Measurement",
    "159.65.4.": "Cloud",
    "218.92.0.": "China ISPs",
    "64.62.197.": "Other",
}
"""Of the addresses here, by how they begin."""
SECOND = 1_000_000
ASKING = ("dicom.c-find", "dicom.c-get", "dicom.c-store", "web.query", "lure.taken")
"""What makes a session of these journals an interaction."""


def _association(draw: random.Random) -> Event:
    called = draw.choice(("ANY-SCP", "PACS", "ORTHANC", "=1+1", "", "<b>"))
    names = {"dicom__ae__called": called, "dicom__ae__calling": draw.choice(("ECHOSCU", "FINDSCU"))}
    secret: dict[str, str] = {}
    if draw.random() < 0.2:
        secret = {
            "honeypot__credential__username": draw.choice(("admin", "pacs")),
            "honeypot__credential__password": draw.choice(("admin", "changeit", "|cmd")),
        }
    if draw.random() < 0.3:
        reject = {"dicom__reject__result": 1, "dicom__reject__source": 1, "dicom__reject__reason": 7}
        return {"action": "dicom.association.reject", **names, **secret, **reject}
    return {"action": "dicom.association", **names, **secret}


def _find(draw: random.Random) -> list[Event]:
    return [
        _association(draw),
        {"action": "dicom.c-find", "dicom__query__level": "STUDY", "dicom__query__keys": {"00100010": "A*"}},
        {"action": "dicom.c-find.end", "dicom__query__matches": draw.randrange(9), "dicom__status": "0x0000"},
    ]


def _get(draw: random.Random) -> list[Event]:
    return [
        _association(draw),
        {"action": "dicom.c-get", "dicom__query__level": "STUDY", "dicom__query__keys": {"0020000D": "1.2"}},
        {"action": "dicom.c-get.end", "dicom__suboperations__completed": draw.randrange(5)},
    ]


def _store(draw: random.Random) -> list[Event]:
    digest = f"{draw.randrange(4):064x}"
    return [
        _association(draw),
        {"action": "dicom.c-store", "file__hash__sha256": digest, "dicom__status": "0x0000"},
        {"action": "file.captured", "file__hash__sha256": digest, "file__size": 4096},
    ]


def _web(draw: random.Random) -> list[Event]:
    made: list[Event] = [
        {"action": "http.request", "http__request__method": "GET", "url__path": "/", "url__original": "/"},
        {"action": "http.response", "http__response__status_code": 200},
    ]
    if draw.random() < 0.5:
        made.append(
            {
                "action": "http.login",
                "event__outcome": draw.choice(("success", "failure")),
                "honeypot__login__scheme": "form",
                "honeypot__credential__username": "admin",
                "honeypot__credential__password": draw.choice(("admin", "1234")),
            }
        )
    return made


def _lure(draw: random.Random) -> list[Event]:
    return [
        {
            "action": "http.request",
            "http__request__method": "GET",
            "url__path": "/backup",
            "url__original": "/backup",
        },
        {"action": "lure.taken", "honeypot__lure__id": "backup", "honeypot__lure__kind": "route"},
    ]


_DOINGS: tuple[tuple[Callable[[random.Random], list[Event]], int], ...] = (
    (lambda draw: [], 20),
    (lambda draw: [_association(draw)], 40),
    (lambda draw: [_association(draw), {"action": "dicom.c-echo", "dicom__status": "0x0000"}], 30),
    (_web, 15),
    (_find, 8),
    (_get, 4),
    (_store, 3),
    (_lure, 2),
)


def journals(folder: Path, *, visits: int = 250, seed: int = 3) -> list[Path]:
    """A folder for each sensor: some days, with sessions that go on over midnight."""
    draw = random.Random(seed)
    addresses = [
        address if address.count(".") == 3 and not address.endswith(".") else f"{address}{draw.randrange(1, 30)}"
        for address in draw.choices(list(CATEGORIES), k=60)
    ]
    assert all(any(address.startswith(prefix) for prefix in CATEGORIES) for address in addresses)
    assert set(CATEGORIES.values()) <= set(NETWORKS)
    made = []
    for number, name in enumerate(SENSORS):
        sensor = Sensor(name, START + number * 7 * SECOND)  # their sessions' identifiers begin with the moment
        sensor.emit("sensor.start")
        for _ in range(visits):
            kinds, weights = zip(*_DOINGS, strict=True)
            doing = draw.choices(kinds, weights)[0]
            sensor.now += draw.choice((5, 400, 2500)) * SECOND
            sensor.connection(draw.choice(addresses), *doing(draw), seconds=draw.choice((1, 30)))
        made.append(sensor.write(folder / name / "journal", writers=2, lines_in_segment=300))
        torn = min(made[-1].glob("*.ndjson"))  # not the newest, which might be going on
        torn.write_bytes(torn.read_bytes() + b'{"@timestamp": "2026-03-')
    return made


def read(folders: Iterable[Path]) -> list[Event]:
    """Whole lines of all files, read with nothing of ours."""
    found = []
    for folder in folders:
        for path in sorted(folder.glob("*.ndjson")):
            for line in path.read_bytes().split(b"\n"):
                if line.endswith(b"}"):
                    found.append(json.loads(line))
    return found


class Recount:
    """What the sessions of a journal add up to."""

    def __init__(self, events: Iterable[Event], start: str = "", end: str = "~") -> None:
        """`start`, `end`: sessions that began from then on, and before."""
        self.sessions: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            if "session" in event:
                self.sessions[event["session"]].append(event)
        for name in list(self.sessions):
            began = min(event["@timestamp"] for event in self.sessions[name])
            if not start <= began < end:
                del self.sessions[name]

    def of(self, sensor: str = "") -> list[Event]:
        """All events of a sensor's sessions."""
        return [
            event
            for events in self.sessions.values()
            for event in events
            if not sensor or event["observer"]["name"] == sensor
        ]

    def names(self, sensor: str = "") -> set[str]:
        """Sessions of a sensor."""
        return {event["session"] for event in self.of(sensor)}

    def times(self, action: str, sensor: str = "") -> int:
        """How often something happened."""
        return sum(event["event"]["action"] == action for event in self.of(sensor))

    def sum(self, action: str, *path: str, sensor: str = "") -> int:
        """The sum of a field over the events with an action."""
        return sum(_at(event, *path) or 0 for event in self.of(sensor) if event["event"]["action"] == action)

    def addresses(self, events: Iterable[Event]) -> int:
        """Different ones."""
        return len({event["source"]["ip"] for event in events})

    def categories(self, sensor: str = "") -> dict[str, tuple[int, int]]:
        """Unique addresses and connections, by category."""
        by: dict[str, list[Event]] = defaultdict(list)
        for event in self.of(sensor):
            by[category_of(event)].append(event)
        return {
            name: (self.addresses(found), sum(event["event"]["action"] == "connection.open" for event in found))
            for name, found in by.items()
        }

    def interactions(self, sensor: str) -> set[str]:
        """Sessions that asked for something, or took bait, or were let in."""
        return {
            event["session"]
            for event in self.of(sensor)
            if event["event"]["action"] in ASKING
            or (event["event"]["action"] == "http.login" and event["event"].get("outcome") == "success")
        }

    def titles(self) -> dict[str, tuple[int, int, int]]:
        """Called AE titles: addresses, associations asked for, accepted."""
        by: dict[str, list[Event]] = defaultdict(list)
        for event in self.of():
            if event["event"]["action"].startswith("dicom.association"):
                by[event["dicom"]["ae"]["called"] or "(blank)"].append(event)
        return {
            title: (self.addresses(e), len(e), sum(one["event"]["action"] == "dicom.association" for one in e))
            for title, e in by.items()
        }

    def credentials(self) -> Counter[tuple[str, str]]:
        """User names and passwords."""
        return Counter(
            (event["honeypot"]["credential"]["username"], event["honeypot"]["credential"]["password"])
            for event in self.of()
            if "credential" in event.get("honeypot", {})
        )

    def timeline(self) -> Counter[tuple[str, str]]:
        """Events by day and category."""
        return Counter((event["@timestamp"][:10], category_of(event)) for event in self.of())

    def days(self) -> Counter[str]:
        """Sessions by the day on which they began."""
        return Counter(min(event["@timestamp"] for event in events)[:10] for events in self.sessions.values())

    def hours(self) -> Counter[int]:
        """Sessions by the hour at which they began."""
        return Counter(
            datetime.fromisoformat(min(event["@timestamp"] for event in events)).hour
            for events in self.sessions.values()
        )


def category_of(event: Event) -> str:
    """Of an event's visitor."""
    address = event["source"]["ip"]
    return next(name for prefix, name in CATEGORIES.items() if address.startswith(prefix))


def _at(event: Event, *path: str) -> Any:
    at: Any = event
    for key in path:
        at = at.get(key, {}) if isinstance(at, dict) else {}
    return at if isinstance(at, int) else 0
