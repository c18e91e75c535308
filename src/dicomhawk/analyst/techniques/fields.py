"""Where a rule finds values in an event, and everything that a stranger said in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, unquote_plus

from ...evidence.documents import Document
from .regexes import MAX_SEARCHED

MAX_TEXT = 2048
"""Characters of one text that are looked at; the journal has 1024 at the most."""
MAX_VALUES = 4096
"""Values of one field that are looked at."""
SAID = "said"
"""The field that holds every text of a stranger, a line or more each."""
_STEP = re.compile(r'"([^"]+)"|([^."]+)')
_WHOLE = re.compile(r'("[^"]+"|[^."]+)(\.("[^"]+"|[^."]+))*')

Values = Callable[[Document], list[Any]]


class Seen:
    """An event that is looked at. `excerpt` is what was found in its texts."""

    __slots__ = ("_lower", "_said", "event", "excerpt")

    def __init__(self, event: Document) -> None:
        self.event = event
        self.excerpt = ""
        self._said: str | None = None
        self._lower: str | None = None

    @property
    def said(self) -> str:
        """All texts of the stranger, also as they read without percent-encoding, at most `MAX_SEARCHED`."""
        said = self._said
        if said is None:
            said = self._said = said_in(self.event)
        return said

    @property
    def lower(self) -> str:
        """The same in lower case."""
        lower = self._lower
        if lower is None:
            lower = self._lower = self.said.lower()
        return lower


def steps_of(path: str) -> tuple[str, ...]:
    """The steps of a path such as ``dicom.query.keys."00400100.00400002"``. Raises ValueError."""
    if not _WHOLE.fullmatch(path):
        raise ValueError(f"{path[:80]!r} is not the path of a field")
    return tuple(quoted or plain for quoted, plain in _STEP.findall(path))


def values_at(path: str, left_out: Iterable[str] = ()) -> Values:
    """A function from an event to the values at `path`: a list's members, and of ``*`` all of an object but those
    whose names are in `left_out`. None and what isn't there give nothing. Raises ValueError."""
    steps = steps_of(path)
    without = frozenset(left_out)
    if "*" not in steps:
        return _plain(steps)

    def values(event: Document) -> list[Any]:
        found: list[Any] = [event]
        for step in steps:
            found = _stepped(found, step, without)
            if not found:
                break
        return _flat(found)

    return values


def _plain(steps: tuple[str, ...]) -> Values:
    def values(event: Document) -> list[Any]:
        at: Any = event
        for position, step in enumerate(steps):
            if type(at) is dict:
                at = at.get(step)
                if at is None:
                    return []
            elif type(at) is list:
                found = at[:MAX_VALUES]
                for later in steps[position:]:
                    found = _stepped(found, later, frozenset())
                return _flat(found)
            else:
                return []
        return _flat([at]) if type(at) is list else [at]

    return values


def _stepped(values: list[Any], step: str, without: frozenset[str]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, list):
            found += _stepped([each for each in value[:MAX_VALUES] if isinstance(each, dict)], step, without)
        elif isinstance(value, dict):
            if step == "*":
                found += [each for name, each in value.items() if name not in without]
            elif value.get(step) is not None:
                found.append(value[step])
        if len(found) > MAX_VALUES:
            return found[:MAX_VALUES]
    return found


def _flat(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, list):
            found += [each for each in value[:MAX_VALUES] if not isinstance(each, list) and each is not None]
        else:
            found.append(value)
    return found[:MAX_VALUES]


def raw_at(path: str) -> Callable[[Document], Any]:
    """A function from an event to the value at `path` as it is, None if there is none. Raises ValueError."""
    steps = steps_of(path)

    def value(event: Document) -> Any:
        at: Any = event
        for step in steps:
            if not isinstance(at, dict):
                return None
            at = at.get(step)
        return at

    return value


_WHERE = (
    "dicom.ae.called",
    "dicom.ae.calling",
    "dicom.application_context",
    "dicom.contexts.abstract_syntax",
    "dicom.implementation.class_uid",
    "dicom.implementation.version",
    "dicom.query.level",
    "dicom.query.keys.*",
    "dicom.move.destination",
    "dicom.move.originator",
    "dicom.sop.class_uid",
    "dicom.sop.instance_uid",
    "dicom.study.instance_uid",
    "dicom.series.instance_uid",
    "dicom.patient.id",
    "dicom.commitment.transaction_uid",
    "honeypot.credential.username",
    "honeypot.credential.password",
    "honeypot.credential.token",
    "honeypot.login.domain",
    "honeypot.login.workstation",
    "honeypot.first_line",
    "honeypot.browser.facts.*",
    "honeypot.lure.detail",
    "honeypot.web.target",
    "honeypot.web.detail",
    "honeypot.web.forwarded",
    "honeypot.alpn",
    "http.request.method",
    "http.request.headers",
    "url.path",
    "url.original",
    "tls.client.server_name",
    "dns.question.name",
)


def _by_two_steps() -> dict[str, dict[str, list[Values]]]:
    found: dict[str, dict[str, list[Values]]] = {}
    for path in _WHERE:
        top, second, rest = (*path.split(".", 2), "")[:3]
        found.setdefault(top, {}).setdefault(second, []).append(values_at(rest) if rest else _itself)
    return found


def _itself(value: Any) -> list[Any]:
    return _flat([value])


_SAID = _by_two_steps()
"""Where texts of a stranger are, by the first two steps: most aren't there."""
_QUERY = raw_at("url.query")
_FILE_NAME = raw_at("file.name")
_FIRST_BYTES = raw_at("honeypot.first_bytes")
_ACTION = raw_at("event.action")


def said_in(event: Document) -> str:
    """Every text of a stranger in `event`, one below the other."""
    texts: list[str] = []
    for top, below in event.items():
        wanted = _SAID.get(top)
        if wanted is None or not isinstance(below, dict):
            continue
        for second, at in below.items():
            for values in wanted.get(second, ()):
                for value in values(at):
                    if isinstance(value, str) and value:
                        texts.append(value[:MAX_TEXT])
    query, name, first = _QUERY(event), _FILE_NAME(event), _FIRST_BYTES(event)
    if isinstance(query, str):
        texts.append(unquote_plus(query[:MAX_TEXT], errors="replace"))
    if isinstance(name, str) and _ACTION(event) != "file.captured":  # there it is a path of ours
        texts.append(name[:MAX_TEXT])
    if isinstance(first, str):
        texts.append(_decoded(first[:MAX_TEXT]))
    for text in texts[:]:
        if "%" in text:
            once = unquote(text, errors="replace")
            texts.append(once)
            if "%" in once:
                texts.append(unquote(once, errors="replace"))
    return "\n".join(texts)[:MAX_SEARCHED]


def _decoded(digits: str) -> str:
    try:
        return bytes.fromhex(digits).decode("latin-1")
    except ValueError:
        return ""
