"""Data sets of the hospital's own objects from one uncompressed transfer syntax into another (PS3.5 annex A)."""

from __future__ import annotations

from .elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, decode, encode

MAX_ELEMENTS = 2_000_000
"""Far above what strangers' data sets may have: these are the operator's, enhanced multi-frame ones among them."""

_UNCOMPRESSED = frozenset({IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE})


def can_transcode(source: str, target: str) -> bool:
    """Whether `transcode` takes these transfer syntaxes."""
    return source in _UNCOMPRESSED and target in _UNCOMPRESSED


def transcode(data: bytes | memoryview, source: str, target: str) -> bytes:
    """The data set in another uncompressed transfer syntax; the pixels are the same.

    Raises `ElementsError` if `data` can't be read.
    """
    return encode(decode(data, source, max_elements=MAX_ELEMENTS), target)
