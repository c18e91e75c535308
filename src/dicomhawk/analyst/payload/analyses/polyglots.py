"""Files within the file: in the preamble, after the pixels, in private elements, in documents (CVE-2019-11687)."""

from __future__ import annotations

from typing import Final

from ....hospital.part10 import PREAMBLE
from ..model import CRITICAL, HIGH, INFO, LOW, MEDIUM, Findings, clean
from . import kinds
from .buffers import Buffer
from .kinds import Kind
from .layout import Layout

_DOCUMENT, _DOCUMENT_TYPE = 0x00420011, 0x00420012
_ALLOWED_DOCUMENTS: Final = {
    "application/pdf": "pdf",
    "text/xml": "",
    "model/stl": "",
    "model/obj": "",
    "model/mtl": "",
}
MAX_TRAILING: Final = 2
"""Bytes behind the data set that are padding: odd ones of a transfer."""


def look(layout: Layout, size: int, findings: Findings) -> list[Kind]:
    """Report what is hidden in a DICOM file; the kinds that were found."""
    found: list[Kind] = []
    _preamble(layout, found, findings)
    _within(layout.data, layout, size, found, findings, body=layout.inflated is None)
    if layout.inflated is not None:
        _within(layout.body, layout, len(layout.body), found, findings, body=True)
    _document(layout, found, findings)
    _trailing(layout, size, findings)
    return list(dict.fromkeys(found))


def report(kind: Kind, where: str, offset: int, findings: Findings) -> None:
    """One file in another."""
    severity = CRITICAL if kind.runs else HIGH if kind is kinds.HTML else MEDIUM
    if where == "the preamble" and kind is not kinds.TIFF:
        severity = max(severity, HIGH)
    if kind is kinds.TIFF:
        severity = INFO  # PS3.10 section 7.1: that is what the preamble is for
    findings.add(f"polyglot.{kind.id}", f"{kind.name} in {where}", severity, f"at byte {offset}", offset)


def _preamble(layout: Layout, found: list[Kind], findings: Findings) -> None:
    if not layout.prefixed:
        return
    preamble = bytes(layout.data[:PREAMBLE])
    if not any(preamble):
        return
    kind = kinds.of_bytes(layout.data)
    if kind is not None:
        found.append(kind)
        report(kind, "the preamble", 0, findings)
    elif preamble[:2] == b"MZ":
        findings.add("polyglot.mz", "preamble begins as a program does", HIGH, "MZ without a PE header", 0)
    else:
        findings.add("structure.preamble", "preamble is not empty", LOW, clean(preamble.strip(b"\0")), 0)


def _within(data: Buffer, layout: Layout, size: int, found: list[Kind], findings: Findings, *, body: bool) -> None:
    for kind, at in kinds.within(data, 1 if layout.prefixed and data is layout.data else 0, size):
        inside = data is not layout.data or (body and layout.dataset <= at < layout.end)
        where = layout.place_in_body(at) if inside else layout.place(at)
        if _is_expected(kind, where, layout):
            continue
        if kind is kinds.HTML and where.startswith("("):
            continue  # a text: `texts` looks at those
        found.append(kind)
        report(kind, where, at, findings)


def _is_expected(kind: Kind, where: str, layout: Layout) -> bool:
    """A PDF in an encapsulated PDF, and what is in it."""
    if where != "the encapsulated document":
        return False
    wanted = _ALLOWED_DOCUMENTS.get(layout.text(_DOCUMENT_TYPE).lower())
    return kind.id == wanted or (wanted == "" and kind is kinds.HTML)


def _document(layout: Layout, found: list[Kind], findings: Findings) -> None:
    node = layout.top(_DOCUMENT)
    if node is None or not node.length:
        return
    said = layout.text(_DOCUMENT_TYPE).lower()
    wanted = _ALLOWED_DOCUMENTS.get(said)
    kind = kinds.of_bytes(layout.body, node.value)
    if wanted is None or (wanted and (kind is None or kind.id != wanted)):
        name = kind.name if kind else kinds.name_of(layout.value(node), min(node.length, kinds.HEAD))
        detail = f"{name}, said to be {clean(said, 60) or 'nothing'}"
        findings.add("type.mismatch", "encapsulated document is something else", MEDIUM, detail, node.value)
    if kind is not None and kind.id != wanted and kind not in found:
        found.append(kind)
        report(kind, "the encapsulated document", node.value, findings)


def _trailing(layout: Layout, size: int, findings: Findings) -> None:
    rest = size - layout.end
    if not layout.walk.whole or rest <= MAX_TRAILING:
        return
    head = bytes(layout.data[layout.end : layout.end + kinds.HEAD])
    severity = LOW if head.strip(b"\0 ") else INFO
    detail = f"{rest} bytes, {kinds.name_of(head, len(head)) if head.strip(chr(0).encode()) else 'zeros'}"
    findings.add("structure.trailing", "bytes behind the data set", severity, detail, layout.end)
