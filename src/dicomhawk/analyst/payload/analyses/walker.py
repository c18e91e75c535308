"""Elements of a data set, found in bytes that may lie about everything (PS3.5 section 7).

Unlike `hospital.elements` it keeps no values but their places, goes on after what is merely wrong, and says where it
had to stop. It never raises.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ....hospital import vr as vrs
from .buffers import Buffer

MAX_NODES: Final = 50_000
"""Elements, items and fragments that are followed: each costs some 200 bytes of memory."""
MAX_NESTING: Final = 64
"""Sequences within sequences; no standard object nests deeper than about ten."""
MAX_PROBLEMS: Final = 200

ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
UNDEFINED: Final = 0xFFFFFFFF
PIXEL_DATA: Final = 0x7FE00010

_VRS: Final = {name.encode(): name for name in vrs.LONG | vrs.SHORT}
_LONG: Final = frozenset(name.encode() for name in vrs.LONG)


class Node(NamedTuple):
    """An element, or a fragment of one (VR ``fragment``)."""

    tag: int
    vr: str
    start: int
    """Offset of its header."""
    value: int
    """Offset of its value."""
    length: int
    """Bytes of its value that are there; of undefined length: 0."""
    depth: int
    """Sequences that it is in."""
    top: int
    """Tag of the element of the data set that it is, or is in."""


class Problem(NamedTuple):
    """Something that isn't as the standard has it. `what`: as in ``length``."""

    what: str
    detail: str
    offset: int


