"""What a cart's program reads from a recording: measurements and statements, from the same model that drew it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import NamedTuple

from dicomhawk.hospital.waveforms.recipe import THICK, Electrocardiogram, Heart
from dicomhawk.hospital.waveforms.tracing import beats
from dicomhawk.hospital.waveforms.vector import atrial, axis, early, ventricular

LONG_PR, LONG_QTC = 200, 480  # ms
SLOW, FAST = 60, 100
ARRHYTHMIC = 0.075  # of the beats' length, from the breath
WIDE = 120  # ms: the QT interval says nothing then
LEFT_AXIS, RIGHT_AXIS = -30, 95


class Reading(NamedTuple):
    """Times in ms, axes in whole degrees; None where there is no P wave. `statements` are keys of the words."""

    rate: int
    rr: int
    p: int | None
    pr: int | None
    qrs: int
    qt: int
    qtc: int  # by Bazett
    p_axis: int | None
    qrs_axis: int
    t_axis: int
    statements: tuple[str, ...]


def read(recipe: Electrocardiogram) -> Reading:
    """The reading of a recording."""
    heart = recipe.heart
    seen = [beat for beat in beats(recipe) if 0 <= beat.at < recipe.seconds]
    times, origins = [beat.at for beat in seen], {beat.origin for beat in seen}
    rr = 1000 * (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 60000 / heart.rate
    waves = list(ventricular(heart, recipe.person))
    late = [wave for wave in waves if wave.at >= heart.qrs]
    p = list(atrial(heart, recipe.person))
    qtc = round(heart.qt / math.sqrt(rr / 1000))
    measured = Reading(
        rate=round(60000 / rr),
        rr=round(rr),
        p=round(heart.pr * 0.28 + 60) if p else None,
        pr=round(heart.pr) if p else None,
        qrs=round(heart.qrs),
        qt=round(heart.qt),
        qtc=qtc,
        p_axis=round(axis(recipe.person, p)) if p else None,
        qrs_axis=round(axis(recipe.person, early(heart, waves))),
        t_axis=round(axis(recipe.person, late)),
        statements=(),
    )
    said = tuple(_rhythm(heart, measured, origins)) + tuple(_form(heart, measured))
    if len(said) == 1 and said[0] in ("sinus_rhythm", "sinus_arrhythmia"):
        verdict = "normal"
    else:
        mild = {"sinus_rhythm", "sinus_arrhythmia", "sinus_bradycardia", "left_axis", "early_atrial", "flat_t"}
        verdict = "borderline" if {*said} <= mild | {"incomplete_right"} else "abnormal"
    return measured._replace(statements=(*said, verdict))


def _rhythm(heart: Heart, measured: Reading, origins: Collection[str]) -> Iterator[str]:
    if heart.rhythm == "fibrillation":
        yield "fibrillation_fast" if measured.rate > FAST else "fibrillation"
    elif heart.rhythm == "sinus":
        if measured.rate < SLOW:
            yield "sinus_bradycardia"
        elif measured.rate > FAST:
            yield "sinus_tachycardia"
        else:
            yield "sinus_arrhythmia" if heart.breathing > ARRHYTHMIC else "sinus_rhythm"
        if measured.pr is not None and measured.pr > LONG_PR:
            yield "long_pr"
    else:
        yield heart.rhythm
    if "ventricle" in origins:
        yield "early_ventricular"
    if "atrium" in origins:
        yield "early_atrial"


def _form(heart: Heart, measured: Reading) -> Iterator[str]:
    if heart.rhythm == "paced":
        return
    if heart.block != "none":
        yield heart.block
    elif measured.qrs_axis < LEFT_AXIS:
        yield "left_axis"
    elif RIGHT_AXIS < measured.qrs_axis < 180:
        yield "right_axis"
    if heart.block == "left":
        return
    if heart.thick > THICK:
        yield "thick"
    if heart.injury != "none":
        yield f"injury_{heart.injury}"
    elif heart.scar != "none":
        yield f"scar_{heart.scar}"
    if heart.strain >= 0.06:
        yield "strain"
    elif 0 <= heart.repolarization < 0.45 and heart.thick <= THICK:
        yield "flat_t"
    elif heart.repolarization < 0:
        yield "inverted_t"
    if measured.qtc > LONG_QTC and measured.rate <= FAST and measured.qrs < WIDE:
        yield "long_qt"
