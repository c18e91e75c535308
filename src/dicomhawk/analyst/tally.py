"""What was counted in one session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from ..evidence.documents import Document, moment_of, number_at, text_at

MAX_DOORS = 64
"""Doors named of one session: a deployment has a handful, a journal from elsewhere may say anything."""
MAX_PATHS = 4096
"""Different paths counted of one session."""


class Tally(msgspec.Struct, kw_only=True):
    """Counts of one session. Moments are microseconds since the epoch."""

    session: str = ""
    sensor: str = ""
    address: str = ""
    first: int = 0
    last: int = 0
    ended: bool = False
    events: int = 0
    connections: int = 0
    associations: int = 0
    rejected: int = 0
    requests: int = 0
    commands: Counter[str] = msgspec.field(default_factory=Counter)
    """``c-echo``, ``c-find``, ..., and ``query``, ``retrieve``, ``store``, ``change`` on the web."""
    matches: int = 0
    most_matches: int = 0
    """Of one query."""
    objects_sent: int = 0
    pictures: int = 0
    """Images, headers and reports that were looked at on the web."""
    objects_received: int = 0
    moves: int = 0
    logins: int = 0
    logins_succeeded: int = 0
    changes: Counter[str] = msgspec.field(default_factory=Counter)
    """Calls that would have changed something, by name."""
    lures: int = 0
    """Bait that was used, called or came back, but for fake routes."""
    routes: int = 0
    """Fake routes that were asked for, as every sprayer of paths does."""
    violations: int = 0
    handshakes: int = 0
    """Of TLS."""
    protocols: Counter[str] = msgspec.field(default_factory=Counter)
    """What came that was not the door's protocol."""
    calling: dict[str, int] = msgspec.field(default_factory=dict)
    called: dict[str, int] = msgspec.field(default_factory=dict)
    paths: set[str] = msgspec.field(default_factory=set)
    bytes_in: int = 0
    bytes_out: int = 0
    doors: dict[str, int] = msgspec.field(default_factory=dict)


def tally(events: Iterable[Document]) -> Tally:
    """Count what is in `events`: those of one session, in order."""
    found = Tally()
    for event in events:
        count(found, event)
    return found


def count(found: Tally, event: Document) -> None:
    """Count one more event of the session."""
    found.events += 1
    action = event["event"]["action"]
    add = _BY_ACTION.get(action)
    if add is not None:
        add(found, event)
    if action == "session.end":
        found.ended = True
        return  # written when somebody noticed
    at = moment_of(event)
    found.first = min(found.first or at, at)
    found.last = max(found.last, at)
    if not found.session:
        found.session = event.get("session") or ""
        found.sensor = text_at(event, "observer.name")
        found.address = text_at(event, "source.ip")


def _opened(found: Tally, event: Document) -> None:
    found.connections += 1
    protocol = text_at(event, "network.protocol") or text_at(event, "network.transport")
    door = f"{protocol}:{number_at(event, 'destination.port')}"
    if len(found.doors) < MAX_DOORS or door in found.doors:
        found.doors[door] = found.doors.get(door, 0) + 1


def _closed(found: Tally, event: Document) -> None:
    found.bytes_in += number_at(event, "source.bytes")
    found.bytes_out += number_at(event, "destination.bytes")


def _associated(found: Tally, event: Document) -> None:
    found.associations += 1
    _titles(found, event)


def _rejected(found: Tally, event: Document) -> None:
    found.rejected += 1
    _titles(found, event)


def _titles(found: Tally, event: Document) -> None:
    for names, path in ((found.calling, "dicom.ae.calling"), (found.called, "dicom.ae.called")):
        title = text_at(event, path)
        names[title] = names.get(title, 0) + 1


def _unknown(found: Tally, event: Document) -> None:
    found.protocols[text_at(event, "honeypot.protocol") or "unknown"] += 1


