"""Playing a battery in several shares at once, each on a server of its own.

Most of a probe is waiting for what a server doesn't send, so shares hardly disturb each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Probe = dict[str, Any]


def wanted(truth: Path, only: str) -> list[Probe]:
    """The recorded probes that `only` (groups or ids, separated by commas; empty: all) asks for, in their order."""
    words = {word for word in only.split(",") if word}
    probes: list[Probe] = json.loads(truth.read_text())["probes"]
    return [probe for probe in probes if not words or probe["id"] in words or probe["group"] in words]


def shares(probes: Iterable[Probe], jobs: int) -> list[list[str]]:
    """Ids of the probes in at most `jobs` shares that take about equally long.

    A group stays together unless it is longer than a share: its probes may build on each other, as those do
    that store something and look for it.
    """
    groups: dict[str, list[Probe]] = {}
    for probe in probes:
        groups.setdefault(probe["group"], []).append(probe)
    longest = sum(_seconds(members) for members in groups.values()) / jobs
    pieces: list[list[Probe]] = []
    for members in groups.values():
        pieces += [[probe] for probe in members] if _seconds(members) > longest else [members]
    bins: list[list[Probe]] = [[] for _ in range(jobs)]
    for piece in sorted(pieces, key=_seconds, reverse=True):
        min(bins, key=_seconds).extend(piece)
    return [[probe["id"] for probe in share] for share in bins if share]


def merge(parts: Sequence[Path], into: Path) -> None:
    """Put the answers of all shares into one file, as if one run had got them."""
    documents = [json.loads(part.read_text()) for part in parts]
    whole = documents[0]
    whole["probes"] = [probe for document in documents for probe in document["probes"]]
    into.write_text(json.dumps(whole, indent=1) + "\n")


def _seconds(probes: Iterable[Probe]) -> float:
    return sum(probe["seconds"] for probe in probes)
