"""The Native DICOM Model as XML (PS3.19 annex A.1), from the DICOM JSON Model of the same data set."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from dicomhawk.hospital.registry import keyword_for_tag

from .json_model import JSON

HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


def document(model: JSON) -> bytes:
    """The model as a document in UTF-8. Never raises."""
    parts = [HEAD, f'<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">']
    _attributes(model, parts)
    parts.append("</NativeDicomModel>")
    return "".join(parts).encode("utf-8", "replace")


def _attributes(model: JSON, parts: list[str]) -> None:
    for tag, attribute in model.items():
        keyword = _keyword(tag)
        named = f' keyword="{keyword}"' if keyword else ""
        creator = _creator(model, tag)
        private = f" privateCreator={quoteattr(_clean(creator))}" if creator else ""
        shown = f"{tag[:4]}00{tag[6:]}" if creator else tag
        parts.append(f'<DicomAttribute{named} tag="{shown}" vr="{attribute["vr"]}"{private}>')
        if "BulkDataURI" in attribute:
            parts.append(f"<BulkData uri={quoteattr(attribute['BulkDataURI'])}/>")
        elif "InlineBinary" in attribute:
            parts.append(f"<InlineBinary>{attribute['InlineBinary']}</InlineBinary>")
        else:
            _values(attribute["vr"], attribute.get("Value", ()), parts)
        parts.append("</DicomAttribute>")


def _values(vr: str, values: Any, parts: list[str]) -> None:
    for number, value in enumerate(values, 1):
        if vr == "SQ":
            parts.append(f'<Item number="{number}">')
            _attributes(value, parts)
            parts.append("</Item>")
        elif vr == "PN":
            parts.append(f'<PersonName number="{number}">')
            if isinstance(value, dict):
                _name(value, parts)
            parts.append("</PersonName>")
        elif value is not None:
            parts.append(f'<Value number="{number}">{escape(_clean(str(value)))}</Value>')


def _name(groups: dict[str, str], parts: list[str]) -> None:
    for name, group in groups.items():
        parts.append(f"<{name}>")
        for component, text in zip(_COMPONENTS, group.split("^"), strict=False):
            if text:
                parts.append(f"<{component}>{escape(_clean(text))}</{component}>")
        parts.append(f"</{name}>")


def _creator(model: JSON, tag: str) -> str | None:
    """The private creator of an attribute (PS3.5 section 7.8.1); None if it has none."""
    if not int(tag[3], 16) & 1 or tag[4:6] == "00":
        return None
    values = model.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value")
    return str(values[0]) if values and values[0] else None


def _clean(text: str) -> str:
    """Without characters that XML can't have."""
    return _FORBIDDEN.sub("\ufffd", text)


@lru_cache(maxsize=4096)
def _keyword(tag: str) -> str:
    return keyword_for_tag(int(tag, 16)) if not int(tag[3], 16) & 1 else ""
