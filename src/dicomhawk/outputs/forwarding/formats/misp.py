"""Sessions and alerts as a MISP event of their day (MISP core format).

All identifiers come from what they identify (UUIDv5), so that the same session told twice is the same object twice,
which MISP merges.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid5

from ....evidence.documents import Document, moment_of, text_at, value_at
from ..base import Record
from .attack import name_of

Json = dict[str, Any]

NAMESPACE = UUID("8e0b60f2-8c5c-5a6f-9b1c-7f6b0d3f5c11")
MAX_VALUE = 1024
SCANNERS = frozenset({"Censys", "Shodan", "Internet Measurement", "Onyphe", "Internet Census", "Palo Alto"})
"""Categories of those who look at everybody and harm nobody: no addresses to be blocked."""
_COLOURS = {"clear": "#FFFFFF", "green": "#33FF00", "amber": "#FFC000", "amber+strict": "#FFC000", "red": "#FF2B2B"}
_THREAT_LEVELS = ("4", "3", "2", "1", "1")
"""Undefined, low, medium, high, by severity."""
_TEMPLATES = {
    "network-connection": ("af16764b-f8e5-4603-9de1-de34d272f80b", "2", "network"),
    "credential": ("a27e98c9-9b0e-414c-8076-d201e039ca09", "4", "misc"),
    "file": ("688c46fb-5edb-40a3-8273-1af7923e2215", "23", "file"),
}
"""UUID, version and category of MISP's object templates."""


def identifier(*parts: str) -> str:
    """The UUID of what these name."""
    return str(uuid5(NAMESPACE, "\n".join(parts).encode("utf-8", "replace").decode()))


