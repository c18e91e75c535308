"""Where what is in a DICOM file (PS3.10 section 7), as far as it is one."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ....hospital import vr as vrs
from ....hospital.elements import DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE
from ....hospital.part10 import PREAMBLE, PREFIX, file_meta
from ....hospital.registry import keyword_for_tag
from .buffers import Buffer
from .walker import PIXEL_DATA, Node, Walk, walk

MAX_INFLATED: Final = 64 << 20
"""Bytes of a deflated data set that are looked at."""
MAX_TEXT: Final = 64 << 10
"""Bytes of a value that are read as text."""
_START: Final = PREAMBLE + len(PREFIX)
_ENOUGH: Final = 3
"""Elements without a fault that make a data set of something without the prefix."""


@dataclass
class Layout:
    """The parts of a file, and its elements by their places in `body`."""

    data: Buffer
    dicom: bool = False
    prefixed: bool = False
    """There are preamble and prefix."""
    meta: Walk = field(default_factory=Walk)
    dataset: int = 0
    """Offset where the data set begins."""
    syntax: str = ""
    """Transfer syntax as it says itself; empty: it doesn't."""
    body: Buffer = b""
    """What the offsets of `walk` are of: the file, or the inflated data set."""
    walk: Walk = field(default_factory=Walk)
    inflated: int | None = None
    """Bytes that a deflated data set became, as far as it was inflated; None: it isn't deflated."""
    consumed: int = 0
    """Bytes of the deflated data set."""
    deflate_fault: str = ""

    @property
    def end(self) -> int:
        """Offset behind the data set."""
        if not self.dicom:
            return 0
        return self.dataset + self.consumed if self.inflated is not None else self.walk.end

    @property
    def big_endian(self) -> bool:
        """Whether numbers of the data set are."""
        return self.syntax == EXPLICIT_BE

    def top(self, tag: int) -> Node | None:
        """The first element of the data set itself with that tag."""
        if self._indexed is not self.walk:
            self._indexed = self.walk
            self._tops = {node.tag: node for node in reversed(self.walk.nodes) if node.depth == 0}
        return self._tops.get(tag)

    def value(self, node: Node | None, limit: int = MAX_TEXT) -> bytes:
        """The beginning of a value; empty if there is no such element."""
        return bytes(self.body[node.value : node.value + min(node.length, limit)]) if node is not None else b""

    def text(self, tag: int) -> str:
        """The value of an attribute of the data set, one character for each byte, without its padding."""
        return self.value(self.top(tag)).decode("latin-1").strip("\0 ")

    def meta_text(self, tag: int) -> str:
        """The same of group 0002."""
        node = next((node for node in self.meta.nodes if node.tag == tag), None)
        if node is None:
            return ""
        return bytes(self.data[node.value : node.value + min(node.length, 200)]).decode("latin-1").strip("\0 ")

    def number(self, tag: int) -> int | None:
        """The value of an attribute with a binary number of 16 or 32 bits, or with digits; None: it has none."""
        node = self.top(tag)
        if node is None or not node.length:
            return None
        value = self.value(node, 16)
        if node.vr in ("US", "UL", "SS", "SL") and len(value) >= 2:
            size = 4 if node.vr in ("UL", "SL") and len(value) >= 4 else 2
            return int.from_bytes(value[:size], "big" if self.big_endian else "little")
        text = value.decode("latin-1").strip("\0 ").split("\\")[0]
        return int(text) if text.isdecimal() and text.isascii() else None

    def fragments(self) -> list[Node]:
        """Of the pixel data, the offset table included."""
        return [node for node in self.walk.nodes if node.vr == "fragment" and node.top == PIXEL_DATA]

    def texts(self) -> Iterator[tuple[Node, bytes]]:
        """Values that are text, or are of unknown kind and short."""
        for node in self.walk.nodes:
            if node.length and (node.vr in vrs.TEXT or (node.vr == "UN" and node.length <= MAX_TEXT)):
                yield node, self.value(node)

    def place(self, offset: int) -> str:
        """What is at an offset of the file, in words."""
        if not self.dicom:
            return "the file"
        if self.prefixed and offset < PREAMBLE:
            return "the preamble"
        if offset < self.dataset:
            return "the file meta information"
        if offset >= self.end:
            return "what follows the data set"
        return "the deflated data set" if self.inflated is not None else self.place_in_body(offset)

    def place_in_body(self, offset: int) -> str:
        """What is at an offset of `body`, in words."""
        starts = self._starts()
        at = bisect_right(starts, offset) - 1
        if at < 0:
            return "the data set"
        node = self.walk.nodes[at]
        if node.top >> 16 == 0x7FE0:
            return "the pixel data"
        if node.tag == 0x00420011:
            return "the encapsulated document"
        if node.tag >> 16 & 1:
            return f"private element {named(node.tag)}"
        return named(node.tag)

    def _starts(self) -> list[int]:
        if len(self._offsets) != len(self.walk.nodes):
            self._offsets = [node.start for node in self.walk.nodes]
        return self._offsets

    _offsets: list[int] = field(default_factory=list)
    _tops: dict[int, Node] = field(default_factory=dict)
    _indexed: Walk | None = None


