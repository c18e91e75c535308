"""Recordings: beats one after the other, and what a skin, a cable and a room add to them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.waveforms.recipe import LEADS, Electrocardiogram, Heart
from dicomhawk.hospital.waveforms.vector import Wave, atrial, ectopic, leads_of, ventricular
from dicomhawk.hospital.world.draw import draw

MEDIAN_SECONDS = 1.2
MEDIAN_BEFORE = 0.4  # seconds of the median beat before its QRS
REACH = 4.5  # standard deviations within which a wave is drawn
EARLIEST = -8.0  # ms before QRS: what is earlier belongs to P
SHORTEST = 0.3  # seconds between two beats

Floats = NDArray[np.float64]
Stored = NDArray[np.int16]


class Beat(NamedTuple):
    """One beat: when its QRS begins (s), and where it comes from."""

    at: float
    origin: Literal["usual", "atrium", "ventricle"]


class Recording(NamedTuple):
    """Stored values (samples, leads); `median` has all twelve leads, or is None."""

    rhythm: Stored
    median: Stored | None


def record(recipe: Electrocardiogram) -> Recording:
    """The recording: the same values every time."""
    matrix = leads_of(recipe.person)
    rows = [LEADS.index(name) for name in recipe.leads]
    count = recipe.frequency * recipe.seconds
    time = np.arange(count) / recipe.frequency
    vector = np.zeros((3, count))
    for number, beat in enumerate(beats(recipe)):
        _add(vector, recipe.frequency, beat.at, _waves(recipe, beat, number))
    signals = matrix[rows] @ (vector + _atria(recipe, time)) * 1000 + _disturbances(recipe, time, rows)
    stored = _stored(signals, recipe.step)
    return Recording(stored, _stored(median(recipe) * 1000, recipe.step) if recipe.median else None)


def _stored(signals: Floats, step: float) -> Stored:
    return np.ascontiguousarray(np.clip(np.rint(signals / step), -32767, 32767).astype(np.int16).T)


def median(recipe: Electrocardiogram) -> Floats:
    """(12, samples): the usual beat without disturbances, mV; QRS begins after `MEDIAN_BEFORE` seconds."""
    vector = np.zeros((3, round(MEDIAN_SECONDS * recipe.frequency)))
    _add(vector, recipe.frequency, MEDIAN_BEFORE, usual(recipe.heart, recipe.person))
    made: Floats = leads_of(recipe.person) @ vector
    return made


@lru_cache(maxsize=8)
def usual(heart: Heart, person: str) -> tuple[Wave, ...]:
    """All waves of the usual beat."""
    return (*atrial(heart, person), *ventricular(heart, person))


def _waves(recipe: Electrocardiogram, beat: Beat, number: int) -> Iterable[Wave]:
    if beat.origin == "ventricle":
        return ectopic(recipe.person, number)
    if beat.origin == "atrium":
        own = usual(recipe.heart, recipe.person)
        return [*atrial(recipe.heart, recipe.person, early=True), *(wave for wave in own if wave.at > EARLIEST)]
    return usual(recipe.heart, recipe.person)


def _add(vector: Floats, frequency: int, at: float, waves: Iterable[Wave]) -> None:
    for wave in waves:
        middle = at + wave.at / 1000
        low = max(math.ceil((middle - REACH * wave.rise / 1000) * frequency), 0)
        high = min(math.floor((middle + REACH * wave.fall / 1000) * frequency) + 1, vector.shape[1])
        if low >= high:
            continue
        time = np.arange(low, high) / frequency - middle
        width = np.where(time < 0, wave.rise, wave.fall) / 1000
        vector[:, low:high] += np.outer(wave.vector, np.exp(-0.5 * (time / width) ** 2))


def beats(recipe: Electrocardiogram) -> Iterator[Beat]:
    """The beats, from one before the recording to one after it."""
    heart = recipe.heart
    source = draw("beats", recipe.study, recipe.seconds)
    usual_length = 60 / heart.rate
    breath = source.uniform(3.0, 4.8)
    at = -usual_length * source.uniform(0.6, 1.5)
    expected = recipe.seconds / usual_length
    part = recipe.seconds / 10
    ventricular_part = heart.early_ventricular * part / expected
    atrial_part = heart.early_atrial * part / expected
    phase = source.uniform(0, 2 * math.pi)
    after: Literal["usual", "atrium", "ventricle"] = "usual"
    while at < recipe.seconds + 1:
        yield Beat(at, after)
        length = _length(heart, usual_length, at, breath, phase, source)
        lot = source.random()
        if after == "ventricle":
            length *= 1.38  # the pause that makes up for it
            after = "usual"
        elif lot < ventricular_part:
            length *= source.uniform(0.6, 0.68)
            after = "ventricle"
        elif lot < ventricular_part + atrial_part:
            length *= source.uniform(0.66, 0.76)
            after = "atrium"
        else:
            after = "usual"
        at += max(length, SHORTEST)


def _length(
    heart: Heart, usual_length: float, at: float, breath: float, phase: float, source: random.Random
) -> float:
    if heart.rhythm == "fibrillation":
        return float(usual_length * min(max(source.lognormvariate(-0.02, 0.21), 0.5), 1.75))
    if heart.rhythm == "paced":
        return usual_length
    swing = heart.breathing * math.sin(2 * math.pi * at / breath + phase)
    return usual_length * (1 + swing + source.gauss(0, 0.006))


def _atria(recipe: Electrocardiogram, time: Floats) -> Floats:
    """What fibrillating or fluttering atria do all the time."""
    rhythm, source = recipe.heart.rhythm, draw("atria", recipe.study)
    made = np.zeros((3, len(time)))
    if rhythm == "flutter":
        period = 60 / (recipe.heart.rate * 4)
        part = (time / period + source.random()) % 1.0
        saw = np.where(part < 0.72, 0.5 - part / 0.72, (part - 0.72) / 0.28 - 0.5)
        made += np.outer((0.02, 0.22, -0.05), saw)
    elif rhythm == "fibrillation":
        size = max(draw("f", recipe.person).gauss(0.032, 0.012), 0.01)
        for _ in range(5):
            rate, slow, phase = source.uniform(4.6, 7.6), source.uniform(0.2, 0.6), source.uniform(0, 6.28)
            course = np.sin(2 * math.pi * rate * time + phase + 1.4 * np.sin(2 * math.pi * slow * time))
            toward = (source.gauss(0, 0.4), source.gauss(0.35, 0.2), source.gauss(-0.7, 0.3))
            made += np.outer(toward, course * size)
    return made


def _disturbances(recipe: Electrocardiogram, time: Floats, rows: list[int]) -> Floats:
    """Microvolts (leads, samples) of muscle, mains and a baseline that wanders, at the nine electrodes.

    They go through the same differences as the heart's voltages, and so Einthoven's law holds for them, too.
    """
    source = draw("noise", recipe.study, recipe.seconds)
    noise = np.random.Generator(np.random.PCG64(source.getrandbits(64)))
    smooth = max(round(recipe.frequency / 150), 1)  # the cart's low-pass filter
    raw = noise.standard_normal((9, len(time) + smooth - 1))
    summed = np.cumsum(np.concatenate([np.zeros((9, 1)), raw], axis=1), axis=1)
    muscle = (summed[:, smooth:] - summed[:, :-smooth]) / math.sqrt(smooth)
    swell = 1 + 0.7 * np.sin(2 * math.pi * time / source.uniform(3, 9) + source.uniform(0, 6))
    skin = np.array([source.lognormvariate(0, 0.35) for _ in range(9)])
    electrodes = muscle * recipe.muscle * swell * skin[:, None]
    breath = source.uniform(0.18, 0.33)
    for electrode in range(9):
        drift = np.zeros(len(time))
        for rate in (breath, 0.08, 0.05 + 0.3 * source.random()):
            drift += source.gauss(0, 1) * np.sin(2 * math.pi * rate * time + source.uniform(0, 6.28))
        hum = recipe.hum * source.lognormvariate(0, 0.5)
        electrodes[electrode] += drift * recipe.wander / 1.7
        electrodes[electrode] += hum * np.sin(2 * math.pi * recipe.mains * time + source.uniform(0, 6.28))
    right, left, foot, *chest = electrodes
    centre = (right + left + foot) / 3
    limbs = [left - right, foot - right, foot - left]
    limbs += [right - (left + foot) / 2, left - (right + foot) / 2, foot - (right + left) / 2]
    made: Floats = np.array([*limbs, *(electrode - centre for electrode in chest)])[rows]
    return made
