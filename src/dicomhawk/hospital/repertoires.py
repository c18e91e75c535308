"""The defined terms of Specific Character Set (0008,0005) and their escape sequences (PS3.3 C.12.1.1.2), with the
codecs of Python that have their characters."""

from __future__ import annotations

from typing import Final

DEFAULT: Final = "iso8859"
"""For ASCII, with Latin-1 for who forgot to declare it; Latin-1 that was declared has another name."""

HALF_WIDTH: Final = "shift_jis"
"""For JIS X 0201; the codec has more."""

_PARTS = {
    "100": ("latin_1", "A"),
    "101": ("iso8859_2", "B"),
    "109": ("iso8859_3", "C"),
    "110": ("iso8859_4", "D"),
    "126": ("iso8859_7", "F"),
    "127": ("iso8859_6", "G"),
    "138": ("iso8859_8", "H"),
    "144": ("iso8859_5", "L"),
    "148": ("iso8859_9", "M"),
    "166": ("tis_620", "T"),
}
"""By number in the registry of ISO 2375, the parts of ISO 8859 and TIS 620, and the final byte of the escape sequence
that brings each into G1 (table C.12-3)."""

_MANY_BYTES = {
    "87": ("iso2022_jp", b"\x1b$B"),
    "159": ("iso2022_jp_2", b"\x1b$(D"),
    "149": ("euc_kr", b"\x1b$)C"),
    "58": ("iso_ir_58", b"\x1b$)A"),
}
"""The same of characters of several bytes (table C.12-4), with their whole escape sequences."""

ALONE: Final = {"ISO_IR 192": "utf_8", "GB18030": "gb18030", "GBK": "gbk"}
"""Without code extensions (table C.12-5)."""

CODECS: Final = {
    "": DEFAULT,
    "ISO_IR 6": DEFAULT,
    "ISO_IR 13": HALF_WIDTH,
    "ISO 2022 IR 6": DEFAULT,
    "ISO 2022 IR 13": HALF_WIDTH,
    **{f"ISO_IR {number}": codec for number, (codec, _final) in _PARTS.items()},
    **{f"ISO 2022 IR {number}": codec for number, (codec, _final) in _PARTS.items()},
    **{f"ISO 2022 IR {number}": codec for number, (codec, _escape) in _MANY_BYTES.items()},
    **ALONE,
    "ISO 2022 GBK": "gbk",  # both as some devices write it
    "ISO 2022 58": "gb2312",
}
"""Each defined term, and what devices write for it."""

ESCAPES: Final = {
    b"\x1b(B": DEFAULT,
    b"\x1b(J": HALF_WIDTH,
    b"\x1b)I": HALF_WIDTH,
    **{f"\x1b-{final}".encode(): codec for codec, final in _PARTS.values()},
    **{escape: codec for codec, escape in _MANY_BYTES.values()},
}
"""What each escape sequence brings; of two for the same the last is the one to write."""
