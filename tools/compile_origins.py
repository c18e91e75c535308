"""Compile the table of origins, src/dicomhawk/analyst/origin/table.bin, and the tables of docs/origins.md.

    python tools/compile_origins.py

Reads supplement.toml and networks.toml of that folder, and the lists that they name from the package
pymispwarninglists (a development dependency; the lists are CC0, https://github.com/MISP/misp-warninglists). The same
input gives the same table.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path

from dicomhawk.analyst.origin import supplement
from dicomhawk.analyst.origin.model import LISTS_LICENCE, Basis, Operator, Source
from dicomhawk.analyst.origin.table import FILE, Entry, Table, pack

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "src" / "dicomhawk" / "analyst" / "origin" / FILE
DOCS = ROOT / "docs" / "origins.md"
LISTS = files("pymispwarninglists").joinpath("data", "misp-warninglists", "lists")
BROADEST = {4: 8, 6: 16}  # bits: a list with a shorter prefix in it has a mistake


def day(version: int) -> str:
    """The day that a list's version tells, in either of two forms; empty if it only counts."""
    for pattern in (r"(20\d\d)(\d\d)(\d\d)", r"(\d\d)(\d\d)(\d\d)\d\d"):
        found = re.fullmatch(pattern, str(version))
        if found:
            year, month, date = found.groups()
            return f"{year if len(year) == 4 else '20' + year}-{month}-{date}"
    return ""


def listed(name: str, operator: str, basis: Basis) -> tuple[Source, list[Entry]]:
    """A list: what it is, and its ranges."""
    content = json.loads(LISTS.joinpath(name, "list.json").read_text(encoding="utf-8"))
    entries = []
    for text in content["list"]:
        network = ip_network(text.strip(), strict=False)
        if network.prefixlen < BROADEST[network.version]:
            raise SystemExit(f"{name} has {text}, which can't be meant.")
        entries.append(Entry(network, operator, name, basis))
    return Source(name, day(content["version"]), LISTS_LICENCE), entries


def lists(read: dict[str, supplement.Supplement]) -> Iterator[tuple[Source, list[Entry]]]:
    """All lists that are named."""
    for part in read.values():
        for name, operator in part.lists.published.items():
            yield listed(name, operator, "published")
        for name, operator in part.lists.observed.items():
            yield listed(name, operator, "observed")


def compiled() -> bytes:
    """The table."""
    operators: list[Operator] = []
    sources: list[Source] = []
    entries: list[Entry] = []
    read = supplement.read()
    for name, part in read.items():
        sources.append(part.source(name))
        for row in part.operator:
            operators.append(row.operator())
            entries += row.entries(name)
    for source, ranges in lists(read):
        sources.append(source)
        entries += ranges
    return pack(operators, sources, entries)


def of_operators(table: Table) -> str:
    """Table of the scanners, for the docs."""
    lines = ["| operator | in findings | category | recognised by |", "|---|---|---|---|"]
    with_ranges = {row.id for part in supplement.read().values() for row in part.operator if row.published}
    for part in supplement.read().values():
        with_ranges |= {row.id for row in part.operator if row.observed}
        with_ranges |= {*part.lists.published.values(), *part.lists.observed.values()}
    for operator in table.operators.values():
        if operator.kind == "scanner":
            signals = {
                "ranges": operator.id in with_ranges,
                "names": operator.rdns,
                "its own network": operator.asn,
                "user agent": operator.agents,
                "DICOM fingerprint": operator.fingerprints,
            }
            by = ", ".join(name for name, there in signals.items() if there)
            lines.append(f"| {operator.name} | `{operator.id}` | {operator.category} | {by} |")
    return "\n".join(lines)


def of_lists(table: Table) -> str:
    """Table of the lists, for the docs."""
    lines = ["| list | of | licence |", "|---|---|---|"]
    lines += [
        f"| {each.name} | {each.date or 'not dated'} | {each.licence} |" for each in table.sources if each.is_list
    ]
    return "\n".join(lines)


def filled(text: str, table: Table) -> str:
    """The page `text` with its tables."""
    for name, made in (("operators", of_operators(table)), ("lists", of_lists(table))):
        begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + made + end + rest.partition(end)[2]
    return text


def main() -> None:
    data = compiled()
    OUTPUT.write_bytes(data)
    table = Table(data)
    DOCS.write_text(filled(DOCS.read_text(encoding="utf-8"), table), encoding="utf-8")
    print(f"{OUTPUT}: {len(data)} bytes, {table.size} ranges of {len(table.operators)} operators")


if __name__ == "__main__":
    main()
