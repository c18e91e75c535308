"""C-FIND: which attributes come back and how, and where matching differs from PS3.4."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ...hospital.attributes import Level
from ...hospital.dialect import (
    ComparedOn,
    Comparison,
    Failures,
    KeysAbove,
    Order,
    QueryDialect,
    Reading,
    RetrieveAE,
    Texts,
    TooLong,
    Unknown,
)
from ...hospital.registry import tag_for_keyword
from .base import Part
from .commands import Disposal, Status


def _known(keyword: str) -> str:
    if tag_for_keyword(keyword) is None:
        raise ValueError(f"{keyword!r} is no keyword of the data dictionary (PS3.6)")
    return keyword


Keyword = Annotated[str, AfterValidator(_known)]
"""An attribute by its keyword, such as ``PatientID``."""

Vr = Annotated[str, Field(pattern="^[A-Z]{2}$")]
LevelName = Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]
ByLevel = dict[LevelName, tuple[Keyword, ...]]


class Compare(Part):
    """How the value of a key is compared with a stored one."""

    wildcard_vrs: tuple[Vr, ...] = Field(
        default=(),
        description="VRs in which * and ? are wildcards. Seen by a prefix of a known value, for each VR.",
    )
    wildcards_elsewhere: Status | None = Field(
        default=None,
        description="Status for a wildcard in a value of another VR; unset: it is an ordinary character. "
        "Seen by a wildcard in a UID.",
    )
    list_vrs: tuple[Vr, ...] | None = Field(
        default=None,
        description="VRs in which a backslash separates values of which any may match; unset: all. "
        "Seen by two known values, for each VR.",
    )
    insensitive_vrs: tuple[Vr, ...] = Field(
        default=(), description="VRs compared without regard to case. Seen by a known value in the other case."
    )
    dates_as_text: bool = Field(
        default=False,
        description="Whether dates and times are compared as text, or as moments, of which none never matches. "
        "Seen by a range without a beginning, and a study without a date.",
    )
    leading_spaces: bool = Field(
        default=False, description="Whether leading spaces count. Seen by a known value with a space before it."
    )
    folded: tuple[Keyword, ...] = Field(
        default=(),
        description="Attributes that must match in a plain form, too: capitals, without what isn't ASCII, _ and % "
        "as spaces. Seen by ?? for a letter that is two bytes long in UTF-8, which then matches nothing.",
    )

    def comparison(self) -> Comparison:
        """The hospital's form of it."""
        return Comparison(
            wildcard_vrs=frozenset(self.wildcard_vrs),
            wildcards_elsewhere=self.wildcards_elsewhere,
            list_vrs=None if self.list_vrs is None else frozenset(self.list_vrs),
            insensitive_vrs=frozenset(self.insensitive_vrs),
            dates_as_text=self.dates_as_text,
            leading_spaces=self.leading_spaces,
            folded=_tags(self.folded),
        )


class CharacterSets(Part):
    """Character sets of requests, objects and answers."""

    undeclared: str = Field(
        default="",
        max_length=128,
        description="Specific Character Set of what doesn't have one. Seen by a name with an accent in a request.",
    )
    answers_in: str | None = Field(
        default=None,
        max_length=128,
        description="Specific Character Set of all answers; what has no code there is left out. Unset: the "
        "request's, if all texts of the answer can be written in it, else the object's own.",
    )
    convertible: tuple[str, ...] = Field(
        default=(),
        description="Terms of Specific Character Set, alone, that texts can then be converted from and to. Seen by a "
        "query in UTF-8 for an object in each set.",
    )
    convertible_extensions: tuple[str, ...] = Field(
        default=(),
        description="The same of several terms together, as with code extensions; the first may be empty.",
    )

    def texts(self) -> Texts:
        """The hospital's form of it."""
        return Texts(
            undeclared=self.undeclared,
            answers_in=self.answers_in,
            convertible=frozenset(self.convertible),
            convertible_extensions=frozenset(self.convertible_extensions),
        )


class FindFailures(Part):
    """Status codes of failures, or what else is done. Each is seen by a query that is wrong in that way."""

    no_level: Status = Field(default=0xA900, description="Query/Retrieve Level is missing.")
    empty_level: Status = Field(default=0xA900, description="Query/Retrieve Level is empty.")
    unknown_level: Status = Field(default=0xA900, description="Query/Retrieve Level is nothing that is known.")
    level_not_in_model: Status | None = Field(
        default=None, description="The level isn't one of the information model; unset: it is answered."
    )
    patient_study_only: bool = Field(
        default=True,
        description="Whether Patient/Study Only ends with the studies; if not, it has all levels, as Patient Root. "
        "Seen by a query for series in it.",
    )
    missing_unique_key: Status | None = Field(
        default=None, description="The unique key of a level above is absent; unset: it matches everything."
    )
    only_when_reached: bool = Field(
        default=False,
        description="Whether these two are noticed only at an object that matches the unique keys above, so that an "
        "empty archive succeeds.",
    )
    class_unknown: Disposal | Literal["any"] = Field(
        default=0x0122,
        description="The SOP class is none of a query, where commands are carried out on any context; any: it is "
        "answered all the same, at all levels. Seen by a C-FIND for Verification.",
    )
    no_worklist: Disposal | None = Field(
        default=None, description="The modality worklist is asked for, and there is none; unset: there is one."
    )
    no_identifier: Disposal = Field(default=0xC000, description="No data set is announced.")
    unreadable: Disposal = Field(default=0xC000, description="The identifier is none in the transfer syntax.")
    unsendable: Disposal = Field(default=0xC000, description="A key is one with which no answer can be sent.")
    unkept: Disposal = Field(
        default=0xC000,
        description="A supported key that isn't among `indexed` has a value, and there is an object to be compared.",
    )

    def failures(self) -> Failures:
        """The hospital's form of it."""
        return Failures(
            no_level=self.no_level,
            empty_level=self.empty_level,
            unknown_level=self.unknown_level,
            level_not_in_model=self.level_not_in_model,
            patient_study_only=self.patient_study_only,
            missing_unique_key=self.missing_unique_key,
            only_when_reached=self.only_when_reached,
        )


