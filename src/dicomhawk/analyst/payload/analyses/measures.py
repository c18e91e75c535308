"""Numbers by which files are compared: digests, fuzzy hash, entropy."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import ppdeep  # type: ignore[import-untyped]

from ....hospital.part10 import PREAMBLE
from ..model import Section
from .buffers import Buffer
from .layout import Layout
from .walker import PIXEL_DATA

MAX_FUZZY: Final = 128 << 10
"""Bytes that the fuzzy hash is of: of something monotonous it takes a dozen looks, each of some 50 ms."""
MAX_FUZZY_DICOM: Final = 32 << 10
"""The same of DICOM objects, most of which are pixels: what is alike begins alike."""
MAX_ENTROPY: Final = 64 << 20
"""Bytes of one section that are counted."""
_CHUNK: Final = 1 << 20


def digests(data: Buffer, size: int) -> tuple[str, str, str]:
    """SHA-256, SHA-1 and MD5, as hexadecimal digits."""
    found = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), hashlib.md5(usedforsecurity=False)
    for start in range(0, size, _CHUNK):
        chunk = data[start : min(size, start + _CHUNK)]
        for each in found:
            each.update(chunk)
    sha256, sha1, md5 = (each.hexdigest() for each in found)
    return sha256, sha1, md5


def fuzzy(data: Buffer, size: int) -> str:
    """ssdeep's hash of the first `size` bytes; empty for an empty file."""
    return str(ppdeep.hash(bytes(data[:size]))) if size else ""


def entropy(data: Buffer, start: int, length: int) -> float:
    """Shannon's, in bits per byte."""
    end = start + min(length, MAX_ENTROPY)
    counts = np.zeros(256, np.int64)
    for at in range(start, end, _CHUNK):
        counts += np.bincount(np.frombuffer(data[at : min(end, at + _CHUNK)], np.uint8), minlength=256)
    shares = counts[counts > 0] / max(1, counts.sum())
    return round(float(min(8.0, max(0.0, -(shares * np.log2(shares)).sum()))), 3)


def sections(layout: Layout, size: int) -> list[Section]:
    """The parts of a file, and how much like noise each is."""
    parts = [("all", 0, size)]
    if layout.dicom and layout.inflated is None:
        pixels = layout.top(PIXEL_DATA)
        end = min(size, layout.end)
        header_end = pixels.start if pixels is not None else end
        if layout.prefixed:
            parts.append(("preamble", 0, PREAMBLE))
        parts.append(("header", layout.dataset, header_end - layout.dataset))
        if pixels is not None:
            pixel_end = pixels.value + pixels.length if pixels.length else end
            parts.append(("pixel data", pixels.value, pixel_end - pixels.value))
        parts.append(("trailing", end, size - end))
    kept = [part for part in parts if part[2] > 0]
    return [Section(name, start, length, entropy(layout.data, start, length)) for name, start, length in kept]
