"""docs/events.md, from the catalogue: ``python -m dicomhawk.evidence.describe docs/events.md``."""

from __future__ import annotations

import sys
import types
from inspect import getdoc
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from .ecs import VERSION, catalogue, fields
from .fields import MAX_ENTRIES, MAX_STRING, Event, Part, code

_NAMES = {str: "string", int: "integer", bool: "boolean"}

_ENVELOPE = (
    ("@timestamp", "Moment, UTC, RFC 3339 with milliseconds and `Z`."),
    ("ecs.version", f"`{VERSION}`."),
    ("event.id", "ULID; in one process each is greater than all before it."),
    (
        "event.sequence",
        "Number of the event on its connection, from 1; for events of the sensor itself, in its worker.",
    ),
    ("event.kind, .action, .category, .type, .severity", "Fixed for each type; below."),
    ("event.module, .dataset, .provider", "First part of the action; `honeypot.<module>`; `sensor`."),
    ("event.duration", "Nanoseconds, where something took time."),
    ("session", "All connections of one visitor with no gap longer than 30 minutes have the same."),
    ("source.ip, source.port", "The visitor."),
    ("destination.ip, destination.port", "Our side of the connection."),
    ("network.transport, .protocol, .type, .direction", "`tcp`, the door's protocol, `ipv4` or `ipv6`, `inbound`."),
    ("network.community_id", "Community ID v1, seed 0."),
    ("related.ip", "Both addresses."),
    ("observer.type, .vendor, .product, .version, .name", "The sensor; `name` is `sensor_name` of the settings."),
    ("honeypot.connection", "ULID of the connection."),
    (
        "honeypot.transcript.segment, .offset",
        "Where the connection's transcript begins: file below `vault/transcripts`, and byte.",
    ),
    ("honeypot.cut", "Paths of values that were cut (see above); absent if none was."),
)


def markdown() -> str:
    """The text of docs/events.md."""
    lines = [
        "# Events",
        "",
        "Generated from `src/dicomhawk/evidence/events/` by `make docs`.",
        "",
        "The journal is NDJSON: one event, one line, in the nested form of the Elastic Common Schema (ECS). Fields "
        "that ECS doesn't have are below `dicom` and `honeypot`, and `session` stands at the top. A field without "
        "a value is absent.",
        "",
        "Text that came from a stranger is data. It is UTF-8 where the bytes were, with `\\xNN` for each byte that "
        f"was not; a string is cut after {MAX_STRING} characters and a list or object after {MAX_ENTRIES} entries, "
        "and `honeypot.cut` names what was cut. The exact bytes are in the transcript. JSON escapes the control "
        "characters of ASCII; whoever prints a value must escape the others. With `vault.passwords = false`, fields "
        "marked *secret* hold the SHA-256 of their value in UTF-8 and end in `_sha256`.",
        "",
        "The file names are `YYYY-MM-DD.<worker>.<nnnn>.ndjson`; each worker writes its own. A line that isn't whole "
        "(its writer was killed) is to be skipped.",
        "",
        "## In every event",
        "",
        "Those from `session` to `network` are absent in events of the sensor itself.",
        "",
        "| field | meaning |",
        "|---|---|",
        *(f"| `{path}` | {doc} |" for path, doc in _ENVELOPE),
        "",
    ]
    kinds = catalogue()
    following = sorted({f.path for kind in kinds for f in fields(kind).values() if f.follows})
    lines += [f"After an association was requested, every event of its connection has {_listed(following)} too.", ""]
    parts: dict[str, type[Part]] = {}
    for kind in kinds:
        lines += _section(kind, parts)
    lines += ["## Parts of lists", ""]
    for part in parts.values():
        lines += _part(part)
    return "\n".join(lines)


def _section(kind: type[Event], parts: dict[str, type[Part]]) -> list[str]:
    what = kind.kind
    lines = [
        f"## {what.action}",
        "",
        str(getdoc(kind)),
        "",
        f"Category {_listed(what.category)}, type {_listed(what.type)}, severity {what.severity}.",
        "",
    ]
    rows = []
    hints = get_type_hints(kind)
    for name, field in fields(kind).items():
        shown = "string" if field.render is code else _type(hints[name], parts)
        notes = [field.doc]
        if field.secret:
            notes.append("*Secret.*")
        if field.also is not None:
            notes.append(f"Also in `{field.also}`.")
        rows.append(f"| `{field.path}` | {shown} | {' '.join(notes)} |")
    if rows:
        lines += ["| field | type | meaning |", "|---|---|---|", *sorted(rows), ""]
    return lines


def _part(part: type[Part]) -> list[str]:
    rows = [f"| `{name}` | {_type(hint, {})} |" for name, hint in get_type_hints(part).items()]
    return [f"### {part.__name__}", "", str(getdoc(part)), "", "| field | type |", "|---|---|", *rows, ""]


def _type(hint: Any, parts: dict[str, type[Part]]) -> str:
    if get_origin(hint) in (Union, types.UnionType):
        return _type(next(one for one in get_args(hint) if one is not type(None)), parts)
    if get_origin(hint) is tuple:
        return f"list of {_type(get_args(hint)[0], parts)}"
    if get_origin(hint) is dict:
        return "object (string to string)"
    if isinstance(hint, type) and issubclass(hint, Part):
        parts[hint.__name__] = hint
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    return _NAMES[hint]


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(markdown(), encoding="utf-8")
