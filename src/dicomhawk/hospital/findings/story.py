"""What is wrong with a patient on a day: drawn from the patient's seed, so that priors and follow-ups agree.

What lasts (nodules, emphysema, old infarcts) has a size that depends on the day; what passes (pneumonia, an infarct,
a bleeding) belongs to one of the patient's episodes, begins in it and is gone or scarred after it.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec

from dicomhawk.hospital.findings.abdomen import drawn_abdomen
from dicomhawk.hospital.findings.model import Finding

Region = Literal["chest", "head", "abdomen"]

EPISODE = 84
"""Days from one time of a patient's life to the next, each of which may have its acute illness."""
SMALLEST = 3.0  # mm: what is smaller is not there yet
ENLARGED = 1.2  # of the heart's normal width: from here on it is told


@dataclass(frozen=True)
class Site:
    """A place in the base's lungs: x, y, z in mm from its centre, lobe, mm below the pleura.

    `shade`: the least attenuation of a ray from the front near it.
    """

    at: tuple[float, float, float]
    lobe: str
    depth: float
    shade: float


@cache
def sites() -> tuple[Site, ...]:
    """Where nodules may be, made by ``tools/build_lung_map.py``."""
    table: list[dict[str, Any]] = json.loads(
        resources.files(__package__).joinpath("sites.json").read_text(encoding="utf-8")
    )
    return tuple(
        Site((row["at"][0], row["at"][1], row["at"][2]), row["lobe"], row["depth"], row["shade"]) for row in table
    )


def drawn(region: Region, seed: str, age: float, day: date, *, urgent: bool = False) -> tuple[Finding, ...]:
    """The findings of the patient `seed`, `age` years old, on that day, the gravest first.

    `urgent`: comes as an emergency, and so more often has something acute.
    """
    if region == "abdomen":

        def grown(own: random.Random, low: float, high: float) -> float:
            return _grown(own, day, low, high)

        made = drawn_abdomen(seed, age, _episode(_own(seed, "abdomen"), day), _own, grown)
    else:
        made = _chest(seed, age, day, urgent) if region == "chest" else _head(seed, age, day, urgent)
    return tuple(sorted(made, key=lambda finding: _GRAVITY.index(finding.kind)))


def continued(now: tuple[Finding, ...], before: tuple[Finding, ...], days: int) -> tuple[Finding, ...]:
    """What there is `days` after there was `before`: a stroke or a pneumonia doesn't go away overnight."""
    kept = [_later(old, days) for old in before if old.kind in LASTS and days < LASTS[old.kind]]
    if not kept:
        return now
    others = [f for f in now if f.kind not in LASTS]
    return tuple(sorted([*kept, *others], key=lambda finding: _GRAVITY.index(finding.kind)))


def _later(old: Finding, days: int) -> Finding:
    """The same finding after some days more."""
    fading = 1.0 if old.kind == "infarct" else max(0.25, 1 - max(days - 2, 0) / LASTS[old.kind])
    return msgspec.structs.replace(old, age=round(old.age + days, 2), size=_round(old.size * fading))


LASTS = {
    "haemorrhage": 70,
    "infarct": 80,
    "subdural": 90,
    "epidural": 50,
    "subarachnoid": 8,
    "consolidation": 30,
    "ground_glass": 25,
    "effusion": 45,
    "pneumothorax": 12,
}
"""Days for which what is acute can be seen."""

_GRAVITY = (
    "epidural",
    "subarachnoid",
    "haemorrhage",
    "subdural",
    "infarct",
    "pneumothorax",
    "mass",
    "tumour",
    "consolidation",
    "effusion",
    "ground_glass",
    "cardiomegaly",
    "subsolid",
    "nodule",
    "node",
    "meningioma",
    "old_infarct",
    "emphysema",
    "coronary",
    "calcified",
    "pacemaker",
    "tube",
    "central_line",
    "metastases",
    "hydronephrosis",
    "gallstone",
    "steatosis",
    "haemangioma",
    "liver_cyst",
    "renal_cyst",
)


def _own(*key: object) -> random.Random:
    digest = hashlib.sha256("/".join(("finding", *map(str, key))).encode()).digest()
    return random.Random(int.from_bytes(digest, "big"))


