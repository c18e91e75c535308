"""A corpus of labelled sessions: recorded visits, each replayed from addresses of every category."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from dicomhawk.analyst.techniques.rules import FOLDER
from dicomhawk.evidence.documents import moment, moment_of
from dicomhawk.evidence.stamps import base32, rfc3339
from tests.analyst.intruders.programs import PROGRAMS

HERE = Path(__file__).parent
START = moment("2026-03-01T00:00:00Z")
APART = 7 * 60 * 1_000_000
"""Between the beginnings of two visits."""

ADDRESSES: dict[str, str] = {
    "Censys": "162.142.125.{}",
    "Shodan": "71.6.158.166",
    "Internet Measurement": "87.236.176.{}",
    "Onyphe": "91.196.152.{}",
    "Cloud": "3.5.140.{}",
    "Internet Census": "45.156.128.{}",
    "Palo Alto": "35.203.210.{}",
    "Other": "198.51.100.{}",
}
"""Of each category that addresses alone tell."""
NOT_ANONYMOUS = frozenset({"D38.triggers"})
"""Its rule is about the origin, which is another here."""

Event = dict[str, Any]


class Visit(NamedTuple):
    """A recorded visit and its labels."""

    name: str
    events: tuple[Event, ...]
    files: Mapping[str, Mapping[str, Any]]
    depth: str
    tools: tuple[str, ...]
    rules: frozenset[str]


class Labelled(NamedTuple):
    """A session of the corpus, and what is to be said of it."""

    session: str
    category: str
    visit: Visit


@cache
def visits() -> tuple[Visit, ...]:
    """All of them."""
    labels = tomllib.loads((HERE / "corpus.toml").read_text())
    rules = tomllib.loads((HERE / "techniques.toml").read_text())
    found = []
    for name, label in labels["visits"].items():
        folder = FOLDER / "samples" if name[0] == "D" and name[1:3].isdigit() else HERE / "noise"
        found.append(_visit(folder, name, label["depth"], label["tool"], rules[name]))
    for name, program in PROGRAMS.items():
        found.append(_visit(HERE / "programs", name, program.depth, [program.tool], labels["programs"][name]))
    return tuple(found)


def _visit(folder: Path, name: str, depth: str, tools: Iterable[str], rules: str) -> Visit:
    events = tuple(json.loads(line) for line in (folder / f"{name}.ndjson").read_text().splitlines())
    beside = folder / f"{name}.given.json"
    given = json.loads(beside.read_text()) if beside.exists() else {}
    return Visit(name, events, given.get("files", {}), depth, tuple(tools), frozenset(rules.split()))


def replayed(visit: Visit, number: int, address: str, at: int, sensor: str = "sensor-a") -> tuple[str, list[Event]]:
    """The session's identifier and events, as if `visit` had been paid from `address` at `at`."""
    began = min(moment_of(event) for event in visit.events)
    session = (base32(at // 1000, 10) + base32(number, 6)).decode()
    connections: dict[str, str] = {}
    events = []
    for index, old in enumerate(visit.events):
        event = copy.deepcopy(old)
        moved = at + moment_of(old) - began
        event["@timestamp"] = rfc3339(moved)
        event["event"]["id"] = (base32(moved // 1000, 10) + base32(number << 20 | index, 16)).decode()
        event["observer"] = {**event.get("observer", {}), "name": sensor}
        event["session"] = session
        event["source"]["ip"] = address
        connection = event.get("honeypot", {}).get("connection")
        if connection is not None:
            count = number << 20 | len(connections)
            connections.setdefault(connection, (base32(at // 1000, 10) + base32(count, 16)).decode())
            event["honeypot"]["connection"] = connections[connection]
        events.append(event)
    return session, events


def corpus(categories: Iterable[str] = ADDRESSES, each: int = 1) -> Iterator[tuple[Labelled, list[Event]]]:
    """Each visit from an address of each category, `each` times; no two from the same address in one session."""
    number = 0
    for _ in range(each):
        for category in categories:
            hosts = cycle(range(1, 255))
            for visit in visits():
                if visit.name in NOT_ANONYMOUS:
                    continue
                number += 1
                address = ADDRESSES[category].format(next(hosts))
                session, events = replayed(visit, number, address, START + number * APART)
                yield Labelled(session, category, visit), events


def month(days: int, scanners: Mapping[str, Iterable[str]]) -> Iterator[list[Event]]:
    """Each scanner's visits on each day: `scanners` has for the name of a visit the addresses that it comes from."""
    by_name = {visit.name: visit for visit in visits()}
    number = 0
    for day in range(days):
        for name, addresses in scanners.items():
            for address in addresses:
                number += 1
                at = START + day * 86_400_000_000 + number * 41_000_000 % 80_000_000_000
                yield replayed(by_name[name], number, address, at)[1]


def examined(every: Iterable[Visit]) -> list[dict[str, Any]]:
    """Rows of the table of files: what the examiner said of them when they were recorded."""
    found = {sha256: report for visit in every for sha256, report in visit.files.items()}
    return [
        {
            "sha256": sha256,
            "size": report.get("size", 0),
            "type": str(report.get("type", "")) or "data",
            "severity": max((one.get("severity", 0) for one in report.get("findings", ())), default=0),
            "report": json.dumps(report),
            "examined": START,
        }
        for sha256, report in found.items()
    ]