def named(tag: int) -> str:
    """A tag as people write it, with its keyword."""
    keyword = keyword_for_tag(tag)
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X}){' ' if keyword else ''}{keyword}"


def lay_out(data: Buffer, size: int) -> Layout:
    """Find the parts of a file of which `size` bytes are looked at."""
    found = Layout(data, body=data)
    if bytes(data[PREAMBLE:_START]) == PREFIX:
        found.dicom = found.prefixed = True
        found.meta = walk(data, _START, size, group=0x0002)
        found.dataset = found.meta.end
        found.syntax = found.meta_text(0x00020010)
        _walk_data_set(found, size)
    elif size > 8 and bytes(data[:2]) in (b"\x02\0", b"\x08\0", b"\0\x08"):
        _bare(found, size)
    return found


def _bare(found: Layout, size: int) -> None:
    """A data set without preamble and prefix, perhaps with group 0002."""
    data = found.data
    if bytes(data[:2]) == b"\x02\0":
        found.meta = walk(data, 0, size, group=0x0002)
        found.dataset = found.meta.end
        found.syntax = found.meta_text(0x00020010)
    if data[0] == 0:
        found.syntax = EXPLICIT_BE
    explicit = bytes(data[found.dataset + 4 : found.dataset + 6]).isalpha()
    found.syntax = found.syntax or (EXPLICIT_LE if explicit else IMPLICIT_LE)
    _walk_data_set(found, size)
    found.dicom = len(found.walk.nodes) >= _ENOUGH and found.walk.nodes[0].tag >> 16 in (0x0008, 0x0002)


def _walk_data_set(found: Layout, size: int) -> None:
    start, end = found.dataset, size
    if found.syntax == DEFLATED_LE:
        found.body = _inflated(found, size)
        start, end = 0, len(found.body)
    found.walk = walk(
        found.body, start, end, explicit=found.syntax != IMPLICIT_LE, big_endian=found.syntax == EXPLICIT_BE
    )
    if found.walk.nodes or end - start < 8:
        return
    other = walk(found.body, start, end, explicit=found.syntax == IMPLICIT_LE)
    if len(other.nodes) >= _ENOUGH:
        other.problem("syntax", "the data set is not in the transfer syntax that it says", start)
        found.walk = other


def _inflated(found: Layout, size: int) -> bytes:
    """The data set, as far as it may be inflated."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    data = bytes(found.data[found.dataset : size])
    try:
        body = inflater.decompress(data, MAX_INFLATED)
    except zlib.error as error:
        found.deflate_fault = str(error)[:100]
        body = b""
    found.inflated = len(body)
    found.consumed = len(data) - len(inflater.unused_data) if inflater.eof else len(data)
    if inflater.eof and len(data) % 2 == 0 and inflater.unused_data[:1] == b"\0":
        found.consumed += 1  # padded to an even length
    return body


def visitors_from(found: Layout) -> int:
    """Offset of the first byte that is the visitor's: the data set, if all before it is what we write for any object
    that comes over an association, and 0 otherwise. UIDs in there are the visitor's in any case."""
    if not found.prefixed:
        return 0
    texts = {node.tag: found.meta_text(node.tag) for node in found.meta.nodes}
    made = file_meta(
        texts.get(0x00020002, ""),
        texts.get(0x00020003, ""),
        texts.get(0x00020010, ""),
        texts.get(0x00020012, ""),
        implementation_version_name=texts.get(0x00020013),
        source_ae=texts.get(0x00020016),
    )
    return found.dataset if bytes(found.data[: found.dataset]) == made else 0
