"""What a rule may say: the pattern language of docs/techniques.md, validated."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ...settings.words import SEVERITIES
from .regexes import checked

MAX_VALUES = 2000
"""Values that a condition may list."""
MAX_PATTERNS = 64
MAX_WITHIN = 366 * 86_400.0
"""Seconds of the longest window."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _numbered(value: Any) -> Any:
    return SEVERITIES.index(value) if isinstance(value, str) and value in SEVERITIES else value


Name = Annotated[str, Field(min_length=1, max_length=200)]
Path = Annotated[str, Field(min_length=1, max_length=200)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1, max_length=MAX_VALUES)]
Severity = Annotated[int, BeforeValidator(_numbered), Field(ge=0, le=4)]
Scalar = str | int | float | bool


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Part):
    """Of a field's values, or of several fields' taken together. All that it says must hold of one value, or of
    every one where `every` is set."""

    field: Path | None = None
    fields: Annotated[tuple[Path, ...], Field(max_length=4)] = ()
    equals: Scalar | None = None
    among: Annotated[tuple[Any, ...], BeforeValidator(_listed), Field(alias="in", max_length=MAX_VALUES)] = ()
    glob: Texts = ()
    regex: Texts = ()
    contains: Texts = ()
    exists: bool | None = None
    least: float | None = None
    most: float | None = None
    items_least: int | None = None
    items_most: int | None = None
    every: bool = False
    but: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(alias="except", max_length=64)] = ()
    negated: Annotated[bool, Field(alias="not")] = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.field is None) == (not self.fields):
            raise ValueError("a condition needs field, or fields")
        said = self.model_fields_set - {"field", "fields", "every", "but", "negated"}
        if not said:
            raise ValueError("a condition needs something to compare with, as equals, glob, regex or exists")
        if self.fields and said != {"among"}:
            raise ValueError("fields can only be compared by in")
        if self.fields and any(
            not isinstance(one, list | tuple) or len(one) != len(self.fields) for one in self.among
        ):
            raise ValueError(f"each value of in must be a list of {len(self.fields)}, one for each of fields")
        if not self.fields and any(not isinstance(one, str | int | float) for one in self.among):
            raise ValueError("in must be a list of texts or numbers")
        for pattern in self.regex:
            if not pattern.startswith("@"):
                checked(pattern)
        return self


class Selector(_Part):
    """Which events are meant: `where` all hold, of `any` at least one, of `none` not one."""

    action: Texts = ("*",)
    where: Annotated[tuple[Condition, ...], Field(max_length=32)] = ()
    any: Annotated[tuple[Condition, ...], Field(max_length=64)] = ()
    none: Annotated[tuple[Condition, ...], Field(max_length=64)] = ()


class Pattern(Selector):
    """Something that is to be seen in a session. See docs/techniques.md for each word."""

    least: Annotated[int, Field(ge=1, le=10_000_000)] = 1
    within: Annotated[float, Field(gt=0, le=MAX_WITHIN)] | None = None
    by: Path = "session"
    distinct: Path | None = None
    sum: Path | None = None
    series: Path | None = None
    steps: Annotated[tuple[Selector, ...], Field(max_length=16)] = ()
    unless: Annotated[tuple[Selector, ...], Field(max_length=16)] = ()
    file_finding: Texts = ()
    finding_severity: Severity = 0
    left_by: Annotated[tuple[Selector, ...], Field(max_length=16)] = ()
    origin: Texts = ()
    severity: Severity | None = None
    tell: Annotated[str, Field(max_length=200)] = ""
    show: Annotated[tuple[Path, ...], BeforeValidator(_listed), Field(max_length=4)] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [
            name for name in ("distinct", "sum", "series", "steps", "file_finding") if name in self.model_fields_set
        ]
        if len(kinds) > 1:
            raise ValueError(f"{kinds[0]} and {kinds[1]} don't go together in one pattern")
        if len(self.steps) == 1:
            raise ValueError("steps needs at least two")
        if self.steps and self.model_fields_set & {"action", "where", "any", "none"}:
            raise ValueError("the steps of a pattern have action, where, any and none, not the pattern itself")
        if self.file_finding and (self.within or self.unless or self.by != "session"):
            raise ValueError("file_finding goes with where, any, none, least and severity only")
        if self.left_by and not self.file_finding:
            raise ValueError("left_by goes with file_finding only")
        return self


class Rule(_Part):
    """A technique, and the patterns by each of which it is recognised."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
    enabled: bool = True
    name: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=2000)] = ""
    severity: Severity = 0
    attack: Annotated[tuple[Annotated[str, Field(pattern=r"^T\d{4}(\.\d{3})?$")], ...], Field(max_length=16)] = ()
    cve: Annotated[tuple[Annotated[str, Field(pattern=r"^CVE-\d{4}-\d{4,7}$")], ...], Field(max_length=64)] = ()
    pattern: Annotated[tuple[Pattern, ...], Field(max_length=MAX_PATTERNS)] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.enabled and not (self.name and self.pattern):
            raise ValueError("a rule needs a name and at least one [[pattern]], or enabled = false")
        return self


class Technique(_Part):
    """A technique of ATT&CK."""

    name: Name
    tactic: Name
    framework: Annotated[str, Field(pattern="^(enterprise|ics)$")]


class Attack(_Part):
    """The part of ATT&CK that rules refer to."""

    attack_version: Name
    techniques: dict[str, Technique]
