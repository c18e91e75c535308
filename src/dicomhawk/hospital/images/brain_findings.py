"""Findings in the brain: tissues in which MR sequences and X-rays find what they would, and what they push aside.

How they look follows from their relaxation times and diffusion, which change with their age (Allen 2012 for infarcts;
Bradley 1993 for blood).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dicomhawk.hospital.findings.model import Finding
from dicomhawk.hospital.images.chest_findings import ripple, waves
from dicomhawk.hospital.images.sampling import F32, generator, trilinear, upsample
from dicomhawk.hospital.images.tissue import FLUID, LESION, Tissue

PUSH = {"tumour": 0.45, "haemorrhage": 0.4, "meningioma": 0.75}
"""How far the surface of a mass has pushed what was there, as a part of its radius."""
SKULL = (66.0, 84.0, 74.0)  # mm: half axes (x, y, z) of what gives way; the skull does not
RIM = 1.2  # mm over which an edge is blurred

TUMOUR = Tissue(0.86, (1250, 1650), (125, 110), 1.05e-3, 39)
NECROSIS = Tissue(0.95, (2300, 2600), (320, 290), 2.2e-3, 20)
OEDEMA = Tissue(0.88, (1150, 1500), (165, 145), 1.5e-3, 20)
MENINGIOMA = Tissue(0.86, (1000, 1400), (98, 88), 0.85e-3, 46)
DEOXY_BLOOD = Tissue(0.80, (980, 1350), (36, 30), 0.6e-3, 66)  # first days
MET_BLOOD_INSIDE = Tissue(0.80, (340, 420), (40, 34), 0.6e-3, 52)  # until the end of the first week
MET_BLOOD_FREE = Tissue(0.90, (460, 560), (200, 180), 1.1e-3, 31)  # for weeks
HAEMOSIDERIN = Tissue(0.55, (900, 1250), (20, 15), 0.4e-3, 46)


@dataclass
class Slice:
    """An infinitely thin slice being drawn: `image` holds signals.

    `before` are mm from the base's centre (z, y, x) at the nodes, before anything was pushed; `voxels` are the base
    voxels that the pixels show. `signal` gives what a tissue would give.
    """

    contrast: str
    field: float
    before: list[F32]
    voxels: list[F32]
    image: F32
    scale: float
    signal: Callable[[Tissue], float]


def pushed(findings: tuple[Finding, ...], place: list[F32]) -> list[F32]:
    """Where in the base the points (z, y, x; mm) find their tissue once the masses have made room for themselves."""
    for finding in findings:
        push = PUSH.get(finding.kind)
        if push is None:
            continue
        radius = finding.size / 2
        away = [p - np.float32(v) for p, v in zip(place, finding.at[::-1], strict=True)]
        distance = np.sqrt(sum(a * a for a in away)) + np.float32(0.1)
        fade = np.exp(-np.clip(distance - radius, 0, None) / np.float32(1.1 * radius))
        shift = np.float32(push * radius) * np.minimum(distance / np.float32(radius), 1) * fade
        edge = np.sqrt(sum((p / np.float32(s)) ** 2 for p, s in zip(place, SKULL[::-1], strict=True)))
        shift *= np.clip((np.float32(0.98) - edge) * 5, 0, 1)
        place = [p - a / distance * shift for p, a in zip(place, away, strict=True)]
    return place


def draw(findings: tuple[Finding, ...], part: Slice) -> None:
    """Draw all findings within the brain into the slice."""
    for finding in findings:
        painter = _PAINTERS.get(finding.kind)
        if painter is not None:
            painter(finding, part)


@dataclass
class _Spot:
    """The pixels around a finding: `z`, `y`, `x` are mm of the patient from its middle."""

    view: F32
    z: F32
    y: F32
    x: F32
    distance: F32
    brain: F32  # 0..1: is within the brain, fluid included
    solid: F32  # 0..1: is no fluid
    white: F32


@dataclass
class Window:
    """The pixels around a place of the base: `z`, `y`, `x` are mm of the patient from it."""

    where: tuple[slice, slice]
    z: F32
    y: F32
    x: F32


def around(part: Slice, at: tuple[float, float, float], reach: float) -> Window | None:
    """The pixels within `reach` mm of a place `at` (x, y, z); None if there are none."""
    away = [(p - np.float32(v)) * np.float32(part.scale) for p, v in zip(part.before, at[::-1], strict=True)]
    near = np.sqrt(sum(a * a for a in away)) < reach + 6
    if not near.any():
        return None
    cell = part.image.shape[0] // (near.shape[0] - 1)
    rows, columns = np.nonzero(near.any(1))[0], np.nonzero(near.any(0))[0]
    top, bottom = max(int(rows[0]) - 1, 0), min(int(rows[-1]) + 1, near.shape[0] - 1)
    left, right = max(int(columns[0]) - 1, 0), min(int(columns[-1]) + 1, near.shape[1] - 1)
    z, y, x = (upsample(np.ascontiguousarray(a[top : bottom + 1, left : right + 1])) for a in away)
    return Window((slice(top * cell, bottom * cell), slice(left * cell, right * cell)), z, y, x)


def _spot(finding: Finding, part: Slice, reach: float) -> _Spot | None:
    from dicomhawk.hospital.images.brain import FLUID_AT, GREY_AT, WHITE_AT, base

    window = around(part, finding.at, reach)
    if window is None:
        return None
    t1, mask = base()
    at = [v[window.where] for v in part.voxels]
    value = trilinear(t1, *at)
    return _Spot(
        part.image[window.where],
        window.z,
        window.y,
        window.x,
        np.sqrt(window.z**2 + window.y**2 + window.x**2) + np.float32(1e-3),
        trilinear(mask, *at) * np.float32(1 / 255),
        np.clip((value - FLUID_AT - 8) * np.float32(1 / 26), 0, 1),
        np.clip((value - GREY_AT) * np.float32(1 / (WHITE_AT - GREY_AT)), 0, 1),
    )


def _ball(finding: Finding, spot: _Spot, rough: float, size: float | None = None, blur: float = RIM) -> F32:
    """How much of each pixel is within an irregular ball."""
    radius = (finding.size if size is None else size) / 2
    unit = [a / spot.distance for a in (spot.z, spot.y, spot.x)]
    lobes = ripple(waves(finding.seed, 6, 1.5, 4.5), *unit)
    made = (radius * (1 + np.float32(rough) * lobes) - spot.distance) / np.float32(blur) + np.float32(0.5)
    return np.asarray(np.clip(made, 0, 1), np.float32)


def _texture(finding: Finding, spot: _Spot, low: float, high: float) -> F32:
    return ripple(waves(finding.seed + "t", 8, low, high), spot.z, spot.y, spot.x)


def _mix(spot: _Spot, weight: F32, signal: float | F32) -> None:
    """Replace so much of each pixel by tissue of that signal."""
    spot.view += (np.asarray(signal, np.float32) - spot.view) * weight


def infarcted(age: float) -> Tissue:
    """Brain that has had no blood for `age` days."""
    days = (0.0, 0.25, 1.0, 5.0, 10.0, 20.0, 60.0)
    return Tissue(
        float(np.interp(age, days, (0.74, 0.77, 0.84, 0.86, 0.86, 0.86, 0.88))),
        (float(np.interp(age, days, (760, 860, 1080, 1250, 1300, 1400, 1700))),) * 2,
        (
            float(np.interp(age, days, (83, 92, 122, 140, 140, 150, 220))),
            float(np.interp(age, days, (75, 84, 112, 128, 128, 138, 200))),
        ),
        float(np.interp(age, days, (0.48, 0.42, 0.40, 0.52, 0.80, 1.15, 1.8))) * 1e-3,
        float(np.interp(age, days, (33.5, 31.0, 25.0, 22.0, 24.0, 21.0, 14.0))),
    )


def _infarct(finding: Finding, part: Slice) -> None:
    spot = _spot(finding, part, finding.size * 0.8)
    if spot is None:
        return
    small = finding.size < 18
    weight = _ball(finding, spot, 0.07 if small else 0.24, blur=2.0 if small else 4.0)
    weight *= spot.solid * spot.brain
    if not small:
        weight *= np.clip(np.float32(0.92) + np.float32(0.14) * _texture(finding, spot, 0.15, 0.6), 0, 1)
    _mix(spot, weight, part.signal(infarcted(finding.age)))


def _old_infarct(finding: Finding, part: Slice) -> None:
    spot = _spot(finding, part, finding.size * 0.8 + 6)
    if spot is None:
        return
    scar = _ball(finding, spot, 0.24, blur=5.0) * spot.solid * spot.brain
    _mix(spot, scar * np.float32(0.85), part.signal(LESION))
    hollow = _ball(finding, spot, 0.3, finding.size * 0.62, 3.5) * spot.brain
    _mix(spot, hollow, part.signal(FLUID))


def _swelling(finding: Finding, spot: _Spot, part: Slice, reach: float, strength: float = 1.0) -> None:
    """Oedema, which runs along the white matter."""
    halo = np.clip(1 - (spot.distance - np.float32(finding.size / 2)) / np.float32(reach), 0, 1)
    halo *= 1 + np.float32(0.25) * ripple(waves(finding.seed + "o", 6, 0.08, 0.25), spot.z, spot.y, spot.x)
    weight = np.clip(halo * 1.7, 0, 1) * np.clip(spot.white * 1.5 - 0.1, 0, 1) * spot.brain
    _mix(spot, weight * np.float32(strength), part.signal(OEDEMA))


def _tumour(finding: Finding, part: Slice) -> None:
    own = generator("tumour", finding.seed)
    reach = finding.size * own.uniform(0.5, 0.9) + 4
    spot = _spot(finding, part, finding.size / 2 + reach * 1.2)
    if spot is None:
        return
    _swelling(finding, spot, part, reach)
    texture = _texture(finding, spot, 0.25, 0.9)
    weight = _ball(finding, spot, 0.11, blur=2.0) * spot.brain
    signal = np.float32(part.signal(TUMOUR)) * (1 + np.float32(0.06) * texture)
    _mix(spot, weight, signal)
    if finding.size > 20:
        dead = _ball(finding, spot, 0.2, finding.size * own.uniform(0.45, 0.65), 4.0) * spot.brain
        _mix(spot, dead * np.clip(np.float32(0.8) + np.float32(0.25) * texture, 0, 1), part.signal(NECROSIS))


def _haemorrhage(finding: Finding, part: Slice) -> None:
    reach = 8.0 if finding.age < 15 else 4.0
    spot = _spot(finding, part, finding.size * 0.7 + reach * 1.3)
    if spot is None:
        return
    _swelling(finding, spot, part, reach, 0.55)
    weight = _ball(finding, spot, 0.13, blur=1.6) * spot.brain
    inside = _ball(finding, spot, 0.13, finding.size * 0.78, 4.0)
    texture = 1 + np.float32(0.09) * _texture(finding, spot, 0.3, 1.0)
    fresh, early, late = (part.signal(kind) for kind in (DEOXY_BLOOD, MET_BLOOD_INSIDE, MET_BLOOD_FREE))
    outer, inner = (fresh, fresh) if finding.age < 2.5 else (early, fresh) if finding.age < 7 else (late, late)
    _mix(spot, weight, texture * (np.float32(outer) + np.float32(inner - outer) * inside))
    rim = np.clip(weight * (1 - _ball(finding, spot, 0.13, finding.size - 3.0, 1.6)), 0, 1)
    _mix(spot, rim * np.float32(0.8 if finding.age > 7 else 0.4), part.signal(HAEMOSIDERIN))


def _meningioma(finding: Finding, part: Slice) -> None:
    spot = _spot(finding, part, finding.size * 0.7 + 4)
    if spot is None:
        return
    own = generator("meningioma", finding.seed)
    within = np.clip(spot.brain * 1.6 - 0.3, 0, 1)
    # Some of its surface has fluid between it and the brain.
    cleft = _ball(finding, spot, 0.05, finding.size + 1.8) * within
    cleft *= np.clip(np.float32(0.3) + np.float32(0.3) * _texture(finding, spot, 0.08, 0.2), 0, 0.6)
    _mix(spot, cleft, part.signal(FLUID))
    texture = 1 + np.float32(0.03) * _texture(finding, spot, 0.4, 1.2)
    bright = float(own.uniform(0.98, 1.08))
    signal = np.float32(part.signal(MENINGIOMA) * bright) * texture
    _mix(spot, _ball(finding, spot, 0.05) * within, signal)


_PAINTERS: dict[str, Callable[[Finding, Slice], None]] = {
    "infarct": _infarct,
    "old_infarct": _old_infarct,
    "haemorrhage": _haemorrhage,
    "tumour": _tumour,
    "meningioma": _meningioma,
}
