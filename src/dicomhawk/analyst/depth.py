"""How far a session went, and whether it was more than a scan."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

from .tally import Tally

ENUMERATED_TITLES = 3
"""Called AE titles from which on somebody is trying them."""
ENUMERATED_PATHS = 8
"""Paths on the web from which on somebody is looking for what is there: a browser's first page asks for fewer
that are not its page's own."""
MANY_MATCHES = 200
"""Answers from which on a query is taken for a collection: more than anybody reads."""

ATTACK = 3
"""Severity from which on a technique is an attack."""

_COLLECTING = frozenset(("D08", "D09", "D10", "D11"))
_ENUMERATING = frozenset(("D05", "D06", "D07", "D28", "D29", "D34", "D36"))
_TAMPERING = frozenset(("D16",))
_IMPACT = frozenset(("D32",))
_DESTRUCTIVE = ("delete", "bulk-delete", "reset", "shutdown", "execute-script")


class Depth(IntEnum):
    """In the order of a break-in; each includes what is before it."""

    TOUCH = 0
    """Connected, and said nothing."""
    SCAN = 1
    """Said something, to see what answers: an association, an echo, a page."""
    ENUMERATION = 2
    """Looked for ways in: AE titles, services, paths, passwords, weaknesses."""
    QUERY = 3
    """Asked the catalogue, or signed in."""
    COLLECTION = 4
    """Took down what it answers, or looked at images."""
    EXFILTRATION = 5
    """Took objects away, or had them sent elsewhere."""
    TAMPERING = 6
    """Left objects, or changed something."""
    IMPACT = 7
    """Destroyed, or ran something."""

    @property
    def word(self) -> str:
        """As the table of sessions has it."""
        return self.name.lower()


def depth(tally: Tally, rules: Collection[str], severity: int = 0) -> Depth:
    """How far a session went, by what was counted, by the rules (``D08`` ...) that it met, and how bad they are."""
    reached = Depth.TOUCH
    for step, there in (
        (Depth.SCAN, _said_something(tally)),
        (Depth.ENUMERATION, _enumerated(tally) or severity >= ATTACK or not _ENUMERATING.isdisjoint(rules)),
        (Depth.QUERY, _queried(tally)),
        (Depth.COLLECTION, _collected(tally) or not _COLLECTING.isdisjoint(rules)),
        (Depth.EXFILTRATION, tally.objects_sent > 0 or tally.moves > 0),
        (Depth.TAMPERING, _tampered(tally) or not _TAMPERING.isdisjoint(rules)),
        (Depth.IMPACT, _destroyed(tally) or not _IMPACT.isdisjoint(rules)),
    ):
        if there:
            reached = step
    return reached


def is_interaction(reached: Depth, tally: Tally, severity: int) -> bool:
    """Whether somebody did what a scanner has no reason to do: asked for patients, attacked, or used bait."""
    return reached >= Depth.QUERY or severity >= ATTACK or tally.lures > 0


def _said_something(tally: Tally) -> bool:
    said = (tally.associations, tally.rejected, tally.requests, tally.protocols, tally.violations, tally.handshakes)
    return any(said) or tally.bytes_in > 0


def _enumerated(tally: Tally) -> bool:
    return len(tally.called) >= ENUMERATED_TITLES or len(tally.paths) >= ENUMERATED_PATHS or tally.logins > 0


def _queried(tally: Tally) -> bool:
    commands = tally.commands
    return bool(commands["c-find"] or commands["query"] or tally.logins_succeeded)


def _collected(tally: Tally) -> bool:
    return bool(
        tally.matches >= MANY_MATCHES
        or tally.pictures
        or tally.commands["c-get"]
        or tally.commands["c-move"]
        or tally.commands["retrieve"]
    )


def _tampered(tally: Tally) -> bool:
    commands = tally.commands
    return bool(tally.objects_received or tally.changes or commands["n-create"] or commands["n-set"])


def _destroyed(tally: Tally) -> bool:
    return any(call.startswith(_DESTRUCTIVE) for call in tally.changes)
