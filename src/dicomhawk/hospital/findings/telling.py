"""The text of a report: what was asked, done, compared, seen and concluded, in the hospital's language.

The words are in ``words/*.toml``. Which of several wordings is taken depends on the study, so that no two reports
read the same.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import msgspec

from dicomhawk.hospital.findings import ecg_words
from dicomhawk.hospital.findings.model import Finding, Kind
from dicomhawk.hospital.findings.vocabulary import words
from dicomhawk.hospital.waveforms.recipe import Electrocardiogram

Subject = Literal["chest", "head", "ct_head", "ct_abdomen", "xr", "us", "ecg"]
SAME = 0.12  # part of its size by which a finding may differ from the prior's and still is told as unchanged
SAME_MM = 1.5
GRADES = {"emphysema": (0.25, 0.6), "coronary": (6.0, 14.0), "steatosis": (0.4, 0.7), "hydronephrosis": (15.0, 24.0)}
STATES = (
    "cardiomegaly",
    "pacemaker",
    "central_line",
    "tube",
    "subarachnoid",
    "emphysema",
    "coronary",
    "steatosis",
)
"""Kinds whose size isn't told in millimetres, and doesn't change from one examination to the next."""
_HIDES: dict[str, tuple[str, ...]] = {
    "nodule": ("lungs",),
    "calcified": ("lungs",),
    "subsolid": ("lungs",),
    "mass": ("lungs",),
    "emphysema": ("lungs",),
    "consolidation": ("lungs", "consolidation"),
    "ground_glass": ("lungs", "consolidation"),
    "effusion": ("pleura",),
    "pneumothorax": ("pleura",),
    "node": ("nodes",),
    "infarct": ("diffusion",),
    "haemorrhage": ("blood", "mass"),
    "tumour": ("mass",),
    "meningioma": ("mass",),
    "subdural": ("blood", "mass"),
    "epidural": ("blood", "mass"),
    "subarachnoid": ("blood",),
    "cardiomegaly": ("heart",),
    "gallstone": ("bile",),
    "steatosis": ("liver",),
    "liver_cyst": ("liver",),
    "haemangioma": ("liver",),
    "metastases": ("liver",),
    "renal_cyst": ("kidneys",),
    "hydronephrosis": ("kidneys",),
}
"""Which statements of normality a finding contradicts."""
_HIDES_ALSO: dict[Subject, dict[str, tuple[str, ...]]] = {
    "ct_head": {"infarct": ("mass",), "old_infarct": ("mass",)},
    "ct_abdomen": {"gallstone": ("liver",)},
}
"""More of them, where the statements are about several things at once."""
_ADVISED: dict[str, str] = {
    "subsolid": "nodule",
    "ground_glass": "consolidation",
    "subdural": "haemorrhage",
    "epidural": "haemorrhage",
    "subarachnoid": "haemorrhage",
}
LEAST_NODULE = 6.0  # mm: smaller ones are not followed (Fleischner 2017)
FEW_LESIONS, MANY_LESIONS = 3, 14
ATROPHY = 4  # tenths
EARLY, OLD = 0.35, 12.0  # days
MOST_IN_IMPRESSION = 3
MENTIONED = ("calcified", "coronary", "pacemaker", "central_line", "tube")
"""Kinds that aren't worth a line of the impression."""


