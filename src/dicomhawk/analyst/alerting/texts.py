"""What an alert says, as a person would write it, with all that is needed to act.

Everything that came from a stranger is shown with its control characters escaped; what else a receiver gives a
meaning to (HTML, Markdown, CSV) is for the output to escape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ...settings.words import SEVERITIES
from ..depth import Depth
from ..narrative import printable, size
from .clock import day_text, text
from .subjects import Subject
from .triggers import Alarm, Trigger

MAX_LISTED = 10
"""Of techniques, files, credentials, bait and AE titles that a text names."""

_BY_DEPTH = {
    Depth.TOUCH: "connected",
    Depth.SCAN: "looked whether somebody answers",
    Depth.ENUMERATION: "looked for ways in",
    Depth.QUERY: "asked the catalogue, or signed in",
    Depth.COLLECTION: "is reading out the catalogue, or looked at images",
    Depth.EXFILTRATION: "took images away, or had them sent elsewhere",
    Depth.TAMPERING: "left files, or tried to change something",
    Depth.IMPACT: "tried to destroy data or to take the system over",
}
_BY_LURE = {
    "credential": "used a bait credential",
    "ae-title": "used a bait AE title",
    "file": "fetched a bait file",
    "url": "followed a bait address",
    "route": "asked for a bait page",
    "hit": "opened bait that had been taken from here",
    "reused": "came back with what another visitor had been told",
}
_BECAME = {"hit": " (it called)", "reused": " (it came back)"}
_NEXT = {
    "file": "Don't open the files outside a sandbox; look for their hashes on your own systems.",
    "lure": "Find out where the bait had been read: whoever uses it has seen what it lay in. Look for the same"
    " address, user name or token in the logs of your real systems.",
    Depth.TOUCH: "Find out whose address it is. If it is a scanner of yours, put it on the allow-list.",
    Depth.QUERY: "Look for the address in the logs of your real systems; block it there if nobody knows it.",
    Depth.COLLECTION: "Look for the address in the logs of your real PACS, and block it there.",
    Depth.EXFILTRATION: "Block the address on your real systems, and look whether it fetched anything there.",
    Depth.TAMPERING: "Look at the files that were left; look for their hashes and UIDs in your real PACS.",
    Depth.IMPACT: "Block the address on your real systems now, and look for the same calls in their logs.",
}


def title(subject: Subject, trigger: Trigger) -> str:
    """One line: who did what."""
    what: str
    if trigger.kind == "lure":
        what = _BY_LURE.get(trigger.about, f"used bait ({printable(trigger.about, 20)})")
    elif trigger.kind == "technique" and trigger.row is not None:
        named = who(subject)
        named = named[:1].lower() + named[1:] if not subject.is_scanner else named
        return f"{printable(trigger.row.name, 80)} ({trigger.row.rule}) by {named}"
    elif trigger.kind == "file" and trigger.row is not None:
        what = f"left a dangerous file ({printable(trigger.row.type or 'of an unknown type', 40)})"
    else:
        what = _BY_DEPTH[Depth[trigger.about.upper()]]
    return f"{who(subject)} {what}"


def who(subject: Subject) -> str:
    """The visitor, and where it is."""
    session = subject.session
    operator = printable(session.operator, 40)
    known = f"{operator[:1].upper()}{operator[1:]}" if subject.is_scanner and operator else "Somebody unknown"
    where = ", ".join(filter(None, (session.country, "" if subject.is_scanner else operator)))
    return f"{known} at {session.address}" + (f" ({where})" if where else "")


def body(subject: Subject, alarm: Alarm) -> str:
    """All that is known, line by line, and what to do next."""
    return "\n".join(_lines(subject, alarm))


def _lines(subject: Subject, alarm: Alarm) -> Iterator[str]:
    session, trigger = subject.session, alarm.trigger
    yield session.verdict or title(subject, trigger) + "."
    yield ""
    origin = [session.category, printable(session.operator, 60)]
    network = " ".join(filter(None, (f"AS{session.asn}" if session.asn else "", printable(session.network, 60))))
    where = ", ".join(filter(None, (session.country, network)))
    yield f"Who: {session.address}" + (f" ({where})" if where else "")
    confidence = f" (confidence {session.confidence})" if session.confidence else ""
    yield f"Origin: {' / '.join(filter(None, origin))}{confidence}"
    if session.actor:
        yield f"Actor: {session.actor}"
    still = "" if session.ended else ", not ended yet"
    yield f"When: {text(session.first)} to {text(session.last)}{still}"
    yield f"Where: sensor {printable(session.sensor, 64)}, doors {', '.join(_list(session.doors)) or 'unknown'}"
    if session.tool:
        yield f"With: {printable(session.tool, 80)}"
    names = [
        f"{printable(row.calling, 16)} -> {printable(row.called, 16)}"
        for row in subject.titles
        if row.calling or row.called
    ]
    if names:
        yield f"AE titles: {_listed(names)}"
    yield f"How far: {session.depth}"
    for row in sorted(subject.techniques, key=lambda row: (-row.severity, row.rule))[:MAX_LISTED]:
        detail = f": {printable(row.detail, 120)}" if row.detail else ""
        yield f"Technique: {row.rule} {printable(row.name, 80)} ({SEVERITIES[row.severity]}){detail}"
    taken = [f"{session.matches:,} answers to queries"] if session.matches else []
    if session.objects_sent:
        taken.append(f"{session.objects_sent:,} objects")
    if taken and session.bytes_out:
        taken.append(f"{size(session.bytes_out)} in all")
    if taken:
        yield f"Taken: {', '.join(taken)}"
    if subject.captures:
        files = [f"{row.sha256} ({_file(row)})" for row in subject.captures]
        yield f"Left: {_listed(list(dict.fromkeys(files)))}"
    succeeded = [printable(row.username, 40) for row in subject.credentials if row.succeeded]
    if succeeded:
        yield f"Signed in as: {_listed(succeeded)}"
    baits = [f"{printable(row.lure, 60)}{_BECAME.get(row.action, '')}" for row in subject.lures]
    if baits:
        yield f"Bait: {_listed(list(dict.fromkeys(baits)))}"
    yield ""
    yield f"Why: rule {trigger.rule}, {SEVERITIES[trigger.severity]}, since {text(trigger.moment)}."
    yield f"Next: {next_step(trigger)}"
    name = session.session
    yield f"Session: {name} (dicomhawk replay {name}; dicomhawk evidence bundle {name})"


def next_step(trigger: Trigger) -> str:
    """What to do about it."""
    if trigger.kind in ("file", "lure"):
        return _NEXT[trigger.kind]
    return _NEXT[Depth(trigger.rank) if trigger.rank >= Depth.QUERY else Depth.TOUCH]


def facts(subject: Subject, alarm: Alarm) -> str:
    """The same as JSON, for programs."""
    session, trigger = subject.session, alarm.trigger
    return json.dumps(
        {
            "address": session.address,
            "category": session.category,
            "operator": session.operator,
            "confidence": session.confidence,
            "country": session.country,
            "asn": session.asn,
            "network": session.network,
            "sensor": session.sensor,
            "doors": _list(session.doors),
            "tool": session.tool,
            "first": session.first,
            "last": session.last,
            "depth": session.depth,
            "kind": trigger.kind,
            "about": trigger.about,
            "techniques": [row.rule for row in subject.techniques][:100],
            "attack": sorted({name for row in subject.techniques for name in _list(row.attack)})[:100],
            "matches": session.matches,
            "objects_sent": session.objects_sent,
            "objects_received": session.objects_received,
            "bytes_out": session.bytes_out,
            "files": sorted({row.sha256 for row in subject.captures})[:100],
            "lures": sorted({str(row.lure) for row in subject.lures})[:100],
            "next": next_step(trigger),
        }
    )


def digest(rows: Sequence[Any], moment: int, allowed: int) -> tuple[str, str]:
    """Title and text of a digest: alerts that were not sent one by one, and how many were allowed."""
    visitors = len({row.visitor for row in rows})
    noun = "alert" if len(rows) == 1 else "alerts"
    of = "one visitor" if visitors == 1 else f"{visitors:,} visitors"
    lines = [
        f"{len(rows):,} further {noun} of {of} up to {text(moment)}, which were more than is sent one by one:",
        "",
    ]
    for row in rows[: 10 * MAX_LISTED]:
        lines.append(f"- {text(row.moment)} {SEVERITIES[row.severity]}: {row.title} (session {row.session})")
    if len(rows) > 10 * MAX_LISTED:
        lines.append(f"- and {len(rows) - 10 * MAX_LISTED:,} more")
    if allowed:
        lines += ["", f"The allow-list silenced {allowed:,} more in this time."]
    return f"Digest of {day_text(moment)}: {len(rows):,} further {noun} of {of}", "\n".join(lines)


def _file(row: Any) -> str:
    return printable(row.verdict, 100) if row.verdict else size(row.size or 0)


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - MAX_LISTED:,} more" if len(texts) > MAX_LISTED else ""
    return ", ".join(texts[:MAX_LISTED]) + more


def _list(value: str) -> list[str]:
    try:
        found = json.loads(value)
    except ValueError:
        return []
    return [str(one) for one in found] if isinstance(found, list) else []