def _grown(own: random.Random, day: date, low: float, high: float) -> float:
    """A diameter between two, growing along a logistic curve of some years whose middle is drawn."""
    middle = date(2024, 7, 1).toordinal() + own.gauss(0, 900)
    pace = own.uniform(260, 620)
    return low + (high - low) / (1 + math.exp((middle - day.toordinal()) / pace))


def _episode(own: random.Random, day: date) -> tuple[int, float]:
    """Number of the patient's episode on a day, and the days since it began."""
    at = day.toordinal() + own.randrange(EPISODE)
    return at // EPISODE, float(at % EPISODE)


def _round(size: float) -> float:
    return round(size, 1)


def _chest(seed: str, age: float, day: date, urgent: bool) -> Iterator[Finding]:
    own = _own(seed, "chest")
    smoker = own.random() < 0.42
    tumour = own.random() < (0.10 + 0.10 * smoker) * min(max((age - 35) / 30, 0), 1.4)
    used: list[Site] = []

    def site(fits: Callable[[Site], bool]) -> Site:
        choice = [s for s in sites() if fits(s)]
        for taken in used:
            choice = [s for s in choice if math.dist(s.at, taken.at) > 45]
        chosen = own.choice(choice or sites())
        used.append(chosen)
        return chosen

    if tumour:
        largest = own.uniform(30, 62)
        size = _grown(own, day, 9, largest)
        place = site(lambda s: s.depth > 10 and s.depth > largest * 0.3)
        kind: Any = "mass" if size >= 30 else "nodule"
        yield Finding(kind, f"{seed}/tumour", place.lobe, place.at, _round(size))
        if own.random() < 0.55:
            for name in own.sample(list(NODES), own.choice((1, 1, 2))):
                large = _grown(own, day, 9, own.uniform(14, 24))
                if large >= 10:
                    yield Finding("node", f"{seed}/node/{name}", name, NODES[name], _round(large))
    count = own.choices((0, 1, 2, 3), (46 - 6 * smoker, 28, 14, 6 + 4 * smoker))[0]
    for number in range(count):
        lot = own.random()
        place = site(lambda s: True)
        name = f"{seed}/nodule/{number}"
        if lot < 0.22:
            yield Finding("calcified", name, place.lobe, place.at, _round(own.uniform(3.5, 8)))
        elif lot < 0.34:
            size = _grown(own, day, 5, own.uniform(9, 20))
            yield Finding("subsolid", name, place.lobe, place.at, _round(size))
        else:
            end = own.choice((4.5, 5, 5.5, 6, 7, 8, 11))
            size = _grown(own, day, 0 if own.random() < 0.25 else end * 0.85, end)
            if size >= SMALLEST:
                yield Finding("nodule", name, place.lobe, place.at, _round(size))
    extent = own.uniform(0.1, 1.0) * min(max((age - 42) / 28, 0), 1)
    if smoker and own.random() < 0.6 and extent > 0.08:
        yield Finding("emphysema", f"{seed}/emphysema", "upper", (-60.0, 0.0, 80.0), round(extent, 2))
    plaques = int(own.gauss(0, 1) * 4 + (age - 60) * 0.4 + 4 * smoker)
    if plaques >= 2:
        yield Finding("coronary", f"{seed}/coronary", "lad", (45.0, -27.0, 24.0), float(min(plaques, 26)))
    yield from _heart(seed, age, day)
    yield from _chest_episode(seed, own, day, urgent)


def _heart(seed: str, age: float, day: date) -> Iterator[Finding]:
    own = _own(seed, "heart")
    old = min(max((age - 40) / 40, 0.03), 1.1)
    if own.random() < 0.3 * old:
        size = _grown(own, day, 1.12, own.uniform(1.24, 1.4))
        if size >= ENLARGED:
            yield Finding("cardiomegaly", f"{seed}/heart", "", (26.0, -25.0, -14.0), round(size, 2))
    own = _own(seed, "pacemaker")
    implanted = date(2024, 1, 1).toordinal() + own.gauss(-900, 1200)
    if own.random() < 0.09 * old**2 and day.toordinal() > implanted:
        yield Finding("pacemaker", f"{seed}/pacemaker", "", (72.0, -84.0, 104.0), 46.0)


