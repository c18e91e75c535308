"""What a data set has: its tables and their columns, with what they mean. Nothing else is ever written."""

from __future__ import annotations

from typing import Literal, NamedTuple

Type = Literal["string", "integer", "boolean"]


class Column(NamedTuple):
    """One column."""

    name: str
    type: Type
    meaning: str


class Table(NamedTuple):
    """One file."""

    name: str
    meaning: str
    columns: tuple[Column, ...]


_SESSION = Column("session", "string", "Pseudonym of the session.")
_TIMES = Column("times", "integer", "How often.")
_START = "Moment (UTC), as coarse as the card says."

SESSIONS = Table(
    "sessions",
    "All connections of a visitor to a sensor with no gap longer than 30 minutes.",
    (
        _SESSION,
        Column("sensor", "string", "Pseudonym of the sensor."),
        Column("visitor", "string", "Pseudonym of the source address."),
        Column("network", "string", "Pseudonym of its /24 (IPv6: /48), where the card says so; else empty."),
        Column("actor", "string", "Pseudonym of the actor it was attributed to; empty: none."),
        Column("start", "string", _START),
        Column("duration", "integer", "Seconds; to one digit, where moments are coarse."),
        Column("category", "string", "Of the origin."),
        Column("operator", "string", "The organisation behind the address, where it is known to scan."),
        Column("country", "string", "ISO 3166 code; empty: not known, or rare."),
        Column("asn", "integer", "Autonomous system; absent: not known, or rare."),
        Column("client", "string", "The program, by its fingerprint or by its own words."),
        Column("protocols", "string", "Of the doors, with blanks between."),
        Column("depth", "string", "How far it went: touch, scan, enumeration, query, collection, exfiltration, "
               "tampering, impact."),
        Column("interaction", "boolean", "False: a scan."),
        Column("severity", "integer", "0 info to 4 critical."),
        Column("events", "integer", "Events on record."),
        Column("connections", "integer", "TCP connections."),
        Column("associations", "integer", "DICOM associations that were accepted."),
        Column("rejected", "integer", "DICOM associations that were not."),
        Column("requests", "integer", "HTTP requests."),
        Column("matches", "integer", "Answers to queries."),
        Column("objects_sent", "integer", "Instances that the visitor got."),
        Column("objects_received", "integer", "Files that the visitor left."),
        Column("logins", "integer", "User names and passwords that were tried."),
        Column("logins_accepted", "integer", "Of them, those that were let in."),
        Column("bytes_in", "integer", "Bytes received."),
        Column("bytes_out", "integer", "Bytes sent."),
    ),
)  # fmt: skip
TECHNIQUES = Table(
    "techniques",
    "What rules recognised in a session.",
    (
        _SESSION,
        Column("rule", "string", "Of the shipped rules; `own` for the operator's."),
        Column("severity", "integer", "0 info to 4 critical."),
        Column("attack", "string", "MITRE ATT&CK identifiers, with blanks between."),
        _TIMES,
    ),
)
AE_TITLES = Table(
    "ae_titles",
    "AE titles that were tried.",
    (
        _SESSION,
        Column("called", "string", "Called AE title."),
        Column("calling", "string", "Calling AE title."),
        _TIMES,
    ),
)
CLIENTS = Table(
    "clients",
    "Fingerprints and user agents.",
    (
        _SESSION,
        Column("kind", "string", "dfp, ja3, ja4, user-agent or browser."),
        Column("value", "string", "The fingerprint, or the user agent."),
        _TIMES,
    ),
)
PATHS = Table(
    "paths",
    "What was asked for over the web, without queries; {} stands for what may be a value.",
    (_SESSION, Column("method", "string", "HTTP method."), Column("path", "string", "Path."), _TIMES),
)
FILES = Table(
    "files",
    "Files that were left.",
    (
        _SESSION,
        Column("file", "string", "Pseudonym of its content."),
        Column("door", "string", "dicom, web or body."),
        Column("size", "integer", "Bytes."),
        Column("severity", "integer", "0 info to 4 critical: what was found in it."),
        Column("findings", "string", "Identifiers of what was found, with blanks between."),
    ),
)
LURES = Table(
    "lures",
    "Bait that was taken.",
    (_SESSION, Column("action", "string", "taken, hit (opened elsewhere) or reused (by another visitor)."), _TIMES),
)
ALL = (SESSIONS, TECHNIQUES, AE_TITLES, CLIENTS, PATHS, FILES, LURES)
