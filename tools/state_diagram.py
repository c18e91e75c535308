"""Writes the state diagram of ``docs/architecture.md`` anew from the state table.

python tools/state_diagram.py [FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

from dicomhawk.upperlayer.machine import diagram

DOCUMENT = Path(__file__).parents[1] / "docs" / "architecture.md"
BEGIN, END = "<!-- state diagram: begin -->\n", "<!-- state diagram: end -->\n"


def renewed(text: str) -> str:
    """`text` with the present diagram between its two markers. Raises `ValueError` if they aren't there once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError("the document must have each marker of the state diagram once")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n```mermaid\n{diagram()}```\n\n{END}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENT
    document.write_text(renewed(document.read_text(encoding="utf-8")), encoding="utf-8")
