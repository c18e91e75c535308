"""What is said of an electrocardiogram, by the cart and in the report, in the hospital's language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dicomhawk.hospital.findings.vocabulary import words
from dicomhawk.hospital.waveforms.reading import Reading, read
from dicomhawk.hospital.waveforms.recipe import Electrocardiogram

_UNITS = {"rate": "/min", "pr": " ms", "qrs": " ms", "qtc": " ms", "qrs_axis": "°"}
"""Measurements that a report gives."""
HARMLESS = frozenset(("sinus_rhythm", "sinus_arrhythmia"))


def _table(locale: str) -> dict[str, Any]:
    table: dict[str, Any] = words(locale)["ecg"]
    return table


def title(locale: str) -> str:
    """The heading of a report."""
    return str(_table(locale)["report"])


def statements(locale: str, reading: Reading) -> tuple[str, ...]:
    """The statements of a reading, the verdict last."""
    said = _table(locale)["said"]
    return tuple(str(said[key]) for key in reading.statements)


def labelled(locale: str, name: str) -> str:
    """What a measurement is called."""
    return str(_table(locale)["names"].get(name, {"qtc": "QTc"}.get(name, name.upper())))


def seen(locale: str, tracing: Electrocardiogram) -> Iterator[str]:
    """The findings of a report: measurements in one sentence, then statements."""
    reading = read(tracing)
    values = {name: getattr(reading, name) for name in _UNITS}
    said = [f"{labelled(locale, name)} {value}{_UNITS[name]}" for name, value in values.items() if value is not None]
    yield f"{', '.join(said)}."
    yield from (f"{text}." for text in statements(locale, reading)[:-1])


def concluded(locale: str, tracing: Electrocardiogram) -> Iterator[str]:
    """The conclusion: the verdict, and what it rests on."""
    reading = read(tracing)
    *said, verdict = statements(locale, reading)
    yield f"{verdict}."
    for key, text in zip(reading.statements, said, strict=False):
        if key not in HARMLESS:
            yield f"{text}."
