"""A database of findings as months of a sensor would leave it: all tables filled, and coherent with each other.

It is drawn from a seed. Events have the fields that their catalogue says, as far as pages show them; a session's row
counts its events.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from dicomhawk.analyst.database import schema
from dicomhawk.analyst.database.store import open_database
from dicomhawk.settings.words import DEPTHS
from tests.console.cast import FILES, KINDS, ORIGINS, PAIRS, RULES, TITLES, TOOLS, Kind

NOW = int(datetime(2026, 11, 22, 11, 0, tzinfo=UTC).timestamp() * 1_000_000)
SECOND = 1_000_000
DAY = 86_400 * SECOND
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass
class Rows:
    """Rows for each table, as dictionaries."""

    of: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: Table, **values: Any) -> None:
        self.of.setdefault(table.name, []).append(values)


class Filler:
    """Draws sessions, and what else the tables have."""

    def __init__(self, seed: int = 7, *, days: int = 60, addresses: int = 400) -> None:
        self.random = random.Random(seed)
        self._days = days
        self._number = 0
        self._addresses = self._drawn(addresses)
        self._actors: dict[str, dict[str, Any]] = {}
        self._seen: set[str] = set()
        self._files: dict[str, dict[str, Any]] = {}

    def sessions(self, events: int) -> Iterator[Rows]:
        """Rows of one session after the other, until there are so many events; at last those of all."""
        made = 0
        while made < events:
            rows = Rows()
            made += self._session(rows)
            yield rows
        rows = Rows()
        self._rest(rows)
        yield rows

    def identifier(self) -> str:
        """As a ULID looks."""
        self._number += 1
        digits, rest = "", self._number
        for _ in range(12):
            rest, digit = divmod(rest, 32)
            digits = _BASE32[digit] + digits
        return "01JD" + "".join(self.random.choices(_BASE32, k=10)) + digits

    def _drawn(self, number: int) -> list[tuple[str, int]]:
        found = []
        for _ in range(number):
            at = self.random.choices(range(len(ORIGINS)), [origin[2] for origin in ORIGINS])[0]
            found.append((f"{ORIGINS[at][3]}.{self.random.randrange(256)}.{self.random.randrange(1, 255)}", at))
        return [*found, ("2001:db8:0:7::15", len(ORIGINS) - 1), ("2001:db8::1:2:3", len(ORIGINS) - 1)]

    def _session(self, rows: Rows) -> int:
        draw = self.random
        kind = draw.choices(KINDS, [each.share for each in KINDS])[0]
        address, at = draw.choice(self._addresses)
        category, operator, _, _, country, asn, network, tags = ORIGINS[at]
        tool = draw.choice(TOOLS["person" if kind.person else "scan"])
        session, connection = self.identifier(), self.identifier()
        first = NOW - int(draw.random() ** 1.3 * self._days * DAY)
        sensor = draw.choices(("hawk-fra", "hawk-iad"), (3, 1))[0]
        web = "http" in kind.steps
        scene = _Scene(self, session, connection, address, sensor, first, web, draw.randrange(20000, 65000))
        scene.emit("session.start", 10)
        scene.emit(
            "connection.open", 10, honeypot={"transcript": {"segment": "2026-11-22.w0.0000.dht", "offset": 24}}
        )
        repeats = draw.randint(*kind.repeats)
        for _ in range(repeats):
            for step in kind.steps:
                getattr(self, f"_{step}")(scene, rows)
        scene.emit("connection.close", 10, **_ended(draw))
        ended = NOW - first > DAY // 24
        if ended:
            scene.emit("session.end", 10)
        for row in scene.rows:
            rows.add(schema.events, **row)
        count = Counter(row["action"] for row in scene.rows)
        n = max(repeats, count["dicom.c-get.end"] * 40)
        who = {"censys": "Censys", "shodan": "Shodan"}.get(operator, "Somebody unknown")
        actor = (
            self._actor(session, address, category, sensor, kind, scene)
            if kind.rank >= 2 and draw.random() < 0.6
            else None
        )
        rows.add(
            schema.sessions,
            session=session,
            sensor=sensor,
            address=address,
            first=first,
            last=scene.now,
            ended=ended,
            doors=json.dumps(["http:8042" if web else "dicom:11112"]),
            events=len(scene.rows),
            connections=1,
            associations=count["dicom.association"],
            rejected=count["dicom.association.reject"],
            requests=count["http.request"],
            commands=json.dumps(
                {
                    name.removeprefix("dicom."): number
                    for name, number in count.items()
                    if name.startswith("dicom.c-") and not name.endswith(".end")
                }
            ),
            matches=count["dicom.c-find.end"] * 12,
            objects_sent=count["dicom.c-get.end"] * 40,
            objects_received=count["file.captured"],
            bytes_in=draw.randrange(200, 90_000),
            bytes_out=draw.randrange(200, 8_000_000 if kind.rank > 4 else 15_000),
            category=category,
            operator=operator,
            confidence="high" if operator else "low",
            country=country,
            asn=asn,
            network=network,
            tool=tool,
            depth=DEPTHS[kind.rank],
            rank=kind.rank,
            interaction=kind.rank >= 3,
            severity=kind.severity,
            verdict=kind.verdict.format(who=who, tool=tool or "an unknown program", n=n),
            actor=actor,
            interest=round(kind.rank * 10 + kind.severity * 5 + draw.random(), 3),
            stale=False,
        )
        for rule in kind.rules:
            name, severity, attack = RULES[rule]
            rows.add(
                schema.techniques,
                session=session,
                rule=rule,
                name=name,
                severity=severity,
                attack=json.dumps(attack),
                times=repeats,
                first=first,
                last=scene.now,
                detail=f"{repeats} times, with {tool or 'a program'}",
                evidence=json.dumps([row["id"] for row in scene.rows[2:5]]),
            )
        if tool:
            rows.add(
                schema.clients,
                session=session,
                kind="user-agent" if web else "dfp",
                value=f"{tool}/{draw.randrange(1, 9)}",
                tool=tool,
                times=repeats,
            )
        for kind_of, value in (("address", address), ("operator", operator or "none")):
            rows.add(schema.traits, session=session, kind=kind_of, value=value)
        rows.add(schema.words, session=session, text=f"{address} {tool} {network} {' '.join(scene.words)}")
        if address not in self._seen:
            self._seen.add(address)
            rows.add(
                schema.origins,
                address=address,
                category=category,
                operator=operator,
                confidence="high" if operator else "low",
                evidence=json.dumps([f"range {ORIGINS[at][3]}.0.0/16 of {network}"] if operator else []),
                country=country,
                asn=asn,
                network=network,
                name=f"scan-{address.replace('.', '-')}.{operator}.example" if operator else "",
                tags=json.dumps(tags),
            )
        if kind.severity >= 3:
            self._alert(rows, session, actor, scene, kind)
        return len(scene.rows)

    # Steps

    def _associate(self, scene: _Scene, rows: Rows) -> None:
        called, calling = (
            self.random.choice(TITLES),
            self.random.choice(("ECHOSCU", "FINDSCU", "PYNETDICOM", "MOVESCU")),
        )
        scene.titles(rows, called, calling, accepted=1)
        scene.emit(
            "dicom.association",
            20,
            dicom={
                "ae": {"called": called, "calling": calling},
                "implementation": {"class_uid": "1.2.276.0.7230010.3.0.3.6.7", "version": "OFFIS_DCMTK_367"},
                "contexts": [{"id": 1, "abstract_syntax": "1.2.840.10008.1.1", "result": "accepted"}],
            },
        )

    def _reject(self, scene: _Scene, rows: Rows) -> None:
        called = self.random.choice(TITLES) + str(self.random.randrange(30))
        scene.titles(rows, called, "SCANNER", accepted=0)
        scene.emit(
            "dicom.association.reject",
            20,
            dicom={
                "ae": {"called": called, "calling": "SCANNER"},
                "reject": {"result": 1, "source": 1, "reason": 7},
                "implementation": {"class_uid": "1.2.3"},
            },
        )

    def _echo(self, scene: _Scene, rows: Rows) -> None:
        scene.emit("dicom.c-echo", 20, dicom={"status": "0000"})

    def _release(self, scene: _Scene, rows: Rows) -> None:
        scene.emit("dicom.release", 10, dicom={"release": {"by": "peer"}})

    def _find(self, scene: _Scene, rows: Rows) -> None:
        message = self.random.randrange(1, 60000)
        keys = {
            "00080052": "STUDY",
            "00100010": self.random.choice(("*", "SMITH*", "A*", "MUELLER^*")),
            "00080020": "20260101-",
        }
        scene.words.update(keys.values())
        scene.emit(
            "dicom.c-find", 40, dicom={"command": {"message_id": message}, "query": {"level": "STUDY", "keys": keys}}
        )
        scene.emit(
            "dicom.c-find.end",
            40,
            event={"duration": 4_100_000},
            dicom={"command": {"message_id": message}, "status": "0000", "query": {"matches": 12}},
        )

    def _get(self, scene: _Scene, rows: Rows) -> None:
        message = self.random.randrange(1, 60000)
        scene.emit(
            "dicom.c-get",
            60,
            dicom={
                "command": {"message_id": message},
                "query": {"level": "STUDY", "keys": {"0020000D": "1.2.826.0.1.3680043.10.1"}},
            },
        )
        scene.emit(
            "dicom.c-get.end",
            60,
            event={"duration": 2_400_000_000},
            dicom={
                "command": {"message_id": message},
                "status": "0000",
                "suboperations": {"completed": 40},
                "dataset": {"bytes": 21_000_000},
            },
        )

    def _http(self, scene: _Scene, rows: Rows) -> None:
        path = self.random.choice(
            ("/", "/app/explorer.html", "/.env", "/system", "/dicom-web/studies", "/wp-login.php")
        )
        scene.words.add(path)
        scene.emit(
            "http.request",
            20,
            http={"request": {"method": "GET"}},
            url={"original": path},
            user_agent={"original": "Mozilla/5.0 (compatible; CensysInspect/1.1)"},
        )
        scene.emit(
            "http.response",
            10,
            event={"duration": 1_200_000},
            http={"response": {"status_code": 404, "body": {"bytes": 320}}},
        )

    def _login(self, scene: _Scene, rows: Rows) -> None:
        username, password = self.random.choice(PAIRS)
        if self.random.random() < 0.4:
            password += str(self.random.randrange(3000))
        scene.words.update((username, password))
        key = ("orthanc", username, password)
        if key not in scene.credentials:
            scene.credentials.add(key)
            rows.add(
                schema.credentials,
                session=scene.session,
                service="orthanc",
                username=username,
                password=password,
                times=1,
                succeeded=int(username == "orthanc"),
                lure="",
                first=scene.now,
            )
        scene.emit(
            "http.login",
            50,
            event={"outcome": "failure"},
            honeypot={"credential": {"username": username, "password": password}, "login": {"scheme": "basic"}},
        )

    def _store(self, scene: _Scene, rows: Rows) -> None:
        which = self.random.randrange(len(FILES) * 8)
        sha256 = f"{which:02x}" + "ab12cd34" * 7 + "ef56ab"
        kind, severity, verdict, finding = FILES[which % len(FILES)]
        size = 80_000 + which
        scene.emit(
            "dicom.c-store",
            60,
            dicom={
                "status": "0000",
                "sop": {"class_uid": "1.2.840.10008.5.1.4.1.1.2", "instance_uid": f"1.2.3.{which}"},
                "dataset": {"bytes": size},
            },
            file={"hash": {"sha256": sha256}},
        )
        row = scene.emit(
            "file.captured",
            60,
            file={"hash": {"sha256": sha256}, "size": size, "name": f"objects/{sha256[:2]}/{sha256}"},
            honeypot={"capture": {"complete": True, "new": True}},
        )
        rows.add(
            schema.captures,
            event=row["id"],
            session=scene.session,
            sha256=sha256,
            moment=row["moment"],
            door="dicom",
            name="",
            sop_class="1.2.840.10008.5.1.4.1.1.2",
            sop_instance=f"1.2.3.{which}",
        )
        if sha256 not in self._files:
            findings = [
                {
                    "id": finding,
                    "name": verdict,
                    "severity": severity,
                    "detail": "found where the preamble is",
                    "offset": 0,
                }
            ]
            report = {
                "type": kind,
                "size": size,
                "findings": findings,
                "entropy": {"preamble": 5.91, "pixels": 6.4},
                "strings": ["http://203.0.113.9/stage2", "This program cannot be run in DOS mode"],
            }
            self._files[sha256] = report
            rows.add(
                schema.files,
                sha256=sha256,
                size=size,
                type=kind,
                severity=severity,
                verdict=verdict,
                fuzzy="1536:QmZ7xkP0a1b2c3:QmZ7xk",
                report=json.dumps(report),
                examined=NOW - DAY,
            )

    def _lure(self, scene: _Scene, rows: Rows) -> None:
        token = f"k{self.random.randrange(10**9):09d}"
        for action in ("lure.taken", "lure.reused"):
            row = scene.emit(
                action,
                90,
                honeypot={"lure": {"kind": "credential", "id": "credential-backup", "token": token, "via": "login"}},
            )
            rows.add(
                schema.lures,
                event=row["id"],
                session=scene.session,
                moment=row["moment"],
                action=action.removeprefix("lure."),
                lure="credential-backup",
                token=token,
                origin_session=scene.session if action == "lure.taken" else "01JD0000000000000000ELSEWH",
                detail="backup.cfg, user pacsbackup",
            )

    # What is of more than one session

    def _actor(self, session: str, address: str, category: str, sensor: str, kind: Kind, scene: _Scene) -> str:
        name = f"actor-{self.random.randrange(60):03d}"
        known = self._actors.setdefault(
            name,
            {
                "first": scene.now,
                "last": 0,
                "sessions": 0,
                "addresses": set(),
                "sensors": set(),
                "rank": 0,
                "severity": 0,
                "category": category,
            },
        )
        known["first"], known["last"] = min(known["first"], scene.first), max(known["last"], scene.now)
        known["sessions"] += 1
        known["addresses"].add(address)
        known["sensors"].add(sensor)
        known["rank"], known["severity"] = max(known["rank"], kind.rank), max(known["severity"], kind.severity)
        return name

    def _alert(self, rows: Rows, session: str, actor: str | None, scene: _Scene, kind: Kind) -> None:
        state = self.random.choices(("due", "held", "digested", "allowed"), (6, 2, 2, 1))[0]
        rows.add(
            schema.alerts,
            key=f"{session}:{kind.rules[-1]}",
            rule="bait" if kind.severity == 4 else "depth",
            session=session,
            actor=actor or "",
            moment=scene.now,
            severity=kind.severity,
            title=f"{RULES[kind.rules[-1]][0]} by {scene.address}",
            text=kind.verdict.format(who="Somebody unknown", tool="a tool", n=12),
            facts=json.dumps({"address": scene.address, "techniques": list(kind.rules), "depth": DEPTHS[kind.rank]}),
            state=state,
            because="entry 'own scanner'" if state == "allowed" else "",
            repeats=self.random.randrange(4),
            until=0,
            visitor=scene.address,
        )

    def _rest(self, rows: Rows) -> None:
        for name, known in self._actors.items():
            rows.add(
                schema.actors,
                actor=name,
                label=f"Actor {name[-3:]} ({known['category']})",
                category=known["category"],
                first=known["first"],
                last=known["last"],
                sessions=known["sessions"],
                addresses=len(known["addresses"]),
                sensors=json.dumps(sorted(known["sensors"])),
                rank=known["rank"],
                severity=known["severity"],
                basis=json.dumps(["the same client fingerprint", "the same list of AE titles"]),
            )
        rows.add(schema.places, source="journal", segment="2026-11-22.w0.0000.ndjson", offset=1_000_000, torn=1)
        address = next(iter(self._seen))
        rows.add(
            schema.lookups,
            provider="greynoise",
            subject=address,
            fetched=NOW - DAY,
            expires=NOW + DAY,
            answer=json.dumps({"classification": "benign", "name": "Censys", "tags": ["scanner"]}),
        )


class _Scene:
    """One session, as it goes on."""

    def __init__(
        self,
        filler: Filler,
        session: str,
        connection: str,
        address: str,
        sensor: str,
        first: int,
        web: bool,
        port: int,
    ) -> None:
        self.session, self.connection, self.address, self.sensor = session, connection, address, sensor
        self.first = self.now = first
        self.rows: list[dict[str, Any]] = []
        self.words: set[str] = set()
        self.credentials: set[tuple[str, ...]] = set()
        self._filler = filler
        self._titles: dict[tuple[str, str], dict[str, Any]] = {}
        self._base: dict[str, Any] = {
            "ecs": {"version": "9.2.0"},
            "session": session,
            "source": {"ip": address, "port": port},
            "destination": {"ip": "203.0.113.10", "port": 8042 if web else 11112},
            "network": {
                "transport": "tcp",
                "protocol": "http" if web else "dicom",
                "type": "ipv4",
                "direction": "inbound",
            },
            "observer": {"type": "honeypot", "vendor": "DICOMHawk", "product": "DICOMHawk", "name": sensor},
        }

    def emit(self, action: str, severity: int, **more: dict[str, Any]) -> dict[str, Any]:
        self.now += self._filler.random.randrange(5_000, 1_500_000)
        at = datetime.fromtimestamp(self.now / SECOND, UTC)
        identifier = self._filler.identifier()
        document = {
            "@timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
            **self._base,
            **{name: {**self._base.get(name, {}), **value} for name, value in more.items()},
            "event": {"id": identifier, "action": action, "severity": severity, **more.get("event", {})},
            "honeypot": {"connection": self.connection, **more.get("honeypot", {})},
        }
        row = {
            "id": identifier,
            "moment": self.now,
            "sensor": self.sensor,
            "session": self.session,
            "connection": self.connection,
            "action": action,
            "severity": severity,
            "document": json.dumps(document, separators=(",", ":")),
        }
        self.rows.append(row)
        return row

    def titles(self, rows: Rows, called: str, calling: str, *, accepted: int) -> None:
        self.words.update((called, calling))
        known = self._titles.get((called, calling))
        if known is None:
            rows.add(schema.ae_titles, session=self.session, called=called, calling=calling, accepted=0, rejected=0)
            known = self._titles[called, calling] = rows.of["ae_titles"][-1]
        known["accepted"] += accepted
        known["rejected"] += 1 - accepted


def _ended(draw: random.Random) -> dict[str, dict[str, Any]]:
    return {
        "event": {"reason": "peer-fin", "duration": 1_700_000_000},
        "source": {"bytes": draw.randrange(200, 9000)},
        "destination": {"bytes": draw.randrange(200, 9000)},
    }


def fill(data: Path, events: int, *, seed: int = 7, days: int = 60, addresses: int = 400) -> Path:
    """Make the database of the data folder, with so many events; returns its path."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / "findings.sqlite"
    open_database(f"sqlite:///{path}").dispose()
    filler = Filler(seed, days=days, addresses=addresses)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        waiting: dict[str, list[dict[str, Any]]] = {}
        for number, rows in enumerate(filler.sessions(events)):
            for name, found in rows.of.items():
                waiting.setdefault(name, []).extend(found)
            if number % 2000 == 0:
                _write(connection, waiting)
        _write(connection, waiting)
    connection.close()
    return path


def add(path: Path, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """More rows of a table."""
    with sqlite3.connect(path) as connection:
        _write(connection, {table.name: list(rows)})
    connection.close()


def _write(connection: sqlite3.Connection, waiting: dict[str, list[dict[str, Any]]]) -> None:
    for name, rows in waiting.items():
        if rows:
            columns = list(rows[0])
            marks = ", ".join(f":{column}" for column in columns)
            names = ", ".join(f'"{column}"' for column in columns)
            connection.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", rows)
    waiting.clear()
    connection.commit()
