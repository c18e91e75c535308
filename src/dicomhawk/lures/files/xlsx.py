"""A workbook (ECMA-376 part 1, SpreadsheetML) that fetches a picture when it is opened."""

from __future__ import annotations

from collections.abc import Sequence

from .opc import DRAWING, OFFICE, XML, Moment, Relationship, escape, package, picture, relationships

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PLACED = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
_PIXEL = 9525  # EMU
_MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_WIDTHS = (8, 24, 24, 16, 34)


def xlsx(title: str, rows: Sequence[Sequence[str]], *, author: str, moment: Moment, picture_url: str = "") -> bytes:
    """A workbook of one sheet: a title, and rows of which the first is the heading."""
    lines = [_row(1, [title], bold=True), *(_row(n, row, bold=n == 3) for n, row in enumerate(rows, 3))]
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(_WIDTHS, 1)
    )
    drawing = f'<drawing xmlns:r="{OFFICE}" r:id="rId1"/>' if picture_url else ""
    parts = {
        "xl/workbook.xml": (
            f'{XML}<workbook xmlns="{_SHEET}" xmlns:r="{OFFICE}"><sheets>'
            f'<sheet name="{escape(_sheet_name(title))}" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": relationships(
            [Relationship("rId1", "worksheet", "worksheets/sheet1.xml"), Relationship("rId2", "styles", "styles.xml")]
        ),
        "xl/worksheets/sheet1.xml": (
            f'{XML}<worksheet xmlns="{_SHEET}"><cols>{columns}</cols><sheetData>{"".join(lines)}</sheetData>'
            f"{drawing}</worksheet>"
        ),
        "xl/styles.xml": (
            f'{XML}<styleSheet xmlns="{_SHEET}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
            '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
            '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill '
            'patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
            '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf/><xf fontId="1" applyFont="1"/>'
            "</cellXfs></styleSheet>"
        ),
    }
    types = {
        "xl/workbook.xml": f"{_MAIN}.sheet.main+xml",
        "xl/worksheets/sheet1.xml": f"{_MAIN}.worksheet+xml",
        "xl/styles.xml": f"{_MAIN}.styles+xml",
    }
    if picture_url:
        types["xl/drawings/drawing1.xml"] = "application/vnd.openxmlformats-officedocument.drawing+xml"
        parts["xl/worksheets/_rels/sheet1.xml.rels"] = relationships(
            [Relationship("rId1", "drawing", "../drawings/drawing1.xml")]
        )
        parts["xl/drawings/drawing1.xml"] = _drawing("rId1")
        parts["xl/drawings/_rels/drawing1.xml.rels"] = relationships(
            [Relationship("rId1", "image", picture_url, external=True)]
        )
    return package(types, parts, "xl/workbook.xml", title=title, author=author, moment=moment)


def _row(number: int, cells: Sequence[str], *, bold: bool = False) -> str:
    style = ' s="1"' if bold else ""
    made = "".join(
        f'<c r="{chr(ord("A") + at)}{number}" t="inlineStr"{style}>'
        f'<is><t xml:space="preserve">{escape(text)}</t></is></c>'
        for at, text in enumerate(cells)
    )
    return f'<row r="{number}">{made}</row>'


def _sheet_name(title: str) -> str:
    """At most 31 characters, without those that a name may not have."""
    return "".join(" " if letter in "[]:*?/\\" else letter for letter in title)[:31].strip()


def _drawing(relationship: str) -> str:
    inner = picture(relationship, name="Logo", namespace="xdr", size=_PIXEL)
    return (
        f'{XML}<xdr:wsDr xmlns:xdr="{_PLACED}" xmlns:a="{DRAWING}"><xdr:oneCellAnchor>'
        "<xdr:from><xdr:col>6</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>0</xdr:row><xdr:rowOff>0</xdr:rowOff>"
        f'</xdr:from><xdr:ext cx="{_PIXEL}" cy="{_PIXEL}"/><xdr:pic>{inner}</xdr:pic><xdr:clientData/>'
        "</xdr:oneCellAnchor></xdr:wsDr>"
    )
