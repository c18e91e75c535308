"""Whether a DICOM file is what PS3.5, PS3.10 and PS3.3 say: lengths, VRs, nesting, group 0002, pixels."""

from __future__ import annotations

import re
import struct
from typing import Final

from ....hospital import vr as vrs
from ....hospital.elements import DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE
from ....hospital.registry import keyword_for_tag
from ..model import HIGH, INFO, LOW, MEDIUM, Findings, clean
from .containers import is_bomb
from .layout import Layout, named
from .walker import PIXEL_DATA, Problem

ROWS, COLUMNS = 0x00280010, 0x00280011
SAMPLES, PHOTOMETRIC, PLANAR, FRAMES = 0x00280002, 0x00280004, 0x00280006, 0x00280008
ALLOCATED, STORED, HIGH_BIT = 0x00280100, 0x00280101, 0x00280102
_COUNTS: Final = frozenset((SAMPLES, PLANAR, ALLOCATED, STORED, HIGH_BIT))
_PALETTES: Final = (0x00281101, 0x00281102, 0x00281103)
_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_MAX_PIXELS: Final = 1 << 31
_UNCOMPRESSED: Final = (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE)

_PROBLEMS: Final[dict[str, tuple[str, int]]] = {
    "cut": ("data set ends within an element", LOW),
    "vr": ("element without a VR", MEDIUM),
    "unknown-vr": ("VR that there is none of", LOW),
    "length": ("length beyond the end", MEDIUM),
    "nesting": ("sequences within each other without end", HIGH),
    "elements": ("elements without end", HIGH),
    "odd": ("value of odd length", INFO),
    "order": ("elements out of order", INFO),
    "duplicate": ("element that is there twice", LOW),
    "delimiter": ("delimiter missing or out of place", LOW),
    "item": ("sequence of something else than items", MEDIUM),
    "fragment": ("fragment beyond the end", HIGH),
    "syntax": ("data set in another transfer syntax than it says", LOW),
}


def look(layout: Layout, findings: Findings) -> None:
    """Report what is wrong with a DICOM file's structure."""
    for problem in layout.walk.problems:
        _report(problem, "", findings)
    _meta(layout, findings)
    _deflated(layout, findings)
    _uids(layout, findings)
    _numbers(layout, findings)
    _pixels(layout, findings)


def _report(problem: Problem, where: str, findings: Findings) -> None:
    name, severity = _PROBLEMS[problem.what]
    findings.add(f"structure.{problem.what}", f"{name}{where}", severity, problem.detail, problem.offset)


def _meta(layout: Layout, findings: Findings) -> None:
    """Group 0002 (PS3.10 table 7.1-1). An unknown VR in it leaks or overruns in readers (CVE-2026-3650)."""
    if not layout.prefixed:
        findings.add("structure.prefix", "no preamble and prefix", LOW, "a data set by itself")
    for problem in layout.meta.problems:
        if problem.what in ("vr", "unknown-vr"):
            findings.add(
                "structure.meta-vr", "unknown VR in group 0002 (CVE-2026-3650)", HIGH, problem.detail, problem.offset
            )
        else:
            _report(problem, " of group 0002", findings)
    nodes = {node.tag: node for node in layout.meta.nodes}
    if not nodes:
        return
    if 0x00020010 not in nodes:
        findings.add("structure.no-syntax", "no transfer syntax in group 0002", LOW)
    elif not _UID.fullmatch(layout.syntax) or len(layout.syntax) > 64:
        findings.add("structure.uid", "transfer syntax is no UID", MEDIUM, clean(layout.syntax, 100))
    length = nodes.get(0x00020000)
    if length is not None and length.length == 4:
        said = int.from_bytes(bytes(layout.data[length.value : length.value + 4]), "little")
        true = layout.dataset - length.value - 4
        if said != true:
            findings.add(
                "structure.meta-length", "length of group 0002 is wrong", LOW, f"{said}, is {true}", length.start
            )
    for tag in nodes:
        if not keyword_for_tag(tag):
            findings.add("structure.meta-tag", "unknown element in group 0002", LOW, named(tag), nodes[tag].start)


def _deflated(layout: Layout, findings: Findings) -> None:
    if layout.inflated is None:
        return
    if layout.deflate_fault:
        findings.add("structure.deflate", "broken deflated data set", MEDIUM, layout.deflate_fault, layout.dataset)
    if is_bomb(layout.inflated, layout.consumed):
        detail = f"at least {layout.inflated} bytes out of {layout.consumed}"
        findings.add("bomb.deflate", "deflate bomb in a data set", HIGH, detail, layout.dataset)


def _uids(layout: Layout, findings: Findings) -> None:
    for node in layout.walk.nodes:
        if node.vr != "UI" or not node.length:
            continue
        for value in layout.value(node, 4096).decode("latin-1").split("\\"):
            uid = value.rstrip("\0 ")
            if uid and (len(uid) > 64 or not _UID.fullmatch(uid)):
                findings.add("structure.uid", f"{named(node.tag)} is no UID", LOW, clean(uid, 120), node.value)


