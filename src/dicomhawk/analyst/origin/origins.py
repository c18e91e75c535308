"""Who an address is: all signals weighed against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from itertools import islice
from pathlib import Path
from typing import Final, Self

from .geo import Geo, Place
from .model import PRECEDENCE, Confidence, HostName, Operator, Origin
from .signals import MAX_VALUES, Signal, Signals, by_operator, host_names, name_tags
from .table import Address, Table, shipped

MAX_AGE: Final = timedelta(days=90)
"""Of the lists: scanners move, and a list that is older misses some."""
METHOD: Final = 1
"""Of how signals are weighed."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052 section 2.1: an IPv4 address is in the last 32 bits."""
_NEAR: Final = {
    "private network": "Somebody in a private network",
    "link-local": "Somebody in the same network",
    "loopback": "Somebody on this machine",
}
_RANKS: Final[dict[Confidence, int]] = {"low": 0, "medium": 1, "high": 2}


class Origins:
    """The table, the operator's databases, and how both are weighed."""

    def __init__(self, table: Table, geo: Geo) -> None:
        self._table, self._geo = table, geo
        self._signals = Signals(table)
        self.version = f"{METHOD} {table.digest} {geo.version}"
        """Changes whenever `of` may say something else."""

    @classmethod
    def load(cls, geo: Iterable[Path] = ()) -> Self:
        """With the table that is shipped, and databases (.mmdb). Raises `SettingsError` for a bad one."""
        return cls(shipped(), Geo(geo))

    def close(self) -> None:
        """Give the databases back."""
        self._geo.close()

    def of(
        self,
        address: str,
        *,
        names: Iterable[HostName | str] = (),
        user_agents: Iterable[str] = (),
        fingerprints: Iterable[str] = (),
    ) -> Origin:
        """Who `address` is. Never raises; what isn't an address is nobody.

        `names`: by reverse DNS, those that aren't a `HostName` count as not confirmed. `user_agents` and
        `fingerprints` (DFP) are what was seen from there; they can be forged, and count accordingly.
        """
        at = parsed(address)
        if at is None:
            return Origin()
        hosts = host_names(islice(names, MAX_VALUES))
        place = self._geo.of(at)
        found = by_operator(
            self._signals.of(at, place, hosts, islice(user_agents, MAX_VALUES), islice(fingerprints, MAX_VALUES))
        )
        _rented(found)
        chosen = _chosen(found, place)
        signals = found.pop(chosen.id) if chosen is not None else []
        # A cloud's or a provider's network, whoever has a machine in it.
        around = [each for each in found.values() if each[0].operator.kind != "scanner" and not _is_claim(each)]
        false = [each for each in found.values() if each[0].operator.kind == "scanner" and _is_claim(each)]
        tags = name_tags(hosts)
        tags.update(*(each[0].operator.tags for each in around))
        tags.update(f"claims:{each[0].operator.id}" for each in false if _claims(each))
        evidence = [signal.text for signal in signals]
        evidence += [_within(each[0]) for each in around]
        if chosen is None and (place.asn is not None or place.network):
            evidence.append(_system(place))
        evidence += [claim for each in false for claim in _claims(each)]
        whose = around[0][0].operator if around else None
        if chosen is not None:
            # However much is claimed, the tag, by which alerts are left out, takes a fact.
            tags.update(chosen.tags, ["scanner"] if chosen.kind == "scanner" and not _is_claim(signals) else [])
            whose = whose or (chosen if chosen.kind in ("cloud", "isp") else None)
        return Origin(
            category=chosen.category if chosen is not None else "Other",
            operator=chosen.id if chosen is not None else "",
            confidence=_confidence(signals) if chosen is not None else "low",
            who=_who(chosen, claimed=_is_claim(signals)) if chosen is not None else "",
            evidence=tuple(dict.fromkeys(evidence)),
            country=place.country or (whose.country if whose is not None else ""),
            asn=place.asn,
            network=place.network or (whose.name if whose is not None else ""),
            name=hosts[0].name if hosts else "",
            tags=tuple(sorted(tags)),
        )

    def dates(self) -> Mapping[str, str]:
        """Of each list that the table was made of: its day (ISO 8601), or nothing where it doesn't say."""
        return {source.name: source.date for source in self._table.sources}

    def warning(self, today: date) -> str | None:
        """A sentence for the operator if the lists of scanners are older than `MAX_AGE`, else None."""
        listed = [source.date for source in self._table.sources if source.is_list and source.date]
        newest = max(listed, default="")
        if not newest or today - date.fromisoformat(newest) <= MAX_AGE:
            return None
        age = (today - date.fromisoformat(newest)).days
        return f"The lists of known scanners are of {newest}, {age} days old: some operators may not be recognised."


