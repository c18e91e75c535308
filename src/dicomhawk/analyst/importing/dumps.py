"""pynetdicom's debug log beside the old DICOMHawk's simplified one: what each A-ASSOCIATE-RQ asked for.

It has no moments: a request belongs to the association of the same visitor and port (the log of 2024 names them), or
where nothing is named (2025) to the one in the same place, if both logs have as many of them.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from ...evidence.fields import MAX_ENTRIES, MAX_STRING
from ...hospital.registry import UIDS
from .connections import Connection, Fields, Step

HEAD = b"INCOMING A-ASSOCIATE-RQ PDU ="
"""Stands in the log before each request."""
MAX_REQUESTS = 500_000

_BEGIN, _END = "INCOMING A-ASSOCIATE-RQ PDU", "END A-ASSOCIATE-RQ PDU"
_PEER = re.compile(r"Association requested from (?P<address>[0-9a-fA-F.:]{2,45}):(?P<port>[0-9]{1,5})\s*$")
_TEXTS = {
    "Their Implementation Class UID": "dicom.implementation.class_uid",
    "Their Implementation Version Name": "dicom.implementation.version",
    "Application Context Name": "dicom.application_context",
    "Calling Application Name": "dicom.ae.calling",
    "Called Application Name": "dicom.ae.called",
}
_NOT_SAID = ("unknown", "None", "")


class Request(NamedTuple):
    """One A-ASSOCIATE-RQ, and who sent it where that is known."""

    fields: Fields
    peer: tuple[str, int] | None


def requests_in(lines: Iterable[str]) -> Iterator[Request]:
    """The requests of a log, in its order."""
    inside: list[str] | None = None
    fields: Fields | None = None
    for line in lines:
        if _BEGIN in line:
            if fields is not None:
                yield Request(fields, None)
            inside, fields = [], None
        elif inside is not None and _END in line:
            fields = _fields(inside)
            inside = None
        elif inside is not None and len(inside) < 16 * MAX_ENTRIES:
            inside.append(line)
        elif fields is not None and (peer := _PEER.search(line)) is not None:
            yield Request(fields, (peer["address"], int(peer["port"])))
            fields = None
    if fields is not None:
        yield Request(fields, None)


def add_requests(connections: Sequence[Connection], requests: Sequence[Request]) -> int:
    """Tell in the associations of `connections` what was asked for; how many requests are of none."""
    associations = [
        (connection, step)
        for connection in sorted(connections, key=lambda one: one.opened)
        for step in connection.steps
        if step.action == "dicom.association"
    ]
    nameless = [request for request in requests if request.peer is None]
    if nameless and len(requests) == len(associations):
        for (_, step), request in zip(associations, requests, strict=True):
            _tell(step, request)
        return 0
    waiting: dict[tuple[str, int | None], deque[Step]] = defaultdict(deque)
    for connection, step in associations:
        waiting[connection.address, connection.port].append(step)
    left = len(nameless)
    for request in requests:
        if request.peer is None:
            continue
        if steps := waiting.get(request.peer):
            _tell(steps.popleft(), request)
        else:
            left += 1
    return left


def _tell(step: Step, request: Request) -> None:
    step.fields.update({path: value for path, value in request.fields.items() if value is not None})


def _fields(lines: Sequence[str]) -> Fields:
    found: Fields = {}
    contexts: list[dict[str, Any]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()[:MAX_STRING]
        if name in _TEXTS and value not in _NOT_SAID:
            found[_TEXTS[name]] = value
        elif name == "Their Max PDU Receive Size" and value.isascii() and value.isdigit() and len(value) < 11:
            found["dicom.max_pdu"] = int(value)
        elif name == "Context ID" and len(contexts) < MAX_ENTRIES:
            number = value.partition(" ")[0]
            contexts.append({"id": int(number) if number.isascii() and number.isdigit() else 0})
        elif name == "Abstract Syntax" and contexts:
            contexts[-1]["abstract_syntax"] = _uid(value)
        elif not colon and line.strip().startswith("=") and contexts:
            syntaxes = contexts[-1].setdefault("transfer_syntaxes", [])
            if len(syntaxes) < MAX_ENTRIES:
                syntaxes.append(_uid(line.strip()[:MAX_STRING]))
    found["dicom.contexts"] = contexts or None
    return found


def _uid(text: str) -> str:
    """pynetdicom writes a UID's name, and one that has none as it is."""
    name = text.removeprefix("=")
    return _uids().get(name, name)


@cache
def _uids() -> dict[str, str]:
    return {entry[0]: uid for uid, entry in UIDS.items()}
