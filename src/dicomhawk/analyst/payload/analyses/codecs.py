"""Headers of compressed frames against the header of the object: what makes decoders write beyond their memory.

PS3.5 annex G (RLE), ISO 10918-1 annex B (JPEG), ISO 14495-1 annex C (JPEG-LS), ISO 15444-1 annex A (JPEG 2000).
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Final, NamedTuple

from ..model import HIGH, INFO, LOW, MEDIUM, Findings
from .layout import Layout
from .structure import ALLOCATED, COLUMNS, FRAMES, ROWS, SAMPLES, STORED
from .walker import PIXEL_DATA, Node

RLE: Final = "1.2.840.10008.1.2.5"
_JPEG: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70))
_JPEG_LS: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (80, 81))
_JPEG_2000: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 92, 93, 201, 202, 203))
MAX_FRAMES: Final = 200
"""Frames whose headers are looked at."""
MAX_MARKERS: Final = 1000
_SOF: Final = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7))
_ALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
_PMSCT_RLE1: Final = b"PMSCT_RLE1"


class _Shape(NamedTuple):
    """What a codestream says of itself."""

    rows: int
    columns: int
    components: int
    precision: int


def look(layout: Layout, findings: Findings) -> None:
    """Report codestreams that aren't what the object says."""
    _pmsct(layout, findings)
    fragments = layout.fragments()
    node = layout.top(PIXEL_DATA)
    if node is None or not fragments:
        return
    table, streams = fragments[0], fragments[1:]
    _fragments(layout, node, table, streams, findings)
    for number, start in enumerate(_frames(layout, streams)):
        if number >= MAX_FRAMES:
            break
        _frame(layout, start, number + 1, findings)


def _pmsct(layout: Layout, findings: Findings) -> None:
    """A private compression of CT pixels, which readers expand without a bound (CVE-2026-5441)."""
    for node in layout.walk.nodes:
        if node.tag >> 16 == 0x07A1 and layout.value(node, 16).startswith(_PMSCT_RLE1):
            findings.add("codec.pmsct-rle1", "private compression PMSCT_RLE1 (CVE-2026-5441)", HIGH, "", node.start)


def _fragments(layout: Layout, node: Node, table: Node, streams: list[Node], findings: Findings) -> None:
    if not streams:
        findings.add("codec.empty", "encapsulated pixels without a fragment", MEDIUM, "", node.start)
        return
    if table.length % 4 or table.length // 4 > max(1, layout.number(FRAMES) or 1) + 1:
        findings.add("codec.offsets", "offset table of the wrong size", LOW, f"{table.length} bytes", table.start)
    first = streams[0].start
    starts = {each.start - first for each in streams}
    offsets = [each for (each,) in struct.iter_unpack("<I", layout.value(table, 4096)[: table.length // 4 * 4])]
    if any(offset not in starts for offset in offsets):
        findings.add("codec.offsets", "offset table points between fragments", LOW, "", table.start)
    last = streams[-1]
    if last.length < 4 and len(streams) > 1:
        detail = f"{last.length} bytes"
        findings.add("codec.short-fragment", "last fragment is too short (CVE-2025-11266)", HIGH, detail, last.start)
    for each in streams:
        if each.length % 2:
            findings.add("codec.odd", "fragment of odd length", LOW, f"{each.length} bytes", each.start)


def _frames(layout: Layout, streams: list[Node]) -> list[Node]:
    """The fragments that begin a frame, as far as that is plain."""
    frames = layout.number(FRAMES) or 1
    return streams if len(streams) == frames else streams[:1]


def _frame(layout: Layout, node: Node, number: int, findings: Findings) -> None:
    data, syntax = layout.value(node, 1 << 20), layout.syntax
    if syntax == RLE:
        _rle(layout, data, node, findings)
        return
    if syntax in _JPEG or syntax in _JPEG_LS:
        shape = _jpeg_shape(data)
    elif syntax in _JPEG_2000:
        shape = _jpeg_2000_shape(data)
    else:
        return
    if shape is None:
        severity = MEDIUM if data.strip(b"\0") else LOW
        findings.add("codec.header", "frame without a codestream's header", severity, f"frame {number}", node.value)
        return
    _compare(layout, shape, number, node, findings)


def _compare(layout: Layout, shape: _Shape, number: int, node: Node, findings: Findings) -> None:
    rows, columns = layout.number(ROWS) or 0, layout.number(COLUMNS) or 0
    if (shape.rows, shape.columns) != (rows, columns) and shape.rows:
        detail = f"frame {number} is {shape.rows} x {shape.columns}, the object {rows} x {columns}"
        findings.add("codec.dimensions", "frame of another size than the object", HIGH, detail, node.value)
    if shape.components != (layout.number(SAMPLES) or 1):
        detail = f"frame {number} has {shape.components}, the object {layout.number(SAMPLES)}"
        findings.add("codec.components", "frame of other samples than the object", MEDIUM, detail, node.value)
    allocated, stored = layout.number(ALLOCATED) or 0, layout.number(STORED) or 0
    if shape.precision > allocated:
        detail = f"frame {number} has {shape.precision} bits, the object {allocated}"
        findings.add("codec.precision", "frame of more bits than the object", HIGH, detail, node.value)
    elif shape.precision != stored:
        detail = f"frame {number} has {shape.precision} bits, the object {stored}"
        findings.add("codec.precision-differs", "frame of other bits than the object", INFO, detail, node.value)


def _rle(layout: Layout, data: bytes, node: Node, findings: Findings) -> None:
    if len(data) < 64:
        findings.add("codec.rle", "frame without an RLE header", MEDIUM, f"{len(data)} bytes", node.value)
        return
    count, *offsets = struct.unpack_from("<16I", data)
    wanted = (layout.number(SAMPLES) or 1) * ((layout.number(ALLOCATED) or 8) // 8)
    used = offsets[: min(count, 15)]
    rising = all(one < other for one, other in pairwise(used))
    if not 0 < count <= 15 or not used or used[0] < 64 or used[-1] >= node.length or not rising:
        detail = f"{count} segments at {used[:4]} of {node.length} bytes"
        findings.add("codec.rle", "RLE header that points elsewhere", HIGH, detail, node.value)
    elif count != wanted:
        detail = f"{count} segments, should be {wanted}"
        findings.add("codec.rle", "RLE segments of another number", MEDIUM, detail, node.value)


def _jpeg_shape(data: bytes) -> _Shape | None:
    """The frame header of a JPEG or JPEG-LS; None: it has none."""
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    for _ in range(MAX_MARKERS):
        if at + 4 > len(data) or data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _SOF:
            if at + 10 > len(data):
                return None
            precision, rows, columns, components = struct.unpack_from(">BHHB", data, at + 4)
            return _Shape(rows, columns, components, precision)
        if marker == 0xDA or length < 2:
            return None
        at += 2 + length
    return None


def _jpeg_2000_shape(data: bytes) -> _Shape | None:
    """The SIZ marker segment; None: there is none where it must be."""
    at = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if at < 0 or at + 43 > len(data):
        return None
    width, height, left, top = struct.unpack_from(">4I", data, at + 8)
    (components,) = struct.unpack_from(">H", data, at + 40)
    return _Shape(max(0, height - top), max(0, width - left), components, (data[at + 42] & 0x7F) + 1)
