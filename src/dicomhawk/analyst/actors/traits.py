"""By what a session can be told to be of the same actor as another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv6Address
from typing import Any, Final

from ...evidence.documents import Document, text_at, value_at
from ..clients.agents import agent_of
from ..origin import Origin
from ..origin.origins import parsed

Row = dict[str, Any]

LEAST_WORDS: Final = 8
"""A list of words is recognised by its first ones, and as a whole: who tries fewer tries what everybody does."""
MAX_WORDS: Final = 5000
"""Words of a list that are looked at."""
MAX_UPLOADS: Final = 200
"""Uploaded files of a session by which it can be recognised."""
MAX_TOKENS: Final = 200
LEAST_UPLOAD: Final = 256
"""Bytes: what is shorter anybody has."""
LEAST_KEYS: Final = 4
"""Keys of a session's queries, from which on they are somebody's habit."""
QUERIES: Final = 5
"""Different queries that make a habit."""
LEAST_AGENT: Final = 8
"""Characters of a user agent that is nobody's we know."""
_ASSOCIATIONS: Final = ("dicom.association", "dicom.association.reject")
_QUERIES: Final = ("dicom.c-find", "dicom.c-get", "dicom.c-move", "web.query")
_STORES: Final = ("dicom.c-store", "web.store")
_RETURNS: Final = ("lure.reused", "lure.taken", "lure.hit")
_USUAL_TITLES: Final = frozenset(
    (
        "aet",
        "aetitle",
        "ae",
        "any",
        "any-scp",
        "anyscp",
        "client",
        "clearcanvas",
        "dcm4chee",
        "dcmtk",
        "dcmqrscp",
        "dicom",
        "echoscu",
        "findscu",
        "getscu",
        "gdcmscu",
        "horos",
        "hospital",
        "medical",
        "microdicom",
        "modality",
        "movescu",
        "nmap-info",
        "orthanc",
        "osirix",
        "pacs",
        "pacs_scu",
        "pynetdicom",
        "radiant",
        "remote",
        "scp",
        "scu",
        "server",
        "storescp",
        "storescu",
        "test",
        "testscu",
        "viewer",
        "weasis",
        "workstation",
    )
)
"""Calling AE titles, in lower case, that programs have from the start, or that come to everybody's mind."""


def traits_of(events: Sequence[Document], origin: Origin, clients: Sequence[Row]) -> list[Row]:
    """Rows of the table `traits` of one session, without its identifier.

    `events` are in the order of their moments; `clients` are the session's rows of the table `clients`.
    """
    found = {
        *_who(events, origin),
        *_fingerprints(clients),
        *_words(events, clients),
        *_habits(events, clients),
        *_uploads(events),
        *_returns(events),
    }
    return [{"kind": kind, "value": value} for kind, value in sorted(found)]


def neighbourhood(address: str) -> str:
    """What of an address belongs to one visitor: an IPv4 address, or the /64 of an IPv6 one; empty: none."""
    at = parsed(address)
    if at is None or at.is_unspecified:
        return ""
    if isinstance(at, IPv6Address):
        return f"{IPv6Address(int(at) >> 64 << 64)}/64"
    return str(at)


def _digest(*parts: str) -> str:
    whole = "\0".join(part.replace("\0", "\\0") for part in parts)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _who(events: Sequence[Document], origin: Origin) -> Iterator[tuple[str, str]]:
    if "scanner" in origin.tags and origin.confidence != "low":
        yield "operator", origin.operator
    address = next((text for event in events if (text := text_at(event, "source.ip"))), "")
    # Of an exit of Tor there are a thousand visitors.
    if "tor" not in origin.tags and neighbourhood(address):
        yield "address", neighbourhood(address)


