"""What is done in the sandbox: one file is examined, or compared with one of ours."""

from __future__ import annotations

import contextlib
import encodings
import importlib
import io
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image as Pillow

from ...hospital.elements import EXPLICIT_LE, Element, encode
from ...hospital.part10 import file_meta
from .analyses.buffers import Buffer
from .analyses.comparison import compare as compared
from .analyses.layout import lay_out
from .analyses.yara import Yara
from .examination import MAX_EXAMINED, Examining
from .model import MAX_LISTED, Findings, Scan, told

_yara: Yara | None = None


def load(options: Mapping[str, Any]) -> dict[str, Any]:
    """Compile rules, and import whatever a library would import when it is first used."""
    global _yara
    Pillow.init()
    for module in pkgutil.iter_modules(encodings.__path__):
        with contextlib.suppress(ImportError):  # some are another system's
            importlib.import_module(f"encodings.{module.name}")
    folder = options.get("yara")
    _yara = Yara(Path(folder) if folder else None)
    samples = _samples()
    for sample in samples:
        Examining(sample).made()
        compare((sample, samples[0]), {})
    return {"ignored": _yara.ignored[:MAX_LISTED], "rules": _yara.version}


def prepare(job: str) -> None:
    """Make YARA's scanners, which map much more memory than they use."""
    if job == "scan" and _yara is not None:
        _yara.prepare()


def examine(contents: Sequence[Buffer], facts: Mapping[str, Any]) -> bytes:
    """Everything that can be said of one file."""
    return told(Examining(contents[0]).made())


def scan(contents: Sequence[Buffer], facts: Mapping[str, Any]) -> bytes:
    """YARA rules, in a process of their own: one that takes forever, or crashes, takes nothing else with it."""
    findings = Findings()
    if _yara is not None:
        data = contents[0]
        _yara.look(data, min(len(data), MAX_EXAMINED), findings)
        layout = lay_out(data, min(len(data), MAX_EXAMINED))
        if layout.inflated:
            _yara.look(layout.body, len(layout.body), findings)
    return told(Scan(findings.all))


def compare(contents: Sequence[Buffer], facts: Mapping[str, Any]) -> bytes:
    """The visitor's object, and the hospital's."""
    theirs, ours = (lay_out(content, len(content)) for content in contents)
    return told(compared(theirs, len(contents[0]), ours, len(contents[1])))


JOBS: Final = {"examine": examine, "scan": scan, "compare": compare}


def _samples() -> list[bytes]:
    """Small files of ours, with which everything is done once before it is done with a stranger's."""
    square = np.arange(64, dtype=np.uint8).reshape(8, 8)
    head = {
        0x00080005: Element(0x00080005, "CS", b"ISO_IR 100"),
        0x00080016: Element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
        0x00080018: Element(0x00080018, "UI", b"1.2.3\0"),
        0x00280002: Element(0x00280002, "US", b"\1\0"),
        0x00280004: Element(0x00280004, "CS", b"MONOCHROME2 "),
        0x00280010: Element(0x00280010, "US", b"\x08\0"),
        0x00280011: Element(0x00280011, "US", b"\x08\0"),
        0x00280100: Element(0x00280100, "US", b"\x08\0"),
        0x00280101: Element(0x00280101, "US", b"\x08\0"),
        0x00280102: Element(0x00280102, "US", b"\x07\0"),
        0x00280103: Element(0x00280103, "US", b"\0\0"),
    }
    found = []
    for syntax, kind in (("1.2.840.10008.1.2.4.50", "JPEG"), ("1.2.840.10008.1.2.4.90", "JPEG2000")):
        out = io.BytesIO()
        Pillow.fromarray(square).save(out, kind)
        frame = out.getvalue() + bytes(len(out.getvalue()) % 2)
        item = b"\xfe\xff\x00\xe0"
        pixels = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff" + item + bytes(4) + item + len(frame).to_bytes(4, "little")
        end = b"\xfe\xff\xdd\xe0" + bytes(4)
        found.append(_meta(syntax) + encode(head, EXPLICIT_LE) + pixels + frame + end)
    plain = head | {0x7FE00010: Element(0x7FE00010, "OW", square.tobytes())}
    found.append(_meta(EXPLICIT_LE) + encode(plain, EXPLICIT_LE))
    return [*found, b'{"text": "http://example.org/"}', bytes(600)]


def _meta(syntax: str) -> bytes:
    return file_meta("1.2.840.10008.5.1.4.1.1.7", "1.2.3", syntax, "1.2.3.4")
