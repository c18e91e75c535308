"""Marks in objects that leave: addresses of the canary, minted for who retrieves them, and a study's comment.

A mark is a text that says all that is done to a data set, so that a transcript which keeps it can be told in bytes
again. Pixel data are never touched, and without an address of a canary nothing but comments is put into anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..hospital.charset import of_data_set
from ..hospital.elements import (
    DEFLATED_LE,
    IMPLICIT_LE,
    DataSet,
    Element,
    ElementsError,
    decode,
    decode_until,
    encode,
)
from ..hospital.world.draw import draw
from ..settings import CanaryKind
from .addresses import Addresses
from .files.pdf import with_address

MAX_HEAD = 1 << 18
"""Bytes before the pixel data that are written anew; an ordinary object's are some KiB."""
MAX_DOCUMENT = 8 << 20
"""Bytes of an object without pixel data that is written anew."""
MAX_MARKED = 64 << 20
"""Bytes of an object that is copied to be marked: some hundredths of a second."""
COMMENTED = 0.03
"""Part of the studies that have a comment of ours."""

_PIXEL_DATA = 0x7FE00000  # the group
_RETRIEVE_URL, _STUDY_COMMENTS = 0x00081190, 0x00324000
_CONTENT_SEQUENCE, _TEXT_VALUE, _VALUE_TYPE = 0x0040A730, 0x0040A160, 0x0040A040
_DOCUMENT, _DOCUMENT_LENGTH = 0x00420011, 0x00420015
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
_BETWEEN, _WITHIN = "\x1f", "\x1e"
_CREATORS = ("ARCHIVE GATEWAY", "PACS IMAGE LINK", "WEB DISTRIBUTION", "IMAGE SERVER 2.0", "ENTERPRISE VIEW")
_GROUPS = (0x0009, 0x0011, 0x0019, 0x0021, 0x0029)


class Place(NamedTuple):
    """A kind of mark that calls a canary."""

    lure: str
    canary: CanaryKind
    where: str


HEADER = Place("url/header", "image", "Retrieve URL (0008,1190) of images")
PRIVATE = Place("url/private", "image", "a private element of images")
REPORT = Place("url/report", "report", "text of structured reports")
DOCUMENT = Place("url/document", "pdf", "encapsulated PDF documents")
MARKS = (HEADER, PRIVATE, REPORT, DOCUMENT)


class Marked(Protocol):
    """What of an instance decides on its mark."""

    @property
    def sop_uid(self) -> str: ...

    @property
    def sop_class_uid(self) -> str: ...

    @property
    def study_uid(self) -> str: ...

    @property
    def series_uid(self) -> str: ...


class Marks:
    """Draws the marks of a deployment."""

    def __init__(self, seed: str, addresses: Addresses, *, urls: bool, comment: str, images: str) -> None:
        """`urls`: whether addresses are put in; `comment`: of studies, empty for none; `images`: how reports say
        where images are, with ``{url}``."""
        self.active = urls
        self._seed, self._addresses = seed, addresses
        self._comment, self._images = comment, images
        source = draw(seed, "lures", "marks")
        self._creator, self._group = source.choice(_CREATORS), source.choice(_GROUPS)
        self._element = source.randint(1, 0x7F)

    def of(self, instance: Marked, mint: Callable[[str], str]) -> str:
        """The mark of an instance; empty: it stays as it is. `mint` makes the token for a lure's id."""
        made = []
        if self._comment and draw(self._seed, "lures", "comment", instance.study_uid).random() < COMMENTED:
            made.append(f"comment{_WITHIN}{self._comment}")
        place = self._place(instance) if self.active else None
        if place is not None and self._addresses.has(place.canary):
            url = self._addresses.url(place.canary, mint(place.lure), _NAMES[place])
            if place is PRIVATE:
                made.append(_WITHIN.join(("private", f"{self._group:04X}{self._element:02X}", self._creator, url)))
            elif place is REPORT:
                made.append(f"report{_WITHIN}{self._images.format(url=url)}")
            else:
                made.append(f"{'header' if place is HEADER else 'document'}{_WITHIN}{url}")
        return _BETWEEN.join(made)

    def _place(self, instance: Marked) -> Place | None:
        if instance.sop_class_uid == _PDF:
            return DOCUMENT
        if instance.sop_class_uid.startswith(_REPORTS):
            return REPORT
        # The whole series, as from a gateway that passed it on.
        drawn = draw(self._seed, "lures", "mark", instance.series_uid).random()
        return HEADER if drawn < 0.4 else PRIVATE if drawn < 0.7 else None


