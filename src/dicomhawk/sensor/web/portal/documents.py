"""Reports as text: structured reports (PS3.3 A.35) and the PDF of our own hospital (PS3.3 A.45)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from ....hospital.charset import CharacterSet, of_data_set
from ....hospital.elements import DataSet, ElementsError, decode

MAX_LINES: Final = 400
"""Lines of a report that are shown."""
MAX_TEXT: Final = 8000
"""Characters of one."""
MAX_DEPTH: Final = 12
"""Containers within each other."""
MAX_SHOWN: Final = 64_000
"""Characters of all of it that are shown: twenty pages, which take a tenth of a second to be set."""
MAX_STREAM: Final = 1 << 20
"""Bytes that a page of a PDF may become."""

_CONTENT, _VALUE_TYPE, _CONCEPT, _RELATION = 0x0040A730, 0x0040A040, 0x0040A043, 0x0040A010
_MEANING, _TEXT, _CODE, _PERSON = 0x00080104, 0x0040A160, 0x0040A168, 0x0040A123
_MEASURED, _NUMERIC, _UNITS, _UNIT = 0x0040A300, 0x0040A30A, 0x004008EA, 0x00080100
_VERIFIERS, _VERIFIER, _VERIFIED = 0x0040A073, 0x0040A075, 0x0040A030
_DATE, _TIME, _MOMENT = 0x0040A121, 0x0040A122, 0x0040A120
_DOCUMENT, _TITLE = 0x00420011, 0x00420010
_SIMPLE: Final = {"TEXT": _TEXT, "PNAME": _PERSON, "DATE": _DATE, "TIME": _TIME, "DATETIME": _MOMENT}
_UNSAID: Final = frozenset(("HAS OBS CONTEXT", "HAS CONCEPT MOD", "HAS ACQ CONTEXT"))
"""Relationships of content that reports are not printed with."""

_STREAM: Final = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_SHOWN: Final = re.compile(rb"/F(\d+) ([\d.]+) Tf (\d+) (\d+) Td \(((?:[^\\()]|\\.)*)\) Tj")


class Line(NamedTuple):
    """A line of a report: how deep it is, its heading, and its text; one of these may be empty."""

    depth: int
    heading: str
    text: str


class Document(NamedTuple):
    """A report."""

    title: str
    lines: tuple[Line, ...]
    signed: str = ""
    """Who verified it (PN)."""
    moment: str = ""
    """When (DT)."""


def structured(data: bytes | memoryview, syntax: str) -> Document | None:
    """A structured report; None if it can't be read, or says nothing."""
    try:
        found = decode(data, syntax)
    except ElementsError:
        return None
    characters = of_data_set(found)
    lines: list[Line] = []
    left = MAX_SHOWN
    for line in _lines(found, characters, 0):
        left -= len(line.heading) + len(line.text)
        if left < 0 or len(lines) >= MAX_LINES:
            break
        lines.append(line)
    verifier = _first(found, _VERIFIERS)
    signed, moment = "", ""
    if verifier is not None:
        signed, moment = _text(verifier, _VERIFIER, characters), _text(verifier, _VERIFIED, characters)
    if not lines:
        return None
    return Document(_meaning(found, _CONCEPT, characters), tuple(lines), signed, moment)


def _lines(item: DataSet, characters: CharacterSet, depth: int) -> Iterator[Line]:
    content = item.get(_CONTENT)
    if content is None or not isinstance(content.value, tuple) or depth > MAX_DEPTH:
        return
    for each in content.value:
        if _text(each, _RELATION, characters) in _UNSAID:
            continue
        kind, heading = _text(each, _VALUE_TYPE, characters), _meaning(each, _CONCEPT, characters)
        if kind == "CONTAINER":
            below = list(_lines(each, characters, depth + 1))
            if below:
                yield Line(depth, heading, "")
                yield from below
            continue
        text = _value(each, kind, characters)
        if text:
            plain = kind == "TEXT"  # under the heading of its container
            yield Line(depth, "" if plain else heading, text)
        yield from _lines(each, characters, depth + 1)


def _value(item: DataSet, kind: str, characters: CharacterSet) -> str:
    if kind in _SIMPLE:
        return _text(item, _SIMPLE[kind], characters)
    if kind == "CODE":
        return _meaning(item, _CODE, characters)
    measured = _first(item, _MEASURED) if kind == "NUM" else None
    if measured is None:
        return ""
    units = _first(measured, _UNITS)
    unit = _text(units, _UNIT, characters) if units is not None else ""
    return f"{_text(measured, _NUMERIC, characters)} {unit}".strip()


def _first(item: DataSet, tag: int) -> DataSet | None:
    element = item.get(tag)
    return element.value[0] if element is not None and isinstance(element.value, tuple) and element.value else None


def _meaning(item: DataSet, tag: int, characters: CharacterSet) -> str:
    code = _first(item, tag)
    return _text(code, _MEANING, characters) if code is not None else ""


def _text(item: DataSet, tag: int, characters: CharacterSet) -> str:
    element = item.get(tag)
    if element is None or not isinstance(element.value, bytes):
        return ""
    return characters.decode(element.value[: 4 * MAX_TEXT]).strip(" \0\r\n")[:MAX_TEXT]


def encapsulated(data: bytes | memoryview, syntax: str) -> tuple[str, bytes] | None:
    """Title and content of an encapsulated document (PS3.3 C.24.2); None if it has none."""
    try:
        found = decode(data, syntax)
    except ElementsError:
        return None
    element = found.get(_DOCUMENT)
    if element is None or not isinstance(element.value, bytes) or not element.value.startswith(b"%PDF-"):
        return None
    return _text(found, _TITLE, of_data_set(found)), element.value


def printed(title: str, pdf: bytes) -> Document:
    """The text of a PDF as the hospital's systems write it: its lines, the bold ones as headings."""
    lines: list[Line] = []
    below = 0.0
    for stream in _STREAM.findall(pdf):
        inflater = zlib.decompressobj()
        try:
            page = inflater.decompress(stream, MAX_STREAM)
        except zlib.error:
            continue
        for font, size, _, y, shown in _SHOWN.findall(page):
            text = re.sub(rb"\\(.)", rb"\1", shown).decode("cp1252", "replace")[:MAX_TEXT]
            gap, below = below - float(y), float(y)
            if font != b"1":
                lines.append(Line(0, text, ""))
            elif lines and lines[-1].text and 0 < gap <= float(size) * 1.6:
                lines[-1] = lines[-1]._replace(text=f"{lines[-1].text} {text}"[:MAX_TEXT])
            else:
                lines.append(Line(0, "", text))
    return Document(title, tuple(lines[:MAX_LINES]))


def without_letterhead(document: Document, hospital: str) -> Document:
    """A printed report without what its page says already: the hospital, the patient, the order."""
    lines = document.lines
    if not lines or lines[0].heading != hospital:
        return document
    second = next((number for number, line in enumerate(lines) if number and line.heading), 0)
    return document._replace(lines=lines[second:])
