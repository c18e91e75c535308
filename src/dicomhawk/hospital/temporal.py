"""Dates and times (DA, TM, DT of PS3.5 section 6.2) and ranges of them, as spans of numbers.

A value stands for the span of all moments that it may mean: a TM of ``10`` for 10:00:00 to 10:59:59.999999.
Spans of the same VR can be compared; DA spans count in ``YYYYMMDD``, the others in microseconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]

EARLIEST: Final = -1
LATEST: Final = 10**18

_DA = re.compile(r"(\d{4})(?:(\d\d)(\d\d)?|\.(\d\d)\.(\d\d))?", re.ASCII)  # dots: ACR-NEMA 2.0
_TM = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_DT_PARTS = r"\d{4}(?:\d\d(?:\d\d(?:\d\d(?:\d\d(?:\d\d(?:\.\d{1,6})?)?)?)?)?)?(?:[+-](?:0\d|1[0-4])[0-5]\d)?"
_DT = re.compile(
    r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.(\d{1,6}))?(?:([+-])(0\d|1[0-4])([0-5]\d))?", re.ASCII
)
# A hyphen and four digits that can be an offset from UTC are one (PS3.4 section C.2.2.2.5.3).
_DT_RANGE = re.compile(rf"({_DT_PARTS})?-({_DT_PARTS})?", re.ASCII)


def span(vr: str, text: str) -> Span | None:
    """The span of one value of VR ``DA``, ``TM`` or ``DT``; None if it isn't one."""
    return {"DA": _date, "TM": _time, "DT": _moment}[vr](text.strip(" \0"))


def key_span(vr: str, text: str) -> Span | None:
    """The span of a key: one value, or a range ``A-B``, ``A-``, ``-B`` (PS3.4 section C.2.2.2.5)."""
    text = text.strip(" \0")
    whole = span(vr, text)
    if whole is not None or "-" not in text:
        return whole
    if vr == "DT":
        found = _DT_RANGE.fullmatch(text)
        first, last = found.groups(default="") if found else ("-", "-")
    else:
        first, _, last = text.partition("-")
    low = span(vr, first) if first.strip() else (EARLIEST, LATEST)
    high = span(vr, last) if last.strip() else (EARLIEST, LATEST)
    return (low[0], high[1]) if low and high else None


def _date(text: str) -> Span | None:
    found = _DA.fullmatch(text)
    if found is None:
        return None
    year, month, day = found[1], found[2] or found[4], found[3] or found[5]
    return int(f"{year}{month or '01'}{day or '01'}"), int(f"{year}{month or '12'}{day or '31'}")


def _time(text: str) -> Span | None:
    found = _TM.fullmatch(text)
    if found is None:
        return None
    hour, minute, second, fraction = found.groups()
    low = (int(hour) * 60 + int(minute or 0)) * 60 + int(second or 0)
    length = 3600 if minute is None else 60 if second is None else 1
    return _with_fraction(low * 1_000_000, length * 1_000_000, fraction)


def _moment(text: str) -> Span | None:
    found = _DT.fullmatch(text)
    if found is None:
        return None
    *parts, fraction, sign, hours, minutes = found.groups()
    given = [int(part) for part in parts if part is not None]
    if len(given) < 6 and fraction is not None:
        return None
    try:
        year, month, day, hour, minute, second = given + [1, 1, 1, 0, 0, 0][len(given) :]
        low = _microseconds(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1_000_000
        if len(given) == 1:
            length = _microseconds(year + 1, 1, 1) - low
        elif len(given) == 2:
            length = _microseconds(year + month // 12, month % 12 + 1, 1) - low
        else:
            length = (86400, 3600, 60, 1)[len(given) - 3] * 1_000_000
    except ValueError:
        return None
    if sign is not None:
        offset = (int(hours) * 60 + int(minutes)) * 60_000_000
        low += offset if sign == "-" else -offset
    return _with_fraction(low, length, fraction)


def _microseconds(year: int, month: int, day: int) -> int:
    return (datetime(year, month, day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def _with_fraction(low: int, length: int, fraction: str | None) -> Span:
    if fraction is None:
        return low, low + length - 1
    low += int(fraction.ljust(6, "0"))
    return low, low + 10 ** (6 - len(fraction)) - 1


_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
