"""What a client takes, as the plug-in reads it: one media type, and what stands behind it."""

from __future__ import annotations

import re
from typing import Final

from .....hospital.elements import EXPLICIT_LE, IMPLICIT_LE
from ..problems import Fault, Problem
from ..syntaxes import SYNTAXES

ANY: Final = "*"
"""The transfer syntax that each object is kept in."""
LONGEST: Final = 8192
"""Characters of a field that are looked at."""
RELATED: Final = "multipart/related"
_ALL: Final = "*/*"
_JSON: Final = ("application/json", "application/dicom+json", _ALL)
_XML: Final = ("application/dicom+xml", "application/xml", "text/xml")
_CANNOT: Final = "This WADO-RS plugin cannot generate the following"
_ONLY: Final = "This WADO-RS plugin only supports"
_ATTRIBUTE: Final = re.compile(r'\s*([^=]+)\s*=\s*(?:([^="]+)|"([^="]+)")\s*')
_JPEG: Final = "1.2.840.10008.1.2.4."
_FRAMES: Final = {
    **dict.fromkeys(("image/jpeg", "image/dicom+jpeg"), ("70", "50", "51", "57")),
    **dict.fromkeys(("image/x-jls", "image/jls", "image/dicom+jpeg-ls"), ("80", "81")),
    **dict.fromkeys(("image/jp2", "image/dicom+jp2"), ("90", "91")),
    **dict.fromkeys(("image/jpx", "image/dicom+jpx"), ("92", "93")),
}
"""Ends of the transfer syntaxes of frames by their media types, old and new; the first where none is named."""
_RLE: Final = ("image/x-dicom-rle", "image/dicom-rle", "image/dicom+rle")
RLE: Final = "1.2.840.10008.1.2.5"
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"


def content_type(text: str) -> tuple[str, dict[str, str]]:
    """A media type in small letters, and its attributes by their names."""
    kind, *rest = text[:LONGEST].split(";")
    found = (_ATTRIBUTE.fullmatch(each) for each in rest)
    return kind.lower(), {each[1].lower(): each[2] or each[3] for each in found if each is not None}


def is_xml(accept: str | None) -> bool:
    """Whether a search is answered in XML."""
    return accept is not None and accept.lower() in _XML


def syntax_of_objects(accept: str | None) -> str:
    """The transfer syntax in which objects are wanted; `ANY`: as they are. Raises `Problem`."""
    if accept is None:
        return EXPLICIT_LE
    kind, attributes = content_type(accept)
    if kind not in (RELATED, _ALL):
        raise Problem(Fault.REQUEST, f"{_CANNOT} content type: {accept}")
    if attributes.get("type", "application/dicom").lower() != "application/dicom":
        raise Problem(Fault.REQUEST, f"{_ONLY} application/dicom return type for DICOM retrieval ({accept})")
    wanted = attributes.get("transfer-syntax", EXPLICIT_LE)
    if wanted != ANY and wanted not in SYNTAXES:
        raise Problem(Fault.REQUEST, f"Unsupported transfer syntax in WADO-RS: {wanted}")
    return wanted


def is_xml_of_metadata(accept: str | None) -> bool:
    """Whether attributes are wanted in XML; else it is JSON. Raises `Problem`."""
    if accept is None:
        return False
    kind, attributes = content_type(accept)
    if any(each.strip() in _JSON for each in kind.split(",")):
        return False
    if kind != RELATED:
        raise Problem(Fault.REQUEST, f"{_CANNOT} content type: {accept}")
    inner = attributes.get("type")
    if inner is None:
        raise Problem(Fault.REQUEST, f'Missing "type" in multipart/related accept type ({accept})')
    if inner.lower() != "application/dicom+xml":
        raise Problem(Fault.REQUEST, f"{_ONLY} application/dicom+xml type for multipart/related accept ({accept})")
    if "transfer-syntax" in attributes:
        syntax = attributes["transfer-syntax"]
        raise Problem(Fault.REQUEST, f"This WADO-RS plugin cannot change the transfer syntax to {syntax}")
    return True


def check_bulk(accept: str | None) -> None:
    """Raises `Problem` if values are wanted otherwise than as bytes."""
    if accept is None:
        return
    kind, attributes = content_type(accept)
    if kind not in (RELATED, _ALL):
        raise Problem(Fault.REQUEST, f"{_CANNOT} bulk data type: {accept}")
    if attributes.get("type", "application/octet-stream").lower() != "application/octet-stream":
        raise Problem(
            Fault.REQUEST, f"{_ONLY} application/octet-stream return type for bulk data retrieval ({accept})"
        )


def syntax_of_frames(accept: str | None) -> str:
    """The transfer syntax in which frames are wanted; `ANY`: as they are. Raises `Problem`."""
    kind, *rest = (each.strip().lower() for each in ("" if accept is None else accept[:LONGEST]).split(";"))
    if accept is None or kind == _ALL:
        return EXPLICIT_LE
    if kind != RELATED:
        raise Problem(Fault.RANGE, "expecting 'Accept: multipart/related' HTTP header")
    inner, syntax = "application/octet-stream", ""
    for each in rest:
        pair = [part.strip() for part in each.split("=")]
        if len(pair) != 2:
            raise Problem(Fault.REQUEST)
        value = pair[1][1:-1] if pair[1][:1] == '"' == pair[1][-1:] else pair[1]
        inner = value if pair[0] == "type" else inner
        syntax = value if pair[0] == "transfer-syntax" else syntax
    if inner == "application/octet-stream":
        if syntax in ("", EXPLICIT_LE, IMPLICIT_LE):
            return syntax or EXPLICIT_LE
        if syntax in (ANY, _BIG_ENDIAN):
            return ANY
        raise Problem(
            Fault.REQUEST,
            f"DICOMweb RetrieveFrames: Cannot specify a transfer syntax ({syntax}) for default Little Endian "
            "uncompressed pixel data",
        )
    known = [_JPEG + end for end in _FRAMES.get(inner, ())] if inner not in _RLE else [RLE]
    if known and syntax in ("", *known):
        return syntax or known[0]
    raise Problem(
        Fault.REQUEST,
        f'DICOMweb RetrieveFrames: Transfer syntax "{syntax}" is incompatible with media type "{inner}"',
    )