class Find(Part):
    """How queries are answered. Without `level_names`: as PS3.4 has it."""

    level_names: dict[str, LevelName] = Field(
        default_factory=dict,
        description="Values of Query/Retrieve Level that are known, in capitals, and what they mean.",
    )
    level_case: bool = Field(
        default=False, description="Whether they must be in capitals in the request, too. Seen by the level study."
    )
    level_prefixes: bool = Field(
        default=False, description="Whether a value that only begins with such a name will do, such as STUDYX."
    )
    level_as_asked: bool = Field(
        default=True, description="Whether answers have the level as the request wrote it, or in its proper form."
    )
    compared_on: ComparedOn = Field(
        default=ComparedOn.RESOURCE,
        description="Whether keys are compared with what is kept of a patient, study or series, or with each object. "
        "Seen by two objects of a study with different descriptions, and a query for the second one's.",
    )
    keys_above: KeysAbove = Field(
        default=KeysAbove.COMPARED,
        description="Whether all keys of levels above the query's are compared, or only the unique ones. Seen by a "
        "study query in Patient Root with the ID of one patient and the name of another.",
    )
    order: dict[LevelName, Order] = Field(
        default_factory=dict,
        description="In which order matches come: as stored, or by the SHA-1 of their identifiers from the patient "
        "down, joined by |.",
    )
    indexed: ByLevel = Field(
        default_factory=dict,
        description="Attributes that are kept of each level's resources. Seen by two objects of one study that "
        "differ in it: the first one's value comes back for the study.",
    )
    others_from_object: bool = Field(
        default=False,
        description="Whether other attributes are read from the first object of the resource; as soon as a query has "
        "one such key, all values are that object's. Else they are unknown.",
    )
    keys: ByLevel | None = Field(
        default=None,
        description="Attributes that are supported as keys, by the level at which they are compared; unset: all.",
    )
    unknown: Unknown = Field(
        default=Unknown.EMPTY, description="Whether keys without a value come back empty, or not at all."
    )
    ends_with_nothing: bool = Field(
        default=False,
        description="Whether a match of which nothing is asked that is known, not even its character set, ends the "
        "answers. Seen by a query with no key but the level.",
    )
    counts: bool = Field(
        default=False,
        description="Whether answers have Number of ... Related ..., Modalities and SOP Classes in Study.",
    )
    modalities_by_series: bool = Field(
        default=False,
        description="Whether a value of Modalities in Study is compared with the series. Such answers come in the "
        "order of study UIDs.",
    )
    sequences: bool = Field(
        default=False,
        description="Whether a sequence that is a key comes back with its items where the object has it.",
    )
    values_by: Reading = Field(
        default=Reading.ATTRIBUTE,
        description="What says how a value is read: its attribute's VR; the VR in the data set, where binary values "
        "are none; or that VR if it is one of text, while a key with another value matches nothing. Seen by keys "
        "whose VR isn't theirs.",
    )
    longest: dict[Vr, int] = Field(
        default_factory=dict,
        description="Bytes that are kept of a value, by VR. Seen by storing and querying longer ones.",
    )
    too_long: TooLong = Field(default=TooLong.ABSENT, description="What becomes of longer ones.")
    retrieve_ae: RetrieveAE = Field(
        default=RetrieveAE.ALWAYS,
        description="Whether answers name the archive in Retrieve AE Title always, or only if that isn't a key.",
    )
    unsendable: tuple[Keyword, ...] = Field(
        default=(),
        description="Keys with which no answer can be sent, such as PixelData; see `failures`. Without a match such a"
        " query succeeds.",
    )
    cancel_with_match: bool = Field(
        default=False, description="Whether the final response to a C-CANCEL carries the match that was next."
    )
    compare: Compare = Compare()
    character_sets: CharacterSets = CharacterSets()
    failures: FindFailures = FindFailures()

    @cached_property
    def unsendable_tags(self) -> frozenset[int]:
        """The tags of `unsendable`."""
        return _tags(self.unsendable)

    def dialect(self) -> QueryDialect | None:
        """The hospital's form of it; None: PS3.4 read literally."""
        if not self.level_names:
            return None
        return QueryDialect(
            level_names={name: Level[level] for name, level in self.level_names.items()},
            level_case=self.level_case,
            level_prefixes=self.level_prefixes,
            level_as_asked=self.level_as_asked,
            compared_on=self.compared_on,
            keys_above=self.keys_above,
            order={Level[level]: order for level, order in self.order.items()},
            indexed=_by_level(self.indexed),
            others_from_object=self.others_from_object,
            keys=None if self.keys is None else _by_level(self.keys),
            unknown=self.unknown,
            ends_with_nothing=self.ends_with_nothing,
            counts=self.counts,
            modalities_by_series=self.modalities_by_series,
            sequences=self.sequences,
            reading=self.values_by,
            longest=self.longest,
            too_long=self.too_long,
            retrieve_ae=self.retrieve_ae,
            comparison=self.compare.comparison(),
            texts=self.character_sets.texts(),
            failures=self.failures.failures(),
        )


def _tags(keywords: Iterable[str]) -> frozenset[int]:
    return frozenset(tag for tag in map(tag_for_keyword, keywords) if tag is not None)


def _by_level(keywords: ByLevel) -> dict[Level, frozenset[int]]:
    return {Level[level]: _tags(names) for level, names in keywords.items()}
