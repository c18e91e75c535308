"""The transfer syntaxes that Orthanc knows."""

from __future__ import annotations

from typing import Final

SYNTAXES: Final = tuple(
    f"1.2.840.10008.1.2{end}"
    for end in (
        *("", ".1", ".1.99", ".2"),
        *(f".4.{number}" for number in (*range(50, 67), 70, 80, 81, *range(90, 96), *range(100, 109))),
        *(".5", ".6.1", ".6.2"),
    )
)
