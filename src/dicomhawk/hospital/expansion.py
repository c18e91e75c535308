"""Compressed frames and objects as uncompressed ones. Runs in a process of its own, with the image code."""

from __future__ import annotations

from typing import Final

from .decompression import Samples
from .displays import DisplayError
from .elements import EXPLICIT_LE, DataSet, Element, encode
from .pictures import opened, stored_values
from .pixels import PIXEL_DATA, Pixels, Shape

MAX_EXPANDED: Final = 256 << 20
"""Bytes of an uncompressed object: a loop of ultrasound in colour has 100 MB."""

_PHOTOMETRIC: Final = 0x00280004
_PLANAR: Final = 0x00280006
_LOSSY_COMPRESSION: Final = 0x00282110
_LOSSY: Final = frozenset(
    f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 81, 91, 203)
)  # JPEG, JPEG-LS, JPEG 2000
_IN_YBR: Final = "YBR_"


def frame_of(path: str, syntax: str, number: int, *, trusted: bool) -> bytes:
    """Frame `number`, from 1, as the uncompressed syntaxes in little endian have it. Raises `DisplayError`."""
    pixels = opened(path, syntax, number, trusted=trusted)
    return _frame(pixels, number, trusted=trusted)[0]


def object_of(path: str, syntax: str, *, trusted: bool) -> bytes:
    """The data set in Explicit VR Little Endian, with uncompressed pixels, and with what a lossy compression has done
    (PS3.3 section C.7.6.1.1.5). Raises `DisplayError`."""
    pixels = opened(path, syntax, 1, trusted=trusted)
    shape = pixels.shape
    if shape.rows * shape.columns * shape.samples * (shape.bits_allocated // 8) * pixels.count > MAX_EXPANDED:
        raise DisplayError("the object is too large")
    frames, in_rgb = [], False
    for number in range(1, pixels.count + 1):
        frame, in_rgb = _frame(pixels, number, trusted=trusted)
        frames.append(frame)
    found: DataSet = dict(pixels.head)
    if in_rgb and shape.samples == 3 and shape.photometric.startswith(_IN_YBR):
        found[_PHOTOMETRIC] = Element(_PHOTOMETRIC, "CS", b"RGB ")
    if shape.samples == 3:
        found[_PLANAR] = Element(_PLANAR, "US", b"\0\0")
    if syntax in _LOSSY and _LOSSY_COMPRESSION not in found:
        found[_LOSSY_COMPRESSION] = Element(_LOSSY_COMPRESSION, "CS", b"01")
    vr = "OW" if shape.bits_allocated > 8 else "OB"
    found[PIXEL_DATA] = Element(PIXEL_DATA, vr, b"".join(frames))
    return encode(found, EXPLICIT_LE)


def _frame(pixels: Pixels, number: int, *, trusted: bool) -> tuple[bytes, bool]:
    samples, in_rgb = stored_values(pixels, number, trusted=trusted)
    return _in_little_endian(samples, pixels.shape), in_rgb


def _in_little_endian(samples: Samples, shape: Shape) -> bytes:
    if shape.bits_allocated not in (8, 16, 32):
        raise DisplayError(f"{shape.bits_allocated} bits allocated")
    return bytes(samples.astype(f"<{samples.dtype.kind}{shape.bits_allocated // 8}").tobytes())
