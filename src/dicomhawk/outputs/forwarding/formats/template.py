"""The index template for Elasticsearch and OpenSearch, from the catalogue of events."""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ....evidence.ecs import VERSION, catalogue, fields
from ....evidence.fields import MAX_STRING, Part

Json = dict[str, Any]
Engine = Literal["elasticsearch", "opensearch"]

PATTERN = "logs-dicomhawk-*"
_ADDRESSES = ("source.ip", "destination.ip", "related.ip", "honeypot.lure.visitor")
_DATES = ("@timestamp", "event.start", "event.end", "honeypot.lure.taken")
_FREE = ("honeypot.alert.facts",)
_TEXTS = ("message", "honeypot.alert.text", "honeypot.session.verdict", "error.stack_trace")
_NUMBERS = (
    *("source.port", "source.bytes", "source.as.number", "destination.port", "destination.bytes"),
    *("event.severity", "event.sequence", "event.duration", "honeypot.alert.repeats", "honeypot.session.rank"),
    *("honeypot.session.connections", "honeypot.session.associations", "honeypot.session.requests"),
    *("honeypot.session.matches", "honeypot.session.objects_sent", "honeypot.session.objects_received"),
)


def index_template(engine: Engine) -> Json:
    """The body of ``PUT _index_template/dicomhawk``: a data stream whose fields nobody can multiply."""
    kinds: dict[str, Json] = {}
    free: Json = {"type": "flattened" if engine == "elasticsearch" else "flat_object"}
    keyword: Json = {"type": "keyword", "ignore_above": MAX_STRING}
    for event in catalogue():
        hints = get_type_hints(event)
        for name, field in fields(event).items():
            kind = _kind(hints[name], free, keyword) if field.render is None else keyword
            if kind is not None:
                kinds.setdefault(field.path, kind)
                if field.secret:
                    kinds.setdefault(f"{field.path}_sha256", keyword)
                if field.also is not None:
                    kinds.setdefault(field.also, keyword)
    for paths, kind in (
        (_ADDRESSES, {"type": "ip", "ignore_malformed": True}),
        (_DATES, {"type": "date", "ignore_malformed": True}),
        (_FREE, free),
        (_TEXTS, {"type": "text"}),
        (_NUMBERS, {"type": "long", "ignore_malformed": True}),
    ):
        kinds.update(dict.fromkeys(paths, kind))
    kinds["@timestamp"] = {"type": "date"}
    properties: Json = {}
    for path, kind in sorted(kinds.items()):
        *parents, leaf = path.split(".")
        at = properties
        for parent in parents:
            at = at.setdefault(parent, {}).setdefault("properties", {})
        at[leaf] = kind
    return {
        "index_patterns": [PATTERN],
        "priority": 500,
        "data_stream": {},
        "template": {
            "settings": {"index.mapping.total_fields.limit": 1000},
            "mappings": {
                "date_detection": False,
                "numeric_detection": False,
                "dynamic_templates": [{"texts": {"match_mapping_type": "string", "mapping": keyword}}],
                "properties": properties,
            },
        },
        "_meta": {"description": f"Events, sessions and alerts of DICOMHawk; ECS {VERSION}."},
    }


def _kind(hint: Any, free: Json, keyword: Json) -> Json | None:
    """The mapping of a field; None for records, whose fields come by themselves."""
    if get_origin(hint) in (Union, types.UnionType):
        return _kind(next(one for one in get_args(hint) if one is not type(None)), free, keyword)
    if get_origin(hint) is tuple:
        return _kind(get_args(hint)[0], free, keyword)
    if get_origin(hint) is dict:
        return free
    if isinstance(hint, type) and issubclass(hint, Part):
        return None
    if hint is bool:
        return {"type": "boolean"}
    return {"type": "long", "ignore_malformed": True} if hint is int else keyword
