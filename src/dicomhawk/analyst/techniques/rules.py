"""The rules, ours and the operator's, and what they find in a session."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from pydantic import BaseModel, ValidationError

from ...evidence.documents import Document, moment_of, value_at
from ...settings import SettingsError
from ...settings.base import first_problem
from ..narrative import printable
from .conditions import Test, globs
from .fields import Seen
from .model import Attack, Rule, Technique
from .patterns import EVIDENCE, Compiled, Hit, Seeing, Session

FOLDER = Path(__file__).parent / "rules"
LISTS, ATTACK = "lists.toml", "attack.toml"
"""Files of the folder that are no rules: values that several rules name, and what they cite."""
MAX_FILES, MAX_FILE = 2000, 512 * 1024
"""Rules of a folder, and bytes of one: what is more was not meant to be one."""
SHOWN_VALUES, SHOWN_CHARACTERS = 5, 80
"""Of what was seen, in a match's detail."""
MAX_ACTIONS = 1024
"""Actions whose patterns are remembered; the journal has some fifty."""
_HASHES = ("file.hash.sha256", "http.request.body.hash.sha256")

Part = TypeVar("Part", bound=BaseModel)


class Match(NamedTuple):
    """A technique that was seen in a session. Its fields are those of the table ``techniques``."""

    rule: str
    name: str
    severity: int
    """0 info to 4 critical."""
    attack: tuple[str, ...]
    times: int
    """Events that it was seen in."""
    first: int
    last: int
    """Moments, microseconds since the epoch."""
    detail: str
    evidence: tuple[str, ...]
    """``event.id`` of some of them."""


class _Plan(NamedTuple):
    rule: Rule
    compiled: Compiled


_Entry = tuple[int, int, Test | None]
"""Plan, role and test of events of some action."""


class Rules:
    """Rules, ready to be applied. Make them with `load`."""

    def __init__(self, rules: Iterable[Rule], lists: Mapping[str, tuple[str, ...]], attack: Attack) -> None:
        """Raises SettingsError where a rule names what isn't there."""
        self.attack = attack
        self.all = tuple(sorted((rule for rule in rules if rule.enabled), key=lambda rule: rule.id))
        self.version = _digest(self.all, lists, attack)
        self._plans: list[_Plan] = []
        self._of_files: set[int] = set()
        self._globs: list[tuple[Any, _Entry]] = []
        self._dispatch: dict[str, list[_Entry]] = {}
        for rule in self.all:
            for pattern in rule.pattern:
                try:
                    self._add(rule, Compiled(pattern, lists))
                except ValueError as error:
                    raise SettingsError(f"The rule {rule.id} is wrong: {error}.") from None

    @classmethod
    def load(cls, extra: Path | None = None) -> Self:
        """Our rules and those of the folder `extra`, which come beside ours or, where they have the same id, in
        their place. Raises SettingsError with one sentence."""
        folders = [FOLDER] if extra is None else [FOLDER, extra]
        rules: dict[str, Rule] = {}
        lists: dict[str, tuple[str, ...]] = {}
        for folder in folders:
            lists |= _lists(folder)
            found: dict[str, Path] = {}
            for path in _rule_files(folder):
                rule = _read(path, Rule)
                if rule.id in found:
                    raise SettingsError(f"{path} and {found[rule.id].name} have the same id, {rule.id}.")
                found[rule.id] = path
                rules[rule.id] = rule
        return cls(rules.values(), lists, _read(FOLDER / ATTACK, Attack))

    def technique(self, identifier: str) -> Technique | None:
        """A technique of ATT&CK by its identifier; None for one that a rule of the operator's cites and we don't."""
        return self.attack.techniques.get(identifier)

    def match(
        self, events: Sequence[Document], files: Mapping[str, Document], origin: Collection[str] = ()
    ) -> list[Match]:
        """What the events of one session amount to, in the order of the rules' ids.

        `events`: ECS documents in order of their moments; what isn't one is passed over. `files`: examinations of
        captured files by SHA-256. `origin`: tags of the visitor's address, as in ``tor``.
        """
        whole: list[Document] = []
        moments: list[int] = []
        mentions: dict[str, list[int]] = {}
        hits: dict[int, list[Hit]] = {}
        for event in events:
            try:
                moment = moment_of(event)
                action = event["event"]["action"]
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                continue
            if not isinstance(action, str):
                continue
            index = len(whole)
            whole.append(event)
            moments.append(moment)
            seen = Seen(event)
            for plan, role, test in self._entries(action):
                if test is None:
                    hits.setdefault(plan, []).append(Hit(index, role))
                elif test(seen):
                    hits.setdefault(plan, []).append(Hit(index, role, seen.excerpt))
                seen.excerpt = ""
            if files:
                _mention(mentions, event, index)
        return self._matches(hits, Session(whole, moments, files, mentions), origin)

    def _matches(self, hits: dict[int, list[Hit]], session: Session, origin: Collection[str]) -> list[Match]:
        seeings: dict[str, list[tuple[_Plan, Seeing]]] = {}
        for number in sorted(hits.keys() | self._of_files if session.mentions else hits):
            plan, found = self._plans[number], hits.get(number, [])
            compiled = plan.compiled
            if compiled.origin is not None and not any(compiled.origin.match(tag) for tag in origin):
                continue
            seeing = compiled.weigh(found, session)
            if seeing is not None:
                seeings.setdefault(plan.rule.id, []).append((plan, seeing))
        return [_match(rule, seeings[rule.id], session) for rule in self.all if rule.id in seeings]

    def _add(self, rule: Rule, compiled: Compiled) -> None:
        number = len(self._plans)
        self._plans.append(_Plan(rule, compiled))
        if compiled.pattern.file_finding:
            self._of_files.add(number)
        for role, selector, test in compiled.selectors:
            self._globs.append((globs(selector.action), (number, role, test)))

    def _entries(self, action: str) -> list[_Entry]:
        """What is to be asked of events of an action."""
        entries = self._dispatch.get(action)
        if entries is None:
            entries = [entry for pattern, entry in self._globs if pattern.match(action[:200])]
            if len(self._dispatch) < MAX_ACTIONS:
                self._dispatch[action] = entries
        return entries