def _fingerprints(clients: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Those that aren't a program's that others have too."""
    for row in clients:
        kind, value, known = row["kind"], row["value"], bool(row["tool"])
        if kind in ("dfp", "ja4") and not known:
            yield kind, value
        elif kind == "browser" and row["tool"].endswith("(a person's)"):
            yield "browser", value
        elif kind == "user-agent" and not known and _is_own(value):
            yield "user-agent", _digest(value)


def _is_own(agent: str) -> bool:
    """Whether a user agent that isn't known is one of somebody's own: half the world begins with Mozilla."""
    agent = agent.strip().lower()
    return len(agent) >= LEAST_AGENT and not agent.startswith("mozilla/")


def _words(events: Sequence[Document], clients: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Lists of words that were gone through: AE titles, credentials, paths that aren't there."""
    tools = [row["tool"] for row in clients]
    if not any(tool.startswith("nmap ") for tool in tools):
        called = (text_at(event, "dicom.ae.called") for event in events if event["event"]["action"] in _ASSOCIATIONS)
        yield from _list("ae-titles", called)
    if any(known is not None and known.kind == "attack" for known in _agents(clients)):
        return  # such a program's own lists are everybody's
    yield from _list("credentials", _credentials(events))
    yield from _list("paths", _missing(events))


def _agents(clients: Iterable[Row]) -> Iterator[Any]:
    return (agent_of(row["value"]) for row in clients if row["kind"] == "user-agent")


def _list(kind: str, words: Iterable[str]) -> Iterator[tuple[str, str]]:
    different: dict[str, None] = {}
    for word in words:
        if word and len(different) < MAX_WORDS:
            different.setdefault(word)
    if len(different) >= LEAST_WORDS:
        yield kind, f"all:{_digest(*sorted(different))}"
        # Who was cut short, or asks with several connections at once, begins alike all the same.
        yield kind, f"first:{_digest(*list(different)[:LEAST_WORDS])}"


def _credentials(events: Iterable[Document]) -> Iterator[str]:
    for event in events:
        action = event["event"]["action"]
        if action == "http.login" or action in _ASSOCIATIONS:
            credential = value_at(event, "honeypot.credential")
            if isinstance(credential, dict) and text_at(event, "honeypot.login.scheme") != "cookie":
                password = credential.get("password") or credential.get("password_sha256") or ""
                yield f"{credential.get('username') or ''}\1{password}"


def _missing(events: Iterable[Document]) -> Iterator[str]:
    """Paths that were asked for and aren't there: what is linked somewhere is in every visitor's order."""
    asked: dict[tuple[str, Any], str] = {}
    for event in events:
        action = event["event"]["action"]
        if action not in ("http.request", "http.response"):
            continue
        key = (text_at(event, "honeypot.connection"), value_at(event, "honeypot.web.request"))
        if action == "http.request":
            asked[key] = text_at(event, "url.path") or text_at(event, "url.original").partition("?")[0]
        elif value_at(event, "http.response.status_code") == 404:
            yield asked.pop(key, "")


def _habits(events: Sequence[Document], clients: Iterable[Row]) -> Iterator[tuple[str, str]]:
    shapes: dict[str, None] = {}
    keys_asked = 0
    calling = ""
    for event in events:
        action = event["event"]["action"]
        if action in _QUERIES and len(shapes) < QUERIES:
            keys = value_at(event, "dicom.query.keys")
            names = [str(key) for key in keys] if isinstance(keys, dict) else []
            shape = "|".join((action, text_at(event, "dicom.query.level"), *names))
            if shape not in shapes:
                shapes[shape] = None
                keys_asked += len(names)
        calling = calling or text_at(event, "dicom.ae.calling")
    if keys_asked < LEAST_KEYS:
        return
    habit = _digest(*shapes)
    yield "habit", habit
    if calling and calling.strip().lower() not in _USUAL_TITLES:
        fingerprints = sorted(row["value"] for row in clients if row["kind"] == "dfp")
        yield "manner", _digest(habit, calling, *fingerprints)


def _uploads(events: Iterable[Document]) -> Iterator[tuple[str, str]]:
    hashes: dict[str, None] = {}
    for event in events:
        if event["event"]["action"] in _STORES and len(hashes) < MAX_UPLOADS:
            sha256 = text_at(event, "file.hash.sha256")
            size = value_at(event, "file.size") or value_at(event, "dicom.dataset.bytes")
            if sha256 and isinstance(size, int) and size >= LEAST_UPLOAD:
                hashes[sha256] = None
    return (("upload", sha256) for sha256 in hashes)


def _returns(events: Iterable[Document]) -> Iterator[tuple[str, str]]:
    """What was handed to one session and used by another; a patient's ID can be a guess, and doesn't count."""
    tellers: dict[str, None] = {}
    for event in events:
        if event["event"]["action"] in _RETURNS and text_at(event, "honeypot.lure.kind") != "patient":
            teller = text_at(event, "honeypot.lure.session")
            if teller and teller != event.get("session") and len(tellers) < MAX_TOKENS:
                tellers[teller] = None
    return (("token", teller) for teller in tellers)
