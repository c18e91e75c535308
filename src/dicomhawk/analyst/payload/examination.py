"""All analyses of one file, put together. Runs in the sandbox only."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes

from PIL import Image as Pillow

from ...hospital.displays import DisplayError
from .analyses import codecs, containers, indicators, kinds, measures, polyglots, structure, texts
from .analyses.buffers import Buffer
from .analyses.kinds import Kind
from .analyses.layout import MAX_TEXT, Layout, lay_out, visitors_from
from .analyses.pictures import MAX_PIXELS, of_pillow, preview
from .model import HIGH, LOW, MEDIUM, Container, Dicom, Examination, Findings, Image, Indicator, clean

MAX_EXAMINED: Final = 256 << 20
"""Bytes of a file that are looked at; digests are of all."""
MAX_COUNT: Final = 1 << 32
_TEXTS: Final = frozenset(("form", "text", "JSON", "XML", "HTML", "script", "PHP", "multipart body", "HL7 v2"))
_HOLDERS: Final = frozenset(("PE", "ELF", "Mach-O", "ZIP", "DOS program", "gzip", "7z", "RAR", "OLE document"))
"""What has such things within itself by nature."""
_PICTURES: Final = {"PNG": "PNG", "JPEG": "JPEG", "GIF": "GIF"}

T = TypeVar("T")


class Examining:
    """One file. An analysis that fails takes no other with it."""

    def __init__(self, data: Buffer) -> None:
        self._data, self._size = data, min(len(data), MAX_EXAMINED)
        self._findings = Findings()
        self._containers: list[Container] = []
        self._failed: list[str] = []

    def made(self) -> Examination:
        """The result."""
        data, size = self._data, self._size
        layout = self._try("layout", lambda: lay_out(data, size), Layout(data, body=data))
        name = "DICOM" if layout.dicom else self._try("type", lambda: kinds.name_of(data, size), "data")
        no_names: list[str] = []
        hidden = self._of_dicom(layout) if layout.dicom else self._of_other(name)
        self._contained(layout, name)
        pointers, strings = self._try("indicators", lambda: indicators.look(data, size), _NO_INDICATORS)
        sha256, sha1, md5 = self._try("digests", lambda: measures.digests(data, len(data)), ("", "", ""))
        picture = self._preview(layout, name)
        hashed = measures.MAX_FUZZY_DICOM if layout.dicom else measures.MAX_FUZZY
        names = [name, *dict.fromkeys(kind.name for kind in hidden if kind.name != name and kind is not kinds.TIFF)]
        if size < len(data):
            detail = f"{size} of {len(data)} bytes were looked at"
            self._findings.add("sandbox.partly", "file too large to be examined whole", LOW, detail)
        for failed in self._failed:
            self._findings.add("sandbox.failed", "an analysis failed", LOW, failed)
        return Examination(
            type=clean(" + ".join(names[:6])),
            size=len(data),
            examined=size,
            sha256=sha256,
            sha1=sha1,
            md5=md5,
            fuzzy=self._try("fuzzy", lambda: measures.fuzzy(data, min(size, hashed)), ""),
            types=[clean(each) for each in self._try("type", lambda: kinds.others(data, size), no_names)],
            sections=self._try("entropy", lambda: measures.sections(layout, size), []),
            containers=self._containers[:20],
            indicators=pointers,
            strings=strings,
            dicom=self._try("dicom", lambda: _described(layout), None) if layout.dicom else None,
            preview=picture,
            findings=self._findings.all,
            failed=self._failed[:50],
        )

    def _try(self, name: str, analysis: Callable[[], T], otherwise: T) -> T:
        try:
            return analysis()
        except Exception as error:
            self._failed.append(clean(f"{name}: {type(error).__name__}"))
            return otherwise

    def _of_dicom(self, layout: Layout) -> list[Kind]:
        size, findings = self._size, self._findings
        if not layout.walk.nodes and not layout.inflated:
            findings.add("type.mismatch", "says DICOM, and has no data set", MEDIUM, "", layout.dataset)
        self._try("structure", lambda: structure.look(layout, findings), None)
        self._try("codecs", lambda: codecs.look(layout, findings), None)
        self._try("texts", lambda: texts.look(layout, findings), None)
        return self._try("polyglots", lambda: polyglots.look(layout, size, findings), [])

    def _of_other(self, name: str) -> list[Kind]:
        data, size, findings = self._data, self._size, self._findings
        kind = kinds.of_bytes(data) if size else None
        if kind is not None and kind.runs:
            what = "script" if kind in (kinds.SCRIPT, kinds.PHP) else "executable"
            findings.add(f"type.{what}", f"{kind.name}, and no DICOM", HIGH, "", 0)
        elif name == "script":
            findings.add("type.script", "script, and no DICOM", HIGH, "", 0)
        if name in _TEXTS:
            self._try("texts", lambda: self._attacks(), None)
        if name in _HOLDERS:
            return []
        return self._try("polyglots", lambda: self._hidden(name), [])

    def _attacks(self) -> None:
        head = bytes(self._data[: min(self._size, MAX_TEXT)])
        texts.of_text(head, self._findings)
        if b"%" in head:
            texts.of_text(unquote_to_bytes(head.replace(b"+", b" ")), self._findings)

    def _hidden(self, name: str) -> list[Kind]:
        found = []
        for kind, at in kinds.within(self._data, 1, self._size):
            if kind is kinds.HTML or (kind is kinds.SCRIPT and name in _TEXTS) or kind.name == name:
                continue
            found.append(kind)
            polyglots.report(kind, name, at, self._findings)
        return found

    def _contained(self, layout: Layout, name: str) -> None:
        data, size, findings = self._data, self._size, self._findings
        if name == "gzip":
            self._containers.append(
                self._try("gzip", lambda: containers.gzip_member(data, 0, size, findings), _NOTHING)
            )
            return
        at = 0 if name == "ZIP" else self._first_zip()
        if at < 0:
            return
        end = size if name == "ZIP" else containers.end_of_zip(data, at, size)
        listed = self._try("zip", lambda: containers.zip_directory(data, at, end, findings), None)
        if listed is not None:
            self._containers.append(listed)
        elif name == "ZIP":
            findings.add("structure.zip", "ZIP without a directory", LOW, "", 0)

    def _first_zip(self) -> int:
        return next((each.offset for each in self._findings.all if each.id == "polyglot.zip" and each.offset), -1)

    def _preview(self, layout: Layout, name: str) -> Image | None:
        try:
            if layout.dicom:
                return preview(layout, self._size)
            if name in _PICTURES:
                with Pillow.open(io.BytesIO(self._data[: self._size]), formats=(_PICTURES[name],)) as picture:
                    return of_pillow(picture) if picture.width * picture.height <= MAX_PIXELS else None
        except (DisplayError, OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
            return None
        except Exception as error:
            self._failed.append(clean(f"preview: {type(error).__name__}"))
        return None


_NO_INDICATORS: Final[tuple[list[Indicator], list[str]]] = ([], [])
_NOTHING: Final = Container("gzip", 0, [], 0, 0, 0)


def _described(layout: Layout) -> Dicom:
    def said(tag: int) -> str:
        return clean(layout.text(tag))

    def said_in_meta(tag: int) -> str:
        return clean(layout.meta_text(tag))

    def number(tag: int) -> int:
        return min(max(0, layout.number(tag) or 0), MAX_COUNT)

    return Dicom(
        syntax=clean(layout.syntax),
        sop_class=said(0x00080016) or said_in_meta(0x00020002),
        sop_uid=said(0x00080018) or said_in_meta(0x00020003),
        series_uid=said(0x0020000E),
        study_uid=said(0x0020000D),
        patient_id=said(0x00100020),
        patient_name=said(0x00100010),
        modality=said(0x00080060),
        implementation=said_in_meta(0x00020012),
        implementation_version=said_in_meta(0x00020013),
        rows=number(structure.ROWS),
        columns=number(structure.COLUMNS),
        frames=number(structure.FRAMES),
        elements=len(layout.walk.nodes),
        depth=layout.walk.depth,
        visitors_from=visitors_from(layout),
    )
