"""The Common Event Format, version 0 (ArcSight CEF implementation standard, rev. 26)."""

from __future__ import annotations

from .... import __version__
from ....analyst.narrative import printable, sentence
from ....evidence.documents import moment_of, value_at
from ..base import Record

MAX_VALUE = 1023
"""Characters of most extension fields; the standard's limit for those that are longer isn't needed."""
_SEVERITIES = (1, 3, 5, 8, 10)
"""Of 0 to 10: low to 3, medium to 6, high to 8, very high from 9."""

_FIELDS = (
    ("externalId", "event.id"),
    ("act", "event.action"),
    ("src", "source.ip"),
    ("spt", "source.port"),
    ("dst", "destination.ip"),
    ("dpt", "destination.port"),
    ("proto", "network.transport"),
    ("app", "network.protocol"),
    ("suser", "honeypot.credential.username"),
    ("outcome", "event.outcome"),
    ("reason", "event.reason"),
    ("requestMethod", "http.request.method"),
    ("request", "url.original"),
    ("requestClientApplication", "user_agent.original"),
    ("fname", "file.name"),
    ("fsize", "file.size"),
    ("fileHash", "file.hash.sha256"),
    ("in", "source.bytes"),
    ("out", "destination.bytes"),
    ("dvchost", "observer.name"),
    ("cs1", "session"),
    ("cs2", "dicom.ae.calling"),
    ("cs3", "dicom.ae.called"),
    ("cs4", "rule.id"),
    ("cs5", "threat.technique.id"),
    ("cs6", "honeypot.intel.category"),
    ("cn1", "dicom.query.matches"),
)
_LABELS = {
    "cs1": "session",
    "cs2": "callingAETitle",
    "cs3": "calledAETitle",
    "cs4": "rules",
    "cs5": "attackTechniques",
    "cs6": "category",
    "cn1": "matches",
}


def cef(record: Record, limit: int) -> bytes:
    """One line in UTF-8, of at most `limit` bytes; fields at the end are left out for that."""
    document = record.document
    action = str(value_at(document, "event.action"))
    message = value_at(document, "message")
    told = printable(message, MAX_VALUE) if isinstance(message, str) else sentence(document)
    head = "|".join(
        _header(part)
        for part in (
            "CEF:0",
            "DICOMHawk",
            "dicomhawk",
            __version__,
            action,
            action if record.kind == "events" else told[:200],
            str(_SEVERITIES[record.severity]),
        )
    )
    line = f"{head}|rt={moment_of(document) // 1000}"
    for name, path in _FIELDS:
        value = value_at(document, path)
        if isinstance(value, list):
            value = ",".join(str(item) for item in value)
        if value is None or value == "" or isinstance(value, dict):
            continue
        more = f" {name}={_value(value)}"
        if name in _LABELS:
            more += f" {name}Label={_LABELS[name]}"
        if len((line + more).encode()) <= limit:
            line += more
    more = f" msg={_value(told)}"
    return (line + more if len((line + more).encode()) <= limit else line).encode()


def _header(text: str) -> str:
    return printable(text, 512).replace("\\", "\\\\").replace("|", "\\|")


def _value(value: object) -> str:
    return printable(value, MAX_VALUE).replace("\\", "\\\\").replace("=", "\\=")
