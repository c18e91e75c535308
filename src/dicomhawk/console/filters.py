"""Which sessions are wanted: what stands in the form above them, as conditions of a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select

from ..analyst.database import schema, search
from ..settings.words import DEPTHS, SEVERITIES

MAX_TEXT = 200
"""Characters of one field."""
MAX_V6 = 5_000
"""Addresses of an IPv6 network that are looked for: they are compared one by one."""

_sessions = schema.sessions.c


@dataclass(frozen=True)
class Filter:
    """What the form says; empty: no matter. `wrong` says in words what can't be understood, by field."""

    text: str = ""
    since: str = ""
    until: str = ""
    sensor: str = ""
    category: str = ""
    country: str = ""
    tool: str = ""
    depth: str = ""
    severity: str = ""
    kind: str = ""
    technique: str = ""
    ae: str = ""
    address: str = ""
    operator: str = ""
    actor: str = ""
    order: str = ""
    wrong: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Filter:
        """From the query of an address. Never raises."""
        names = [each.name for each in fields(cls) if each.name != "wrong"]
        values: dict[str, Any] = {name: given.get(name, "").strip()[:MAX_TEXT] for name in names}
        found = cls(**values)
        wrong = {}
        for name in ("since", "until"):
            if getattr(found, name) and moment_of(getattr(found, name)) is None:
                wrong[name] = "Not a moment such as 2026-11-21 or 2026-11-21T23:20 (UTC)."
        if found.address and network_of(found.address) is None:
            wrong["address"] = "Not an address, or a network such as 192.0.2.0/24."
        if found.depth and found.depth not in DEPTHS:
            wrong["depth"] = "Not a depth."
        if found.severity and found.severity not in SEVERITIES:
            wrong["severity"] = "Not a severity."
        return replace(found, wrong=wrong)

    @property
    def given(self) -> dict[str, str]:
        """What is set, for addresses of pages; without the order."""
        return {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in ("wrong", "order") and getattr(self, each.name)
        }

    def conditions(self, connection: Connection) -> list[ColumnElement[bool]]:
        """On the table of sessions."""
        found: list[ColumnElement[bool]] = []
        for name in ("sensor", "category", "country", "tool", "operator", "actor"):
            if value := getattr(self, name):
                found.append(_sessions[name] == value)
        if (since := moment_of(self.since)) is not None:
            found.append(_sessions.last >= since)
        if (until := moment_of(self.until)) is not None:
            found.append(_sessions.first <= until)
        if self.depth in DEPTHS:
            found.append(_sessions.rank >= DEPTHS.index(self.depth))
        if self.severity in SEVERITIES:
            found.append(_sessions.severity >= SEVERITIES.index(self.severity))
        if self.kind in ("scan", "interaction"):
            found.append(_sessions.interaction == (self.kind == "interaction"))
        if self.technique:
            rules = schema.techniques.c
            found.append(_sessions.session.in_(select(rules.session).where(rules.rule == self.technique)))
        if self.ae:
            titles = schema.ae_titles.c
            wanted = or_(titles.called == self.ae, titles.calling == self.ae)
            found.append(_sessions.session.in_(select(titles.session).where(wanted)))
        if self.address and (network := network_of(self.address)) is not None:
            found.append(_within(network, connection))
        if self.text:
            matching = search.matching(connection, self.text)
            found.append(false() if matching is None else _sessions.session.in_(matching))
        return found


def moment_of(text: str) -> int | None:
    """Microseconds since the epoch; None if it is no moment. Without an offset it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def network_of(text: str) -> IPv4Network | IPv6Network | None:
    """A network, or an address as a network of one; None if it is neither."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _within(network: IPv4Network | IPv6Network, connection: Connection) -> ColumnElement[bool]:
    """Addresses are text: a network is a few ranges of texts, which an index has in order."""
    column = _sessions.address
    if network.prefixlen == network.max_prefixlen:
        return column == str(network.network_address)
    if isinstance(network, IPv4Network):
        if not network.prefixlen:
            return ~column.contains(":")
        return or_(*(_begins(column, prefix, connection) for prefix in _prefixes(network)))
    # Zeros of IPv6 addresses are left out here or there: these are compared as numbers.
    groups = network.network_address.exploded.split(":")[: network.prefixlen // 16]
    certain = []
    for group in groups:
        if not int(group, 16):
            break
        certain.append(f"{int(group, 16):x}")
    origins = schema.origins.c.address
    near = _begins(origins, ":".join(certain) + ":", connection) if certain else origins.contains(":")
    known = connection.execute(select(origins).where(near).limit(MAX_V6 * 20)).scalars()
    return column.in_([text for text in known if _in_v6(text, network)][:MAX_V6])


def _in_v6(text: str, network: IPv6Network) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return isinstance(address, IPv6Address) and address in network


def _prefixes(network: IPv4Network) -> list[str]:
    """Beginnings of the dotted addresses of a network, each with its dot; or whole ones."""
    whole, rest = divmod(network.prefixlen, 8)
    octets = list(network.network_address.packed)
    before = "".join(f"{octet}." for octet in octets[:whole])
    if not rest:
        return [before]
    last = [octets[whole] + number for number in range(1 << (8 - rest))]
    return [f"{before}{octet}." if whole < 3 else f"{before}{octet}" for octet in last]


def _begins(column: ColumnElement[str], prefix: str, connection: Connection) -> ColumnElement[bool]:
    # The last octet stands alone: a text that begins so may go on with another digit.
    if prefix[-1:].isdigit() and prefix.count(".") == 3:
        return column == prefix
    if connection.dialect.name != "sqlite":
        return column.startswith(prefix)  # the order of texts is the language's there
    return and_(column >= prefix, column < prefix[:-1] + chr(ord(prefix[-1]) + 1))
