"""The allow-list: whose visits are no alarm, because they are the owner's own. What it silences is counted still."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Collection
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from ...settings import Port, SettingsError
from ...settings.alerts import DAY_MINUTES, Hours, span
from ...settings.base import Section, first_problem
from ...settings.sections import AETitle
from ...settings.words import SEVERITIES, Severity

MAX_BYTES = 1 << 20
"""Of the file."""
MAX_ENTRIES = 1000

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_log = logging.getLogger(__name__)
_DAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _network(value: str) -> str:
    return str(ip_network(value.strip(), strict=False))


def _aware(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Network = Annotated[str, AfterValidator(_network)]
Moment = Annotated[datetime, AfterValidator(_aware)]


class Entry(Section):
    """One of the owner's scanners. All that it says must hold; times are in UTC."""

    name: str = Field(min_length=1, max_length=100, description="Stands beside what it silenced.")
    networks: tuple[Network, ...] = Field(
        min_length=1, max_length=200, description="Where it comes from. AE titles alone could be anybody's."
    )
    ports: tuple[Port, ...] = Field((), max_length=200, description="Our ports that it visits, and no others.")
    ae_titles: tuple[AETitle, ...] = Field((), max_length=200, description="What it calls itself, and nothing else.")
    since: Moment | None = Field(None, description="Not before this moment.")
    until: Moment | None = Field(None, description="Not from this moment on.")
    weekdays: tuple[Weekday, ...] = Field((), description="Only on these days: mon, tue, wed, thu, fri, sat, sun.")
    hours: Hours = Field("", description="Only in these hours, as in 01:00-05:00.")
    up_to: Severity = Field("critical", description="Worse than this is an alarm all the same.")
    note: str = Field("", max_length=1000, description="For you.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    def covers(self, visit: Visit, moment: int, severity: int) -> bool:
        """Whether it is about what `visit` did at `moment` (microseconds since the epoch)."""
        return (
            severity <= SEVERITIES.index(self.up_to)
            and visit.within(self.networks)
            and (not self.ports or (bool(visit.ports) and visit.ports <= set(self.ports)))
            and (not self.ae_titles or (bool(visit.titles) and visit.titles <= set(self.ae_titles)))
            and self._at(moment)
        )

    def _at(self, moment: int) -> bool:
        at = datetime.fromtimestamp(moment // 1_000_000, UTC)
        if (self.since is not None and at < self.since) or (self.until is not None and at >= self.until):
            return False
        if self.weekdays and _DAYS[at.weekday()] not in self.weekdays:
            return False
        if not self.hours:
            return True
        first, last = span(self.hours)
        return (at.hour * 60 + at.minute - first) % DAY_MINUTES < (last - first) % DAY_MINUTES


class Visit:
    """What an entry looks at: where a session came from, which of our ports it visited, what it called itself."""

    def __init__(self, address: str, ports: Collection[int], titles: Collection[str]) -> None:
        self.ports = frozenset(ports)
        self.titles = frozenset(title.strip() for title in titles)
        try:
            found = ip_address(address.partition("%")[0])
            self._address = getattr(found, "ipv4_mapped", None) or found
        except ValueError:
            self._address = None

    def within(self, networks: Collection[str]) -> bool:
        """Whether it came from one of `networks`."""
        return self._address is not None and any(self._address in _parsed(network) for network in networks)


def _parsed(network: str) -> IPv4Network | IPv6Network:
    return ip_network(network)


class AllowList(Section):
    """The file, as it is validated."""

    allow: tuple[Entry, ...] = Field((), max_length=MAX_ENTRIES)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [entry.name for entry in self.allow]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two entries are called {twice!r}")
        return self

    def entry(self, visit: Visit, moment: int, severity: int) -> Entry | None:
        """The first entry that is about this; None: an alarm."""
        return next((entry for entry in self.allow if entry.covers(visit, moment, severity)), None)


def parse_allow(text: str) -> AllowList:
    """The allow-list in `text` (TOML, tables ``[[allow]]``). Raises `SettingsError` with one sentence."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise SettingsError(f"The allow-list has more than {MAX_BYTES} bytes.")
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"The allow-list is not TOML: {error}.") from None
    try:
        return AllowList.model_validate(data)
    except ValidationError as error:
        where, what = first_problem(error, "the file")
        raise SettingsError(f"The allow-list, {where}: {what}.") from None


def load_allow(path: Path) -> AllowList:
    """The allow-list in a file; empty if there is none. Raises `SettingsError`."""
    try:
        return parse_allow(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return AllowList()
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not text in UTF-8.") from None


class WatchedAllowList:
    """The allow-list of a file that may be edited meanwhile. What can't be used changes nothing."""

    def __init__(self, path: Path) -> None:
        """Raises `SettingsError`."""
        self._path = path
        self._seen = self._stamp()
        self._list = load_allow(path)

    def current(self) -> AllowList:
        """What holds now."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._list = load_allow(self._path)
            except SettingsError as error:
                _log.warning("%s The allow-list of before holds on.", error)
        return self._list

    def _stamp(self) -> tuple[int, int] | None:
        try:
            state = self._path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size
