"""Dates and times of which products that take them for moments know the meaning (PS3.5 section 6.2)."""

from __future__ import annotations

import re
from typing import Final

_DA: Final = re.compile(r"(\d{4})(\.?)(\d\d)\2(\d\d)", re.ASCII)
_TM: Final = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?|:(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_DAYS: Final = 31


def moment(vr: str, text: str) -> float | None:
    """A number by which values of a VR are compared; None if `text` isn't one. Seconds for TM; days for DA, as if
    each month had 31, which those products believe."""
    return _date(text) if vr == "DA" else _time(text) if vr == "TM" else _date_and_time(text)


def date_text(day: float) -> str:
    """The date with that number, as it is written without full stops."""
    months, number = divmod(int(day), _DAYS)
    return f"{months // 12:04}{months % 12 + 1:02}{number + 1:02}"


def _date(text: str) -> float | None:
    found = _DA.fullmatch(text)
    if found is None:
        return None
    month, number = int(found[3]), int(found[4])
    if not (1 <= month <= 12 and 1 <= number <= _DAYS):
        return None
    return (int(found[1]) * 12 + month - 1) * _DAYS + number - 1


def _time(text: str) -> float | None:
    found = _TM.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = int(found[1]), int(found[2] or found[5] or 0), int(found[3] or found[6] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return (hour * 60 + minute) * 60 + second + float(f"0.{found[4] or found[7] or 0}")


def _date_and_time(text: str) -> float | None:
    day = _date(text[:8])
    if day is None or len(text) == 8:
        return day if day is None else day * 86400
    rest = _time(text[8:])
    return None if rest is None else day * 86400 + rest
