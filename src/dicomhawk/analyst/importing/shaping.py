"""Connections of another honeypot's log as events of ours.

Identifiers come from the connection that a line tells of and which of its lines it is, not from the file that it
stands in: the same log gives the same events, also after it was rotated, or again with more lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from ...evidence import ecs
from ...evidence.documents import Document
from ...evidence.fields import Kind
from ...evidence.session import GAP_US
from ...evidence.stamps import base32, rfc3339
from .connections import Connection, Fields, Step

_KINDS: dict[str, Kind] = {kind.kind.action: kind.kind for kind in ecs.catalogue()}
_FOLLOWING = ("dicom.ae.called", "dicom.ae.calling", "dicom.implementation.version")
"""Repeated in every later event of a connection, as in our journal."""
_SEQUENCES = (1 << 16) - 1


class _Source(NamedTuple):
    """What all events of an import have in common."""

    product: str
    sensor: str
    port: int

    def digest(self, *parts: object) -> int:
        words = "\0".join(map(str, (self.product, self.sensor, *parts)))
        return int.from_bytes(hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=16).digest(), "big")


class _Session:
    def __init__(self, source: _Source, first: Connection) -> None:
        self.address = first.address
        self.first = self.last = first.opened
        self.connections = 0
        drawn = source.digest("session", first.key, first.address, first.opened)
        self.name = (base32(first.opened // 1000, 10) + base32(drawn & (1 << 30) - 1, 6)).decode()


def shaped(connections: list[Connection], *, product: str, sensor: str, port: int) -> Iterator[Document]:
    """The events of `connections`, in the order of time, as ECS documents. `port`: our side's, where a connection
    doesn't say."""
    source = _Source(product, sensor, port)
    for _, events in sorted(_by_moment(connections, source), key=lambda item: item[0]):
        yield events.document()


class _Pending(NamedTuple):
    """An event to be: made only when its turn comes."""

    source: _Source
    session: _Session
    connection: Connection | None
    name: str
    """The connection's identifier."""
    identifier: str
    sequence: int
    step: Step
    duration: int | None
    following: Fields

    def document(self) -> Document:
        kind = _KINDS[self.step.action]
        module = self.step.action.partition(".")[0]
        address = self.session.address
        event: dict[str, Any] = {
            "id": self.identifier,
            "sequence": self.sequence,
            "kind": "event",
            "action": self.step.action,
            "category": list(kind.category),
            "type": list(kind.type),
            "module": module,
            "dataset": f"honeypot.{module}",
            "provider": "import",
            "severity": kind.severity,
        }
        if self.duration is not None:
            event["duration"] = self.duration
        document: Document = {
            "@timestamp": rfc3339(self.step.moment),
            "event": event,
            "session": self.session.name,
            "source": {"ip": address},
            "related": {"ip": [address]},
            "observer": {
                "type": "honeypot",
                "vendor": self.source.product,
                "product": self.source.product,
                "name": self.source.sensor,
            },
            "ecs": {"version": ecs.VERSION},
        }
        connection = self.connection
        if connection is not None:
            if connection.port is not None:
                document["source"]["port"] = connection.port
            document["destination"] = {"port": connection.local_port or self.source.port}
            document["network"] = {
                "transport": "tcp",
                "protocol": "dicom",
                "type": "ipv6" if ":" in address else "ipv4",
                "direction": "inbound",
            }
            document["honeypot"] = {"connection": self.name}
        for path, value in {**self.following, **self.step.fields}.items():
            if value is not None:
                _plant(document, path, value)
        return document


def _by_moment(connections: list[Connection], source: _Source) -> Iterator[tuple[tuple[int, str], _Pending]]:
    sessions: dict[str, _Session] = {}
    newest = 0
    for connection in sorted(connections, key=lambda one: (one.opened, one.key)):
        newest = max(newest, connection.last)
        session = sessions.get(connection.address)
        if session is None or connection.opened - session.last > GAP_US:
            if session is not None:
                yield _of_session(source, session, "session.end")
            session = sessions[connection.address] = _Session(source, connection)
            yield _of_session(source, session, "session.start")
        session.connections += 1
        session.last = max(session.last, connection.last)
        yield from _of_connection(source, session, connection)
    for session in sessions.values():
        if newest - session.last > GAP_US:
            yield _of_session(source, session, "session.end")


def _of_session(source: _Source, session: _Session, action: str) -> tuple[tuple[int, str], _Pending]:
    fields: Fields = {}
    at, duration = session.first, None
    if action == "session.end":
        at, duration = session.last + GAP_US, (session.last - session.first) * 1000
        fields = {
            "event.start": rfc3339(session.first),
            "event.end": rfc3339(session.last),
            "honeypot.connections": session.connections,
        }
    identifier = _ulid(at, 0, source.digest(action, session.name))
    return (at, identifier), _Pending(
        source, session, None, "", identifier, 0, Step(at, action, fields), duration, {}
    )


def _of_connection(
    source: _Source, session: _Session, connection: Connection
) -> Iterator[tuple[tuple[int, str], _Pending]]:
    steps = [Step(connection.opened, "connection.open", {}), *sorted(connection.steps, key=lambda step: step.moment)]
    if connection.closed is not None:
        steps.append(Step(connection.closed, "connection.close", {}))
    name = _connection_id(source, connection)
    following: Fields = {}
    for sequence, step in enumerate(steps, 1):
        # What a step says isn't part of it: a longer log may say more of the same step.
        drawn = source.digest(connection.key, connection.address, connection.opened, sequence, step.action)
        identifier = _ulid(step.moment, sequence, drawn)
        duration = (step.moment - connection.opened) * 1000 if step.action == "connection.close" else None
        yield (
            (step.moment, identifier),
            _Pending(source, session, connection, name, identifier, sequence, step, duration, following),
        )
        if step.action in ("dicom.association", "dicom.association.reject"):
            following = {path: step.fields[path] for path in _FOLLOWING if step.fields.get(path)}


def _ulid(moment: int, sequence: int, drawn: int) -> str:
    """Identifiers of one millisecond are in the order of their connection's events: logs have whole seconds."""
    low = min(sequence, _SEQUENCES) << 64 | drawn & (1 << 64) - 1
    return (base32(moment // 1000, 10) + base32(low, 16)).decode()


def _connection_id(source: _Source, connection: Connection) -> str:
    return _ulid(
        connection.opened, 0, source.digest("connection", connection.key, connection.address, connection.opened)
    )


def _plant(document: Document, path: str, value: Any) -> None:
    *parents, leaf = path.split(".")
    at = document
    for parent in parents:
        at = at.setdefault(parent, {})
    at[leaf] = value
