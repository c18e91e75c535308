"""The old DICOMHawk's simplified logs: three generations of them, told apart line by line.

1. 2024 (github.com/gtheodoridis/DICOMHawk): ``event``, ``msg``, ``IP``, ``Port``, ``session_id`` (none in the very
   first version). It logs "Association requested" for whatever ACSE receives: the release of an association comes
   as a second one from the same address and port, and only then is the client's version known. Only a release is
   logged as an end.
2. 2025 (github.com/honeynet/DICOMHawk): ``request_type``, ``ip``, ``port``; its moments are in Copenhagen's time.
3. 2026 (the same): as 2 with ``channel``, in UTC, with aborts, and connections that never became associations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from ...evidence.fields import MAX_ENTRIES, MAX_STRING
from .connections import Connection, Fields, address_in, query_fields, tag_of
from .lines import Line, Parsed, count_of, moment_at, port_of, text_of

PRODUCT = "dicomhawk-legacy"
SILENCE_US = 120 * 1_000_000
"""Without a release, another request from the same port is of a new connection after this time: pynetdicom ends
an association after 60 s without a byte."""

_COPENHAGEN = ZoneInfo("Europe/Copenhagen")
_ELEMENT = re.compile(
    r"\((?P<group>[0-9a-fA-F]{4}), ?(?P<element>[0-9a-fA-F]{4})\) .{0,200}? [A-Z]{2}: (?P<value>.*)"
)
"""An element as pydicom prints it."""
_UID = re.compile(r"[0-9.]{1,64}")
_NONE = ("", "N/A")
_COMMANDS = ("C-ECHO", "C-FIND", "C-GET", "C-MOVE", "C-STORE")
_HOUSEKEEPING = ("Created fake DICOM file", "Failed to read DICOM file")


def read(line: Line) -> Parsed | None:
    """A line with its moment; None for one that tells of no visitor."""
    if "request_type" in line:
        zone = {} if "channel" in line else {"zone": _COPENHAGEN}
        if text_of(line, "channel") not in ("", "DIMSE"):
            return None
        return moment_at(line["timestamp"], **zone), line
    if text_of(line, "event") in _HOUSEKEEPING:
        return None
    if not isinstance(line["msg"], str):
        raise TypeError("a line without a message")
    return moment_at(line["timestamp"]), line


def connections(lines: Iterable[Parsed]) -> tuple[list[Connection], int, int]:
    """The connections of a log; how many lines aren't of this format, and how many are of connections whose
    beginning isn't there."""
    book = _Book()
    for moment, line in sorted(lines, key=lambda parsed: parsed[0]):
        if "request_type" in line:
            _later(book, moment, line)
        else:
            _first(book, moment, line)
    return book.found, book.wrong, book.orphans


class _Book:
    """The connections so far, by what a line may name: a session, or the visitor's address and port."""

    def __init__(self) -> None:
        self.found: list[Connection] = []
        self.wrong = self.orphans = 0
        self._by_session: dict[str, Connection] = {}
        self._by_peer: dict[tuple[str, int | None], Connection] = {}

    def open(self, moment: int, line: Line, *, address: str, session: str) -> Connection | None:
        """The connection that a request for an association is of: a new one, unless it is still open."""
        try:
            peer = address_in(address), port_of(line, "Port", "port")
        except ValueError:
            self.wrong += 1
            return None
        known = self._by_peer.get(peer)
        if known is not None and known.closed is None and moment - known.last <= SILENCE_US:
            self._by_session[session] = known
            return known
        connection = Connection(session or f"{peer[0]}:{peer[1]}", *peer, moment, port_of(line, "local_port"))
        connection.last = moment
        self.found.append(connection)
        self._by_session[session] = self._by_peer[peer] = connection
        return connection

    def of(self, session: str) -> Connection | None:
        """The connection of a session; without a name, the last one."""
        connection = self._by_session.get(session) if session else self.found[-1] if self.found else None
        if connection is None:
            self.orphans += 1
        return connection


def _first(book: _Book, moment: int, line: Line) -> None:
    told, session = text_of(line, "event"), text_of(line, "session_id")
    if told == "Association requested":
        connection = book.open(moment, line, address=text_of(line, "IP"), session=session)
        if connection is None:
            return
        if not connection.steps:
            connection.add(moment, "dicom.association", event__outcome="success")
        connection.last = max(connection.last, moment)
        return
    connection = book.of(session)
    if connection is None:
        return
    connection.last = max(connection.last, moment)
    if told == "Association released":
        _released(connection, moment)
    elif line["msg"] == "Client":
        _version(connection, text_of(line, "Version"))
    elif line["msg"] == "C-FIND Search result":
        connection.add(
            moment, "dicom.c-find.end", dicom__query__matches=count_of(line, "Matches"), event__outcome="success"
        )
    elif line["msg"] == "Received":
        _first_command(connection, moment, line)