def _mention(mentions: dict[str, list[int]], event: Document, index: int) -> None:
    for path in _HASHES:
        sha256 = value_at(event, path)
        if isinstance(sha256, str):
            mentions.setdefault(sha256, []).append(index)


def _match(rule: Rule, seen: list[tuple[_Plan, Seeing]], session: Session) -> Match:
    indices = sorted({index for _, seeing in seen for index in seeing.indices})
    moments = [session.moments[index] for index in indices]
    severities = [plan.compiled.pattern.severity for plan, _ in seen]
    return Match(
        rule=rule.id,
        name=rule.name,
        severity=max(rule.severity if severity is None else severity for severity in severities),
        attack=rule.attack,
        times=len(indices),
        first=min(moments),
        last=max(moments),
        detail="; ".join(dict.fromkeys(_detail(plan, seeing) for plan, seeing in seen)),
        evidence=tuple(
            identifier
            for identifier in (value_at(session.events[index], "event.id") for index in indices[:EVIDENCE])
            if isinstance(identifier, str)
        ),
    )


def _detail(plan: _Plan, seeing: Seeing) -> str:
    """What was seen, in a few words: what the pattern tells, and values that a stranger sent, made harmless."""
    shown = [printable(value, SHOWN_CHARACTERS) for value in dict.fromkeys(seeing.values[: 4 * SHOWN_VALUES])]
    more = ", ..." if len(shown) > SHOWN_VALUES else ""
    values = ", ".join(shown[:SHOWN_VALUES]) + more
    tell = plan.compiled.pattern.tell or plan.rule.name
    return f"{tell}: {values}" if values else tell


def _digest(rules: tuple[Rule, ...], lists: Mapping[str, tuple[str, ...]], attack: Attack) -> str:
    """Of all that matters in their files: comments and the names of files don't."""
    content = [rule.model_dump_json(exclude_defaults=True) for rule in rules]
    content += [f"{name}={values!r}" for name, values in sorted(lists.items())] + [attack.model_dump_json()]
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]


def _rule_files(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except OSError as error:
        raise SettingsError(f"The folder of rules {folder} can't be read: {error.strerror}.") from None
    if len(found) > MAX_FILES:
        raise SettingsError(f"The folder of rules {folder} has more than {MAX_FILES} files.")
    return [path for path in found if path.name not in (LISTS, ATTACK)]


def _lists(folder: Path) -> dict[str, tuple[str, ...]]:
    path = folder / LISTS
    found = _tables(path) if path.exists() else {}
    for name, values in found.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise SettingsError(f"{path} is wrong at {name}: it must be a list of texts.")
    return {name: tuple(values) for name, values in found.items()}


def _read(path: Path, model: type[Part]) -> Part:
    try:
        return model.model_validate(_tables(path))
    except ValidationError as error:
        where, what = first_problem(error, "")
        raise SettingsError(f"The rule {path} is wrong{f' at {where}' if where else ''}: {what}.") from None


def _tables(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE:
            raise SettingsError(f"{path} is too long for a rule.")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not a TOML file: {error}.") from None