def parsed(text: str) -> Address | None:
    """An address, without its zone; the IPv4 address that an IPv6 one stands for; None for what isn't one."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_claim(signals: Iterable[Signal]) -> bool:
    """Whether nothing but what a visitor can choose speaks for it."""
    return all(signal.strength in ("claim", "support") for signal in signals)


def _confidence(signals: Sequence[Signal]) -> Confidence:
    """High: a certain fact, or a likely one and something else; a claim alone is never more than low."""
    if any(signal.strength == "certain" for signal in signals):
        return "high"
    kinds = {signal.kind for signal in signals}
    if any(signal.strength == "likely" for signal in signals):
        # That a cloud's machine is in the cloud is nothing new.
        return "high" if len(kinds - {"network"}) > 1 else "medium"
    return "medium" if len(kinds) > 1 else "low"


def _chosen(found: Mapping[str, Sequence[Signal]], place: Place) -> Operator | None:
    """Whose it is: of what isn't contradicted, the most particular kind, then the surest."""
    chosen, best = None, (-1, -1)
    for signals in found.values():
        operator = signals[0].operator
        if all(signal.strength == "support" for signal in signals):
            continue
        if _is_claim(signals) and _contradicted(operator, found, place):
            continue
        merit = (PRECEDENCE[operator.kind], _RANKS[_confidence(signals)])
        if merit > best:
            chosen, best = operator, merit
    return chosen


def _who(operator: Operator, *, claimed: bool) -> str:
    if operator.kind == "scanner":
        return operator.name if not claimed else f"Somebody calling itself {operator.name}"
    if operator.kind == "reserved":
        return _NEAR.get(operator.id, "")
    return f"Somebody at {operator.name}"


def _rented(found: Mapping[str, list[Signal]]) -> None:
    """Let the cloud that an operator is known to rent machines in speak for it."""
    for signals in found.values():
        for host in signals[0].operator.hosts:
            if host in found and not _is_claim(found[host]):
                first = found[host][0]
                signals.append(Signal(signals[0].operator, "network", "support", _within(first)))


def _contradicted(operator: Operator, found: Mapping[str, Sequence[Signal]], place: Place) -> bool:
    """Whether facts speak against what is only claimed."""
    if operator.kind != "scanner":
        return False
    anywhere = "*" in operator.hosts
    for key, signals in found.items():
        other = signals[0].operator
        if key != operator.id and not _is_claim(signals):
            return not (other.kind == "cloud" and (anywhere or key in operator.hosts))
    numbers = {*operator.asn, *operator.shared_asn}
    return place.asn is not None and bool(numbers) and place.asn not in numbers and not anywhere


def _within(signal: Signal) -> str:
    return f"in {signal.operator.name}: {signal.text}"


def _system(place: Place) -> str:
    return f"AS{place.asn} {place.network}".strip() if place.asn is not None else f"network {place.network}"


def _claims(signals: Iterable[Signal]) -> list[str]:
    """What is claimed and not believed, in words."""
    return [
        f"says it is {signal.operator.name} ({signal.text}), which the address doesn't bear out"
        for signal in signals
        if signal.strength == "claim"
    ]
