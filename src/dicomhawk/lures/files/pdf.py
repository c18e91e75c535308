"""A PDF that opens an address: an incremental update (ISO 32000-1 section 7.5.6) of one that our writer made."""

from __future__ import annotations

import re

_OBJECT = rb"\n%d 0 obj\n(.*?)\nendobj\n"
_CATALOG, _FIRST_PAGE = 1, 6
_SIZE = re.compile(rb"trailer\n<< /Size (\d{1,9}) /Root 1 0 R /Info 5 0 R >>\nstartxref\n(\d{1,10})\n%%EOF\n\0?$")
MAX_PDF = 8 << 20
"""Bytes of a document that is looked through; ours have some KiB."""


def with_address(document: bytes, url: str) -> bytes:
    """`document` with an action on opening, and a link over its first page, that both go to `url` (section 12.6.4.7).

    One that isn't of our writer is returned as it is. A reader asks its user, or resolves the name at least.
    """
    end = _SIZE.search(document[-200:]) if len(document) <= MAX_PDF else None
    catalog, page = (re.search(_OBJECT % number, document, re.DOTALL) for number in (_CATALOG, _FIRST_PAGE))
    if end is None or catalog is None or page is None or not page[1].startswith(b"<< /Type /Page "):
        return document
    number, before = int(end[1]), int(end[2])
    action = b"<< /S /URI /URI (%b) >>" % _escaped(url)
    changed = {
        _CATALOG: catalog[1].removesuffix(b" >>") + b" /OpenAction %b >>" % action,
        _FIRST_PAGE: page[1].removesuffix(b" >>") + b" /Annots [%d 0 R] >>" % number,
        number: b"<< /Type /Annot /Subtype /Link /Rect [0 0 595 842] /Border [0 0 0] /A %b >>" % action,
    }
    made = bytearray(document.removesuffix(b"\0"))
    table = b"xref\n"
    for each, body in changed.items():
        table += b"%d 1\n%010d 00000 n \n" % (each, len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (each, body)
    start = len(made)
    made += table
    made += b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R /Prev %d >>\n" % (number + 1, before)
    made += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(made)


def _escaped(url: str) -> bytes:
    text = url.encode("ascii", "replace")
    return text.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