def _numbers(layout: Layout, findings: Findings) -> None:
    """VRs of numbers by which memory is measured (CVE-2026-5442, CVE-2026-5443)."""
    for tag in (ROWS, COLUMNS):
        for node in layout.walk.nodes:
            if node.tag == tag and node.vr != "US":
                findings.add(
                    "structure.rows-vr",
                    "Rows or Columns of another VR (CVE-2026-5442)",
                    HIGH,
                    f"{named(tag)} has VR {node.vr}",
                    node.start,
                )
    for node in layout.walk.nodes:
        size = vrs.WORD.get(node.vr)
        if size is not None and node.vr in ("US", "SS", "UL", "SL", "FL", "FD", "AT") and node.length % size:
            detail = f"{named(node.tag)}: {node.length} bytes of {node.vr}"
            findings.add("structure.number", "number of the wrong size", LOW, detail, node.start)
        if node.tag in _COUNTS and node.vr not in ("US", "SS", "UN"):
            detail = f"{named(node.tag)}: {node.vr}"
            findings.add("structure.unlike-vr", "number of another VR", LOW, detail, node.start)


def _pixels(layout: Layout, findings: Findings) -> None:
    """Rows x Columns x Samples x Bits x Frames against what is there (PS3.3 C.7.6.3, PS3.5 section 8)."""
    node = layout.top(PIXEL_DATA)
    rows, columns = layout.number(ROWS), layout.number(COLUMNS)
    samples, allocated = layout.number(SAMPLES) or 1, layout.number(ALLOCATED) or 0
    frames = layout.number(FRAMES)
    if frames is None:
        frames = 1
    if node is None:
        return
    if not rows or not columns:
        findings.add("structure.pixels", "pixels without Rows or Columns", MEDIUM, f"{rows} x {columns}", node.start)
        return
    stored, high = layout.number(STORED), layout.number(HIGH_BIT)
    if allocated not in (1, 8, 16, 32, 64) or (stored or 0) > allocated or (high or 0) >= max(allocated, 1):
        detail = f"{allocated} allocated, {stored} stored, high bit {high}"
        findings.add("structure.bits", "bits that can't be", MEDIUM, detail, node.start)
    if samples not in (1, 3, 4):
        findings.add("structure.samples", "samples that can't be", MEDIUM, f"{samples} for each pixel", node.start)
    if frames <= 0 or frames > 1_000_000:
        findings.add("structure.frames", "frames that can't be", MEDIUM, f"{frames}", node.start)
    pixels = rows * columns * samples * frames
    if pixels * max(allocated, 8) // 8 >= _MAX_PIXELS * 2:
        detail = f"{rows} x {columns}, {samples} samples, {frames} frames of {allocated} bits"
        findings.add("structure.wraps", "image larger than 32 bits can count", HIGH, detail, node.start)
    _pixel_length(layout, pixels * allocated, findings)
    _palette(layout, findings)


def _pixel_length(layout: Layout, bits: int, findings: Findings) -> None:
    node = layout.top(PIXEL_DATA)
    if node is None or layout.syntax not in _UNCOMPRESSED or layout.fragments():
        return
    wanted = (bits + 7) // 8
    if layout.text(PHOTOMETRIC) == "YBR_FULL_422":
        wanted = wanted * 2 // 3
    if node.length < wanted:
        detail = f"{node.length} bytes, should be {wanted}"
        findings.add("structure.pixel-length", "pixels are missing", MEDIUM, detail, node.start)
    elif node.length > wanted + 1 + (wanted & 1):
        detail = f"{node.length} bytes, should be {wanted}"
        severity = MEDIUM if node.length > wanted + 4096 else LOW
        findings.add("structure.pixel-excess", "more bytes than pixels", severity, detail, node.value + wanted)


def _palette(layout: Layout, findings: Findings) -> None:
    """PALETTE COLOR without tables, or with ones that are shorter than they say (CVE-2026-5445)."""
    if layout.text(PHOTOMETRIC) != "PALETTE COLOR":
        return
    for tag in _PALETTES:
        descriptor = layout.value(layout.top(tag), 6)
        table = layout.top(tag + 0x100)
        if len(descriptor) < 6:
            if layout.top(0x00281221) is None and layout.top(tag + 0x120) is None:
                findings.add("structure.palette", "palette is missing (CVE-2026-5445)", MEDIUM, named(tag))
            continue
        order = ">" if layout.big_endian else "<"
        entries, _, bits = struct.unpack_from(f"{order}3H", descriptor)
        entries = entries or 65536
        there = table.length if table is not None else layout.top(tag + 0x120) and entries * 2
        if bits not in (8, 16) or (there or 0) < entries:
            detail = f"{named(tag)}: {entries} entries of {bits} bits in {there} bytes"
            findings.add("structure.palette", "palette is shorter than it says (CVE-2026-5445)", MEDIUM, detail)
