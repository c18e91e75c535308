"""Value representations: what PS3.5 section 6.2 and the data dictionary (PS3.6) say about each."""

from __future__ import annotations

from functools import lru_cache

from dicomhawk.hospital.registry import vr_of_tag

LONG = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
"""Explicit VRs with two reserved bytes and a 32-bit length (PS3.5 section 7.1.2)."""

SHORT = frozenset(
    ("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM")
) | {"UI", "UL", "US"}
"""Explicit VRs with a 16-bit length."""

WORD = (
    dict.fromkeys(("AT", "OW", "SS", "US"), 2)
    | dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4)
    | dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8)
)
"""Bytes of a binary number of the VR, as far as its order of bytes depends on the transfer syntax."""

NUL_PADDED = frozenset(("OB", "UI", "UN"))
"""VRs that are padded with NUL; the other text is padded with a space."""

CUSTOMIZABLE = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""VRs whose repertoire Specific Character Set (0008,0005) extends (PS3.5 section 6.1.2.3)."""

WILDCARD = CUSTOMIZABLE | {"AE", "CS"}
"""VRs in which ``*`` and ``?`` are wildcards (PS3.4 section C.2.2.2.4)."""

UNDIVIDED = frozenset(("LT", "ST", "UR", "UT"))
"""Text VRs of one value only: a backslash is an ordinary character (PS3.5 section 6.4)."""

TEXT = CUSTOMIZABLE | {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"}

_AMBIGUOUS = {"OB or OW": "OW", "US or SS": "US", "US or OW": "OW", "US or SS or OW": "OW", "NONE": "UN"}

_PRIVATE_CREATORS = range(0x0010, 0x0100)


@lru_cache(maxsize=4096)
def of_tag(tag: int) -> str:
    """The VR of an attribute in Implicit VR; ``UN`` for one that isn't in the dictionary.

    Of the attributes that may have several VRs, the one that image attributes mostly have.
    """
    group, element = tag >> 16, tag & 0xFFFF
    if element == 0:
        return "UL"
    if group & 1:
        return "LO" if element in _PRIVATE_CREATORS else "UN"
    try:
        name = vr_of_tag(tag)
    except KeyError:
        return "UN"
    return _AMBIGUOUS.get(name, name)


@lru_cache(maxsize=4096)
def may_be_signed(tag: int) -> bool:
    """Whether the dictionary has SS for an attribute, if only as one of several VRs."""
    try:
        return "SS" in vr_of_tag(tag)
    except KeyError:
        return False


def swapped(vr: str, value: bytes) -> bytes:
    """`value` with the bytes of each of its numbers reversed; a remainder shorter than a number stays."""
    size = WORD.get(vr)
    if size is None:
        return value
    whole = len(value) - len(value) % size
    turned = bytearray(value)
    for index in range(size):
        turned[index:whole:size] = value[size - 1 - index : whole : size]
    return bytes(turned)
