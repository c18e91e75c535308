"""Texts in the character sets of objects, requests and answers, as a dialect has them.

A text is bytes here, one character each (Latin-1), in the set that goes with it.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import Final

from dicomhawk.hospital import repertoires
from dicomhawk.hospital import vr as vrs
from dicomhawk.hospital.charset import character_set
from dicomhawk.hospital.dialect import Texts

_ESCAPE: Final = "\x1b"
_REPLACEMENT: Final = "\ufffd"
UTF_8: Final = "ISO_IR 192"
ASCII: Final = "ISO_IR 6"
_PLAIN: Final = frozenset(("", ASCII, UTF_8))
"""Sets whose texts are UTF-8 as they are."""
_SEPARATOR: Final = re.compile(r"[\\ ]")
_ESCAPES: Final = re.compile(r"\x1b[\x20-\x2f]+[\x30-\x7f]")
_UNPRINTABLE: Final = re.compile(r"[\0-\x09\x0b-\x1f\x7f]")


def _without_spoilers(error: UnicodeError) -> tuple[str, int]:
    """Of an invalid sequence of UTF-8 the byte goes, too, that should have continued it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    spoilt = error.encoding == "utf-8" and error.reason == "invalid continuation byte"
    return "", min(error.end + spoilt, len(error.object))


_SKIPPING: Final = "dicomhawk.products.skipping"
codecs.register_error(_SKIPPING, _without_spoilers)


def affected(vr: str) -> bool:
    """Whether Specific Character Set applies to values of a VR."""
    return vr in vrs.CUSTOMIZABLE


@lru_cache(maxsize=256)
def codec(declared: str) -> str | None:
    """Python's codec for the first term of a value of (0008,0005) that isn't empty; None: there is none."""
    terms = [term.strip(" \0").upper() for term in declared.split("\\")]
    first = next(filter(None, terms), "")
    if first in (ASCII, "ISO 2022 IR 6"):
        return "ascii"
    found = repertoires.CODECS.get(first)
    return None if found is None or found == repertoires.DEFAULT else found


def to_utf_8(value: str, declared: str, undeclared: str) -> str:
    """`value` in UTF-8, without what has no meaning in its set. An unknown set is taken for ASCII."""
    if value.isascii() and _ESCAPE not in value:
        return value
    found = codec(declared if declared.strip("\\ \0") else undeclared) or "ascii"
    text = value.encode("latin-1").decode(found, _SKIPPING)
    if found == "ascii":
        text = _UNPRINTABLE.sub("", text)
    # With code extensions, what is said by them is left out, and what they led in is read as the first set.
    return (_ESCAPES.sub("", text) if "\\" in declared else text).encode().decode("latin-1")


def from_utf_8(value: str, target: str) -> str:
    """`value` in the set `target`, without what has no code there."""
    if value.isascii():
        return value
    text = value.encode("latin-1").decode("utf-8", "ignore")
    return text.encode(codec(target) or "ascii", "ignore").decode("latin-1")


def converted(value: str, source: str, target: str) -> str | None:
    """`value` from one set to another; None if it can't be said there."""
    raw = value.encode("latin-1")
    try:
        if _ESCAPE in value:
            text = character_set(source).decode(raw)
            if _REPLACEMENT in text:
                return None
        else:
            text = raw.decode(_strict(source))
        return text.encode(_strict(target)).decode("latin-1")
    except UnicodeError:
        return None


def _strict(declared: str) -> str:
    first = declared.split("\\")[0]
    return (codec(first) or "ascii") if first else "ascii"


def convertible(declared: str, rules: Texts) -> bool:
    """Whether texts in this set can be converted."""
    first, *others = declared.split("\\")
    if not others:
        return not first or first in rules.convertible
    known = rules.convertible_extensions
    return all(term in known for term in others) and (not first or first in known)


def is_plain(declared: str) -> bool:
    """Whether texts in this set are UTF-8 as they are."""
    return declared in _PLAIN
