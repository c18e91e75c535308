"""The Native DICOM Model (PS3.19 annex A.1) as Orthanc makes it of the DICOM JSON Model, laid out as pugixml does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from .....hospital.json_model import JSON
from ..describing import UNKNOWN, keyword
from ..markup import DECLARATION, escaped

KIND: Final = "application/dicom+xml"
_MODEL: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_ROOT: Final = (
    f'<NativeDicomModel xmlns="{_MODEL}" xsi:schemaLocation="{_MODEL}" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
)
_STEP: Final = "  "
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


def document(model: JSON) -> bytes:
    """The model as a document in UTF-8. Never raises."""
    lines = "".join(_attributes(model, _STEP))
    return f"{DECLARATION}{_ROOT}{lines}</NativeDicomModel>\n".encode("utf-8", "replace")


def _attributes(model: JSON, margin: str) -> Iterator[str]:
    for tag, attribute in sorted(model.items()):
        name = keyword(int(tag, 16))
        head = f'<DicomAttribute tag="{tag}" vr="{attribute["vr"]}"'
        head += "" if name == UNKNOWN else f' keyword="{name}"'
        lines = "".join(_content(attribute, margin + _STEP))
        yield f"{margin}{head}>\n{lines}{margin}</DicomAttribute>\n" if lines else f"{margin}{head} />\n"


def _content(attribute: dict[str, Any], margin: str) -> Iterator[str]:
    if "Value" in attribute:
        for number, value in enumerate(attribute["Value"], 1):
            yield from _value(attribute["vr"], number, value, margin)
    elif "BulkDataURI" in attribute:
        uri = escaped(attribute["BulkDataURI"]).replace('"', "&quot;")
        yield f'{margin}<BulkData URI="{uri}" />\n'
    elif "InlineBinary" in attribute:
        yield f"{margin}<InlineBinary>{attribute['InlineBinary']}</InlineBinary>\n"


def _value(vr: str, number: int, value: Any, margin: str) -> Iterator[str]:
    if vr == "PN":
        groups = value if isinstance(value, dict) else {}
        lines = "".join(_group(name, groups[name], margin + _STEP) for name in _GROUPS if name in groups)
        if lines:
            yield f'{margin}<PersonName number="{number}">\n{lines}{margin}</PersonName>\n'
        return
    if isinstance(value, dict):
        lines = "".join(_attributes(value, margin + _STEP))
        yield (
            f'{margin}<Item number="{number}">\n{lines}{margin}</Item>\n'
            if lines
            else f'{margin}<Item number="{number}" />\n'
        )
        value = None  # Orthanc writes an empty value behind every item
    text = "" if value is None else f"{value:.9g}" if isinstance(value, float) else escaped(str(value))
    yield f'{margin}<Value number="{number}">{text}</Value>\n' if text else f'{margin}<Value number="{number}" />\n'


def _group(name: str, text: str, margin: str) -> str:
    lines = [
        f"{margin}{_STEP}<{component}>{escaped(part)}</{component}>\n"
        if part
        else f"{margin}{_STEP}<{component} />\n"
        for component, part in zip(_COMPONENTS, text.split("^"), strict=False)
    ]
    return f"{margin}<{name}>\n{''.join(lines)}{margin}</{name}>\n"
