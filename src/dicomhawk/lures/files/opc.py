"""Packages of parts (ECMA-376 part 2), and ZIP files in general, with the same bytes for the same parts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape as _escape

Moment = tuple[int, int, int, int, int, int]
"""Year, month, day, hour, minute, second, in local time."""
OPC_MOMENT: Moment = (1980, 1, 1, 0, 0, 0)
"""What office programs write in their packages."""
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_EXTERNAL = ' TargetMode="External"'
_CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"


class Relationship(NamedTuple):
    """From a part to another, or to an address outside of the package."""

    identifier: str
    kind: str
    """Last part of its type, as in ``image``."""
    target: str
    external: bool = False


def escape(text: str) -> str:
    """Text as content or attribute of an element."""
    return _escape(text, {'"': "&quot;"})


_STORED = (".rels", ".docx", ".url")
"""What may hold a token isn't compressed: a download is as long as a listing of its folder says."""


def zipped(files: Mapping[str, bytes], moment: Moment = OPC_MOMENT) -> bytes:
    """A ZIP file of these, in their order."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, moment)
            info.compress_type = zipfile.ZIP_STORED if name.endswith(_STORED) else zipfile.ZIP_DEFLATED
            info.create_system = 0
            archive.writestr(info, content)
    return made.getvalue()


def relationships(found: Sequence[Relationship]) -> str:
    """A part of relationships."""
    made = [
        f'<Relationship Id="{one.identifier}" Type="{OFFICE}/{one.kind}" Target="{escape(one.target)}"'
        f"{_EXTERNAL if one.external else ''}/>"
        for one in found
    ]
    return f'{XML}<Relationships xmlns="{RELATIONSHIPS}">{"".join(made)}</Relationships>'


def package(
    types: Mapping[str, str], parts: Mapping[str, str], main: str, *, title: str, author: str, moment: Moment
) -> bytes:
    """An office document: the `types` of its `parts` by name, which is the `main` one, and when it was saved."""
    overrides = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in types.items())
    saved = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*moment)
    core = (
        f'{XML}<cp:coreProperties xmlns:cp="{_CORE}" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>{escape(author)}</dc:creator>"
        f"<cp:lastModifiedBy>{escape(author)}</cp:lastModifiedBy>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{saved}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{saved}</dcterms:modified></cp:coreProperties>'
    )
    all_parts = {
        "[Content_Types].xml": (
            f'{XML}<Types xmlns="{_TYPES}"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}'
            '<Override PartName="/docProps/core.xml" '
            'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>'
        ),
        "_rels/.rels": (
            f'{XML}<Relationships xmlns="{RELATIONSHIPS}">'
            f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="{main}"/>'
            f'<Relationship Id="rId2" Type="{RELATIONSHIPS}/metadata/core-properties" Target="docProps/core.xml"/>'
            "</Relationships>"
        ),
        **parts,
        "docProps/core.xml": core,
    }
    return zipped({name: text.encode() for name, text in all_parts.items()})


def picture(relationship: str, *, name: str, namespace: str, size: int) -> str:
    """A picture that is linked to and not in the package (ECMA-376 part 1, 20.1.8.13); `size` in EMU."""
    return (
        f'<{namespace}:nvPicPr><{namespace}:cNvPr id="2" name="{name}"/><{namespace}:cNvPicPr/>'
        f'</{namespace}:nvPicPr><{namespace}:blipFill><a:blip xmlns:r="{OFFICE}" r:link="{relationship}"/>'
        f"<a:stretch><a:fillRect/></a:stretch></{namespace}:blipFill><{namespace}:spPr><a:xfrm>"
        f'<a:off x="0" y="0"/><a:ext cx="{size}" cy="{size}"/></a:xfrm>'
        f'<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></{namespace}:spPr>'
    )