def _requested(found: Tally, event: Document) -> None:
    found.requests += 1
    if len(found.paths) < MAX_PATHS:
        found.paths.add(text_at(event, "url.path") or text_at(event, "url.original"))


def _login(found: Tally, event: Document) -> None:
    found.logins += 1
    found.logins_succeeded += text_at(event, "event.outcome") == "success"


def _queried(found: Tally, event: Document) -> None:
    found.commands["query"] += 1
    _answered(found, event)


def _answered(found: Tally, event: Document) -> None:
    matches = number_at(event, "dicom.query.matches")
    found.matches += matches
    found.most_matches = max(found.most_matches, matches)


def _retrieved(found: Tally, event: Document) -> None:
    found.commands["retrieve"] += 1
    if text_at(event, "event.outcome") == "failure":
        return
    if text_at(event, "honeypot.web.what") in WHOLE:
        found.objects_sent += max(1, number_at(event, "honeypot.web.instances"))
    else:
        found.pictures += 1


WHOLE = frozenset(("file", "archive", "media"))
"""What `web.retrieve` calls objects that are sent as they are, in contrast to pictures and parts of them."""


def _web_stored(found: Tally, event: Document) -> None:
    found.commands["store"] += 1
    found.objects_received += 1


def _stored(found: Tally, event: Document) -> None:
    found.commands["c-store"] += 1
    found.objects_received += 1


def _changed(found: Tally, event: Document) -> None:
    found.commands["change"] += 1
    found.changes[text_at(event, "honeypot.web.call")] += 1


def _got(found: Tally, event: Document) -> None:
    found.objects_sent += number_at(event, "dicom.suboperations.completed")


def _moved(found: Tally, event: Document) -> None:
    found.moves += number_at(event, "dicom.suboperations.completed")


def _lured(found: Tally, event: Document) -> None:
    if event["event"]["action"] == "lure.taken" and text_at(event, "honeypot.lure.kind") == "route":
        found.routes += 1
    else:
        found.lures += 1


def _shook_hands(found: Tally, event: Document) -> None:
    found.handshakes += 1


def _violated(found: Tally, event: Document) -> None:
    # The command itself is on record before it: that it isn't taken from this visitor is no fault of the visitor's.
    found.violations += text_at(event, "dicom.violation.quirk") != "command-refused"


def _other_command(found: Tally, event: Document) -> None:
    name = text_at(event, "dicom.command.name").removesuffix("-RQ").lower()
    found.commands[name if name in _REFUSED else "n-command"] += 1


_REFUSED = frozenset(("c-find", "c-get", "c-move"))
"""Commands that an archive takes from those whom it knows only: whoever sent one has asked for patients."""


def _command(name: str) -> Callable[[Tally, Document], None]:
    def add(found: Tally, event: Document) -> None:
        found.commands[name] += 1

    return add


_BY_ACTION: dict[str, Callable[[Tally, Document], None]] = {
    "connection.open": _opened,
    "connection.close": _closed,
    "dicom.association": _associated,
    "dicom.association.reject": _rejected,
    "protocol.unknown": _unknown,
    "tls.handshake": _shook_hands,
    "dicom.violation": _violated,
    "http.malformed": _violated,
    "http.request": _requested,
    "http.login": _login,
    "web.query": _queried,
    "web.retrieve": _retrieved,
    "web.store": _web_stored,
    "web.change": _changed,
    "dicom.c-store": _stored,
    "dicom.c-find.end": _answered,
    "dicom.c-get.end": _got,
    "dicom.c-move.end": _moved,
    "lure.taken": _lured,
    "lure.hit": _lured,
    "lure.reused": _lured,
    "dicom.n-command": _other_command,
} | {
    f"dicom.{name}": _command(name)
    for name in (
        "c-echo", "c-find", "c-get", "c-move", "c-cancel",
        "n-create", "n-set", "n-action", "n-event-report",
    )
}  # fmt: skip
