"""What PS3.4 annex C leaves open for queries, or products do differently, as data: the `QueryDialect` of a persona.

Without one a query is answered as the standard has it (`query.find`). Each field is something that a client sees:
its docstring says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from dicomhawk.hospital.attributes import Level


class ComparedOn(Enum):
    """What a key is compared with."""

    RESOURCE = "resource"
    """What is kept of a patient, study or series: the values that its first object had when it was stored."""
    INSTANCE = "instance"
    """Every object for itself; the first that matches answers for the resource that it belongs to."""


class Order(Enum):
    """In which order matches come."""

    STORED = "stored"
    """As their first objects were stored."""
    DIGEST = "digest"
    """By the SHA-1, in hexadecimal, of their identifiers from the patient down, joined by ``|``."""


class KeysAbove(Enum):
    """What becomes of keys of a level above that of the query."""

    COMPARED = "compared"
    UNIQUE = "unique"
    """Only the unique keys are compared; the others come back with their values."""


class Unknown(Enum):
    """What becomes of a key that isn't supported, or that no object has."""

    EMPTY = "empty"
    OMITTED = "omitted"


class RetrieveAE(Enum):
    """When an answer names the archive in Retrieve AE Title (0008,0054)."""

    ALWAYS = "always"
    UNLESS_ASKED = "unless-asked"
    """With the archive's AE title, unless the query has it as a key: then as any other attribute."""


class TooLong(Enum):
    """What becomes of a stored value that is longer than the archive keeps."""

    ABSENT = "absent"
    CUT = "cut"


class Reading(Enum):
    """What says how the bytes of a value are read, of a key as of an object's attribute.

    Seen by a key with a value whose VR isn't that of its attribute, in an explicit transfer syntax.
    """

    ATTRIBUTE = "attribute"
    """The VR that the data dictionary has for the attribute, whatever the data set says."""
    REPRESENTATION = "representation"
    """The VR in the data set, or for UN the dictionary's; what is binary has no text."""
    TEXT = "text"
    """As text if the VR in the data set is one of text; a key with any other value matches nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How the value of a key is compared with a stored one."""

    wildcard_vrs: frozenset[str] = frozenset()
    """VRs in which ``*`` and ``?`` are wildcards. Seen by a prefix of a known value, for each VR."""
    wildcards_elsewhere: int | None = None
    """Status for a wildcard in a value of another VR; None: it is an ordinary character."""
    list_vrs: frozenset[str] | None = None
    """VRs in which a backslash separates values of which any may match; None: all."""
    insensitive_vrs: frozenset[str] = frozenset()
    """VRs compared without regard to case. Seen by a known value in the other case."""
    dates_as_text: bool = False
    """Whether dates and times are compared as text, so that ``080000`` is before ``0800001`` and an empty date
    is before all others, or as moments, so that what is none never matches."""
    leading_spaces: bool = False
    """Whether leading spaces count. Trailing padding never does."""
    folded: frozenset[int] = frozenset()
    """Attributes that must match in a plain form, too: capitals, without what isn't ASCII, ``_`` and ``%`` as
    spaces. Seen by ``?`` for a letter with an accent, which then matches nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Character sets of requests, objects and answers."""

    undeclared: str = ""
    """Value of Specific Character Set for what doesn't have one. Seen by a name with an accent in a request that
    doesn't say in which character set it is."""
    answers_in: str | None = None
    """Value of Specific Character Set of all answers. What has no code there is left out.

    None: the request's first one or, if texts of the answer can't be written in it, the object's own."""
    convertible: frozenset[str] = frozenset()
    """Terms of Specific Character Set, alone, that texts can then be converted from and to."""
    convertible_extensions: frozenset[str] = frozenset()
    """The same of several terms together (PS3.5 section 6.1.2.5): all but the first must be of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Status codes of failures."""

    no_level: int = 0xA900
    """Query/Retrieve Level is missing."""
    empty_level: int = 0xA900
    unknown_level: int = 0xA900
    """Query/Retrieve Level is nothing that is known."""
    level_not_in_model: int | None = 0xA900
    """The level isn't one of the information model (PATIENT in Study Root); None: it is answered."""
    patient_study_only: bool = True
    """Whether Patient/Study Only ends with the studies; if not, it has all levels, as Patient Root."""
    missing_unique_key: int | None = 0xA900
    """The unique key of a level above is absent; None: it matches everything."""
    only_when_reached: bool = False
    """Whether these two are noticed only at an object that matches the unique keys above, so that an empty
    archive succeeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDialect:
    """How a product answers queries."""

    level_names: Mapping[str, Level]
    """Values of Query/Retrieve Level that are known, in capitals."""
    level_case: bool = False
    """Whether they must be so in the request, too."""
    level_prefixes: bool = False
    """Whether a value that only begins with such a name will do."""
    level_as_asked: bool = True
    """Whether answers have the level as the request wrote it, or in its proper form."""
    compared_on: ComparedOn = ComparedOn.RESOURCE
    keys_above: KeysAbove = KeysAbove.COMPARED
    order: Mapping[Level, Order] = field(default_factory=dict)
    """By level; by default as stored."""
    indexed: Mapping[Level, frozenset[int]] = field(default_factory=dict)
    """Attributes that are kept of each level's resources.

    Seen by two objects of one study that differ in it: the first one's value comes back for the study."""
    others_from_object: bool = False
    """Whether other attributes are read from the first object of the resource.

    As soon as a query has one such key, all values of the answers are that object's. Else they are unknown."""
    keys: Mapping[Level, frozenset[int]] | None = None
    """Attributes that are supported as keys, by the level at which they are compared; None: all."""
    unknown: Unknown = Unknown.EMPTY
    ends_with_nothing: bool = False
    """Whether a match of which nothing is asked that is known, not even its character set, ends the answers."""
    counts: bool = False
    """Whether answers have Number of ... Related ..., Modalities in Study and SOP Classes in Study."""
    modalities_by_series: bool = False
    """Whether a value of Modalities in Study is compared with the series, and such answers come by study UID."""
    sequences: bool = False
    """Whether a sequence that is a key comes back with its items where the object has it; else it never does."""
    reading: Reading = Reading.ATTRIBUTE
    longest: Mapping[str, int] = field(default_factory=dict)
    """Bytes that are kept of a value, by VR; those of other VRs are kept whole."""
    too_long: TooLong = TooLong.ABSENT
    retrieve_ae: RetrieveAE = RetrieveAE.ALWAYS
    comparison: Comparison = Comparison()
    texts: Texts = Texts()
    failures: Failures = Failures()