def days(records: Iterable[Record], organisation: str, tlp: str) -> list[Json]:
    """The events of all days that records are of, each with what the records say."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(text_at(record.document, "@timestamp")[:10], []).append(record)
    return [_event(day, of_day, organisation, tlp) for day, of_day in sorted(found.items())]


def merged(before: Json, more: Json) -> Json:
    """An event with what is new in another one of the same UUID."""
    event, other = dict(before["Event"]), more["Event"]
    for kind, key in (("Attribute", "uuid"), ("Object", "uuid"), ("Tag", "name")):
        items = {item[key]: item for item in event.get(kind, [])}
        for item in other.get(kind, []):
            items.setdefault(item[key], item)
        event[kind] = list(items.values())
    event["threat_level_id"] = min(event["threat_level_id"], other["threat_level_id"])
    # Sessions aren't told in the order of their moments, and who has an event takes it again only if it is newer.
    least = int(before["Event"]["timestamp"]) + (event != before["Event"])
    event["timestamp"] = str(max(least, int(other["timestamp"])))
    event["publish_timestamp"] = event["timestamp"]
    return {"Event": event}


def values(event: Json) -> list[str]:
    """The values of all attributes of an event, as ``hashes.csv`` has them."""
    inner = event["Event"]
    every = [*inner["Attribute"], *(one for item in inner["Object"] for one in item["Attribute"])]
    return [part for one in every for part in str(one["value"]).split("|" if "|" in one["type"] else "\0")]


def _event(day: str, records: Sequence[Record], organisation: str, tlp: str) -> Json:
    worst = max(record.severity for record in records)
    latest = max(moment_of(record.document) for record in records) // 1_000_000
    owner = {"name": organisation, "uuid": identifier("organisation", organisation)}
    tags = {f"tlp:{tlp}": _COLOURS[tlp]}
    attributes: list[Json] = []
    objects: list[Json] = []
    for record in records:
        document = record.document
        for technique in _strings(document, "threat.technique.id"):
            name = name_of(technique)
            if name:
                tags[f'misp-galaxy:mitre-attack-pattern="{name} - {technique}"'] = "#0088cc"
        objects += _objects(record)
        if record.kind == "alerts":
            attributes.append(_attribute(record, "text", "Other", _printable(text_at(document, "message")), "alert"))
    return {
        "Event": {
            "uuid": identifier("day", organisation, day),
            "info": f"DICOM honeypot, {day}",
            "date": day,
            "threat_level_id": _THREAT_LEVELS[worst],
            "analysis": "2",
            "published": True,
            "timestamp": str(latest),
            "publish_timestamp": str(latest),
            "Orgc": owner,
            "Tag": [{"name": name, "colour": colour} for name, colour in tags.items()],
            "Attribute": attributes,
            "Object": _once(objects),
        }
    }


def _objects(record: Record) -> list[Json]:
    document = record.document
    address = text_at(document, "source.ip")
    if record.kind != "sessions":
        return []
    comment = _printable(text_at(document, "message"))
    harmless = text_at(document, "honeypot.intel.category") in SCANNERS
    found = []
    for door in (_strings(document, "honeypot.session.doors") or ["dicom:"])[:16]:
        protocol, _, port = door.partition(":")
        found.append(
            _object(
                record,
                "network-connection",
                door,
                comment,
                [
                    ("ip-src", "ip-src", "Network activity", address, not harmless),
                    ("dst-port", "port", "Network activity", port, False),
                    ("layer4-protocol", "text", "Other", "TCP", False),
                    ("layer7-protocol", "text", "Other", protocol.upper(), False),
                    ("first-packet-seen", "datetime", "Other", text_at(document, "event.start"), False),
                ],
            )
        )
    for one in _records(document, "honeypot.session.credentials"):
        name, password = str(one.get("username", "")), str(one.get("password", ""))
        pairs = [
            ("username", "text", "Other", _printable(name), False),
            ("password", "text", "Other", _printable(password), False),
            ("origin", "text", "Other", "bruteforce-scanning", False),
        ]
        found.append(_object(record, "credential", f"{name}\n{password}", "Tried on the honeypot.", pairs))
    for one in _records(document, "honeypot.session.files"):
        digest, severity = str(one.get("sha256", "")), one.get("severity", 0)
        bad = isinstance(severity, int) and severity >= 3
        facts = [
            ("sha256", "sha256", "Payload delivery", digest, bad),
            ("size-in-bytes", "size-in-bytes", "Other", str(one.get("size", "")), False),
            ("text", "text", "Other", _printable(str(one.get("type", ""))), False),
        ]
        found.append(_object(record, "file", digest, "Left on the honeypot.", facts))
    return found


def _object(
    record: Record, name: str, about: str, comment: str, facts: Sequence[tuple[str, str, str, str, bool]]
) -> Json:
    template, version, category = _TEMPLATES[name]
    own = identifier("object", record.id, name, about)
    moment = str(moment_of(record.document) // 1_000_000)
    return {
        "uuid": own,
        "name": name,
        "meta-category": category,
        "template_uuid": template,
        "template_version": version,
        "timestamp": moment,
        "comment": comment,
        "distribution": "5",
        "Attribute": [
            {
                "uuid": identifier("attribute", own, relation, value),
                "object_relation": relation,
                "type": kind,
                "category": where,
                "value": value,
                "to_ids": indicator,
                "disable_correlation": kind in ("text", "port", "datetime"),
                "timestamp": moment,
                "distribution": "5",
            }
            for relation, kind, where, value, indicator in facts
            if value
        ],
    }


def _attribute(record: Record, kind: str, category: str, value: str, comment: str) -> Json:
    return {
        "uuid": identifier("attribute", record.id, kind),
        "type": kind,
        "category": category,
        "value": value or record.id,
        "to_ids": False,
        "comment": comment,
        "disable_correlation": True,
        "timestamp": str(moment_of(record.document) // 1_000_000),
        "distribution": "5",
    }


def _once(objects: Sequence[Json]) -> list[Json]:
    return list({item["uuid"]: item for item in objects}.values())


def _strings(document: Document, path: str) -> list[str]:
    found = value_at(document, path)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _records(document: Document, path: str) -> list[Json]:
    found = value_at(document, path)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:MAX_VALUE]).strip()