def _first_command(connection: Connection, moment: int, line: Line) -> None:
    command = text_of(line, "Command")
    if command not in _COMMANDS:
        return
    elements = _elements(line.get("dataset" if command == "C-STORE" else "identifier"))
    step = connection.add(moment, f"dicom.{command.lower()}")
    if command in ("C-ECHO", "C-STORE"):
        step.fields["event.outcome"] = "success"
    if command == "C-STORE":
        step.fields.update(_stored(elements.get("00080016", ""), elements.get("00080018", "")))
    elif command != "C-ECHO":
        step.fields.update(query_fields(elements))


def _later(book: _Book, moment: int, line: Line) -> None:
    told, session = text_of(line, "request_type"), text_of(line, "session_id")
    if told in ("Connection Opened", "Association Requested"):
        connection = book.open(moment, line, address=text_of(line, "ip"), session=session)
        if connection is not None and told == "Association Requested":
            connection.add(moment, "dicom.association", event__outcome="success")
            _version(connection, text_of(line, "version"))
        return
    connection = book.of(session)
    if connection is None:
        return
    connection.last = max(connection.last, moment)
    _version(connection, text_of(line, "version"))
    command = told.replace("_", "-")
    if told == "Association Released":
        _released(connection, moment)
    elif told == "Association Aborted":
        connection.add(moment, "dicom.abort")
        connection.close(moment)
    elif command in _COMMANDS:
        _later_command(connection, moment, command, line)


def _later_command(connection: Connection, moment: int, command: str, line: Line) -> None:
    action = f"dicom.{command.lower()}"
    status = re.search(r"\((0x[0-9A-F]{4})\)", text_of(line, "status"))
    told = _parameters(line.get("session_parameters"))
    matches = count_of(line, "matches")
    end: Fields = {"dicom.status": status[1] if status else None}
    if status:
        end["event.outcome"] = "success" if status[1] == "0x0000" else "failure"
    step = connection.add(moment, action)
    if command in ("C-ECHO", "C-STORE"):
        step.fields.update(end)
        if command == "C-STORE":
            step.fields.update(_stored("", told.get("SOPInstanceUID", "")))
        return
    level = text_of(line, "query_level")
    asked = {tag_of(keyword): value for keyword, value in told.items() if tag_of(keyword) != keyword}
    step.fields.update(query_fields(asked, "" if level in _NONE else level))
    step.fields["dicom.move.destination"] = told.get("Destination")
    if command == "C-FIND" and matches is not None:
        end["dicom.query.matches"] = matches
    elif command == "C-GET" and matches is not None:
        end["dicom.suboperations.completed"] = matches
    connection.add(moment, f"{action}.end").fields.update(end)


def _released(connection: Connection, moment: int) -> None:
    connection.add(moment, "dicom.release", dicom__release__by="peer")
    connection.close(moment)


def _version(connection: Connection, version: str) -> None:
    for step in connection.steps:
        if step.action == "dicom.association" and version not in _NONE:
            step.fields.setdefault("dicom.implementation.version", version)


def _elements(value: Any) -> dict[str, str]:
    """The elements of a data set as pydicom prints them: by tag, or one in a line."""
    lines = value.splitlines() if isinstance(value, str) else value.values() if isinstance(value, dict) else ()
    found: dict[str, str] = {}
    for text in lines:
        match = _ELEMENT.match(text[: 2 * MAX_STRING]) if isinstance(text, str) else None
        if match is not None and len(found) < MAX_ENTRIES:
            found[f"{match['group']}{match['element']}".upper()] = match["value"].strip().strip("'")[:MAX_STRING]
    return found


def _parameters(value: Any) -> dict[str, str]:
    """What a query asked for: ``Keyword: value``, one or a list; ``Requested: A, B`` are keys without a value."""
    told: dict[str, str] = {}
    for text in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
        name, colon, rest = text.partition(": ") if isinstance(text, str) else ("", "", "")
        if not colon or len(told) >= MAX_ENTRIES:
            continue
        if name == "Requested":
            told.update((keyword.strip()[:MAX_STRING], "") for keyword in rest.split(",")[:MAX_ENTRIES])
        else:
            told[name[:MAX_STRING]] = rest[:MAX_STRING]
    return told


def _stored(sop_class: str, sop_instance: str) -> Fields:
    return {
        "dicom.sop.class_uid": sop_class if _UID.fullmatch(sop_class) else None,
        "dicom.sop.instance_uid": sop_instance or None,
    }
