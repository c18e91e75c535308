"""Sessions into actors: a function of all sessions and their traits, whatever order they come in.

Sessions that share a strong trait are of one actor, and so are those that others connect. What many addresses share
is a common tool's, and connects nobody. A scanner whose operator is known is an actor by that alone: what others have
in common with it, as a token that it handed on, says nothing of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from .labels import label_of

ANY: Final = 1 << 62


class Link(NamedTuple):
    """A kind of trait that connects."""

    addresses: int
    """From more visitors than these a value is common, and connects nobody."""
    words: str
    """What those who share it have in common."""


LINKS: Final[Mapping[str, Link]] = {
    "address": Link(ANY, "the same address"),
    "upload": Link(8, "a file that each of them uploaded"),
    "dfp": Link(8, "a DICOM client that nobody else has"),
    "ae-titles": Link(8, "the same list of AE titles"),
    "credentials": Link(8, "the same list of credentials"),
    "paths": Link(8, "the same list of paths"),
    "manner": Link(8, "the same queries under the same AE title"),
    "user-agent": Link(8, "a user agent that nobody else has"),
    "browser": Link(3, "the same browser"),
}
"""By strength. `operator` and `token` connect in ways of their own; `habit` and `ja4` are only shown."""
OPERATOR: Final = "operator"
HANDED_ON: Final = ("token", "what one of them was given another used")
"""Kind, and what those have in common whom it connects; its value is the session that was given it."""
KINDS: Final = (OPERATOR, HANDED_ON[0], *LINKS)


class Session(msgspec.Struct, frozen=True, gc=False):
    """What is looked at of a session."""

    session: str
    sensor: str
    address: str
    first: int
    last: int
    category: str
    tool: str
    rank: int
    severity: int


class Actor(msgspec.Struct, frozen=True, gc=False):
    """A row of the table `actors`."""

    actor: str
    label: str
    category: str
    first: int
    last: int
    sessions: int
    addresses: int
    sensors: tuple[str, ...]
    rank: int
    severity: int
    basis: tuple[str, ...]


class _Sets:
    """Union-find over numbers, with halving of paths; a set's root is its smallest number."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))

    def find(self, number: int) -> int:
        parents = self._parents
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    def join(self, one: int, other: int) -> None:
        a, b = self.find(one), self.find(other)
        if a != b:
            self._parents[max(a, b)] = min(a, b)


def clustered(
    sessions: Iterable[Session], traits: Iterable[Sequence[Any]], names: Mapping[str, str]
) -> tuple[list[Actor], dict[str, str]]:
    """Actors in the order of their first sessions, and the actor of each session.

    `traits` are triples of session, kind and value; `names` has the names of operators. An actor's identifier is its
    operator's, or that of its earliest session.
    """
    ordered = sorted(sessions, key=lambda session: (session.first, session.session))
    numbers = {session.session: number for number, session in enumerate(ordered)}
    groups: dict[str, dict[str, list[int]]] = {kind: {} for kind in LINKS}
    handed: list[tuple[int, int]] = []
    operators: dict[int, str] = {}
    for session, kind, value in traits:
        number = numbers.get(session)
        if number is None:
            continue
        if kind == OPERATOR:
            operators[number] = min(value, operators.get(number, value))
        elif kind == HANDED_ON[0]:
            teller = numbers.get(value)
            if teller is not None:
                handed.append((number, teller))
        elif kind in groups:
            groups[kind].setdefault(value, []).append(number)
    operators = _spread(operators, groups["address"].values())
    sets = _Sets(len(ordered))
    common: dict[str, list[int]] = {}
    for kind, by_value in groups.items():
        most = LINKS[kind].addresses
        for members in by_value.values():
            if len(members) < 2:
                continue
            unnamed = [number for number in members if number not in operators]
            addresses = {ordered[number].address for number in members}
            if len(unnamed) < 2 or len(addresses) > most:
                continue
            for number in unnamed[1:]:
                sets.join(unnamed[0], number)
            if kind == "address" or len({ordered[number].address for number in unnamed}) > 1:
                common.setdefault(kind, []).append(unnamed[0])
    for one, other in handed:
        if one not in operators and other not in operators:
            sets.join(one, other)
            common.setdefault(HANDED_ON[0], []).append(one)
    actors: dict[str, list[int]] = {}
    for number in range(len(ordered)):
        actor = operators.get(number) or ordered[sets.find(number)].session
        actors.setdefault(actor, []).append(number)
    basis = _basis(common, sets, ordered)
    found = []
    for actor, members in actors.items():
        name = names.get(actor, actor) if members[0] in operators else None
        found.append(_actor(actor, [ordered[number] for number in members], name, basis.get(actor, ())))
    return found, {ordered[number].session: actor for actor, members in actors.items() for number in members}


def _spread(operators: Mapping[int, str], visitors: Iterable[Sequence[int]]) -> dict[int, str]:
    """A visitor is of the operator that any of its sessions is of; if of several, of the first by name."""
    spread = dict(operators)
    for members in visitors:
        named = min((operators[number] for number in members if number in operators), default=None)
        if named is not None:
            spread.update((number, min(named, spread.get(number, named))) for number in members)
    return spread


def _basis(
    common: Mapping[str, Iterable[int]], sets: _Sets, ordered: Sequence[Session]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for kind, words in (HANDED_ON, *((kind, link.words) for kind, link in LINKS.items())):
        for actor in {ordered[sets.find(number)].session for number in common.get(kind, ())}:
            found.setdefault(actor, []).append(words)
    return {actor: tuple(words) for actor, words in found.items()}


def _actor(actor: str, members: Sequence[Session], name: str | None, basis: tuple[str, ...]) -> Actor:
    """`members` are in the order of their beginning; `name` is the operator's, None: it isn't known."""
    first = members[0]
    if len(members) == 1 and name is None:  # most of them
        label = label_of((first.address,), (first.tool,))
        return Actor(
            actor,
            label,
            first.category,
            first.first,
            first.last,
            1,
            1,
            (first.sensor,),
            first.rank,
            first.severity,
            (),
        )
    addresses = list(dict.fromkeys(session.address for session in members))
    categories = Counter(session.category for session in members)
    # What is known counts before Other, then what most of them are of, then what the first one is of.
    category = min(categories, key=lambda each: (each == "Other", -categories[each]))
    return Actor(
        actor=actor,
        label=name if name is not None else label_of(addresses, (session.tool for session in members)),
        category=category,
        first=first.first,
        last=max(session.last for session in members),
        sessions=len(members),
        addresses=len(addresses),
        sensors=tuple(sorted({session.sensor for session in members})),
        rank=max(session.rank for session in members),
        severity=max(session.severity for session in members),
        basis=(f"the operator is {name}",) if name is not None else basis,
    )
