"""Documents that are too long for what they are sent with."""

from __future__ import annotations

import json

from ....evidence.documents import Document

_KEPT = ("@timestamp", "ecs", "event", "session", "source", "destination", "network", "observer", "tags")
_MESSAGE = 200


def one_line(document: Document, limit: int) -> bytes:
    """`document` as ASCII JSON of at most `limit` bytes: whole, or what is most important of it; then
    ``honeypot.cut`` is ``["*"]``."""
    whole = _json(document)
    if len(whole) <= limit:
        return whole
    short = {name: document[name] for name in _KEPT if name in document}
    if isinstance(document.get("message"), str):
        short["message"] = document["message"][:_MESSAGE]
    short["honeypot"] = {"cut": ["*"]}
    for name in ("message", "tags", "network", "destination", "ecs", "observer", "source", "session"):
        if len(_json(short)) <= limit:
            return _json(short)
        short.pop(name, None)
    short["event"] = {name: short["event"][name] for name in ("id", "action", "severity") if name in short["event"]}
    return _json(short)


def _json(value: Document) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
