"""An object against the hospital's own with the same SOP Instance UID: what was changed, and where in the image."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from PIL import Image as Pillow

from ....hospital.displays import DisplayError
from ....hospital.pixels import Pixels
from ....hospital.registry import keyword_for_tag
from ....hospital.vr import swapped
from ..model import MAX_LISTED, Attribute, Comparison, Image, clean
from ..model import Pixels as PixelChanges
from .layout import Layout
from .pictures import Samples, of_pillow, opened, values_of
from .walker import Node

MAX_FRAMES: Final = 64
"""Frames that are compared sample by sample."""
_PIXELS: Final = 0x7FE0
_OURS: Final = frozenset((0x00081190, 0x00324000))
"""What we put in ourselves when an object leaves (lures/marks.py); its private elements are passed over too."""
_CONTENT: Final = frozenset((0x0040A730, 0x00420011, 0x00420015))
"""Reports and documents, into which an address is put for each visitor."""
_ABSENT: Final = (b"", "")
_CODED: Final = frozenset(0x00280000 | element for element in (4, 6, 0x100, 0x101, 0x102, 0x2110, 0x2112, 0x2114))
"""What changes with the transfer syntax."""


def compare(theirs: Layout, their_size: int, ours: Layout, our_size: int) -> Comparison:
    """What differs. Group 0002, group lengths, the order of bytes and our own marks don't count."""
    attributes = _attributes(theirs, ours)
    pixels, difference = _pixels(theirs, their_size, ours, our_size)
    return Comparison(attributes, pixels, difference)


def _attributes(theirs: Layout, ours: Layout) -> list[Attribute]:
    left, right = _values(theirs), _values(ours)
    recoded = theirs.syntax != ours.syntax
    found: list[Attribute] = []
    for tag in sorted(left.keys() | right.keys()):
        theirs_value, theirs_text = left.get(tag, _ABSENT)
        ours_value, ours_text = right.get(tag, _ABSENT)
        if (tag in left and tag in right and theirs_value == ours_value) or (recoded and tag in _CODED):
            continue
        if tag in _OURS and tag not in right:
            continue
        if tag >> 16 & 1 and tag not in right:
            continue
        if tag in _CONTENT and b"http" in theirs_value:
            continue
        if len(found) == MAX_LISTED:
            break
        found.append(Attribute(f"{tag:08X}", keyword_for_tag(tag), theirs_text, ours_text))
    return found


def _values(layout: Layout) -> dict[int, tuple[bytes, str]]:
    """Of each element of the data set but its pixels: what is compared, and what is shown."""
    found: dict[int, tuple[bytes, str]] = {}
    nested: dict[int, list[Node]] = {}
    for node in layout.walk.nodes:
        if node.top >> 16 == _PIXELS or node.tag & 0xFFFF == 0:
            continue
        if node.depth:
            nested.setdefault(node.top, []).append(node)
        elif node.vr != "SQ":
            value = _plain(layout, node)
            found[node.tag] = value, _shown(node, value)
        else:
            nested.setdefault(node.top, [])
    for tag, nodes in nested.items():
        parts = [node.tag.to_bytes(4, "big") + _plain(layout, node) for node in nodes if node.vr != "SQ"]
        shown = f"sequence, {hashlib.sha256(b''.join(parts)).hexdigest()[:16]}" if parts else "sequence, empty"
        found[tag] = b"\0".join(parts), shown
    return found


def _plain(layout: Layout, node: Node) -> bytes:
    value = layout.value(node, 1 << 20)
    if layout.big_endian:
        value = swapped(node.vr, value)
    return value.rstrip(b"\0 ")


def _shown(node: Node, value: bytes) -> str:
    if node.vr in ("US", "UL", "SS", "SL") and len(value) <= 8:
        return str(int.from_bytes(value, "little"))
    if node.vr in ("OB", "OW", "UN", "OF", "OD") and not value.isascii():
        return f"{node.length} bytes, {hashlib.sha256(value).hexdigest()[:16]}"
    return clean(value)


def _pixels(theirs: Layout, their_size: int, ours: Layout, our_size: int) -> tuple[PixelChanges | None, Image | None]:
    if theirs.top(0x7FE00010) is None and ours.top(0x7FE00010) is None:
        return None, None
    try:
        left, right = opened(theirs, their_size), opened(ours, our_size)
        if _size(left) != _size(right):
            detail = f"{_size(left)} for {_size(right)}"
            return PixelChanges(False, clean(f"another size: {detail}")), None
        return _compared(left, right)
    except DisplayError as error:
        return PixelChanges(False, clean(str(error))), None


def _size(pixels: Pixels) -> tuple[int, int, int, int]:
    return pixels.shape.rows, pixels.shape.columns, pixels.shape.samples, pixels.count


def _compared(left: Pixels, right: Pixels) -> tuple[PixelChanges, Image | None]:
    changed = np.zeros((left.shape.rows, left.shape.columns), bool)
    total = largest = 0
    frames = min(left.count, MAX_FRAMES)
    worst: tuple[int, Samples, Samples] | None = None
    for number in range(1, frames + 1):
        theirs, ours = values_of(left, number), values_of(right, number)
        if theirs.shape != ours.shape:
            return PixelChanges(False, "another number of samples"), None
        difference = np.abs(theirs - ours)
        difference = difference.max(axis=-1) if difference.ndim == 3 else difference
        count = int(np.count_nonzero(difference))
        total, largest = total + count, max(largest, int(difference.max(initial=0)))
        changed |= difference > 0
        if count and (worst is None or count > worst[0]):
            worst = count, difference, ours
    if worst is None:
        return PixelChanges(True, identical=True, frames=frames), None
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    box = [int(rows[0]), int(columns[0]), int(rows[-1]), int(columns[-1])]
    share = total / (changed.size * frames)
    return PixelChanges(True, "", False, share, box, frames, largest), _drawn(worst[1], worst[2])


def _drawn(difference: Samples, ours: Samples) -> Image:
    """Our image in dark grey, and in red what was changed, the brighter the more."""
    grey = ours.mean(axis=-1) if ours.ndim == 3 else ours.astype(np.float32)
    low, high = np.percentile(grey, (1, 99))
    dark = np.clip((grey - low) / max(1.0, high - low), 0, 1) * 110
    strength = np.where(difference > 0, 145 + 110 * difference / max(1, difference.max(initial=1)), dark)
    calm = np.where(difference > 0, 0, dark)
    return of_pillow(Pillow.fromarray(np.stack((strength, calm, calm), axis=-1).astype(np.uint8)))
