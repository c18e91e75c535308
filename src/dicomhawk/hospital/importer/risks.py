"""Which objects are refused, because something in them leads to a person and can't be taken out safely.

Pixel data is copied bit for bit, so whatever is written into the picture stays there; and text that somebody
wrote can't be told from a name. PS3.15 annex E leaves both to options that need eyes; we refuse.
"""

from __future__ import annotations

import re
import struct
from typing import IO

from dicomhawk.hospital.elements import DataSet
from dicomhawk.hospital.importer.values import number, texts
from dicomhawk.hospital.importer.walk import Pixels
from dicomhawk.hospital.registry import UIDS

_CLASSES = "1.2.840.10008.5.1.4.1.1."

OPAQUE = frozenset((_CLASSES + "66",))
"""Raw Data Storage: all that counts in it is private."""

REPORTS = _CLASSES + "88."
DOCUMENTS = _CLASSES + "104."

MACHINE_REPORTS = frozenset(f"{REPORTS}{number}" for number in ("50", "59", "65", "67", "68", "71", "73", "76"))
"""Structured reports that devices write: CAD results, key object selections, dose reports, acquisition
context. Their text is names of devices and protocols, and is cleaned as descriptions are."""

BURNED_IN_CLASSES = {
    _CLASSES + "7": "a secondary capture",
    _CLASSES + "3": "an ultrasound image",
    _CLASSES + "6": "an ultrasound image",
    _CLASSES + "5": "a nuclear medicine image of the retired class",
    _CLASSES + "77.1.1": "an endoscopic image",
    _CLASSES + "77.1.2": "a microscopic image",
    _CLASSES + "77.1.3": "a slide",
    _CLASSES + "77.1.4": "a photograph",
    _CLASSES + "77.1.6": "a slide",
    _CLASSES + "12.77": "a video",
}
"""Classes, with those below them, whose pictures commonly have the patient's name in them."""

CAPTURED = frozenset(("WSD", "DF", "SD", "SI", "DRW", "SYN"))
"""Conversion Type (0008,0064) of what was scanned, filmed, drawn or taken from a screen."""

SCREEN_WORDS = frozenset(
    ("SCREEN", "SCREENSAVE", "SAVE", "CAPTURE", "REPORT", "SUMMARY", "PROT", "PROTOCOL", "LABEL", "OVERVIEW", "INFO")
)
"""In Image Type (0008,0008): dose sheets, protocols, labels of slides, and screens that were saved."""

_MAX_JPEG_HEADER = 2**18  # bytes of a compressed frame in which its header segments are looked for
_JPEG_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(50, 82))


def why_unfit(dataset: DataSet) -> str | None:
    """Why the catalogue can't hold this object at all; None: it can."""
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not texts(dataset, keyword):
            return f"it has no {keyword}"
    name, kind, *_ = UIDS.get(texts(dataset, "SOPClassUID")[0], ("Storage", "SOP Class"))
    return None if kind == "SOP Class" and "Storage" in name else f"it is not a stored object ({name})"


def why_refused(dataset: DataSet, transfer_syntax: str, file: IO[bytes], pixels: Pixels | None) -> str | None:
    """Why this object can't be given a false identity; None: it can."""
    sop_class = texts(dataset, "SOPClassUID")[0]
    if sop_class not in UIDS:
        return "its SOP class is private or unknown, and so is what it holds"
    if sop_class in OPAQUE:
        return "it is raw data in a maker's own form"
    if sop_class.startswith(DOCUMENTS) or _has(dataset, 0x00420011):
        return "it is an encapsulated document"
    if sop_class.startswith(REPORTS) and sop_class not in MACHINE_REPORTS:
        return "it is a report that somebody wrote"
    if _has(dataset, 0x04000500):
        return "parts of it are encrypted"
    return _why_pictures(dataset, sop_class) or _why_bits(dataset) or _why_frames(transfer_syntax, file, pixels)


def _why_pictures(dataset: DataSet, sop_class: str) -> str | None:
    burned_in = texts(dataset, "BurnedInAnnotation")
    if burned_in and burned_in[0] != "NO":
        return "its picture has annotation burned in"
    if "YES" in texts(dataset, "RecognizableVisualFeatures"):
        return "the patient can be recognised in its picture"
    image_type = "\\".join(texts(dataset, "ImageType")).upper()
    if not SCREEN_WORDS.isdisjoint(re.split(r"[^A-Z0-9]+", image_type)):
        return f"its picture is a screen, label or data sheet (ImageType {image_type[:64]})"
    if burned_in:
        return None
    kind = next((kind for root, kind in BURNED_IN_CLASSES.items() if (sop_class + ".").startswith(root + ".")), None)
    if kind is None and not CAPTURED.isdisjoint(texts(dataset, "ConversionType")):
        kind = "a digitised or captured picture"
    if kind is None and not {"US", "ES", "XC", "GM", "SM", "DG"}.isdisjoint(texts(dataset, "Modality")):
        kind = f"of modality {texts(dataset, 'Modality')[0]}"
    return f"it is {kind}, and BurnedInAnnotation doesn't say NO" if kind else None


def _why_bits(dataset: DataSet) -> str | None:
    """Overlays in the unused bits of pixel data (PS3.3 C.9.2, retired) can't be removed without changing it."""
    for group in range(0x6000, 0x6020, 2):
        tag = group << 16
        if tag | 0x0010 in dataset and tag | 0x3000 not in dataset and (number(dataset, tag | 0x0102) or 0) > 0:
            return "an overlay is in the unused bits of its pixel data"
    return None


def _why_frames(transfer_syntax: str, file: IO[bytes], pixels: Pixels | None) -> str | None:
    """What cameras write beside the picture (Exif, XMP: APP1 of ISO 10918-1 annex B) says who and where."""
    if pixels is None or transfer_syntax not in _JPEG_SYNTAXES:
        return None
    file.seek(pixels.value)
    data = file.read(min(_MAX_JPEG_HEADER, pixels.end - pixels.value))
    at = data.find(b"\xff\xd8\xff") + 2
    while 2 <= at <= len(data) - 4 and data[at] == 0xFF:
        marker, length = struct.unpack_from(">BH", data, at + 1)
        if marker in (0xDA, 0xD9):
            break
        if marker == 0xE1:
            return "its compressed frames carry a camera's own data (Exif or XMP)"
        at += 2 + length
    return None


def _has(dataset: DataSet, tag: int) -> bool:
    element = dataset.get(tag)
    return element is not None and bool(element.value)
