"""One session's findings: a function of its events, of what is known of its files, and of nothing else.

So that they are the same whenever, and however often, they are made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..evidence.documents import Document
from ..settings import Settings
from . import tables
from .actors import traits_of
from .depth import Depth, depth, is_interaction
from .flood import Flood
from .origin import HostName, Origin, Origins
from .tables import Row
from .tally import Tally, tally
from .techniques import Match, Rules
from .verdict import verdict

Clients = tuple[list[Row], str]
"""As `clients_of` gives them: rows, and the tool's name."""

METHOD = 1
"""Of what is in this package's functions: a database that was made with another is analysed anew."""


class Findings(NamedTuple):
    """Rows of the tables, without the session's identifier where it is the only one."""

    session: Row
    origin: Row
    files: list[Row]
    by_table: dict[str, list[Row]]


class Knowledge:
    """What findings are made with: origins and rules."""

    def __init__(self, settings: Settings) -> None:
        """Raises `SettingsError` for rules or databases of the operator's that can't be used."""
        self.origins = Origins.load(settings.analyst.geo)
        self.rules = Rules.load(settings.analyst.rules)

    @property
    def version(self) -> str:
        """Changes whenever findings may."""
        parts = (METHOD, self.origins.version, self.rules.version)
        return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


class Signals(NamedTuple):
    """What is known of a visitor, from all of its sessions."""

    names: frozenset[HostName] = frozenset()
    """In reverse DNS."""
    user_agents: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()

    def with_clients(self, clients: Sequence[Row]) -> Signals:
        """These, and those that a session's clients (see `clients_of`) add."""
        return Signals(
            self.names,
            self.user_agents.union(row["value"] for row in clients if row["kind"] == "user-agent"),
            self.fingerprints.union(row["value"] for row in clients if row["kind"] == "dfp"),
        )


def analyse(
    events: Sequence[Document],
    clients: Clients,
    files: Mapping[str, dict[str, Any]],
    signals: Signals,
    knowledge: Knowledge,
    flood: Flood | None = None,
) -> Findings:
    """Findings from the events of one session, in the order of their moments and identifiers.

    `clients` are those of the session, `files` has examinations by SHA-256, `signals` are of the visitor. If there
    are too many events to be looked at together, all of them are in `flood`, and `events` are its sample.
    """
    counted = tally(events) if flood is None else flood.counted
    rows, tool = clients
    origin = knowledge.origins.of(
        counted.address,
        names=sorted(signals.names),
        user_agents=sorted(signals.user_agents),
        fingerprints=sorted(signals.fingerprints),
    )
    match = partial(knowledge.rules.match, files=files, origin=origin.tags)
    matches = match(events) if flood is None else flood.matched(match)
    rules = {match.rule for match in matches}
    captured, captured_files = tables.captures(events)
    of_files = (files.get(row["sha256"], {}).get("severity", 0) for row in captured if row["door"] != tables.BODY)
    severity = max([match.severity for match in matches] + list(of_files), default=0)
    reached = depth(counted, rules, severity)
    sentence = verdict(counted, reached, who=origin.who, tool=tool, rules=rules)
    by_table = {
        "techniques": [_technique(match) for match in matches],
        "clients": rows,
        "ae_titles": tables.ae_titles(events if flood is None else flood),
        "credentials": tables.credentials(events if flood is None else flood),
        "captures": captured,
        "lures": tables.lures(events),
        "traits": traits_of(events, origin, rows),
        "words": [{"text": tables.words(events, (origin.operator, origin.network, origin.country, tool))}],
    }
    return Findings(
        session=_session(counted, origin, tool, reached, severity, sentence, len(matches)),
        origin=_origin(counted.address, origin),
        files=captured_files,
        by_table=by_table,
    )


def interest(counted: Tally, reached: Depth, severity: int, techniques: int) -> float:
    """How much a session is worth reading: mostly how deep and how bad, then how much was done."""
    done = min(sum(counted.commands.values()) + counted.requests + counted.associations, 10_000)
    variety = len(+counted.commands) + techniques
    return round(10 * reached + 8 * severity + 5 * min(counted.lures, 3) + min(variety, 20) + done / 1000, 3)


def _session(
    counted: Tally, origin: Origin, tool: str, reached: Depth, severity: int, sentence: str, techniques: int
) -> Row:
    doors = sorted(counted.doors)
    return {
        "session": counted.session,
        "sensor": counted.sensor,
        "address": counted.address,
        "first": counted.first,
        "last": counted.last,
        "ended": counted.ended,
        "doors": json.dumps(doors),
        "events": counted.events,
        "connections": counted.connections,
        "associations": counted.associations,
        "rejected": counted.rejected,
        "requests": counted.requests,
        "commands": json.dumps(dict(sorted((+counted.commands).items()))),
        "matches": counted.matches,
        "objects_sent": counted.objects_sent,
        "objects_received": counted.objects_received,
        "bytes_in": counted.bytes_in,
        "bytes_out": counted.bytes_out,
        **_of_origin(origin),
        "tool": tool,
        "depth": reached.word,
        "rank": int(reached),
        "interaction": is_interaction(reached, counted, severity),
        "severity": severity,
        "verdict": sentence,
        "interest": interest(counted, reached, severity, techniques),
        "stale": False,
    }


def _of_origin(origin: Origin) -> Row:
    """The columns that a visitor's row and those of its sessions have in common."""
    return {
        "category": origin.category,
        "operator": origin.operator,
        "confidence": origin.confidence,
        "country": origin.country,
        "asn": origin.asn,
        "network": origin.network,
    }


def _origin(address: str, origin: Origin) -> Row:
    return {
        "address": address,
        **_of_origin(origin),
        "evidence": json.dumps(list(origin.evidence)),
        "name": origin.name,
        "tags": json.dumps(list(origin.tags)),
    }


def _technique(match: Match) -> Row:
    return {
        "rule": match.rule,
        "name": match.name,
        "severity": match.severity,
        "attack": json.dumps(list(match.attack)),
        "times": match.times,
        "first": match.first,
        "last": match.last,
        "detail": match.detail,
        "evidence": json.dumps(list(match.evidence)),
    }