_NAMES = {HEADER: "wado", PRIVATE: "study", REPORT: "view", DOCUMENT: "report"}


def marked(data: bytes | memoryview, syntax: str, mark: str) -> bytes | None:
    """A data set in transfer syntax `syntax` with its mark; None: it can't have it. The same bytes for the same mark.

    Elements are added in their order; group lengths of groups that are changed are left out (PS3.5 section 7.2).
    """
    if not mark or syntax == DEFLATED_LE or len(data) > MAX_MARKED:
        return None
    head, rest = _parted(data, syntax)
    if head is None:
        return None
    for one in mark.split(_BETWEEN):
        kind, *values = one.split(_WITHIN)
        added = _ADDING[kind](head, values)
        for tag in added:
            head.pop(tag & 0xFFFF0000, None)
        head |= added
    try:
        return b"".join((encode(head, syntax), rest))
    except ElementsError:
        return None


def _parted(data: bytes | memoryview, syntax: str) -> tuple[DataSet | None, bytes | memoryview]:
    """The elements before the pixel data, and the rest as it is."""
    head, at = decode_until(data[:MAX_HEAD], syntax, _PIXEL_DATA)
    if at is not None:
        start = at - (8 if syntax == IMPLICIT_LE else 12)  # OB, OW, OF and OD have the long header
        return head, data[start:]
    if len(data) > MAX_DOCUMENT:
        return None, b""
    try:
        return decode(data, syntax), b""
    except ElementsError:
        return None, b""


def _header(head: DataSet, values: list[str]) -> DataSet:
    return {_RETRIEVE_URL: Element(_RETRIEVE_URL, "UR", values[0].encode("ascii", "replace"))}


def _private(head: DataSet, values: list[str]) -> DataSet:
    """A private block of its own (PS3.5 section 7.8.1)."""
    place, creator, url = values
    group, number = int(place[:4], 16), int(place[4:], 16)
    block = 0x10
    while (group << 16 | block) in head and block < 0xFF:
        block += 1
    tag, element = group << 16 | block, group << 16 | block << 8 | number
    return {
        tag: Element(tag, "LO", creator.encode("ascii", "replace")),
        element: Element(element, "ST", url.encode("ascii", "replace")),
    }


def _report(head: DataSet, values: list[str]) -> DataSet:
    """The last paragraph of a report, and one more line."""
    text = of_data_set(head).encode(values[0])
    changed, root = _with_line(head, text if text is not None else values[0].encode("ascii", "replace"))
    return {_CONTENT_SEQUENCE: root[_CONTENT_SEQUENCE]} if changed else {}


def _with_line(item: DataSet, text: bytes) -> tuple[bool, DataSet]:
    sequence = item.get(_CONTENT_SEQUENCE)
    if sequence is not None and not isinstance(sequence.value, bytes):
        items = list(sequence.value)
        for at in range(len(items) - 1, -1, -1):
            changed, made = _with_line(items[at], text)
            if changed:
                items[at] = made
                return True, item | {_CONTENT_SEQUENCE: sequence._replace(value=tuple(items))}
    value, kind = item.get(_TEXT_VALUE), item.get(_VALUE_TYPE)
    if value is None or kind is None or not isinstance(value.value, bytes) or kind.value != b"TEXT":
        return False, item
    line = value.value.rstrip(b" \0") + b" " + text
    return True, item | {_TEXT_VALUE: value._replace(value=line)}


def _document(head: DataSet, values: list[str]) -> DataSet:
    found, length = head.get(_DOCUMENT), head.get(_DOCUMENT_LENGTH)
    if found is None or not isinstance(found.value, bytes):
        return {}
    content = found.value
    if length is not None and isinstance(length.value, bytes) and len(length.value) == 4:
        content = content[: int.from_bytes(length.value, "little")]
    made = with_address(content, values[0])
    changed = {_DOCUMENT: found._replace(value=made)}
    if length is not None:
        changed[_DOCUMENT_LENGTH] = length._replace(value=len(made).to_bytes(4, "little"))
    return changed


def _comment(head: DataSet, values: list[str]) -> DataSet:
    text = of_data_set(head).encode(values[0])
    if text is None:
        text = values[0].encode("ascii", "replace")
    return {_STUDY_COMMENTS: Element(_STUDY_COMMENTS, "LT", text)}


_ADDING: dict[str, Callable[[DataSet, list[str]], DataSet]] = {
    "header": _header,
    "private": _private,
    "report": _report,
    "document": _document,
    "comment": _comment,
}
