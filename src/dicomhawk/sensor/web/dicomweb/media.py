"""Media types: what a client accepts (RFC 9110 section 12.5.1, PS3.18 section 8.7), and what that selects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..message import Request

MAX_TYPES: Final = 64
"""Media types of one Accept that are looked at: browsers send eight, viewers some twenty."""
MAX_LENGTH: Final = 8192
"""Characters of them."""

DICOM: Final = "application/dicom"
JSON: Final = "application/dicom+json"
PLAIN_JSON: Final = "application/json"
XML: Final = "application/dicom+xml"
OCTETS: Final = "application/octet-stream"
RELATED: Final = "multipart/related"

_TYPE: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*")
_PARAMETER: Final = re.compile(
    r";\s*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;,\"]*)))?\s*"
)


class MediaType(NamedTuple):
    """A media type, or a range of them; names are in lower case."""

    name: str
    parameters: dict[str, str]

    @property
    def inner(self) -> str:
        """The type of the parts of multipart/related; else its own name."""
        return self.parameters.get("type", "*/*").lower() if self.name == RELATED else self.name

    @property
    def is_multipart(self) -> bool:
        """Whether it is multipart/related."""
        return self.name == RELATED

    @property
    def transfer_syntax(self) -> str | None:
        """The parameter of PS3.18 section 8.7.3.5.2; ``*``: any."""
        return self.parameters.get("transfer-syntax")

    @property
    def quality(self) -> float:
        """Its weight."""
        try:
            return min(1.0, max(0.0, float(self.parameters.get("q", "1"))))
        except ValueError:
            return 1.0

    def covers(self, name: str) -> bool:
        """Whether a media type is within this range."""
        return covers(self.name, name)


def covers(range_: str, name: str) -> bool:
    """Whether the media type `name` is within `range_`."""
    if range_ == "*/*":
        return True
    kind, _, sub = range_.partition("/")
    return sub == "*" and name.startswith(f"{kind}/") if sub == "*" else range_ == name


def parse(text: str) -> list[MediaType]:
    """The media types of a list; what can't be read is passed over."""
    found: list[MediaType] = []
    text = text[:MAX_LENGTH]
    at = 0
    while at < len(text) and len(found) < MAX_TYPES:
        head = _TYPE.match(text, at)
        if head is None:
            at = _after_comma(text, at)
            continue
        at = head.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(text, at):
            at = parameter.end()
            name, quoted, bare = parameter.groups()
            if name:
                value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
                parameters.setdefault(name.lower(), value.strip())
        found.append(MediaType(head[1].lower(), parameters))
        at = _after_comma(text, at)
    return found


def _after_comma(text: str, at: int) -> int:
    comma = text.find(",", at)
    return len(text) if comma < 0 else comma + 1


def accepted(request: Request) -> list[MediaType]:
    """What the client accepts, the most wanted first: by the parameter ``accept`` (PS3.18 section 8.3.3.1), else by
    the header field."""
    wanted = [value.replace(" ", "+") for name, value in request.query if name.lower() == "accept"]
    text = ",".join(wanted or request.headers.all("Accept"))
    found = [each for each in parse(text) if each.quality > 0] or ([] if text.strip() else [ANY])
    return sorted(found, key=lambda each: -each.quality)


ANY: Final = MediaType("*/*", {})


def select(wanted: Sequence[MediaType], *offered: str) -> str | None:
    """The first of the single media types `offered` that the client accepts most; None: it accepts none."""
    for each in wanted:
        for name in offered:
            if not each.is_multipart and each.covers(name):
                return name
    return None


def in_parts(wanted: Sequence[MediaType], name: str) -> list[MediaType]:
    """Those of the client's media types that accept parts of type `name` in multipart/related."""
    return [
        each
        for each in wanted
        if (each.is_multipart and covers(each.inner, name)) or each.name == "*/*" or each.name == "multipart/*"
    ]
