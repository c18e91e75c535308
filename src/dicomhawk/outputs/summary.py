"""Sessions as the journal tells them: who came, from when to when, and what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from ..analyst.narrative import printable
from ..evidence.documents import Document as Event
from ..evidence.documents import moment_of, value_at

MAX_NAMES = 16
"""Calling AE titles kept of one session: a scanner may try thousands."""


class SessionSummary(msgspec.Struct, kw_only=True):
    """What is known of a session so far. Moments are RFC 3339 in UTC."""

    session: str
    address: str
    first: str
    last: str
    ended: bool = False
    connections: int = 0
    associations: int = 0
    rejected: int = 0
    calling: list[str] = []
    credentials: int = 0
    protocols: list[str] = []
    """What came that was not the door's protocol."""
    commands: dict[str, int] = {}
    """Counts of ``c-echo``, ``c-find``, ..."""
    matches: int = 0
    objects_sent: int = 0
    objects_received: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Where(NamedTuple):
    """A connection, as its event ``connection.open`` says."""

    connection: str
    segment: str
    offset: int
    us: int


class AmbiguousSession(Exception):
    """More than one session begins so, or none; the message is one sentence for the operator."""


def summaries(events: Iterable[Event]) -> list[SessionSummary]:
    """All sessions in the order of their beginning. Memory grows with the number of sessions only."""
    found: dict[str, SessionSummary] = {}
    for event in events:
        session = event.get("session")
        if session is None:
            continue
        summary = found.get(session)
        if summary is None:
            address, moment = value_at(event, "source.ip") or "", event["@timestamp"]
            summary = found[session] = SessionSummary(session=session, address=address, first=moment, last=moment)
        _add(summary, event)
    return list(found.values())


def events_of(events: Iterable[Event], beginning: str) -> tuple[SessionSummary, list[Event]]:
    """The one session whose identifier begins or ends so, with its events. Raises `AmbiguousSession`."""
    kept: dict[str, list[Event]] = {}
    for event in events:
        session = event.get("session")
        if session is not None and (session.startswith(beginning) or session.endswith(beginning)):
            kept.setdefault(session, []).append(event)
    if not kept:
        raise AmbiguousSession(f"There is no session {beginning}.")
    if len(kept) > 1:
        raise AmbiguousSession(f"{len(kept)} sessions begin or end with {beginning}; give more of it.")
    (of_session,) = kept.values()
    return summaries(of_session)[0], of_session


def doings(summary: SessionSummary) -> str:
    """What was done in a session, in a few words."""
    parts = [f"{name} {count}" for name, count in summary.commands.items()]
    if summary.matches:
        parts.append(f"{summary.matches} matches")
    if summary.objects_sent:
        parts.append(f"{summary.objects_sent} objects fetched")
    if summary.objects_received:
        parts.append(f"{summary.objects_received} objects stored")
    if summary.rejected:
        parts.append(f"rejected {summary.rejected}")
    if summary.credentials:
        parts.append(f"credentials {summary.credentials}")
    parts += [printable(protocol) for protocol in summary.protocols]
    return ", ".join(parts) or "nothing"


def connections(events: Iterable[Event]) -> Iterator[Where]:
    """Where the transcripts of the connections among `events` begin."""
    for event in events:
        if event["event"]["action"] == "connection.open":
            segment, offset = (value_at(event, f"honeypot.transcript.{key}") for key in ("segment", "offset"))
            if segment is not None and offset is not None:
                yield Where(event["honeypot"]["connection"], segment, offset, moment_of(event))


def _add(summary: SessionSummary, event: Event) -> None:
    action = event["event"]["action"]
    if action == "session.end":
        summary.ended = True
        return
    summary.last = max(summary.last, event["@timestamp"])
    if action == "connection.open":
        summary.connections += 1
    elif action == "connection.close":
        summary.bytes_in += value_at(event, "source.bytes") or 0
        summary.bytes_out += value_at(event, "destination.bytes") or 0
    elif action in ("dicom.association", "dicom.association.reject"):
        if action == "dicom.association":
            summary.associations += 1
        else:
            summary.rejected += 1
        summary.credentials += value_at(event, "honeypot.credential") is not None
        _note(summary.calling, value_at(event, "dicom.ae.calling"))
    elif action == "protocol.unknown":
        _note(summary.protocols, value_at(event, "honeypot.protocol"))
    elif action == "web.store":
        summary.objects_received += 1
    elif action.startswith(("dicom.c-", "dicom.n-")):
        _command(summary, event, action.removeprefix("dicom."))


def _command(summary: SessionSummary, event: Event, name: str) -> None:
    if name.endswith(".end"):
        summary.matches += value_at(event, "dicom.query.matches") or 0
        if name == "c-get.end":
            summary.objects_sent += value_at(event, "dicom.suboperations.completed") or 0
    else:
        summary.objects_received += name == "c-store"
        summary.commands = dict(Counter(summary.commands) + Counter({name: 1}))


def _note(names: list[str], name: str | None) -> None:
    if name is not None and name not in names and len(names) < MAX_NAMES:
        names.append(name)
