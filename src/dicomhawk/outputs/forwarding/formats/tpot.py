"""Flat documents as T-Pot's Logstash and dashboards want them.

T-Pot puts the logs of all its honeypots into one index with dynamic fields. So names are flat, values are scalars or
lists of them, and no name is one that another honeypot has as an object (``source``, ``event``, ``http``, ``url``,
``user``, ``network``, ``file``), or that T-Pot takes for a number (``status``). The names that T-Pot's dashboards for
Dicompot look at (``aetitle``, ``identifier``, ``input``, ``matches``, ``version``) are used; what has no name there
has one that begins with ``dicom_``.
"""

from __future__ import annotations

from typing import Any

from ....analyst.narrative import sentence
from ....evidence.documents import Document, number_at, text_at, value_at
from ..base import Record

MAX_TEXT = 1024
FORBIDDEN = frozenset(
    {"source", "event", "http", "url", "user", "network", "file", "status", "id", "request", "host"}
)
"""Names that are never used at the top."""

_TEXTS = (
    ("session", "session"),
    ("src_ip", "source.ip"),
    ("dest_ip", "destination.ip"),
    ("protocol", "network.protocol"),
    ("transport", "network.transport"),
    ("sensor", "observer.name"),
    ("username", "honeypot.credential.username"),
    ("password", "honeypot.credential.password"),
    ("password_sha256", "honeypot.credential.password_sha256"),
    ("aetitle", "dicom.ae.called"),
    ("identifier", "dicom.ae.calling"),
    ("version", "dicom.implementation.version"),
    ("user_agent", "user_agent.original"),
    ("dicom_event_id", "event.id"),
    ("dicom_connection", "honeypot.connection"),
    ("dicom_implementation_uid", "dicom.implementation.class_uid"),
    ("dicom_client", "dicom.client.name"),
    ("dicom_fingerprint", "dicom.client.fingerprint"),
    ("dicom_status", "dicom.status"),
    ("dicom_level", "dicom.query.level"),
    ("dicom_move_destination", "dicom.move.destination"),
    ("dicom_sop_class", "dicom.sop.class_uid"),
    ("dicom_sop_instance", "dicom.sop.instance_uid"),
    ("dicom_violation", "dicom.violation.quirk"),
    ("dicom_other_protocol", "honeypot.protocol"),
    ("dicom_web_face", "honeypot.web.face"),
    ("dicom_web_method", "http.request.method"),
    ("dicom_web_target", "url.original"),
    ("dicom_lure", "honeypot.lure.kind"),
    ("dicom_lure_token", "honeypot.lure.token"),
    ("dicom_file_sha256", "file.hash.sha256"),
    ("dicom_ja3", "tls.client.ja3"),
    ("dicom_ja4", "tls.client.ja4"),
    ("dicom_reason", "event.reason"),
    ("dicom_outcome", "event.outcome"),
    ("dicom_community_id", "network.community_id"),
    ("dicom_verdict", "honeypot.session.verdict"),
    ("dicom_depth", "honeypot.session.depth"),
    ("scanner_category", "honeypot.intel.category"),
    ("scanner_actor", "honeypot.intel.actor"),
    ("dicom_message", "message"),
)
_NUMBERS = (
    ("src_port", "source.port"),
    ("dest_port", "destination.port"),
    ("matches", "dicom.query.matches"),
    ("severity", "event.severity"),
    ("dicom_bytes_in", "source.bytes"),
    ("dicom_bytes_out", "destination.bytes"),
    ("dicom_web_status", "http.response.status_code"),
    ("dicom_file_bytes", "file.size"),
    ("dicom_completed", "dicom.suboperations.completed"),
)
_LISTS = (("attack_ids", "threat.technique.id"), ("dicom_rules", "rule.id"))
_SESSIONS_LISTS = (*_LISTS, ("dicom_files", "related.hash"))
"""Of an event, ``related.hash`` has fingerprints, too, which are no files."""


def flat(record: Record) -> Document:
    """The document of a record, flat."""
    document = record.document
    found: Document = {"timestamp": text_at(document, "@timestamp"), "eventid": text_at(document, "event.action")}
    for name, path in _TEXTS:
        text = text_at(document, path)
        if text:
            found[name] = _text(text)
    for name, path in _NUMBERS:
        if value_at(document, path) is not None:
            found[name] = number_at(document, path)
    for name, path in _SESSIONS_LISTS if record.kind == "sessions" else _LISTS:
        values = value_at(document, path)
        if isinstance(values, list) and values:
            found[name] = [_text(value) for value in values]
    if record.kind == "events":
        found["input"] = _text(sentence(document))
    return found


def _text(value: Any) -> str:
    """A value that no index takes for a date: theirs turns the first text that looks like one into a date field."""
    text = str(value)[:MAX_TEXT]
    return f" {text}" if _like_a_date(text) else text


def _like_a_date(text: str) -> bool:
    year = text[1:] if text[:1] in ("+", "-") else text
    return year[:4].isdecimal() and year[4:5] in ("", "-", "/", "T") and len(text) <= _LONGEST_DATE


_LONGEST_DATE = 40
