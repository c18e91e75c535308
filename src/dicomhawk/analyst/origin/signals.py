"""What speaks for an operator: its ranges, its names, its user agent, its client's fingerprint, its networks.

A range, a forward-confirmed name and the autonomous system are facts that the visitor can't choose. A name that isn't
confirmed, the user agent and the fingerprint it can.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from .geo import Place
from .model import HostName, Operator
from .table import Address, Table

Strength = Literal["certain", "likely", "support", "claim"]
"""certain, likely: can't be forged; support: it has machines there, as others do; claim: anybody can say so."""

MAX_VALUES: Final = 64
"""User agents, names or fingerprints of one session that are looked at: a visitor may send thousands."""
MAX_AGENT: Final = 512
"""Characters of a user agent that are looked at."""
MAX_HOST: Final = 253
"""Characters of a name (RFC 1035 section 2.3.4)."""
_HOST: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+\.?")
_TOR: Final = re.compile(r"\btor-?(exit|relay|node)|\bexit-?[0-9]*\.tor|torservers|\btor[0-9]*\.", re.IGNORECASE)


class Signal(NamedTuple):
    """One thing that speaks for one operator."""

    operator: Operator
    kind: Literal["range", "name", "agent", "fingerprint", "asn", "network"]
    strength: Strength
    text: str


class Signals:
    """The table's operators by what they are recognised by."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._suffixes: dict[str, Operator] = {}
        self._fingerprints: dict[str, Operator] = {}
        self._own: dict[int, Operator] = {}
        self._shared: dict[int, list[Operator]] = {}
        self._agents: list[tuple[str, str, Operator]] = []
        self._networks: list[tuple[re.Pattern[str], Operator]] = []
        for operator in table.operators.values():
            self._suffixes |= dict.fromkeys(operator.rdns, operator)
            self._fingerprints |= dict.fromkeys(operator.fingerprints, operator)
            self._own |= dict.fromkeys(operator.asn, operator)
            for number in operator.shared_asn:
                self._shared.setdefault(number, []).append(operator)
            self._agents += [(agent.lower(), agent, operator) for agent in operator.agents]
            self._networks += [(re.compile(name, re.IGNORECASE), operator) for name in operator.names]

    def of(
        self,
        address: Address,
        place: Place,
        names: Iterable[HostName],
        agents: Iterable[str],
        fingerprints: Iterable[str],
    ) -> Iterator[Signal]:
        """Everything that speaks for somebody."""
        yield from self._ranges(address)
        yield from self._of_place(place)
        for name in names:
            operator = self._by_suffix(name.name)
            if operator is not None:
                words = "forward-confirmed" if name.confirmed else "not confirmed"
                strength: Strength = "certain" if name.confirmed else "claim"
                yield Signal(operator, "name", strength, f"reverse DNS {name.name}, {words}")
        for agent in agents:
            lowered = agent[:MAX_AGENT].lower()
            for pattern, shown, operator in self._agents:
                if pattern in lowered:
                    yield Signal(operator, "agent", "claim", f"user agent {shown}")
        for value in fingerprints:
            by_client = self._fingerprints.get(value)
            if by_client is not None:
                yield Signal(by_client, "fingerprint", "claim", f"client fingerprint {value}")

    def _ranges(self, address: Address) -> Iterator[Signal]:
        told: set[str] = set()
        for each in self._table.ranges(address):
            # Of each operator the narrowest range says all.
            if each.operator.id not in told:
                told.add(each.operator.id)
                strength: Strength = "certain" if each.basis == "published" else "likely"
                by = f"{each.source.name}, {each.basis}" if each.source.is_list else each.basis
                text = f"range {each.network}" if each.operator.kind == "reserved" else f"range {each.network} ({by})"
                yield Signal(each.operator, "range", strength, text)

    def _of_place(self, place: Place) -> Iterator[Signal]:
        if place.asn is not None:
            words = f"AS{place.asn} {place.network}".strip()
            own = self._own.get(place.asn)
            if own is not None:
                # A scanner's system may have other machines in it; a cloud's is the cloud.
                yield Signal(own, "asn", "likely" if own.kind == "scanner" else "certain", words)
                return
            for operator in self._shared.get(place.asn, ()):
                yield Signal(operator, "asn", "support", words)
        for pattern, operator in self._networks:
            if pattern.search(place.network) and operator.country in ("", place.country or operator.country):
                yield Signal(operator, "network", "likely", f"network {place.network}")
                return

    def _by_suffix(self, name: str) -> Operator | None:
        labels = name.split(".")
        for start in range(len(labels) - 1):
            operator = self._suffixes.get(".".join(labels[start:]))
            if operator is not None:
                return operator
        return None


def host_names(names: Iterable[HostName | str]) -> list[HostName]:
    """Names in lower case, the confirmed ones first, without what is none: the DNS is a stranger's too."""
    found: dict[str, bool] = {}
    for name in names:
        text, confirmed = (name, False) if isinstance(name, str) else name
        text = text[: MAX_HOST + 1].lower()
        if len(text) <= MAX_HOST and _HOST.fullmatch(text):
            text = text.rstrip(".")
            found[text] = found.get(text, False) or confirmed
        if len(found) >= MAX_VALUES:
            break
    return sorted((HostName(*item) for item in found.items()), key=lambda name: not name.confirmed)


def name_tags(names: Iterable[HostName]) -> set[str]:
    """What names say besides."""
    return {"tor"} if any(_TOR.search(name.name) for name in names) else set()


def by_operator(signals: Iterable[Signal]) -> dict[str, list[Signal]]:
    """Signals of each operator, in their order."""
    found: dict[str, list[Signal]] = {}
    for signal in signals:
        found.setdefault(signal.operator.id, []).append(signal)
    return found
