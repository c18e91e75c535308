"""dicompot's log (github.com/nsmfoo/dicompot): logrus' JSON, and the same as T-Pot's Logstash renames it.

A connection has an ``ID`` in all of its lines; before October 2020 there was none, and a line then belongs to the
connection that was opened last. Its DIMSE lines come when the answers are sent, with what was asked for before
them (C-FIND, C-GET) or behind them (C-MOVE). AE titles are in the log only where they are enforced, search keys
only where they have a value other than ``STUDY``, and data sets never.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...evidence.fields import MAX_ENTRIES
from ...evidence.session import GAP_US
from .connections import QUERY_LEVEL, Connection, Fields, address_in, query_fields, tag_of
from .lines import Line, Parsed, count_of, moment_at, port_of, text_of

PRODUCT = "dicompot"
_RENAMED = {
    "id": "ID",
    "src_ip": "IP",
    "src_port": "Port",
    "aetitle": "AETitle",
    "input": "Command",
    "files": "Files",
    "identifier": "Identifier",
    "matches": "Matches",
    "session": "Status",
    "version": "Version",
}
"""T-Pot's names for dicompot's fields."""
_STARTUP = "Invalid IP address, please try again"


def read(line: Line) -> Parsed | None:
    """A line by dicompot's own names; None for one of another honeypot in the same export."""
    source = line.get("_source")
    if isinstance(source, dict):
        line = source
    if "time" not in line:
        if line.get("type", "Dicompot") != "Dicompot":
            return None
        stamp = line["@timestamp"]
        line = {_RENAMED.get(key, key): value for key, value in line.items() if key not in _RENAMED.values()}
    else:
        stamp = line["time"]
    if not isinstance(line["msg"], str):
        raise TypeError("a line without a message")
    return (moment_at(stamp), line) if line["msg"] != _STARTUP else None


def connections(lines: Iterable[Parsed]) -> tuple[list[Connection], int, int]:
    """The connections of a log; how many lines aren't dicompot's, and how many are of connections whose beginning
    isn't there."""
    # An export is in no order; the log itself has whole seconds, in which its own order is kept.
    ordered = sorted(lines, key=lambda parsed: (parsed[0], _rank(parsed[1])))
    opened: dict[str, Connection] = {}
    found: list[Connection] = []
    wrong = orphans = 0
    for moment, line in ordered:
        key = text_of(line, "ID")
        if line["msg"] == "Connection from":
            connection = _opened(moment, key, line)
            if connection is None:
                wrong += 1
                continue
            found.append(connection)
            opened[key] = connection
        elif key in opened:
            _step(opened[key], moment, line)
        else:
            orphans += 1
    newest = max((connection.last for connection in found), default=0)
    for connection in found:
        if newest - connection.last > GAP_US:  # else the log may say more of it when it is read again
            _settle(connection, connection.last)
    return found, wrong, orphans


def _rank(line: Line) -> int:
    if line["msg"] == "Connection from":
        return 0
    return 2 if text_of(line, "Status") else 1


def _opened(moment: int, key: str, line: Line) -> Connection | None:
    address, _, port = text_of(line, "Address").rpartition(":")
    try:
        peer = address_in(text_of(line, "IP") or address.strip("[]"))
    except ValueError:  # dicompot cuts an IPv6 address at its first colon
        return None
    number = port_of(line, "Port") if "Port" in line else port_of({"port": port}, "port")
    return Connection(key or f"{peer}:{number}", peer, number, moment, last=moment)


def _step(connection: Connection, moment: int, line: Line) -> None:
    pending = connection.pending
    message = line["msg"]
    connection.last = max(connection.last, moment)
    if text_of(line, "ID"):
        pending["level"] = "STUDY"
    if message == "C-FIND Search":
        keys = pending.setdefault("keys", {})
        if len(keys) < MAX_ENTRIES:
            keys[tag_of(text_of(line, "Type"))] = text_of(line, "Term")
    elif message == "C-FIND Search result":
        pending["matches"] = count_of(line, "Matches")
        if "move" in pending:
            _settle(connection, moment)
    elif message == "C-STORE received":
        _settle(connection, moment)
        connection.add(moment, "dicom.c-store", event__outcome="failure")
    elif "Version" in line:
        connection.add(
            moment,
            "dicom.association",
            dicom__ae__called=pending.pop("called", None),
            dicom__ae__calling=pending.pop("calling", None),
            dicom__implementation__version=text_of(line, "Version") or None,
            event__outcome="success",
        )
    elif "Identifier" in line:
        pending["calling"] = text_of(line, "Identifier") or None
    elif "AETitle" in line and text_of(line, "level") == "error":
        connection.add(
            moment,
            "dicom.association.reject",
            dicom__ae__called=text_of(line, "AETitle") or None,
            dicom__reject__result=1,
            dicom__reject__source=2,
            dicom__reject__reason=2,
        )
    elif "AETitle" in line:
        pending["called"] = text_of(line, "AETitle")
    elif "Command" in line:
        _command(connection, moment, text_of(line, "Command"), line)
    elif "Status" in line:
        _settle(connection, moment)
        connection.close(moment)


def _command(connection: Connection, moment: int, command: str, line: Line) -> None:
    pending = connection.pending
    if "move" in pending or command == "C-MOVE":
        _settle(connection, moment)
    if command == "C-ECHO":
        connection.add(moment, "dicom.c-echo", event__outcome="success")
    elif command == "C-MOVE":
        pending["move"] = True
    elif command in ("C-FIND", "C-GET"):
        action = f"dicom.{command.lower()}"
        connection.add(moment, action).fields.update(_asked(connection))
        end = connection.add(moment, f"{action}.end", event__outcome="success")
        matches = pending.pop("matches", None)
        if command == "C-FIND":
            end.fields["dicom.query.matches"] = matches
        else:
            end.fields["dicom.suboperations.completed"] = count_of(line, "Files")


def _settle(connection: Connection, moment: int) -> None:
    """What was pending is told now: nothing more is said of it."""
    pending = connection.pending
    told, matches = "keys" in pending, pending.pop("matches", None)
    if pending.pop("move", False):
        connection.add(moment, "dicom.c-move").fields.update(_asked(connection))
    elif told or matches is not None:
        # The visitor left before the answers were sent: whether it was a C-FIND or a C-GET isn't in the log.
        connection.add(moment, "dicom.c-find").fields.update(_asked(connection))
        if matches is not None:
            connection.add(moment, "dicom.c-find.end", dicom__query__matches=matches)
    called, calling = pending.pop("called", None), pending.pop("calling", None)
    if called is not None or calling is not None:
        connection.add(moment, "dicom.association.reject", dicom__ae__called=called, dicom__ae__calling=calling)


def _asked(connection: Connection) -> Fields:
    """What a query asked for. Since connections have an ``ID``, a key with the value ``STUDY`` isn't in the log, so
    that a query whose level isn't there was of studies."""
    keys = connection.pending.pop("keys", {})
    return query_fields(keys, keys.get(QUERY_LEVEL) or connection.pending.get("level", ""))
