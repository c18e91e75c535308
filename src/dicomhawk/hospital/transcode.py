"""Data sets from one uncompressed transfer syntax into another, or written anew in the same (PS3.5 annex A)."""

from __future__ import annotations

from dicomhawk.hospital import vr as vrs

from .elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, DataSet, Element, decode, encode
from .rewriting import Rewriting

TRUSTED_ELEMENTS = 2_000_000
"""Far above what strangers' data sets may have: these are the operator's, enhanced multi-frame ones among them."""

_UNCOMPRESSED = frozenset({IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE})
_PIXEL_REPRESENTATION = 0x00280103


def can_transcode(source: str, target: str) -> bool:
    """Whether `transcode` takes these transfer syntaxes."""
    return source in _UNCOMPRESSED and target in _UNCOMPRESSED


def transcode(
    data: bytes | memoryview,
    source: str,
    target: str,
    *,
    max_elements: int = TRUSTED_ELEMENTS,
    rewriting: Rewriting | None = None,
) -> bytes:
    """The data set in an uncompressed transfer syntax, with defined lengths; the pixels are the same. With
    `rewriting` it is read leniently (see `decode`), and written so.

    Raises `ElementsError` if `data` can't be read.
    """
    data_set = decode(data, source, max_elements=max_elements, lenient=rewriting is not None)
    if rewriting is not None:
        data_set = rewriting.tidied(data_set)
    _settle_group_lengths(data_set, target)
    if source == IMPLICIT_LE and target != IMPLICIT_LE:
        _settle_signs(data_set)
    return encode(data_set, target)


def _settle_group_lengths(data_set: DataSet, target: str) -> None:
    """Group lengths that are there (retired, PS3.5 section 7.2) say the length of what is written; in items, too."""
    groups: dict[int, DataSet] = {tag >> 16: {} for tag in data_set if tag & 0xFFFF == 0}
    for tag, element in data_set.items():
        if isinstance(element.value, tuple):
            for item in element.value:
                _settle_group_lengths(item, target)
        if tag & 0xFFFF and tag >> 16 in groups:
            groups[tag >> 16][tag] = element
    for number, group in groups.items():
        tag = number << 16
        data_set[tag] = Element(tag, "UL", len(encode(group, target)).to_bytes(4, "little"))


def _settle_signs(data_set: DataSet) -> None:
    """An implicit VR that may be US or SS is SS where the pixels are signed (PS3.5 annex A.1, PS3.6)."""
    representation = data_set.get(_PIXEL_REPRESENTATION)
    if representation is None or representation.value != b"\1\0":
        return
    for tag, element in data_set.items():
        if element.vr == "US" and vrs.may_be_signed(tag):
            data_set[tag] = element._replace(vr="SS")