def lines(seed: str, day: date) -> tuple[Finding, ...]:
    """What somebody in bed has in the veins and the windpipe, for as long as they are that ill."""
    episode, _ = _episode(_own(seed, "chest"), day)
    own = _own(seed, "lines", episode)
    made = []
    if own.random() < 0.45:
        made.append(Finding("central_line", f"{seed}/line/{episode}", "", (-26.0, -12.0, 58.0), 1.7))
        if own.random() < 0.4:
            made.insert(0, Finding("tube", f"{seed}/tube/{episode}", "", (-9.0, -7.0, 90.0), 9.5))
    return tuple(made)


def _chest_episode(seed: str, own: random.Random, day: date, urgent: bool) -> Iterator[Finding]:
    episode, since = _episode(own, day)
    now = _own(seed, "chest episode", episode)
    lot = now.random() * (0.55 if urgent else 1.0)
    fading = max(0.0, 1 - since / 34)
    if lot < 0.10 and fading > 0.15:
        lower = [s for s in sites() if s.lobe in ("rl", "ll", "rm") and 8 < s.depth < 30 and s.at[2] < 30]
        upper = [s for s in sites() if s.lobe in ("ru", "lu") and 10 < s.depth < 30]
        place = now.choice(lower if now.random() < 0.7 else upper)
        size = now.uniform(38, 82) * (0.55 + 0.45 * fading)
        kind: Any = "consolidation" if fading > 0.45 else "ground_glass"
        yield Finding(kind, f"{seed}/pneumonia/{episode}", place.lobe, place.at, _round(size))
        if lot < 0.05 and fading > 0.3:
            side = "r" if place.at[0] < 0 else "l"
            yield _fluid(f"{seed}/fluid/{episode}", side, now.uniform(8, 22) * fading)
    elif lot < 0.19 and since < 60:
        depth = now.uniform(9, 34) * (1 - 0.6 * since / 60)
        sides = now.choices(("r", "l", "rl"), (3, 2, 4))[0]
        for side in sides:
            yield _fluid(f"{seed}/fluid/{episode}/{side}", side, depth * now.uniform(0.55, 1.0))
    elif lot < 0.205 and since < 14:
        side = now.choice("rl")
        at = (-60.0 if side == "r" else 60.0, -62.0, 60.0)
        size = now.uniform(10, 26) * (1 - since / 20)
        yield Finding("pneumothorax", f"{seed}/air/{episode}", side, at, _round(size))
    elif lot < 0.24 and fading > 0.2:
        place = now.choice([s for s in sites() if s.depth > 8])
        yield Finding(
            "ground_glass", f"{seed}/glass/{episode}", place.lobe, place.at, _round(now.uniform(30, 60) * fading)
        )


def _fluid(name: str, side: str, depth: float) -> Finding:
    return Finding("effusion", name, side, (-62.0 if side == "r" else 66.0, 64.0, -30.0), _round(max(depth, 8.0)))


NODES: dict[str, tuple[float, float, float]] = {
    "4r": (-13.0, -8.0, 70.0),
    "7": (-4.0, 14.0, 52.0),
    "6": (10.0, -45.0, 62.0),
    "5": (6.0, 3.0, 68.0),
}
"""Stations of lymph nodes with fat to grow in, and their places in the base."""

_STROKES: tuple[tuple[str, tuple[float, float, float], float, float], ...] = (
    ("mca", (46.0, -5.0, 12.0), 34, 56),
    ("mca", (46.0, -5.0, 12.0), 34, 56),
    ("frontal", (42.0, -38.0, 20.0), 20, 36),
    ("parietal", (45.0, 32.0, 18.0), 20, 36),
    ("occipital", (20.0, 66.0, 0.0), 22, 36),
    ("corona", (25.0, -8.0, 16.0), 9, 15),
    ("corona", (25.0, 12.0, 18.0), 8, 14),
    ("thalamus", (11.0, 3.0, -9.0), 8, 13),
    ("ganglia", (25.0, -13.0, -8.0), 9, 16),
    ("cerebellum", (28.0, 46.0, -36.0), 16, 30),
)
_BLEEDINGS: tuple[tuple[str, tuple[float, float, float], float, float], ...] = (
    ("ganglia", (27.0, -12.0, -7.0), 18, 38),
    ("ganglia", (27.0, -12.0, -7.0), 18, 38),
    ("thalamus", (14.0, 3.0, -9.0), 12, 22),
    ("parietal", (38.0, 32.0, 20.0), 18, 38),
    ("frontal", (34.0, -40.0, 18.0), 18, 38),
)
_TUMOURS: tuple[tuple[str, tuple[float, float, float], float, float], ...] = (
    ("frontal", (36.0, -36.0, 18.0), 16, 42),
    ("temporal", (46.0, 2.0, -14.0), 16, 36),
    ("parietal", (36.0, 36.0, 22.0), 16, 40),
    ("occipital", (24.0, 60.0, 6.0), 14, 30),
)
_MENINGIOMAS: tuple[tuple[str, tuple[float, float, float], float, float], ...] = (
    ("convexity", (54.0, -14.0, 25.0), 10, 28),
    ("convexity", (48.0, 30.0, 32.0), 10, 26),
    ("falx", (9.0, -42.0, 40.0), 9, 22),
    ("falx", (9.0, 26.0, 44.0), 9, 22),
)


