"""The card of a data set: what it is, how it was made, what it must not be taken for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ...analyst.report.formats.markdown import escaped

if TYPE_CHECKING:
    from .export import Written

TITLE = "Visits to DICOM honeypots"
_ABOUT = (
    "Sessions of strangers with honeypots that pose as a hospital's picture archive: who came (as pseudonyms), with "
    "what, and doing what. Nothing that such an archive shows is in it."
)
_MEASURES = (
    "Addresses are HMAC-SHA-256 pseudonyms, with a key that its maker keeps: the same address has the same pseudonym "
    "in all data sets of one key. Sessions, sensors, files and actors are named in the same way, since their own "
    "names hold moments or hashes.",
    "What visitors wrote is here only as AE titles, user agents, names of clients, and paths without query; "
    "numbers, UIDs and other values in a path are replaced by {}, addresses anywhere by (address).",
    "Names of ours (the hospital, its people and machines, its AE titles, hosts and addresses, bait), and whatever "
    "has one in it, are replaced by (withheld).",
    "Passwords, user names, queries, the content and names of files, reverse DNS and ports are not here.",
)
_LIMITS = (
    "Pseudonyms can be guessed by whoever has the key, and only by them: addresses are few enough to try them all.",
    "A visitor can write a secret of theirs into a text in a form that nobody recognises as one. Look through the "
    "texts before you publish.",
    "A scanner that everybody sees can be recognised by what it does, whatever its address is called.",
    "A honeypot is visited by those who look for archives: this is no sample of the internet.",
)
_TYPES = {"string": "sc:Text", "integer": "sc:Integer", "boolean": "sc:Boolean"}
_MEDIA = {"ndjson": "application/x-ndjson", "csv": "text/csv"}


class Facts(NamedTuple):
    """What a card tells of one data set."""

    written: list[Written]
    format: str
    sensors: int
    times: str
    networks: bool
    least: int
    withheld: int
    key: str
    licence: str
    first: str
    last: str
    classes: list[tuple[str, int, int]]


def readme(facts: Facts) -> str:
    """The card for people, as Markdown."""
    lines = [f"# {TITLE}", "", _ABOUT, ""]
    lines += [
        f"- Sessions that began: {facts.first or 'none'} to {facts.last or 'none'} (UTC; exact to: {facts.times})",
        f"- Sensors: {facts.sensors}",
        f"- Pseudonyms: of key {facts.key}; of networks: {'yes' if facts.networks else 'no'}",
        f"- Licence: {escaped(facts.licence) or 'not stated'}",
        "",
        "## How it was made anonymous",
        "",
    ]
    lines += [f"- {measure}" for measure in _MEASURES]
    lines += [
        f"- A text, country or autonomous system that fewer than {facts.least} visitors had is withheld; "
        f"{facts.withheld:,} different ones were withheld in all, for this reason or the one before.",
        "",
        "## How many are alike",
        "",
        "Sessions that can't be told apart by day, category, country and client are of one class. A class with one "
        "visitor singles that visitor out.",
        "",
        "| visitors in the class | classes | sessions |",
        "| --- | ---: | ---: |",
    ]
    lines += [f"| {label} | {classes:,} | {sessions:,} |" for label, classes, sessions in facts.classes]
    lines += ["", "## What to mind", ""]
    lines += [f"- {limit}" for limit in _LIMITS]
    for one in facts.written:
        lines += ["", f"## {one.file}", "", f"{one.table.meaning} {one.rows:,} rows. SHA-256 `{one.sha256}`.", ""]
        lines += ["| column | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| {column.name} | {column.type} | {column.meaning} |" for column in one.table.columns]
    return "\n".join(lines) + "\n"


def croissant(facts: Facts) -> bytes:
    """The card for programs: Croissant 1.0 (schema.org's Dataset in JSON-LD)."""
    value = {
        "@context": {
            "@language": "en",
            "@vocab": "https://schema.org/",
            "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "conformsTo": "http://purl.org/dc/terms/conformsTo",
            "recordSet": "cr:recordSet",
            "field": "cr:field",
            "source": "cr:source",
            "fileObject": "cr:fileObject",
            "extract": "cr:extract",
            "column": "cr:column",
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": TITLE,
        "description": _ABOUT,
        **({"license": facts.licence} if facts.licence else {}),
        "temporalCoverage": f"{facts.first}/{facts.last}",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": one.file,
                "name": one.file,
                "contentUrl": one.file,
                "encodingFormat": _MEDIA[facts.format],
                "sha256": one.sha256,
            }
            for one in facts.written
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": one.table.name,
                "name": one.table.name,
                "description": one.table.meaning,
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"{one.table.name}/{column.name}",
                        "name": column.name,
                        "description": column.meaning,
                        "dataType": _TYPES[column.type],
                        "source": {"fileObject": {"@id": one.file}, "extract": {"column": column.name}},
                    }
                    for column in one.table.columns
                ],
            }
            for one in facts.written
        ],
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
