"""A text document (ECMA-376 part 1, WordprocessingML) that fetches a picture and its template when it is opened."""

from __future__ import annotations

from collections.abc import Sequence

from .opc import DRAWING, OFFICE, XML, Moment, Relationship, escape, package, picture, relationships

TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PLACED = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
_PICTURE = "http://schemas.openxmlformats.org/drawingml/2006/picture"
_PIXEL = 9525
"""EMU: a picture that nobody misses if it can't be fetched."""
_TEMPLATE = '<w:attachedTemplate r:id="rId1"/>'
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml"


def docx(
    title: str,
    paragraphs: Sequence[str],
    *,
    author: str,
    moment: Moment,
    picture_url: str = "",
    template_url: str = "",
) -> bytes:
    """A document with a title and paragraphs. `picture_url` and `template_url` are fetched by who opens it."""
    body = [_paragraph(title, bold=True, size=32), *(_paragraph(text) for text in paragraphs)]
    links = [Relationship("rId1", "styles", "styles.xml"), Relationship("rId2", "settings", "settings.xml")]
    if picture_url:
        links.append(Relationship("rId3", "image", picture_url, external=True))
        body.append(_picture("rId3"))
    parts = {
        "word/document.xml": (
            f'{XML}<w:document xmlns:w="{_WORD}" xmlns:r="{OFFICE}" xmlns:wp="{_PLACED}"><w:body>{"".join(body)}'
            '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/>'
            '<w:pgMar w:top="1417" w:right="1417" w:bottom="1417" w:left="1417" w:header="708" w:footer="708" '
            'w:gutter="0"/></w:sectPr></w:body></w:document>'
        ),
        "word/_rels/document.xml.rels": relationships(links),
        "word/styles.xml": (
            f'{XML}<w:styles xmlns:w="{_WORD}"><w:docDefaults><w:rPrDefault><w:rPr>'
            '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri"/><w:sz w:val="22"/></w:rPr></w:rPrDefault>'
            '<w:pPrDefault><w:pPr><w:spacing w:after="160" w:line="259" w:lineRule="auto"/></w:pPr></w:pPrDefault>'
            '</w:docDefaults><w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
            "</w:style></w:styles>"
        ),
        "word/settings.xml": (
            f'{XML}<w:settings xmlns:w="{_WORD}" xmlns:r="{OFFICE}"><w:zoom w:percent="100"/>'
            f"{_TEMPLATE if template_url else ''}"
            '<w:defaultTabStop w:val="708"/></w:settings>'
        ),
    }
    types = {
        "word/document.xml": f"{_MAIN}.document.main+xml",
        "word/styles.xml": f"{_MAIN}.styles+xml",
        "word/settings.xml": f"{_MAIN}.settings+xml",
    }
    if template_url:
        template = Relationship("rId1", "attachedTemplate", template_url, external=True)
        parts["word/_rels/settings.xml.rels"] = relationships([template])
    return package(types, parts, "word/document.xml", title=title, author=author, moment=moment)


def _paragraph(text: str, *, bold: bool = False, size: int = 22) -> str:
    weight = "<w:b/>" if bold else ""
    return (
        f'<w:p><w:r><w:rPr>{weight}<w:sz w:val="{size}"/></w:rPr>'
        f'<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
    )


def _picture(relationship: str) -> str:
    inner = picture(relationship, name="Logo", namespace="pic", size=_PIXEL)
    return (
        '<w:p><w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{_PIXEL}" cy="{_PIXEL}"/><wp:docPr id="1" name="Logo"/>'
        f'<a:graphic xmlns:a="{DRAWING}"><a:graphicData uri="{_PICTURE}"><pic:pic xmlns:pic="{_PICTURE}">{inner}'
        "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
