"""A database of findings with something in every table: drawn from a seed, without a journal."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine

from dicomhawk.analyst.database import schema
from dicomhawk.analyst.database.store import put
from dicomhawk.settings.words import DEPTHS

START = 1_735_689_600_000_000
"""2025-01-01T00:00:00Z, in microseconds."""
DAY = 86_400_000_000
HOSTILE = "<script>alert(1)</script>\"'`|\x1b[2J\u202e=1+1"
"""What a stranger might call himself."""
CATEGORIES = {
    "Censys": ("censys", "162.142.125"),
    "Shodan": ("shodan", "71.6.146"),
    "Internet Measurement": ("driftnet", "87.236.176"),
    "Onyphe": ("onyphe", "91.196.152"),
    "Cloud": ("", "198.51.100"),
    "China ISPs": ("", "203.0.113"),
    "Other": ("", "192.0.2"),
}
TECHNIQUES = (
    ("D03", "Association-only probe", 1, ["T1595.002"]),
    ("D07", "Vendor AE title", 1, ["T1078.001"]),
    ("D08", "Wildcard query for patients", 3, ["T1213", "T1119"]),
    ("D12", "Mass retrieval", 4, ["T1213", "T1020"]),
    ("D15", "Executable in a DICOM file", 4, ["T1027.009", "T1105"]),
)
SENSORS = ("north", "south")
BATCH = 20_000


def fill(engine: Engine, *, sessions: int = 400, events_each: int = 6, days: int = 90, seed: int = 1) -> None:
    """Fill an empty database."""
    draw = random.Random(seed)
    rows: dict[str, list[dict[str, Any]]] = {}
    with engine.begin() as connection:
        for number in range(sessions):
            for table, row in _session(draw, number, events_each, days):
                rows.setdefault(table, []).append(row)
            if sum(map(len, rows.values())) > BATCH:
                _write(connection, rows)
        rows.setdefault("actors", []).extend(_actors())
        rows.setdefault("files", []).extend(_files())
        _write(connection, rows)


def _write(connection: Any, rows: dict[str, list[dict[str, Any]]]) -> None:
    for table in schema.metadata.sorted_tables:
        put(connection, table, rows.pop(table.name, []))


def _session(draw: random.Random, number: int, events_each: int, days: int) -> Iterator[tuple[str, dict[str, Any]]]:
    name = f"01JS{number:022d}"
    category = draw.choice(list(CATEGORIES))
    operator, prefix = CATEGORIES[category]
    address = f"{prefix}.{draw.randrange(1, 60)}"
    first = START + draw.randrange(days * DAY // 1_000_000) * 1_000_000
    rank = draw.choices(range(8), (40, 90, 20, 8, 5, 4, 2, 1))[0]
    common = {"session": name}
    connections = draw.randrange(1, 4)
    severity = 4 if rank > 4 else 3 if rank > 2 else draw.randrange(2)
    yield (
        "sessions",
        common
        | {
            "sensor": draw.choice(SENSORS),
            "address": address,
            "first": first,
            "last": first + draw.randrange(1, 600) * 1_000_000,
            "events": events_each,
            "connections": connections,
            "associations": 1,
            "rejected": draw.randrange(2),
            "requests": draw.randrange(3),
            "matches": 12 if rank > 2 else 0,
            "objects_sent": 40 if rank > 3 else 0,
            "objects_received": 1 if rank > 5 else 0,
            "bytes_in": draw.randrange(100, 4000),
            "bytes_out": draw.randrange(100, 4000),
            "category": category,
            "operator": operator,
            "country": draw.choice(("US", "DE", "CN", "NL", "")),
            "asn": 64496 + len(category),
            "network": f"EXAMPLE-{category[:4].upper()}",
            "tool": draw.choice(("nmap dicom-ping", "DCMTK echoscu", "pynetdicom", "", HOSTILE)),
            "depth": DEPTHS[rank],
            "rank": rank,
            "interaction": rank > 2,
            "severity": severity,
            "verdict": "Fetched 40 objects." if rank > 3 else "Looked whether it answers.",
            "interest": 10.0 * rank + 8 * severity,
            "actor": f"A{number % 5}" if rank > 2 else None,
            "ended": True,
            "stale": False,
        },
    )
    for at in range(events_each):
        yield "events", _event(name, address, first, at, events_each, rank)
    for rule, title, bad, attack in TECHNIQUES[: 1 + rank // 2]:
        yield (
            "techniques",
            common
            | {"rule": rule, "name": title, "severity": bad, "attack": json.dumps(attack), "times": 2}
            | {"first": first, "last": first, "detail": "", "evidence": "[]"},
        )
    yield "clients", common | {"kind": "dfp", "value": f"9c2b6d1f04a{number % 7}", "tool": "DCMTK", "times": 1}
    called = draw.choice(("ANY-SCP", "PACS", "ORTHANC", "=CMD", ""))
    answers = {"accepted": 1, "rejected": draw.randrange(2)}
    yield "ae_titles", common | {"called": called, "calling": "ECHOSCU"} | answers
    if rank > 2:
        yield (
            "credentials",
            common
            | {"service": "web form", "username": "admin", "password": draw.choice(("admin", HOSTILE)), "times": 2}
            | {"succeeded": 1, "lure": "", "first": first},
        )
        yield (
            "captures",
            common
            | {
                "event": f"C{number}",
                "sha256": f"{number % 9:064x}",
                "moment": first,
                "door": "dicom",
                "name": HOSTILE,
            }
            | {"name": HOSTILE, "sop_class": "1.2.840.10008.5.1.4.1.1.2", "sop_instance": "1.2.3"},
        )
        yield (
            "lures",
            common
            | {
                "event": f"L{number}",
                "moment": first,
                "action": draw.choice(("taken", "hit", "reused")),
                "lure": "notes",
            }
            | {"lure": "notes", "token": f"t{number}", "origin_session": "", "detail": HOSTILE},
        )


def _event(session: str, address: str, first: int, at: int, of: int, rank: int) -> dict[str, Any]:
    from dicomhawk.evidence.stamps import rfc3339

    moment = first + at * 1_000_000
    action = "connection.open" if not at else "connection.close" if at == of - 1 else _doing(at, rank)
    identifier = f"{session}-{at}"
    document = {
        "@timestamp": rfc3339(moment),
        "event": {"id": identifier, "action": action, "duration": 18_400_000},
        "session": session,
        "source": {"ip": address, "port": 41822},
        "observer": {"name": "north"},
        "honeypot": {"connection": "c", "lure": {"kind": "credential", "id": "notes"}},
        "dicom": {
            "ae": {"called": "ANY-SCP", "calling": HOSTILE},
            "command": {"message_id": at // 2},
            "query": {"level": "STUDY", "keys": {"00100010": HOSTILE}, "matches": 12},
            "contexts": [{"id": 1, "result": "accepted"}],
            "status": "0x0000",
        },
    }
    return {
        "id": identifier,
        "moment": moment,
        "sensor": "north",
        "session": session,
        "connection": "c",
        "action": action,
        "severity": 20,
        "document": json.dumps(document),
    }


def _doing(at: int, rank: int) -> str:
    if at == 1:
        return "dicom.association"
    if rank < 3:
        return "dicom.c-echo"
    return ("dicom.c-find", "dicom.c-find.end", "lure.taken", "dicom.c-store")[(at - 2) % 4]


def _actors() -> list[dict[str, Any]]:
    return [
        {"actor": f"A{number}", "label": f"Actor {number}", "category": "Other", "first": START, "last": START}
        | {"sessions": 1, "addresses": 1, "sensors": "[]", "rank": 3, "severity": 3, "basis": '["dfp 9c2b6d1f04a1"]'}
        for number in range(5)
    ]


def _files() -> list[dict[str, Any]]:
    return [
        {
            "sha256": f"{number:064x}",
            "size": 4096 * (number + 1),
            "type": "DICOM with a Windows program in its preamble" if number == 3 else "DICOM",
            "severity": 4 if number == 3 else 1,
            "verdict": "A program that Windows would run." if number == 3 else HOSTILE,
            "fuzzy": "",
            "report": "{}",
            "examined": START,
        }
        for number in range(9)
    ]
