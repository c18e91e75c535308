"""All clients of one session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from ...evidence.documents import Document, text_at
from .agents import agent_of, tls_tool
from .browsers import is_automated, signs_of, speaks_like_one
from .dicom import Asked, asked
from .probes import LEAST, TOOL, probes_of

Row = dict[str, Any]

MAX_ROWS: Final = 500
"""Different values of one kind kept of a session: a visitor may send a new user agent with each request."""
MAX_VALUE: Final = 512
"""Characters of one value."""
POSING: Final = "program posing as"
MAX_SHOWN: Final = 3
"""Tools that are named for a session."""
_VAGUE: Final = ", or built with it"
_VAGUE_SHOWN: Final = " (or built with it)"
_GREETINGS: Final = {"Friendly Portscanner": "dicom-scan (zerstoeren)"}
_OWN_NAME: Final = "honeypot.browser.facts.agent"
"""The user agent, as the page's script finds it."""
_RANKS: Final = {"attack": 0, "scanner": 2, "viewer": 3, "tool": 4, "library": 5, "browser": 6}
_OF_DICOM, _OF_PROBES, _BY_PROPERTIES, _BY_TLS, _BY_WORD = 0, 1, 3, 7, 8


class _Tool(NamedTuple):
    """A program that was recognised: the lower its rank, the more it says."""

    rank: int
    name: str


def clients_of(events: Sequence[Document]) -> tuple[list[Row], str]:
    """Rows of the table `clients` of one session, without its identifier, and the session's tool in words.

    The tool is empty where nobody is known. `events` are in the order of their moments.
    """
    ways = asked(events)
    rows = _dicom(ways)
    tools = _dicom_tools(ways)
    if len(probes_of(events)) >= LEAST:
        tools.append(_Tool(_OF_PROBES, TOOL))
    for more_rows, more_tools in (_web(events), _browser(events)):
        rows += more_rows
        tools += more_tools
    by_tls, libraries = _tls(events)
    rows += by_tls
    if all(tool.rank >= _BY_WORD or tool.name.startswith(POSING) for tool in tools):
        # Beside a program's own name, that of its library is nothing new.
        tools += libraries
    tools += [
        _Tool(_BY_PROPERTIES, _GREETINGS[line])
        for event in events
        if (line := text_at(event, "honeypot.first_line")) in _GREETINGS
    ]
    return rows, named(tools)


def named(tools: Iterable[tuple[int, str]]) -> str:
    """Tools in one phrase, the most telling first, those of a family together: ``nmap -sV/dicom-ping, curl``."""
    families: dict[str, list[str]] = {}
    for _, name in sorted(dict.fromkeys(tools), key=lambda tool: tool[0]):
        family, _, detail = name.partition(" ")
        generic = not detail or any(mark in name for mark in ",(") or name.startswith(("imitation ", POSING))
        family, detail = (name, "") if generic else (family, detail)
        known = families.setdefault(family, [])
        if detail not in known:
            known.append(detail)
    # That it may be DCMTK says nothing beside "DCMTK findscu".
    shown = [
        f"{family.replace(_VAGUE, _VAGUE_SHOWN)} {'/'.join(filter(None, details))}".strip()
        for family, details in families.items()
        if not family.endswith(_VAGUE) or family.removesuffix(_VAGUE) not in families
    ]
    more = len(shown) - MAX_SHOWN
    return ", ".join(shown[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _rows(kind: str, counted: Counter[str], tools: dict[str, str]) -> list[Row]:
    return [
        {"kind": kind, "value": value, "tool": tools.get(value, ""), "times": times}
        for value, times in list(counted.items())[:MAX_ROWS]
    ]


def _dicom(ways: Iterable[Asked]) -> list[Row]:
    times: Counter[str] = Counter()
    tools: dict[str, str] = {}
    for way in ways:
        if way.fingerprint:
            times[way.fingerprint[:MAX_VALUE]] += way.times
            if way.tool:
                tools[way.fingerprint[:MAX_VALUE]] = f"{way.tool} ({way.versions})" if way.versions else way.tool
    return _rows("dfp", times, tools)


def _dicom_tools(ways: Iterable[Asked]) -> list[_Tool]:
    found = []
    for way in ways:
        if way.tool:
            found.append(_Tool(_OF_DICOM if way.sure else _BY_PROPERTIES, way.tool))
        elif way.fingerprint or way.says:
            says = "".join(c for c in way.says[:16] if c.isprintable() and c not in "()")
            found.append(_Tool(_BY_WORD, f"unknown DICOM client ({says})" if says else "unknown DICOM client"))
    return found


def _web(events: Iterable[Document]) -> tuple[list[Row], list[_Tool]]:
    times: Counter[str] = Counter()
    requests: dict[str, list[Document]] = {}
    for event in events:
        if event["event"]["action"] != "http.request":
            continue
        agent = text_at(event, "user_agent.original")[:MAX_VALUE]
        if not agent:
            continue
        times[agent] += 1
        if agent in requests or len(requests) < MAX_ROWS:
            requests.setdefault(agent, []).append(event)
    tools: dict[str, str] = {}
    found: list[_Tool] = []
    reported = {text_at(event, _OWN_NAME)[:MAX_VALUE] for event in events if _is_report(event)}
    for agent, made in requests.items():
        known = agent_of(agent)
        if known is None:
            found.append(_Tool(_BY_WORD, "unknown HTTP client"))
            continue
        posing = known.kind == "browser" and agent not in reported and not speaks_like_one(made)
        tools[agent] = f"{POSING} {known.tool}" if posing else known.tool
        if posing or known.kind != "browser":
            rank = _RANKS["library"] if posing else _RANKS[known.kind]
            found.append(_Tool(rank, tools[agent]))
        elif not any(map(_is_report, events)):
            found.append(_Tool(_RANKS["browser"], known.tool))
    return _rows("user-agent", times, tools), found


def _is_report(event: Document) -> bool:
    return bool(event["event"]["action"] == "web.browser")


def _browser(events: Iterable[Document]) -> tuple[list[Row], list[_Tool]]:
    """Browsers whose page's script has told of them."""
    times: Counter[str] = Counter()
    tools: dict[str, str] = {}
    found: list[_Tool] = []
    for event in filter(_is_report, events):
        known = agent_of(text_at(event, _OWN_NAME))
        name = known.tool if known is not None and known.kind == "browser" else "browser"
        name = f"{name} (automated)" if is_automated(signs_of(event)) else f"{name} (a person's)"
        found.append(_Tool(_RANKS["browser"], name))
        value = text_at(event, "honeypot.browser.fingerprint")[:MAX_VALUE]
        if value:
            times[value] += 1
            tools[value] = name
    return _rows("browser", times, tools), found


def _tls(events: Iterable[Document]) -> tuple[list[Row], list[_Tool]]:
    ja3: Counter[str] = Counter()
    ja4: Counter[str] = Counter()
    tools: dict[str, str] = {}
    for event in events:
        if event["event"]["action"] != "tls.handshake":
            continue
        one, other = (text_at(event, f"tls.client.{name}")[:MAX_VALUE] for name in ("ja3", "ja4"))
        tool = tls_tool(other)
        for value, counted in ((one, ja3), (other, ja4)):
            if value:
                counted[value] += 1
                tools[value] = tool
    found = [_Tool(_BY_TLS, tool) for tool in tools.values() if tool]
    return _rows("ja3", ja3, tools) + _rows("ja4", ja4, tools), found
