"""What the web's faces list: studies, series and instances with their attributes, and the objects below a UID.

It is the catalogue that C-FIND asks, so that a study has the same values everywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Final, NamedTuple

from ..hospital import vr as vrs
from ..hospital.answer import Match, Value
from ..hospital.attributes import ATTRIBUTES, QUERY_RETRIEVE_LEVEL, SERIES_UID, SOP_UID, STUDY_UID, UNIQUE_KEYS, Level
from ..hospital.charset import SPECIFIC_CHARACTER_SET, UTF_8
from ..hospital.elements import DataSet, Element
from ..hospital.instances import InstanceRef
from .holdings import Holdings

A_TURN_SECONDS: Final = 0.002
"""How long matches are listed before others have a turn."""
A_TURN: Final = 64
"""Objects after which they have; they are read so many at a time."""
PAGED_FROM: Final = 50
"""Matches to pass over from which on only their UIDs are looked at."""
MAX_UID: Final = 64
"""Characters of a UID (PS3.5 section 9.1); nothing has a longer one."""


class Attribute(NamedTuple):
    """An attribute of a match; items of a sequence are dictionaries of their tags and values."""

    vr: str
    value: Value


Values = dict[int, Attribute]
"""By tag."""


def all_of(level: Level) -> list[int]:
    """Tags of all attributes that are kept of the matches at a level, those of the levels above among them."""
    return [tag for tag, attribute in ATTRIBUTES.items() if attribute.level <= level]


def identifier(level: Level, keys: Mapping[int, str]) -> DataSet:
    """The identifier of a query or retrieval; values are text, several of them with backslashes between."""
    found = {
        SPECIFIC_CHARACTER_SET: Element(SPECIFIC_CHARACTER_SET, "CS", UTF_8.encode()),
        QUERY_RETRIEVE_LEVEL: Element(QUERY_RETRIEVE_LEVEL, "CS", level.name.encode()),
    }
    for tag, text in keys.items():
        attribute = ATTRIBUTES.get(tag)
        vr = "LO" if attribute is None or attribute.vr in vrs.WORD else attribute.vr
        found.setdefault(tag, Element(tag, vr, text.encode("utf-8", "replace")))
    return found


class Listing:
    """Asks for one visitor. All methods raise `QueryError`."""

    def __init__(self, holdings: Holdings, visitor: str) -> None:
        self._holdings = holdings
        self._visitor = visitor

    async def matches(
        self, level: Level, keys: Mapping[int, str], *, offset: int = 0, limit: int | None = None
    ) -> AsyncGenerator[Values, None]:
        """The matches of `keys` at `level`; an empty key is answered and not compared."""
        if offset >= PAGED_FROM:
            unique = UNIQUE_KEYS[level]
            compared = {tag: text for tag, text in keys.items() if text} | {unique: keys.get(unique, "")}
            uids = [uid async for uid in self._uids(level, compared, offset, limit)]
            if not uids:
                return
            found: dict[str, Values] = {}
            async for values in self._all(level, dict.fromkeys(keys, "") | {unique: "\\".join(uids)}):
                found[str(values[unique].value)] = values
            for uid in uids:
                if uid in found:
                    yield found[uid]
            return
        number = 0
        async with contextlib.aclosing(self._all(level, keys)) as all_:
            async for values in all_:
                number += 1
                if number > offset:
                    yield values
                if limit is not None and number >= offset + limit:
                    return

    async def count(self, level: Level, keys: Mapping[int, str], most: int | None = None) -> int:
        """How many matches there are, up to `most`."""
        compared = {tag: text for tag, text in keys.items() if text}
        number = 0
        async with contextlib.aclosing(self._found(level, compared)) as found:
            async for _ in found:
                number += 1
                if number == most:
                    break
        return number

    async def objects(self, study: str = "", series: str = "", sop: str = "") -> list[InstanceRef]:
        """The instances below these UIDs, by series and instance number; none if there is no such thing."""
        named = {STUDY_UID: study, SERIES_UID: series, SOP_UID: sop}
        named = {tag: uid for tag, uid in named.items() if uid}
        if not named or not all(is_uid(uid) for uid in named.values()):
            return []
        level = Level.IMAGE if sop else Level.SERIES if series else Level.STUDY
        found: list[InstanceRef] = []
        for instance in self._holdings.instances(identifier(level, named), self._visitor):
            found.append(instance)
            if len(found) % A_TURN == 0:
                await asyncio.sleep(0)
        return found

    async def _uids(
        self, level: Level, keys: Mapping[int, str], offset: int, limit: int | None
    ) -> AsyncGenerator[str, None]:
        number = 0
        async with contextlib.aclosing(self._found(level, keys)) as found:
            async for match in found:
                number += 1
                if number > offset:
                    yield str(match.values()[UNIQUE_KEYS[level]])
                if limit is not None and number >= offset + limit:
                    return

    async def _all(self, level: Level, keys: Mapping[int, str]) -> AsyncGenerator[Values, None]:
        async with contextlib.aclosing(self._found(level, keys)) as found:
            async for match in found:
                yield _values(match)

    async def _found(self, level: Level, keys: Mapping[int, str]) -> AsyncGenerator[Match, None]:
        with contextlib.closing(self._holdings.search(identifier(level, keys), self._visitor)) as matches:
            end = time.perf_counter() + A_TURN_SECONDS
            for match in matches:
                if time.perf_counter() > end:
                    await asyncio.sleep(0)
                    end = time.perf_counter() + A_TURN_SECONDS
                if match is not None:
                    yield match


def _values(match: Match) -> Values:
    values = match.values()
    return {field.tag: Attribute(field.vr, values[field.tag]) for field in match.layout.fields}


def is_uid(text: str) -> bool:
    """Whether a text can be a UID (PS3.5 section 9.1), loosely: visitors' own may be odd."""
    return 0 < len(text) <= MAX_UID and text.isascii() and all(sign.isdigit() or sign == "." for sign in text)