class Facts(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that a report depends on."""

    subject: Subject
    locale: str
    seed: str
    technique: str  # a key of the words
    reason: str  # as the order gives it
    findings: tuple[Finding, ...] = ()
    prior: str | None = None  # DA of the examination that it is compared with
    before: tuple[Finding, ...] = ()  # what was found then
    diffusion: bool = True  # the head was examined for it
    lesions: int = 0  # of the white matter
    atrophy: int = 0  # tenths
    tracing: Electrocardiogram | None = None  # what an electrocardiogram is read from
    note: str | None = None  # a sentence that ends the report as it stands: a place for a lure


@dataclass(frozen=True)
class Statement:
    """A sentence or two; `finding` is what they tell of, if of one."""

    text: str
    finding: Finding | None = None


@dataclass(frozen=True)
class Section:
    """A part of a report; `key` is that of its heading."""

    key: str
    heading: str
    statements: tuple[Statement, ...]


def tell(facts: Facts) -> tuple[Section, ...]:
    """The sections of the report, in their order."""
    return _Teller(facts).sections()


def heading(facts: Facts) -> str:
    """What the report is called."""
    if facts.tracing is not None:
        return ecg_words.title(facts.locale)
    return str(words(facts.locale)["headings"]["report"])


def day(locale: str, text: str) -> str:
    """A DA as the country writes dates."""
    moment = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    pattern: str = words(locale)["date"]
    return moment.strftime(pattern)


class _Teller:
    def __init__(self, facts: Facts) -> None:
        self._facts, self._words = facts, words(facts.locale)
        digest = hashlib.sha256(f"report/{facts.seed}".encode()).digest()
        self._source = random.Random(int.from_bytes(digest, "big"))
        self._matched = {f.seed: f for f in facts.before}

    def sections(self) -> tuple[Section, ...]:
        facts, headings = self._facts, self._words["headings"]
        made = [
            ("indication", [Statement(facts.reason)]),
            ("technique", [self._one("technique", facts.technique)]),
            ("comparison", [self._comparison()]),
            ("findings", list(self._findings())),
            ("impression", list(self._impression())),
        ]
        if facts.note is not None:
            made[-1][1].append(Statement(facts.note))
        return tuple(Section(key, headings[key], tuple(said)) for key, said in made)

    def _pick(self, *path: str) -> str:
        at: Any = self._words
        for key in path:
            at = at[key]
        return str(self._source.choice(at))

    def _one(self, *path: str) -> Statement:
        return Statement(self._pick(*path))

    def _comparison(self) -> Statement:
        if self._facts.prior is None:
            return self._one("comparison", "none")
        return Statement(self._pick("comparison", "prior").format(date=day(self._facts.locale, self._facts.prior)))

    def _findings(self) -> Iterator[Statement]:
        facts = self._facts
        if facts.tracing is not None:
            yield from map(Statement, ecg_words.seen(facts.locale, facts.tracing))
            return
        for finding in facts.findings:
            yield self._described(finding)
        kept = {f.seed for f in facts.findings}
        if facts.prior is not None:
            for old in facts.before:
                if old.seed not in kept:
                    yield Statement(self._pick("change", "gone").format(name=self._words["names"][old.kind]))
        hidden = {topic for finding in facts.findings for topic in _HIDES.get(finding.kind, ())}
        also = _HIDES_ALSO.get(facts.subject, {})
        hidden |= {topic for finding in facts.findings for topic in also.get(finding.kind, ())}
        if "lungs" not in hidden:
            hidden.add("consolidation")
        if facts.subject in ("head", "ct_head"):
            hidden |= yield from self._ageing()
            if not facts.diffusion:
                hidden.add("diffusion")
        topics = [topic for topic in self._words["normal"][facts.subject] if topic not in hidden]
        for topic in topics:
            yield self._one("normal", facts.subject, topic)

    def _ageing(self) -> Any:
        facts, hidden = self._facts, set()
        if facts.lesions >= FEW_LESIONS:
            many = "many" if facts.lesions >= MANY_LESIONS else "few"
            yield self._one(self._table("white", many), many)
            hidden.add("white")
        if facts.atrophy >= ATROPHY:
            yield self._one("white", "atrophy")
            hidden.add("ventricles")
        if any(f.kind in ("old_infarct", "tumour", "haemorrhage", "infarct") for f in facts.findings):
            hidden.add("white")
        return hidden

    def _described(self, finding: Finding) -> Statement:
        key = self._aspect(finding)
        text = self._filled(self._pick(self._table("found", key), key), finding)
        old = self._matched.get(finding.seed)
        if self._facts.prior is not None:
            text = f"{text} {self._change(finding, old)}"
        return Statement(text, finding)

    def _aspect(self, finding: Finding) -> str:
        """The kind of finding, or how it looks at its age where that is told in other words."""
        aged = f"{finding.kind}_old" if finding.age >= OLD else f"{finding.kind}_early" if finding.age < EARLY else ""
        return aged if aged in self._words[self._table("found", aged)] else finding.kind

    def _table(self, name: str, key: str) -> str:
        """The table of words that has `key` for what is examined: radiographs have some of their own."""
        own = f"{name}_{self._facts.subject}"
        return own if key in self._words.get(own, ()) else name

    def _filled(self, pattern: str, finding: Finding) -> str:
        place, side = self._where(finding)
        text = pattern.format(size=round(finding.size), place=place, side=side, grade=self._grade(finding))
        return text[:1].upper() + text[1:]

    def _grade(self, finding: Finding) -> str:
        limits = GRADES.get(finding.kind)
        if limits is None:
            return ""
        low, high = limits
        grade = "mild" if finding.size < low else "moderate" if finding.size < high else "severe"
        return str(self._words["grade"][grade])

    def _change(self, finding: Finding, old: Finding | None) -> str:
        if old is None:
            return self._pick("change", "new")
        now, before = finding.size, old.size
        if finding.kind in STATES or abs(now - before) <= max(SAME * before, SAME_MM) or round(now) == round(before):
            return self._pick("change", "same")
        which = "larger" if now > before else "smaller"
        return self._pick(self._table("change", which), which).format(old=round(before))

    def _where(self, finding: Finding) -> tuple[str, str]:
        """Place and side of a finding in words; the place is empty where the side says all."""
        if not finding.place:
            return "", ""
        name, _, letter = finding.place.partition("_")
        side = str(self._words["side"]["l" in (letter or name)[:1]])
        return str(self._words["places"].get(name, "")).format(side=side), side

    def _impression(self) -> Iterator[Statement]:
        facts = self._facts
        if facts.tracing is not None:
            yield from map(Statement, ecg_words.concluded(facts.locale, facts.tracing))
            return
        grave = [f for f in facts.findings if f.kind not in MENTIONED][:MOST_IN_IMPRESSION]
        advised = set()
        for finding in grave:
            name = str(self._words["names"][finding.kind])
            where, side = self._where(finding)
            at = f" {where}" if where else f", {side}" if side else ""
            text = f"{name[:1].upper()}{name[1:]}{at}."
            topic: str = _ADVISED.get(finding.kind, finding.kind)
            if topic in self._words["advice"] and topic not in advised and self._worth_advice(finding):
                advised.add(topic)
                text = f"{text} {self._pick(self._table('advice', topic), topic)}"
            yield Statement(text, finding)
        if not grave:
            yield self._one("impression", facts.subject)
        elif facts.prior is not None and all(self._is_same(f) for f in grave) and len(grave) == len(facts.before):
            yield self._one("impression", "no_progress")

    def _is_same(self, finding: Finding) -> bool:
        old = self._matched.get(finding.seed)
        return old is not None and abs(finding.size - old.size) <= max(SAME * old.size, SAME_MM)

    @staticmethod
    def _worth_advice(finding: Finding) -> bool:
        small: tuple[Kind, ...] = ("nodule", "subsolid")
        return finding.kind not in small or finding.size >= LEAST_NODULE
