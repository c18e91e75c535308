"""A session in a sentence, as a person would write it."""

from __future__ import annotations

from collections.abc import Collection

from .depth import ENUMERATED_PATHS, ENUMERATED_TITLES, MANY_MATCHES, Depth
from .narrative import printable
from .tally import Tally

MAX_DOINGS = 5
"""Clauses of a sentence; the worst are kept."""
_MINUTE = 60_000_000

_PROTOCOLS = {"http": "HTTP", "tls": "TLS", "ssh": "SSH", "rdp": "RDP", "smb": "SMB", "unknown": "unknown bytes"}


def verdict(tally: Tally, reached: Depth, *, who: str, tool: str, rules: Collection[str]) -> str:
    """One sentence: who (``Censys``; empty: nobody known), with what, did what, for how long."""
    subject = who or "Somebody unknown"
    # What a scanner is has told with what it came.
    means = f" with {printable(tool)}" if tool and tool.casefold() not in subject.casefold() else ""
    doings = _doings(tally, reached, rules)
    kept = sorted(sorted(range(len(doings)), key=lambda at: -doings[at][0])[:MAX_DOINGS])
    return f"{subject}{means} {_joined([doings[at][1] for at in kept])}{_over(tally)}."


def _doings(tally: Tally, reached: Depth, rules: Collection[str]) -> list[tuple[int, str]]:
    """Clauses in the order in which such things happen, each with its weight."""
    commands = tally.commands
    found: list[tuple[int, str]] = []

    def add(weight: int, number: int, one: str, many: str = "") -> None:
        if number:
            found.append((weight, one if number == 1 else (many or one).replace("#", f"{number:,}")))

    if len(tally.called) >= ENUMERATED_TITLES:
        titles = len(tally.called)
        found.append((4, f"tried {titles:,} AE titles ({tally.associations:,} accepted, {tally.rejected:,} refused)"))
    elif tally.rejected and not tally.associations:
        found.append((2, f"was refused with the AE title {printable(next(iter(tally.called), ''), 20)!r}"))
    elif tally.associations and not _dimse(tally):
        add(
            1,
            tally.associations,
            "opened an association and asked for nothing",
            "opened # associations and asked for nothing",
        )
    add(1, commands["c-echo"], "sent a C-ECHO", "sent # C-ECHOs")
    for protocol, number in tally.protocols.most_common(2):
        name = _PROTOCOLS.get(protocol, printable(protocol, 20))
        add(2, number, f"spoke {name} to the wrong door", f"spoke {name} to the wrong door # times")
    if tally.requests and not (commands["query"] or commands["retrieve"] or tally.objects_received):
        if len(tally.paths) >= ENUMERATED_PATHS:
            found.append((3, f"looked for {len(tally.paths):,} paths on the web"))
        else:
            add(1, tally.requests, "asked for a page", "asked for # pages")
    elif not tally.requests and not tally.associations:
        add(1, tally.handshakes, "made a TLS handshake", "made # TLS handshakes")
    failed = tally.logins - tally.logins_succeeded
    add(4, failed, "failed to sign in", "failed # times to sign in")
    add(6, tally.logins_succeeded, "signed in", "signed in # times")
    queries = commands["c-find"] + commands["query"]
    if queries:
        asked = "made a query" if queries == 1 else f"made {queries:,} queries"
        answers = (
            "no answer" if not tally.matches else f"{tally.matches:,} {'answer' if tally.matches == 1 else 'answers'}"
        )
        found.append((7 if tally.matches >= MANY_MATCHES else 5, f"{asked} with {answers}"))
    add(6, tally.pictures, "looked at an image or report", "looked at # images and reports")
    fetched = "had nothing sent" if not tally.objects_sent else f"took {tally.objects_sent:,} objects away"
    if tally.objects_sent or commands["c-get"]:
        found.append((8 if tally.objects_sent else 5, fetched))
    add(
        7,
        commands["c-move"],
        "asked for objects to be sent to another host",
        "asked # times for objects to be sent to other hosts",
    )
    add(8, tally.objects_received, "left a file", "left # files")
    if "D16" in rules:
        found.append((9, "sent an altered copy of one of our images"))
    if reached is Depth.IMPACT:
        found.append((10, f"tried to destroy or take over ({_named(tally)})"))
    else:
        add(8, sum(tally.changes.values()), f"tried to change something ({_named(tally)})")
    add(3, tally.routes, "walked into a fake route", "walked into fake routes # times")
    add(9, tally.lures, "took bait", "took bait # times")
    add(2, tally.violations, "broke the protocol", "broke the protocol # times")
    if not found:
        closed = (
            "connected and said nothing"
            if tally.connections == 1
            else f"connected {tally.connections:,} times and said nothing"
        )
        found.append((0, closed if not tally.bytes_in else "connected and said nothing that could be understood"))
    return found


def _dimse(tally: Tally) -> bool:
    return any(number for name, number in tally.commands.items() if name.startswith(("c-", "n-")))


def _named(tally: Tally) -> str:
    names = [printable(name, 30) for name, _ in tally.changes.most_common(3)]
    return ", ".join(names) + (" ..." if len(tally.changes) > len(names) else "")


def _joined(clauses: list[str]) -> str:
    if len(clauses) == 1:
        return clauses[0]
    return ", ".join(clauses[:-1]) + " and " + clauses[-1]


def _over(tally: Tally) -> str:
    lasted = tally.last - tally.first
    if lasted < 2 * _MINUTE:
        return ""
    if lasted < 120 * _MINUTE:
        return f", over {lasted // _MINUTE} minutes"
    return f", over {lasted // (60 * _MINUTE)} hours"
