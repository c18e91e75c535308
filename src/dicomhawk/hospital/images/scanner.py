"""What a CT scanner adds to the anatomy: the texture of its noise, its kernels, its table, its round field."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from dicomhawk.hospital.images.sampling import F32, generator

TILE = 1024
CUT = {"soft": 0.42, "lung": 0.85, "brain": 0.38, "bone": 0.8}
"""Where the kernel's noise power falls off, as a part of Nyquist."""
SHARPENING = 0.9  # overshoot of the lung kernel


@cache
def _tile(kernel: str) -> F32:
    """White noise, filtered with |f| times the kernel's transfer: the texture of filtered back-projection."""
    white = generator("tile", kernel).standard_normal((TILE, TILE), np.float32)
    fx, fy = np.fft.rfftfreq(TILE)[None], np.fft.fftfreq(TILE)[:, None]
    f = np.sqrt(fx * fx + fy * fy) * 2
    transfer = (f + 0.03) * np.exp(-((f / CUT[kernel]) ** 2) * 1.6)
    texture = np.fft.irfft2(np.fft.rfft2(white) * transfer, s=(TILE, TILE))
    return np.asarray(texture / texture.std(), np.float32)


def noise_texture(kernel: str, random: np.random.Generator, size: int) -> F32:
    """size x size noise of standard deviation 1: a random piece of the kernel's tile, turned at random."""
    tile = _tile(kernel)
    y, x = random.integers(0, TILE - size + 1, 2)
    piece = tile[y : y + size, x : x + size]
    turn = int(random.integers(8))
    if turn & 1:
        piece = piece[::-1]
    if turn & 2:
        piece = piece[:, ::-1]
    return piece.T if turn & 4 else piece


def sharpen(image: F32) -> None:
    """Unsharp masking in place, with a binomial blur of 5 pixels: the edge enhancement of a lung kernel."""
    blur = image.copy()
    for _ in range(2):
        blur[:, 1:-1] = (blur[:, :-2] + blur[:, 2:]) * np.float32(0.25) + blur[:, 1:-1] * np.float32(0.5)
        blur[1:-1] = (blur[:-2] + blur[2:]) * np.float32(0.25) + blur[1:-1] * np.float32(0.5)
    detail = image - blur
    detail *= np.float32(SHARPENING)
    image += detail


@cache
def round_field(size: int) -> NDArray[np.bool_]:
    """The pixels outside the circle of reconstruction."""
    axis = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    return np.asarray(axis[:, None] ** 2 + axis[None] ** 2 > (size / 2 - 0.5) ** 2)


@dataclass(frozen=True)
class Profile:
    """The pixels of a table and the HU that it adds to air."""

    where: tuple[NDArray[np.intp], NDArray[np.intp]]
    hu: F32


@lru_cache(maxsize=8)
def table_profile(kind: str, top: float, middle: float, fov: float, size: int) -> Profile:
    """The table with its top `top` mm below the centre of the image and its middle `middle` mm to the right."""
    axis = (np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)) * np.float32(fov / size)
    y, x = axis[:, None], axis[None] - np.float32(middle)
    radius, half, depth, shell = {
        "cradle": (430.0, 205.0, 9.0, 1330.0),
        "slab": (900.0, 215.0, 26.0, 1120.0),
        "shell": (330.0, 200.0, 22.0, 1210.0),
        "narrow": (118.0, 92.0, 7.0, 640.0),  # head holders
        "wide": (150.0, 118.0, 10.0, 520.0),
    }[kind]
    along = np.sqrt((y - (top - radius)) ** 2 + x * x) - radius
    across = 1 / (1 + np.exp((np.abs(x) - half) / 1.5))
    below = y > top - radius * 0.6
    upper = np.exp(-((along / 1.1) ** 2)) * shell
    lower = np.exp(-(((along - depth) / 0.9) ** 2)) * shell * 0.6
    foam = ((along > 0) & (along < depth)) * 65.0
    hu = ((np.maximum(upper, lower) + foam) * across * below).astype(np.float32)
    where = np.nonzero(hu > 1)
    return Profile((where[0], where[1]), hu[where])
