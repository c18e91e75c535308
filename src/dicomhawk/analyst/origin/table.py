"""The compiled table: which ranges are whose. One compressed file, made by ``tools/compile_origins.py``."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final, NamedTuple

import msgspec

from .model import PRECEDENCE, Basis, Operator, Source

FORMAT: Final = 1
FILE: Final = "table.bin"
BITS: Final = {4: 32, 6: 128}

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Range(NamedTuple):
    """A range that an address is in."""

    operator: Operator
    source: Source
    basis: Basis
    length: int
    """Of its prefix, bits."""
    network: str
    """As in ``162.142.125.0/24``."""


class _Group(msgspec.Struct, array_like=True):
    """Ranges of one operator, from one source, with prefixes of one length."""

    operator: int
    source: int
    basis: Basis
    prefixes: str
    """Hexadecimal, ascending, separated by spaces: differences to the one before."""


class _File(msgspec.Struct):
    format: int
    operators: list[Operator]
    sources: list[Source]
    ranges: dict[str, list[_Group]]
    """By version of IP and length of the prefix, as in ``4/24``."""


class Table:
    """Operators and their ranges, indexed by length of the prefix. Some 14,000 ranges, loaded in milliseconds."""

    def __init__(self, data: bytes) -> None:
        """`data`: what `pack` made. Raises ValueError for anything else."""
        try:
            file = msgspec.json.decode(zlib.decompress(data), type=_File)
        except (zlib.error, msgspec.DecodeError) as error:
            raise ValueError(f"the table of origins can't be read: {error}") from None
        if file.format != FORMAT:
            raise ValueError(f"the table of origins has format {file.format}, not {FORMAT}")
        self.digest = hashlib.sha256(data).hexdigest()
        self.operators: Mapping[str, Operator] = {operator.id: operator for operator in file.operators}
        self.sources = tuple(file.sources)
        self._groups: list[tuple[Operator, Source, Basis]] = []
        self._index: dict[int, list[tuple[int, dict[int, int]]]] = {4: [], 6: []}
        for key, groups in file.ranges.items():
            version, _, length = key.partition("/")
            index: dict[int, int] = {}
            for group in groups:
                number = len(self._groups)
                self._groups.append((file.operators[group.operator], file.sources[group.source], group.basis))
                prefix = 0
                for step in group.prefixes.split(" "):
                    prefix += int(step, 16)
                    index[prefix] = number
            self._index[int(version)].append((int(length), index))
        for lengths in self._index.values():
            lengths.sort(key=lambda each: -each[0])

    @property
    def size(self) -> int:
        """Ranges in it."""
        return sum(len(index) for lengths in self._index.values() for _, index in lengths)

    def lengths(self, version: int) -> tuple[int, ...]:
        """Lengths of prefixes that there are, the longest first: as many steps has a look-up."""
        return tuple(length for length, _ in self._index[version])

    def ranges(self, address: Address) -> list[Range]:
        """All ranges that hold `address`, the best first: scanner before cloud before provider, then the longest."""
        version, value = address.version, int(address)
        bits = BITS[version]
        found = []
        for length, index in self._index[version]:
            number = index.get(value >> (bits - length))
            if number is not None:
                operator, source, basis = self._groups[number]
                network = type(address)(value >> (bits - length) << (bits - length))
                found.append(Range(operator, source, basis, length, f"{network}/{length}"))
        if len(found) > 1:
            found.sort(key=lambda each: (-PRECEDENCE[each.operator.kind], -each.length))
        return found


@cache
def shipped() -> Table:
    """The table that is part of the package."""
    return Table(files(__package__).joinpath(FILE).read_bytes())


class Entry(NamedTuple):
    """A range, as `pack` takes it."""

    network: Network
    operator: str
    source: str
    basis: Basis


def pack(operators: Sequence[Operator], sources: Sequence[Source], entries: Iterable[Entry]) -> bytes:
    """A table as bytes; the same for the same, in whatever order `entries` come.

    Of several entries for one network the best counts: by precedence of kinds, then published before observed, then
    the source that comes first. An entry within a larger range of its operator that is as good is left out.
    """
    by_id = {operator.id: (number, operator) for number, operator in enumerate(operators)}
    numbered = {source.name: number for number, source in enumerate(sources)}
    best: dict[Network, tuple[Any, Entry]] = {}
    for entry in entries:
        number, operator = by_id[entry.operator]
        merit = (-PRECEDENCE[operator.kind], entry.basis == "observed", numbered[entry.source], number)
        known = best.get(entry.network)
        if known is None or merit < known[0]:
            best[entry.network] = (merit, entry)
    kept = {network: entry for network, (_, entry) in best.items()}
    groups: dict[tuple[int, int], dict[tuple[int, int, Basis], list[int]]] = {}
    for network, entry in kept.items():
        if not _covered(entry, kept):
            at = groups.setdefault((network.version, network.prefixlen), {})
            key = (by_id[entry.operator][0], numbered[entry.source], entry.basis)
            value = int(network.network_address) >> (BITS[network.version] - network.prefixlen)
            at.setdefault(key, []).append(value)
    file = _File(
        format=FORMAT,
        operators=list(operators),
        sources=list(sources),
        ranges={
            f"{version}/{length}": [_Group(*key, prefixes=_steps(values)) for key, values in sorted(at.items())]
            for (version, length), at in sorted(groups.items())
        },
    )
    return zlib.compress(msgspec.json.encode(file), 9)


def _covered(entry: Entry, kept: Mapping[Network, Entry]) -> bool:
    network = entry.network
    while network.prefixlen:
        network = network.supernet()
        wider = kept.get(network)
        if wider is not None:
            # What lies between belongs to somebody else: then this entry says something.
            return wider.operator == entry.operator and (wider.basis == "published" or entry.basis == "observed")
    return False


def _steps(values: list[int]) -> str:
    last, steps = 0, []
    for value in sorted(values):
        steps.append(f"{value - last:x}")
        last = value
    return " ".join(steps)
