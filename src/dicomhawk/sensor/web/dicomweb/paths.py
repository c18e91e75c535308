"""Where requests go: the resources of PS3.18 sections 10.4 to 10.6 below a prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ....hospital.attributes import Level
from ...listing import is_uid

MAX_FRAMES: Final = 1000
"""Frames of one request: a viewer asks for one, or for a whole loop."""

_LEVELS: Final = {"patients": Level.PATIENT, "studies": Level.STUDY, "series": Level.SERIES, "instances": Level.IMAGE}
_ABOUT: Final = frozenset(("metadata", "rendered", "thumbnail", "bulkdata", "pixeldata"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a path names.

    `what`: ``search``, ``count``, ``objects``, ``metadata``, ``frames``, ``rendered``, ``thumbnail``, ``bulkdata``,
    ``pixeldata`` or ``root``. `level`: of the search, or of what the UIDs name. `path`: of an attribute's value,
    as `json_model.Manner` has it.
    """

    what: str
    level: Level = Level.STUDY
    uids: tuple[str, str, str] = ("", "", "")
    """Of study, series and instance; empty from the first on that the path doesn't name."""
    frames: tuple[int, ...] = ()
    path: str = ""

    @property
    def study(self) -> str:
        """Study Instance UID."""
        return self.uids[0]

    @property
    def series(self) -> str:
        """Series Instance UID."""
        return self.uids[1]


def resource(rest: str) -> Resource | None:
    """What the path behind the prefix names; None: nothing. Frames that are no list of numbers are number 0."""
    parts = rest.strip("/").split("/") if rest.strip("/") else []
    if not parts:
        return Resource(what="root")
    if len(parts) == 1 and parts[0] in _LEVELS:
        return Resource(what="search", level=_LEVELS[parts[0]])
    if len(parts) == 2 and parts[0] in _LEVELS and parts[1] == "count":
        return Resource(what="count", level=_LEVELS[parts[0]])
    if parts[0] != "studies" or not is_uid(parts[1]):
        return None
    study, series, level, parts = parts[1], "", Level.STUDY, parts[2:]
    if parts and parts[0] == "series":
        if len(parts) == 1:
            return Resource(what="search", level=Level.SERIES, uids=(study, "", ""))
        if not is_uid(parts[1]):
            return None
        series, level, parts = parts[1], Level.SERIES, parts[2:]
    if parts and parts[0] == "instances":
        if len(parts) == 1:
            return Resource(what="search", level=Level.IMAGE, uids=(study, series, ""))
        if not series or not is_uid(parts[1]):
            return None
        return _about(parts[2:], Level.IMAGE, (study, series, parts[1]))
    return _about(parts, level, (study, series, ""))


def _about(parts: list[str], level: Level, uids: tuple[str, str, str]) -> Resource | None:
    if not parts:
        return Resource(what="objects", level=level, uids=uids)
    if len(parts) == 1 and parts[0] in _ABOUT:
        return Resource(what=parts[0], level=level, uids=uids)
    if level != Level.IMAGE:
        return None
    if parts[0] == "bulkdata":
        return Resource(what="bulkdata", level=level, path="/".join(parts[1:]), uids=uids)
    if parts[0] == "frames" and len(parts) in (2, 3):
        what = parts[2] if len(parts) == 3 else "frames"
        if what in ("frames", "rendered", "thumbnail"):
            return Resource(what=what, level=level, frames=_frames(parts[1]) or (0,), uids=uids)
    return None


def _frames(text: str) -> tuple[int, ...]:
    numbers = text.split(",")
    if len(numbers) > MAX_FRAMES or not all(
        number.isdecimal() and number.isascii() and 0 < len(number) < 7 for number in numbers
    ):
        return ()
    return tuple(int(number) for number in numbers)
