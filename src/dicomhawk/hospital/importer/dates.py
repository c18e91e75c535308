"""Dates moved by a whole number of days: DA and DT values of PS3.5 section 6.2, and ages (AS).

All functions are pure and never raise: a value that isn't a date becomes the empty string, because what else
it might say is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

MAX_VALUE = 54
"""Longest DT with a range (PS3.5 table 6.2-1); no hyphen is looked for beyond it."""

MAX_VALUE = 54
"""Longest DT with a range (PS3.5 table 6.2-1); no hyphen is looked for beyond it."""

_DA = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_ACR_NEMA_DA = re.compile(r"(\d{4})\.(\d\d)\.(\d\d)", re.ASCII)  # PS3.5 section 6.2, note on ACR-NEMA 2.0
_DT = re.compile(r"(\d{4})(?:(\d\d)(?:(\d\d)(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?", re.ASCII)
_AS = re.compile(r"(\d{3})([DWMY])", re.ASCII)
_DAYS = {"D": 1.0, "W": 7.0, "M": 30.4375, "Y": 365.25}


def parse_date(text: str) -> date | None:
    """The day that a single DA value names; None if it names none."""
    found = _DA.fullmatch(text) or _ACR_NEMA_DA.fullmatch(text)
    return _day(*found.groups()) if found else None


def format_date(day: date) -> str:
    """`day` as a DA value."""
    return f"{day.year:04}{day.month:02}{day.day:02}"


def shift_da(text: str, days: int) -> str:
    """A DA value with each of its dates moved by `days`: several values, and ranges (PS3.4 C.2.2.2.5.1)."""
    return "\\".join(_shift_value(value.strip(" \0"), days, _shift_one_da) for value in text.split("\\"))


def shift_dt(text: str, days: int) -> str:
    """A DT value with each of its dates moved by `days`; time of day, offset and precision stay.

    A value that names only a year or a month moves as its middle does.
    """
    return "\\".join(_shift_value(value.strip(" \0"), days, _shift_one_dt) for value in text.split("\\"))


def age(born: date, day: date, like: str) -> str:
    """The age (AS) on `day` of somebody `born` then, in the unit of the value `like`; empty if that isn't one."""
    found = _AS.fullmatch(like.strip(" \0"))
    elapsed = (day - born).days
    if not found or elapsed < 0:
        return ""
    unit = found[2]
    if unit == "Y":
        number = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    elif unit == "M":
        number = 12 * (day.year - born.year) + day.month - born.month - (day.day < born.day)
    else:
        number = int(elapsed / _DAYS[unit])
    return f"{min(number, 999):03}{unit}"


def days_of_age(text: str) -> int | None:
    """About how many days an AS value stands for; None if it isn't one."""
    found = _AS.fullmatch(text.strip(" \0"))
    return round(int(found[1]) * _DAYS[found[2]]) if found else None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _moved(day: date | None, days: int) -> date | None:
    try:
        return day + timedelta(days) if day else None
    except OverflowError:
        return None


def _shift_value(text: str, days: int, shift: Callable[[str, int], str]) -> str:
    moved = shift(text, days)
    if moved or not text:
        return moved
    # An offset from UTC may have a hyphen as well, so each one is tried as that of a range.
    for hyphen in (at for at, character in enumerate(text[:MAX_VALUE]) if character == "-"):
        ends = text[:hyphen], text[hyphen + 1 :]
        shifted = [shift(end, days) for end in ends]
        if any(ends) and all(new or not end for new, end in zip(shifted, ends, strict=True)):
            return "-".join(shifted)
    return ""


def _shift_one_da(text: str, days: int) -> str:
    moved = _moved(parse_date(text), days)
    if moved is None:
        return ""
    separator = "." if "." in text else ""
    return f"{moved.year:04}{separator}{moved.month:02}{separator}{moved.day:02}"


def _shift_one_dt(text: str, days: int) -> str:
    found = _DT.fullmatch(text)
    if not found:
        return ""
    year, month, day, time, offset = (part or "" for part in found.groups())
    moved = _moved(_day(year, month or "07", day or ("15" if month else "01")), days)
    if moved is None:
        return ""
    return format_date(moved)[: len(year + month + day)] + time + offset
