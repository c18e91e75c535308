"""How a product writes a data set anew that it has read: what it leaves out, and how it pads texts."""

from __future__ import annotations

from dataclasses import dataclass, field

from dicomhawk.hospital import vr as vrs

from .elements import DataSet, Element

_WHITE_SPACE = b" \t\n\v\f\r"
DECODED = "decoded"
"""Stands for the transfer syntax of what was compressed, and was decompressed."""
_TRAILING_PADDING = 0xFFFCFFFC
"""Data Set Trailing Padding (PS3.10 section 7.2): nothing."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """The defaults are those of a writer that keeps the padding of texts short, and leaves trailing padding out."""

    dropped_groups: frozenset[int] = field(default_factory=frozenset)
    """Groups whose elements are left out, in items, too."""

    def tidied(self, data_set: DataSet) -> DataSet:
        """The data set as it is written."""
        found: DataSet = {}
        for tag, element in data_set.items():
            if tag == _TRAILING_PADDING or tag >> 16 in self.dropped_groups:
                continue
            value = element.value
            if isinstance(value, tuple):
                found[tag] = element._replace(value=tuple(map(self.tidied, value)))
            else:
                found[tag] = Element(tag, element.vr, _text(element.vr, value) if element.vr in vrs.TEXT else value)
        return found


def label(own: str, rewriting: Rewriting | None) -> str:
    """How an object was written anew that had the transfer syntax `own` (or was `DECODED`), for `of_label`."""
    dropped = sorted(rewriting.dropped_groups) if rewriting is not None else ()
    return " ".join((own, *(["tidied"] if rewriting is not None else ()), *(f"{group:04x}" for group in dropped)))


def of_label(text: str) -> tuple[str, Rewriting | None]:
    """What `label` was given. Raises `ValueError`."""
    own, *rest = text.split(" ")
    return own, Rewriting(frozenset(int(group, 16) for group in rest[1:])) if rest else None


def _text(vr: str, value: bytes) -> bytes:
    """A text without needless padding: what is of an odd length was read with a NUL behind it."""
    if vr == "UI":
        return value.translate(None, _WHITE_SPACE).rstrip(b"\0")
    return (value + b"\0" * (len(value) % 2)).rstrip(b" ")
