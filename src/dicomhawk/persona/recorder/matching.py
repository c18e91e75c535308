"""How queries are answered: the values of [find] that foresee most of the queries for objects of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from ...hospital import elements
from ...hospital.dialect import Order
from ..battery import sampling
from ..battery.transcript import Transcript
from ..model import Persona
from . import fields
from .archive import SUCCESS, Asked, Kept, queries
from .fit import Search
from .notes import Notes

EXPERIMENTS = frozenset(
    f"queries.{name}"
    for name in ("nothing", "bad-levels", "no-parent", "odd-keys", "levels", "return-keys", "matching", "rootless")
)
MOST_ROUNDS = 3
"""Of trying every field; what one value hides, the next round sees."""
TEXT_VRS = ("AE", "AS", "CS", "DA", "IS", "LO", "PN", "SH", "TM", "UI")
"""VRs of which each may be matched in its own way."""
LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
FIND: fields.Path = ("find",)
SPECIFIC_CHARACTER_SET = 0x00080005
CHARACTER_SETS: fields.Path = (*FIND, "character_sets")
_BY_VR = ("wildcard_vrs", "insensitive_vrs", "list_vrs")


class Questions:
    """The queries that were answered, and how far a persona foresees the answers."""

    def __init__(self, kept: Kept, asked: list[Asked]) -> None:
        self._kept = kept
        self.asked = asked
        self.character_sets = sorted({term for one in asked for term in _character_sets(one)})
        """Those that answers were in."""

    def unexplained(self, persona: Persona, among: Iterable[int] | None = None) -> set[int]:
        """Numbers of the queries (of those `among`) that the persona would answer differently."""
        archive = self._kept.answering(persona)
        numbers = range(len(self.asked)) if among is None else among
        return {number for number in numbers if archive.ask(self.asked[number]) != self.asked[number].found}


def _character_sets(asked: Asked) -> Iterator[str]:
    for _, match in asked.found.matches:
        with suppress(elements.ElementsError):
            found = elements.decode(match, asked.syntax).get(SPECIFIC_CHARACTER_SET)
            if found is not None and isinstance(found.value, bytes):
                yield found.value.decode("latin-1").strip("\0 ")


def matching(persona: Persona, transcript: Transcript, notes: Notes) -> Persona:
    """The persona with the values of [find] that foresee most; as it is if nothing of ours could be asked for."""
    asked = queries(transcript, EXPERIMENTS)
    if not asked or not sampling.stored(transcript):
        return persona
    with Kept(transcript, persona) as kept:
        search = Search(Questions(kept, asked), persona)
        _improve(search)
        for path in fields.below(search.persona.find, FIND):
            if _decided(search, path):
                notes.observed(path)
    notes.remark(f"{len(asked) - len(search.wrong)} of {len(asked)} queries are foreseen to the byte")
    return search.persona


def _improve(search: Search[Questions]) -> None:
    search.best(fields.changed(search.persona, FIND, known.find) for known in fields.library())
    for _ in range(MOST_ROUNDS):
        before = len(search.wrong)
        for path in list(fields.below(search.persona.find, FIND)):
            search.best(_candidates(search, path))
        if not search.wrong or len(search.wrong) == before:
            return


def _candidates(search: Search[Questions], path: fields.Path) -> Iterator[Persona]:
    """The persona with other values of a field."""
    if path == (*CHARACTER_SETS, "answers_in"):
        # What answers are written in is mostly what is assumed where none is declared.
        both = ({"answers_in": term, "undeclared": term} for term in search.evidence.character_sets)
        now = search.persona.find.character_sets
        yield from (fields.changed(search.persona, CHARACTER_SETS, now.model_copy(update=terms)) for terms in both)
    for value in _values(search, path):
        yield fields.changed(search.persona, path, value)


def _values(search: Search[Questions], path: fields.Path) -> list[Any]:
    persona = search.persona
    now, name = fields.get(persona, path), path[-1]
    found: list[Any] = []
    if name in _BY_VR:
        members = frozenset(TEXT_VRS if now is None else now)
        found += (tuple(sorted(members ^ {vr})) for vr in TEXT_VRS)
    elif path[:-1] == CHARACTER_SETS and name in ("answers_in", "undeclared"):
        found += (term for term in search.evidence.character_sets if term != now)
    elif name == "order":
        found += ({**now, level: order} for level in LEVELS for order in Order if now.get(level) is not order)
    elif path[1] == "failures" or name == "wildcards_elsewhere":
        seen = {search.evidence.asked[number].found.end for number in search.wrong}
        found += sorted(status for status in seen if isinstance(status, int) and status not in (SUCCESS, now))
    # The least change comes first: of two that foresee as much, it counts.
    return found + fields.alternatives(persona, path)


def _decided(search: Search[Questions], path: fields.Path) -> bool:
    """Whether another value would foresee less."""
    right = set(range(len(search.evidence.asked))) - search.wrong
    return any(search.evidence.unexplained(candidate, right) for candidate in _candidates(search, path))
