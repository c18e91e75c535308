"""Sessions and alerts as STIX 2.1 bundles (OASIS Standard, 10 June 2021).

Identifiers come from what they identify: those of observables as section 2.9 has it, all others as UUIDv5 in a name
space of our own. The same session makes the same bundle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from uuid import UUID, uuid5

from ....evidence.documents import Document, text_at, value_at
from ..base import Record
from .attack import name_of, page_of

Json = dict[str, Any]

OBSERVABLES = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""Name space of observables' identifiers (section 2.9)."""
NAMESPACE = UUID("5f0a0a4e-6d1e-5c0f-8a52-2c1f0c0d7e21")
MAX_LISTED = 100
_EPOCH = "2026-01-01T00:00:00.000Z"
"""When objects that don't change were made."""
_TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_TLP = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
"""Of OASIS' extension for TLP 2.0."""
BAD_FILE = 3
"""Severity of a captured file from which on it is an indicator."""


def bundle(record: Record, tlp: str) -> Json:
    """The bundle of a session or an alert."""
    maker = _Maker(record.document, tlp)
    if record.kind == "alerts":
        maker.alert(record.id)
    else:
        maker.session()
    return {"type": "bundle", "id": _own("bundle", record.id), "objects": list(maker.objects.values())}


class _Maker:
    def __init__(self, document: Document, tlp: str) -> None:
        self.objects: dict[str, Json] = {}
        self._document = document
        self._session = text_at(document, "session")
        self._moment = text_at(document, "@timestamp")
        sensor = text_at(document, "observer.name") or "dicomhawk"
        self._marking = self._add(
            {
                "type": "marking-definition",
                "spec_version": "2.1",
                "id": _TLP[tlp],
                "created": "2022-10-01T00:00:00.000Z",
                "name": f"TLP:{tlp.upper()}",
                "extensions": {
                    _TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp},
                },
            }
        )
        self._sensor = ""
        self._sensor = self._object("identity", sensor, _EPOCH, name=sensor, identity_class="system")

    def session(self) -> None:
        """A session: what was observed, which techniques were sighted, which files are bad."""
        first, last = text_at(self._document, "event.start"), text_at(self._document, "event.end")
        observed = self._observables(first, last)
        if not observed:
            return
        data = self._object(
            "observed-data",
            self._session,
            last or self._moment,
            first_observed=first or self._moment,
            last_observed=last or self._moment,
            number_observed=max(1, _number(self._document, "honeypot.session.connections")),
            object_refs=observed,
        )
        for technique in _strings(self._document, "threat.technique.id"):
            pattern = self._object(
                "attack-pattern",
                technique,
                _EPOCH,
                name=name_of(technique) or technique,
                external_references=[
                    {"source_name": "mitre-attack", "external_id": technique, "url": page_of(technique)}
                ],
            )
            self._object(
                "sighting",
                f"{self._session}\n{technique}",
                last or self._moment,
                first_seen=first or self._moment,
                last_seen=last or self._moment,
                sighting_of_ref=pattern,
                observed_data_refs=[data],
                where_sighted_refs=[self._sensor],
                description=text_at(self._document, "message"),
            )
        for one in self._files():
            if _number(one, "severity") >= BAD_FILE:
                self._indicator(str(one["sha256"]), data)

    def alert(self, identifier: str) -> None:
        """An alert: a note about its session."""
        self._object(
            "note",
            identifier,
            self._moment,
            abstract=text_at(self._document, "message"),
            content=text_at(self._document, "honeypot.alert.text")
            or text_at(self._document, "message")
            or identifier,
            object_refs=[_own("observed-data", self._session) if self._session else self._sensor, self._sensor],
        )

    def _observables(self, first: str, last: str) -> list[str]:
        try:
            address = ip_address(text_at(self._document, "source.ip"))
        except ValueError:
            return []
        kind = f"ipv{address.version}"
        source = self._observable(f"{kind}-addr", {"value": str(address)})
        found = [source]
        for door in (_strings(self._document, "honeypot.session.doors") or ["dicom:"])[:MAX_LISTED]:
            protocol, _, port = door.partition(":")
            named: Json = {"src_ref": source, "protocols": [kind, "tcp", protocol or "dicom"]}
            if port.isascii() and port.isdecimal() and int(port) < 65536:
                named["dst_port"] = int(port)
            named |= {"start": _shortest(first), "end": _shortest(last)} if first and last else {}
            titles = _strings(self._document, "honeypot.session.ae_titles")
            if protocol == "dicom" and titles:
                named["extensions"] = {
                    self._extension(): {"extension_type": "property-extension", "ae_titles": titles}
                }
            ended = {"is_active": False} if first and last else {}
            found.append(self._observable("network-traffic", named, **ended))
        for one in _records(self._document, "honeypot.session.credentials"):
            if one.get("username"):
                login = {"account_login": str(one["username"])}
                found.append(self._observable("user-account", login))
        for one in self._files():
            size = {"size": one["size"]} if isinstance(one.get("size"), int) else {}
            found.append(self._observable("file", {"hashes": {"SHA-256": str(one["sha256"])}}, **size))
        return list(dict.fromkeys(found))

    def _extension(self) -> str:
        """The definition of what STIX has no place for: AE titles (PS3.8 section 9.3.2)."""
        return self._object(
            "extension-definition",
            "dicom-association",
            _EPOCH,
            name="DICOM association",
            description="AE titles that were used on a network connection, each as CALLING>CALLED.",
            schema="ae_titles: list of type string",
            version="1.0.0",
            extension_types=["property-extension"],
        )

    def _files(self) -> list[Json]:
        every = _records(self._document, "honeypot.session.files")
        return [one for one in every if _is_sha256(one.get("sha256"))]

    def _indicator(self, sha256: str, data: str) -> None:
        made = self._object(
            "indicator",
            sha256,
            _EPOCH,
            # One and the same for every session with the file: only this may differ between its versions.
            modified=max(_EPOCH, self._moment),
            name=f"File {sha256[:16]}",
            indicator_types=["malicious-activity"],
            pattern=f"[file:hashes.'SHA-256' = '{sha256}']",
            pattern_type="stix",
            valid_from=self._moment,
        )
        self._object(
            "relationship",
            f"{made}\n{data}",
            self._moment,
            relationship_type="based-on",
            source_ref=made,
            target_ref=data,
        )

    def _observable(self, kind: str, named: Json, **more: Any) -> str:
        """An observable whose identifier comes from `named`."""
        text = json.dumps(named, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        own = f"{kind}--{uuid5(OBSERVABLES, text)}"
        return self._add({"type": kind, "spec_version": "2.1", "id": own, **named, **more})

    def _object(self, kind: str, about: str, moment: str, **more: Any) -> str:
        made: Json = {
            "type": kind,
            "spec_version": "2.1",
            "id": _own(kind, about),
            "created": moment,
            "modified": moment,
        }
        if self._sensor:
            made |= {"created_by_ref": self._sensor, "object_marking_refs": [self._marking]}
        return self._add(made | {name: value for name, value in more.items() if value not in ("", [])})

    def _add(self, made: Json) -> str:
        self.objects.setdefault(made["id"], made)
        identifier: str = made["id"]
        return identifier


def _shortest(moment: str) -> str:
    """`moment` without zeros that say nothing, since identifiers are made of the text."""
    return re.sub(r"\.?0*Z$", "Z", moment) if "." in moment else moment


def _own(kind: str, about: str) -> str:
    return f"{kind}--{uuid5(NAMESPACE, f'{kind} {about}')}"


def _strings(document: Document, path: str) -> Sequence[str]:
    found = value_at(document, path)
    return [one for one in found if isinstance(one, str)][:MAX_LISTED] if isinstance(found, list) else []


def _records(document: Document, path: str) -> list[Json]:
    found = value_at(document, path)
    return [one for one in found if isinstance(one, dict)][:MAX_LISTED] if isinstance(found, list) else []


def _number(document: Document, path: str) -> int:
    found = value_at(document, path)
    return found if isinstance(found, int) else 0


def _is_sha256(text: Any) -> bool:
    return isinstance(text, str) and len(text) == 64 and all(c in "0123456789abcdef" for c in text)
