"""The report of an examination: what the locked-in process may say, and what is made of it.

Every text and list has a limit here, and what doesn't keep to it is refused as a whole: the process may have been
taken over by what it looked at.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

VERSION: Final = "1"
"""Of the analyses: files that were examined by another version are examined again."""

MAX_FINDINGS: Final = 200
"""Findings of one file; the worst are kept."""
MAX_DETAIL: Final = 300
MAX_LISTED: Final = 200
"""Entries of any list."""
MAX_SHORT: Final = 200
"""Characters of a name or value."""

INFO, LOW, MEDIUM, HIGH, CRITICAL = range(5)

Short = Annotated[str, Meta(max_length=MAX_SHORT)]
Number = Annotated[int, Meta(ge=0, le=1 << 53)]
Digest = Annotated[str, Meta(pattern=r"^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})?$")]


class Finding(Struct, frozen=True):
    """One conclusion about a file."""

    id: Annotated[str, Meta(pattern=r"^[a-z]{2,20}\.[A-Za-z0-9_-]{1,120}$")]
    name: Short
    severity: Annotated[int, Meta(ge=INFO, le=CRITICAL)]
    detail: Annotated[str, Meta(max_length=MAX_DETAIL)] = ""
    offset: Number | None = None


class Section(Struct, frozen=True):
    """A part of the file. `entropy`: bits per byte, 0 to 8."""

    name: Short
    offset: Number
    length: Number
    entropy: Annotated[float, Meta(ge=0, le=8)]


class Entry(Struct, frozen=True):
    """A member of an archive."""

    name: Short
    size: Number
    compressed: Number


class Container(Struct, frozen=True):
    """Something that holds other things, listed and not unpacked."""

    kind: Short
    offset: Number
    entries: Annotated[list[Entry], Meta(max_length=MAX_LISTED)]
    count: Number
    size: Number
    """Bytes that it would unpack to, as far as it says so itself or that was tried."""
    compressed: Number


class Indicator(Struct, frozen=True):
    """Something in the file that one might look for elsewhere. `defanged`: the same, so that nobody follows it."""

    kind: Annotated[str, Meta(pattern=r"^(url|domain|ipv4|ipv6|email|unc|command)$")]
    value: Short
    defanged: Annotated[str, Meta(max_length=3 * MAX_SHORT)]
    offset: Number


class Attribute(Struct, frozen=True):
    """An attribute that the hospital's own object has otherwise. Empty: it isn't there."""

    tag: Annotated[str, Meta(pattern=r"^[0-9A-F]{8}$")]
    keyword: Short
    theirs: Short
    ours: Short


class Dicom(Struct, frozen=True):
    """What an object says of itself; texts as they are there, empty where they aren't."""

    syntax: Short = ""
    sop_class: Short = ""
    sop_uid: Short = ""
    series_uid: Short = ""
    study_uid: Short = ""
    patient_id: Short = ""
    patient_name: Short = ""
    modality: Short = ""
    implementation: Short = ""
    implementation_version: Short = ""
    rows: Number = 0
    columns: Number = 0
    frames: Number = 0
    elements: Number = 0
    depth: Number = 0
    visitors_from: Number = 0
    """Offset of the first byte that is the visitor's: before it stands what we write for any object."""


class Image(Struct, frozen=True):
    """8 bits for each sample, rows from the top. `data`: base64 in JSON."""

    width: Annotated[int, Meta(ge=1, le=512)]
    height: Annotated[int, Meta(ge=1, le=512)]
    samples: Annotated[int, Meta(ge=1, le=3)]
    data: Annotated[bytes, Meta(max_length=512 * 512 * 3)]


class Examination(Struct, frozen=True):
    """What the process says of one file."""

    type: Short
    size: Number
    examined: Number
    """Bytes that were looked at; less than `size` for very large files."""
    sha256: Digest
    sha1: Digest
    md5: Digest
    fuzzy: Annotated[str, Meta(pattern=r"^[0-9A-Za-z+/:]*$", max_length=200)]
    types: Annotated[list[Short], Meta(max_length=MAX_LISTED)]
    findings: Annotated[list[Finding], Meta(max_length=MAX_FINDINGS)]
    sections: Annotated[list[Section], Meta(max_length=MAX_LISTED)]
    containers: Annotated[list[Container], Meta(max_length=20)]
    indicators: Annotated[list[Indicator], Meta(max_length=MAX_LISTED)]
    strings: Annotated[list[Short], Meta(max_length=MAX_LISTED)]
    dicom: Dicom | None = None
    preview: Image | None = None
    failed: Annotated[list[Short], Meta(max_length=50)] = []
    """Analyses that ended with an exception, and which."""


class Scan(Struct, frozen=True):
    """What YARA rules say of one file."""

    findings: Annotated[list[Finding], Meta(max_length=MAX_FINDINGS)]


class Pixels(Struct, frozen=True):
    """How far the samples of two images of the same size differ."""

    compared: bool
    why_not: Short = ""
    identical: bool = False
    changed: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Share of the pixels of all frames compared."""
    box: Annotated[list[Number], Meta(max_length=4)] = []
    """First row, first column, last row, last column of what was changed, from 0."""
    frames: Number = 0
    largest: Number = 0
    """The largest difference of a sample."""


class Comparison(Struct, frozen=True):
    """How an object differs from the hospital's of the same SOP Instance UID."""

    attributes: Annotated[list[Attribute], Meta(max_length=MAX_LISTED)]
    pixels: Pixels | None = None
    difference: Image | None = None


class Untrue(Exception):
    """What the process said is not of the form that it must have."""


def read(kind: type[Any], told: bytes) -> Any:
    """What was told, as a record of that kind, its texts cleaned once more. Raises `Untrue`."""
    try:
        record = msgspec.json.decode(told, type=kind)
        plain = _cleaned(msgspec.to_builtins(record, builtin_types=(bytes,)))
        return msgspec.convert(plain, type=kind, builtin_types=(bytes,))
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Untrue(str(error)[:MAX_DETAIL]) from None


def told(record: Struct) -> bytes:
    """A record, to be read by `read`."""
    return msgspec.json.encode(record)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, len(value))
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    return {name: _cleaned(each) for name, each in value.items()} if isinstance(value, dict) else value


def clean(text: str | bytes, limit: int = MAX_SHORT) -> str:
    """A stranger's text, one character for each byte if it is bytes: bounded, in one line, without what a terminal
    or a database would trip over."""
    if isinstance(text, bytes):
        text = text[: 4 * limit].decode("latin-1")
    if text.isprintable() and len(text) <= limit:
        return text
    text = "".join(each if each.isprintable() else "\N{MIDDLE DOT}" for each in text[: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 1]}\N{HORIZONTAL ELLIPSIS}"


class Findings:
    """Collects findings, up to some of each kind."""

    def __init__(self) -> None:
        self._found: dict[str, list[Finding]] = {}

    def add(self, id: str, name: str, severity: int, detail: str = "", offset: int | None = None) -> None:
        """Add one; the same again only a few times."""
        alike = self._found.setdefault(id, [])
        if len(alike) < MAX_ALIKE and len(self._found) <= MAX_FINDINGS:
            alike.append(Finding(id, clean(name), severity, clean(detail, MAX_DETAIL), offset))

    @property
    def all(self) -> list[Finding]:
        """The worst first."""
        found = [each for alike in self._found.values() for each in alike]
        return sorted(found, key=lambda each: (-each.severity, each.id, each.offset or 0))[:MAX_FINDINGS]


MAX_ALIKE: Final = 5
"""Findings with one id: the sixth says nothing new."""