def _head(seed: str, age: float, day: date, urgent: bool) -> Iterator[Finding]:
    own = _own(seed, "head")
    old = min(max((age - 35) / 40, 0.05), 1.2)

    def placed(table: tuple[tuple[str, tuple[float, float, float], float, float], ...], source: random.Random) -> Any:
        name, (x, y, z), low, high = source.choice(table)
        side = source.choice((-1, 1))
        shift = [source.gauss(0, 2.0) for _ in range(3)]
        at = (round(side * x + shift[0], 1), round(y + shift[1], 1), round(z + shift[2], 1))
        return f"{name}_{'r' if side < 0 else 'l'}", at, source.uniform(low, high)

    lot = own.random()
    if lot < 0.035:
        name, at, size = placed(_TUMOURS, own)
        yield Finding("tumour", f"{seed}/tumour", name, at, _round(_grown(own, day, size * 0.4, size)))
    elif lot < 0.035 + 0.05 * old:
        name, at, size = placed(_MENINGIOMAS, own)
        yield Finding("meningioma", f"{seed}/meningioma", name, at, _round(_grown(own, day, size * 0.6, size)))
    if own.random() < 0.13 * old:
        name, at, size = placed(_STROKES, own)
        yield Finding("old_infarct", f"{seed}/scar", name, at, _round(size * 0.8), 900.0)
    episode, since = _episode(own, day)
    now = _own(seed, "head episode", episode)
    risk = old * (3.2 if urgent else 0.35)
    lot = now.random()
    began = since if not urgent else now.choice((0.15, 0.3, 0.5, 1.0, 1.0, 2.0, 4.0)) + (since % 1)
    if lot < 0.11 * risk and began < 70:
        name, at, size = placed(_STROKES, now)
        yield Finding("infarct", f"{seed}/stroke/{episode}", name, at, _round(size), round(began, 2))
    elif lot < 0.135 * risk and began < 70:
        name, at, size = placed(_BLEEDINGS, now)
        yield Finding("haemorrhage", f"{seed}/bleeding/{episode}", name, at, _round(size), round(began, 2))
    else:
        yield from _outside_brain(seed, episode, age, old, urgent)


def _outside_brain(seed: str, episode: int, age: float, old: float, urgent: bool) -> Iterator[Finding]:
    """Blood between brain and skull: after a fall, or from an aneurysm."""
    own = _own(seed, "outside brain", episode)
    lot, side = own.random(), own.choice("rl")
    sign = -1 if side == "r" else 1
    if lot < (0.055 if urgent else 0.012) * old:
        at = (sign * 58.0, round(own.gauss(-6, 7), 1), round(own.gauss(22, 5), 1))
        days = own.choice((0.1, 0.3, 1.0, 2.0, 9.0, 16.0, 28.0)) if urgent else own.choice((20.0, 30.0, 40.0))
        size = own.uniform(5, 13) if days < 5 else own.uniform(8, 19)
        yield Finding("subdural", f"{seed}/subdural/{episode}", side, at, _round(size), days)
    elif urgent and lot > 0.985 and age < 65:
        at = (sign * 62.0, round(own.gauss(-12, 9), 1), round(own.gauss(2, 7), 1))
        yield Finding("epidural", f"{seed}/epidural/{episode}", side, at, _round(own.uniform(9, 24)), 0.1)
    elif urgent and lot > 0.965:
        at = (round(own.gauss(0, 6), 1), round(own.gauss(-14, 4), 1), round(own.gauss(-30, 3), 1))
        yield Finding("subarachnoid", f"{seed}/aneurysm/{episode}", "cisterns", at, _round(own.uniform(45, 75)), 0.2)
