"""The section ``[alerts]``: when somebody is told."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from .base import Section
from .words import Depth, Severity

DAY_MINUTES = 24 * 60

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def minutes(clock: str) -> int:
    """``HH:MM`` as minutes since midnight. Raises ValueError."""
    match = _CLOCK.fullmatch(clock.strip())
    if match is None:
        raise ValueError("a time of day is written HH:MM, as in 07:00")
    return int(match[1]) * 60 + int(match[2])


def span(text: str) -> tuple[int, int]:
    """``HH:MM-HH:MM`` as minutes since midnight; it may cross midnight. Raises ValueError."""
    first, dash, last = text.partition("-")
    if not dash or minutes(first) == minutes(last):
        raise ValueError("hours are written HH:MM-HH:MM, as in 22:00-07:00")
    return minutes(first), minutes(last)


def _span(text: str) -> str:
    if text:
        span(text)
    return text


def _clock(text: str) -> str:
    minutes(text)
    return text


Hours = Annotated[str, AfterValidator(_span)]
Clock = Annotated[str, AfterValidator(_clock)]
Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=200)]


class AlertRule(Section):
    """One reason for an alert: at least one of `depth`, `lures`, `technique`, `techniques` and `file`, for whoever
    the other conditions hold."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Stands in the alert.")
    depth: Depth | None = Field(None, description="A session that goes as far as this, and each step beyond.")
    lures: Names = Field(
        (),
        description="Bait: of a kind that was taken (credential, ae-title, file, url, route), hit (it called from"
        " elsewhere), reused.",
    )
    technique: Severity | None = Field(None, description="A technique of this severity or more.")
    techniques: Names = Field((), description="Techniques by their identifiers, as in D13.")
    file: Severity | None = Field(None, description="A captured file of this severity or more.")
    scanners: bool = Field(False, description="Whether it holds for operators of scanners that are known, too.")
    categories: Names = Field((), description="Only origins of these categories.")
    operators: Names = Field((), description="Only these operators.")
    actors: Names = Field((), description="Only these actors.")
    tags: Names = Field((), description="Only origins with one of these, as in internal, tor, hosting.")
    tools: Names = Field((), description="Only clients that are called so; * stands for any text.")
    severity: Severity | None = Field(None, description="Of the alert; else that of what it is about.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.depth or self.lures or self.technique or self.techniques or self.file):
            raise ValueError(f"the rule {self.name} needs depth, lures, technique, techniques or file")
        return self


DEFAULT_RULES = (
    AlertRule(name="lure-used", lures=("credential", "ae-title", "file", "url"), severity="critical"),
    AlertRule(name="lure-called", lures=("hit", "reused"), scanners=True, severity="critical"),
    AlertRule(name="depth", depth="query"),
    AlertRule(name="technique", technique="high"),
    AlertRule(name="file", file="high", scanners=True),
)
"""One alert when something real happens, none for the daily scans."""


class Alerts(Section):
    """When somebody is told, and how often."""

    enabled: bool = Field(True, description="False: no alerts are made.")
    defaults: bool = Field(True, description="Whether the rules that are shipped hold: see docs/alerts.md.")
    rules: tuple[AlertRule, ...] = Field((), max_length=100, description="Further rules.")
    settle_seconds: int = Field(
        60, ge=0, le=3600, description="How long it is waited whether a session gets worse, unless it is critical."
    )
    per_hour: int = Field(
        3, ge=1, le=1000, description="Alerts of one visitor or actor in an hour, beside critical ones."
    )
    in_all_per_hour: int = Field(
        30,
        ge=1,
        le=10_000,
        description="Alerts in an hour, and as many critical ones; more come in the digest.",
    )
    quiet: Hours = Field("", description="Hours (UTC) in which only critical ones are sent, as in 22:00-07:00.")
    digest: Clock = Field("07:00", description="Time of day (UTC) at which the digest is sent.")
    late_days: int = Field(7, ge=1, le=36_500, description="What happened longer ago is kept, and not sent.")

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [rule.name for rule in self.all_rules]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two rules are called {twice}")
        return self

    @property
    def all_rules(self) -> tuple[AlertRule, ...]:
        """The rules that hold."""
        return (DEFAULT_RULES if self.defaults else ()) + self.rules
