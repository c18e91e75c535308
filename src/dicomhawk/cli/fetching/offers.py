"""What an archive offers, and what is chosen of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .licence import Licence

DEFAULT_MODALITIES = ("CR", "CT", "DX", "MG", "MR", "NM", "PT", "RF", "XA")
"""What is taken if no modality is asked for: images that seldom show names in their pixels, as the importer asks."""

MAX_FILES = 100_000
"""Objects of one series; the largest of the public archives has 92,000."""

MAX_SERIES_BYTES = 4 * 2**30
"""Of one series; among CT, MR and radiographs nearly all are below 1 GiB."""

MAX_TEXT = 1000
"""Characters that are kept of a title or a citation."""

Received = Callable[[int], None]
"""Called with the bytes of a series that are there so far."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator asks for. `collection` may be empty where the archive allows that."""

    collection: str
    modalities: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be attributed: a collection of an archive under a licence. All but the licence may be empty."""

    archive: str
    collection: str
    licence: Licence
    address: str = ""
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A series that an archive has under a licence that allows it.

    `files` and `size` (bytes) are as the archive says; 0: it doesn't. `place` is where the archive keeps it.
    """

    uid: str
    patient_id: str
    work: Work
    files: int
    size: int
    place: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """The series that fit, in the order in which they shall be taken, and how many were passed over for what."""

    offers: list[Offer]
    passed_over: Counter[str]


class Archive(Protocol):
    """A public archive."""

    @property
    def name(self) -> str:
        """What it is called."""

    def offers(self, wanted: Wanted, seed: str) -> Offered:
        """What it has of that. Raises `FetchError`."""

    def fetch(self, offer: Offer, folder: Path, received: Received) -> None:
        """Put the series' files into `folder`, verified; what is there already is used. Raises `FetchError`."""


def in_order(candidates: Iterable[tuple[str, str]], seed: str) -> list[str]:
    """The UIDs of series, of (UID, patient) each, in an order that follows from `seed`.

    Every patient's first series come before anybody's second, and no two deployments take the same ones.
    """

    def drawn(text: str) -> bytes:
        return hashlib.sha256(f"{seed}\\online\\{text}".encode()).digest()

    seen: Counter[str] = Counter()
    ranked = []
    for key, uid, patient in sorted((drawn(uid), uid, patient) for uid, patient in candidates):
        ranked.append((seen[patient], key, uid))
        seen[patient] += 1
    return [uid for _, _, uid in sorted(ranked)]


def clean(text: object, limit: int = MAX_TEXT) -> str:
    """Text of an archive as one bounded line that can be printed."""
    line = " ".join(str(text or "").split())[:limit]
    return "".join(character if character.isprintable() else "?" for character in line)