@dataclass
class Walk:
    """What was found between two offsets."""

    nodes: list[Node] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    end: int = 0
    """Where it ended: what follows is no part of the data set."""
    depth: int = 0
    whole: bool = True
    """False: it had to stop in the middle."""

    def problem(self, what: str, detail: str, offset: int) -> None:
        """Note one."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(what, detail, offset))


class _Level(NamedTuple):
    kind: int
    end: int
    """Offset where it ends."""
    open: bool
    """It is of undefined length: a delimiter ends it."""
    explicit: bool
    top: int


_DATA_SET, _SEQUENCE, _FRAGMENTS = range(3)


def walk(
    data: Buffer, start: int, end: int, *, explicit: bool = True, big_endian: bool = False, group: int = 0
) -> Walk:
    """Follow the data set between two offsets. With `group`, only as long as elements are of that group."""
    return _Walker(data, end, big_endian, group).walk(start, explicit)


class _Walker:
    def __init__(self, data: Buffer, end: int, big_endian: bool, group: int) -> None:
        self._data, self._end, self._group = data, end, group
        order = ">" if big_endian else "<"
        self._tag_and_length = struct.Struct(f"{order}HHI").unpack_from
        self._short = struct.Struct(f"{order}H").unpack_from
        self._long = struct.Struct(f"{order}I").unpack_from
        self._walk = Walk()
        self._levels: list[_Level] = []
        self._last: list[int] = []  # the tag before, on each level that is a data set

    def walk(self, at: int, explicit: bool) -> Walk:
        found = self._walk
        self._enter(_DATA_SET, self._end, False, explicit, 0)
        while True:
            level = self._levels[-1]
            if at >= level.end:
                if len(self._levels) == 1:
                    break
                if level.open:
                    found.problem("delimiter", "a sequence or an item of undefined length has no end", at)
                self._leave()
                continue
            if level.end - at < 8:
                if len(self._levels) == 1 and not any(self._data[at : level.end]):
                    break  # padding
                found.problem("cut", f"{level.end - at} bytes where an element should begin", at)
                found.whole = False
                break
            following = self._item(at, level) if level.kind != _DATA_SET else self._element(at, level)
            if following is None:
                break
            at = following
            if len(found.nodes) >= MAX_NODES:
                found.problem("elements", f"more than {MAX_NODES} elements", at)
                found.whole = False
                break
        found.end = at
        return found

    def _enter(self, kind: int, end: int, open_: bool, explicit: bool, top: int) -> None:
        self._levels.append(_Level(kind, end, open_, explicit, top))
        self._last.append(-1)
        self._walk.depth = max(self._walk.depth, sum(1 for level in self._levels if level.kind == _SEQUENCE))

    def _leave(self) -> None:
        self._levels.pop()
        self._last.pop()

    def _stop(self, what: str, detail: str, at: int) -> None:
        self._walk.problem(what, detail, at)
        self._walk.whole = False

    def _element(self, at: int, level: _Level) -> int | None:
        """Take the element at `at`; where the next one is, None if it can't be told."""
        group, element, length = self._tag_and_length(self._data, at)
        tag = group << 16 | element
        if group == 0xFFFE:
            if tag == ITEM_END and level.open:
                self._leave()
                return at + 8
            self._stop("delimiter", f"{tag:08X} where an element should be", at)
            return None
        if self._group and group != self._group:
            return None
        if self._is_behind(tag, at, level):
            return None
        header = 8
        if level.explicit:
            code = bytes(self._data[at + 4 : at + 6])
            vr = _VRS.get(code, "")
            if not vr:
                if not (code.isalpha() and code.isupper()):
                    self._stop("vr", f"({tag:08X}) has no VR", at)
                    return None
                self._walk.problem("unknown-vr", f"({tag:08X}) has VR {code.decode('latin-1')}", at)
                vr = "UN"
            if code in _LONG or code not in _VRS:
                if level.end - at < 12:
                    self._stop("cut", f"({tag:08X}) ends within its header", at)
                    return None
                header, length = 12, self._long(self._data, at + 8)[0]
            else:
                length = self._short(self._data, at + 6)[0]
        else:
            vr = vrs.of_tag(tag)
        self._order(tag, at)
        return self._value(tag, vr, at, at + header, length, level)

    def _is_behind(self, tag: int, at: int, level: _Level) -> bool:
        """Whether what follows the pixels is no element any more, but something that was put behind the data set."""
        if len(self._levels) > 1 or self._last[-1] < PIXEL_DATA:
            return False
        if tag < PIXEL_DATA:
            return True
        if level.explicit:
            return bytes(self._data[at + 4 : at + 6]) not in _VRS
        length: int = self._long(self._data, at + 4)[0]
        return length != UNDEFINED and length > level.end - at - 8

    def _order(self, tag: int, at: int) -> None:
        last = self._last[-1]
        if tag == last:
            self._walk.problem("duplicate", f"({tag:08X}) is there twice", at)
        elif tag < last:
            self._walk.problem("order", f"({tag:08X}) follows ({last:08X})", at)
        self._last[-1] = tag

    def _value(self, tag: int, vr: str, at: int, value: int, length: int, level: _Level) -> int | None:
        depth = len(self._levels) // 2
        top = level.top or tag
        if length == UNDEFINED:
            self._walk.nodes.append(Node(tag, vr, at, value, 0, depth, top))
            if vr in ("OB", "OW") or (tag == PIXEL_DATA and not level.explicit):
                self._enter(_FRAGMENTS, level.end, True, level.explicit, top)
            elif vr in ("SQ", "UN"):
                if not self._nest(at):
                    return None
                # A sequence that somebody did not know is in Implicit VR Little Endian (PS3.5 section 6.2.2).
                self._enter(_SEQUENCE, level.end, True, level.explicit and vr != "UN", top)
            else:
                self._stop("length", f"({tag:08X}) of VR {vr} has undefined length", at)
                return None
            return value
        room = level.end - value
        if length > room:
            self._walk.nodes.append(Node(tag, vr, at, value, room, depth, top))
            self._stop("length", f"({tag:08X}) claims {length} bytes of {room}", at)
            return None
        self._walk.nodes.append(Node(tag, vr, at, value, length, depth, top))
        if vr == "SQ":
            if length and not self._nest(at):
                return None
            self._enter(_SEQUENCE, value + length, False, level.explicit, top)
            return value
        if length % 2:
            self._walk.problem("odd", f"({tag:08X}) has {length} bytes", at)
        return value + length

    def _nest(self, at: int) -> bool:
        if len(self._levels) // 2 >= MAX_NESTING:
            self._stop("nesting", f"more than {MAX_NESTING} sequences within each other", at)
            return False
        return True

    def _item(self, at: int, level: _Level) -> int | None:
        """Take the item, fragment or delimiter at `at`."""
        group, element, claimed = self._tag_and_length(self._data, at)
        length = int(claimed)
        tag, value = group << 16 | element, at + 8
        if tag == SEQUENCE_END:
            if not level.open and level.end - value:
                self._walk.problem("delimiter", "a sequence ends before its length", at)
            self._leave()
            return value if level.open else level.end
        if tag != ITEM:
            self._stop("item", f"{tag:08X} where an item should be", at)
            return None
        room = level.end - value
        if level.kind == _FRAGMENTS:
            if length > room:
                self._walk.nodes.append(Node(tag, "fragment", at, value, room, len(self._levels) // 2, level.top))
                self._stop("fragment", f"a fragment claims {length} bytes of {room}", at)
                return None
            self._walk.nodes.append(Node(tag, "fragment", at, value, length, len(self._levels) // 2, level.top))
            return value + length
        if length != UNDEFINED and length > room:
            self._stop("length", f"an item claims {length} bytes of {room}", at)
            return None
        open_ = length == UNDEFINED
        self._enter(_DATA_SET, level.end if open_ else value + length, open_, level.explicit, level.top)
        return value
