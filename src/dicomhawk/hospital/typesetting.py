"""A small writer of PDF: text on pages, nothing else (ISO 32000-1)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

PAGE = (595, 842)  # points: A4
MARGIN = 62
LEADING = 1.42  # of the size of the letters
# Widths of Helvetica, in thousandths of its size, for the characters from the space on (Adobe Core 14 metrics).
_NARROW = dict.fromkeys("ijl'", 222) | dict.fromkeys(" !,./:;I\\[]ftí", 278) | dict.fromkeys("()-r`", 333)
_WIDE = dict.fromkeys("ckszxJvy", 500) | dict.fromkeys("ABEKPSVXYÅÄ&", 667) | dict.fromkeys("CDHNRUwÜ", 722)
_WIDEST = dict.fromkeys("GOQÖØ", 778) | dict.fromkeys("mM", 833) | {"W": 944, "@": 1015, "æ": 889, "Æ": 1000}
_WIDTHS = _NARROW | _WIDE | _WIDEST
_USUAL = 556


@dataclass(frozen=True)
class Line:
    """A paragraph to be set: it is broken into as many lines as it needs."""

    text: str
    size: float = 10.0
    bold: bool = False
    after: float = 3.0  # points below it


def width(text: str, size: float) -> float:
    """About how wide (points) a text is in Helvetica."""
    return sum(_WIDTHS.get(c, _USUAL) for c in text) * size / 1000


def broken(text: str, size: float, room: float) -> list[str]:
    """The lines that a text is set in."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and width(longer, size) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line]


def pdf(lines: list[Line], *, title: str, producer: str, created: str) -> bytes:
    """A PDF of these lines; `created` is YYYYMMDDHHMMSS. The same bytes for the same lines."""
    pages: list[list[str]] = [[]]
    y = PAGE[1] - MARGIN
    for line in lines:
        for text in broken(line.text, line.size, PAGE[0] - 2 * MARGIN):
            y -= int(line.size * LEADING + 0.5)
            if y < MARGIN:
                pages.append([])
                y = PAGE[1] - MARGIN - int(line.size * LEADING + 0.5)
            font = "/F2" if line.bold else "/F1"
            pages[-1].append(f"BT {font} {line.size:g} Tf {MARGIN} {y} Td ({_escaped(text)}) Tj ET")
        y -= int(line.after)
    kids = " ".join(f"{6 + 2 * n} 0 R" for n in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        font.format("Helvetica").encode(),
        font.format("Helvetica-Bold").encode(),
        f"<< /Title ({_escaped(title)}) /Producer ({_escaped(producer)}) /CreationDate (D:{created}) >>".encode(
            "latin-1"
        ),
    ]
    for n, page in enumerate(pages):
        stream = zlib.compress("\n".join(page).encode("cp1252", "replace"))
        resources = "<< /Font << /F1 3 0 R /F2 4 0 R >> >>"
        box = f"[0 0 {PAGE[0]} {PAGE[1]}]"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} "
            f"/Contents {7 + 2 * n} 0 R >>".encode()
        )
        head = f"<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n".encode()
        objects.append(head + stream + b"\nendstream")
    made = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(made))
        made += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(made)
    made += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    made += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    made += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 5 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(made)


def _escaped(text: str) -> str:
    """A literal string's content; what WinAnsi lacks becomes a question mark."""
    known = text.encode("cp1252", "replace").decode("cp1252")
    return known.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
