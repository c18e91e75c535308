"""Compressed frames to samples: what `objects.compression` makes, and devices store (PS3.5 annex A.4).

Baseline JPEG and JPEG 2000 are Pillow's, so are the runs of RLE; lossless JPEG (ISO 10918-1, process 14 with
selection value 1) is read here. For strangers' objects there is only baseline JPEG.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .objects.compression import JPEG_2000_LOSSLESS, JPEG_BASELINE, JPEG_LOSSLESS, RLE
from .pixels import Shape

JPEG_2000: Final = "1.2.840.10008.1.2.4.91"

Samples = NDArray[Any]
"""Whole numbers."""

_SOF3, _DHT, _SOS, _DRI = 0xC3, 0xC4, 0xDA, 0xDD
_SIZ, _HEADERS = b"\xff\x51", 256
_WINDOW: Final = 16
_ERRORS: Final = (OSError, ValueError, SyntaxError, IndexError, TypeError, struct.error)


class DecompressionError(Exception):
    """The frame can't be decompressed."""


def decompressed(frame: bytes | memoryview, syntax: str, shape: Shape, *, trusted: bool) -> tuple[Samples, bool]:
    """The samples of a frame, rows x columns (x 3), and whether they are in RGB whatever the object says.

    Raises `DecompressionError`, and nothing else if the caller has bounded `shape`.
    """
    decoder = _DECODERS.get(syntax) if trusted or syntax == JPEG_BASELINE else None
    if decoder is None:
        raise DecompressionError(f"no decoder for {syntax}")
    try:
        samples, in_rgb = decoder(frame, shape)
    except (
        OSError,
        ValueError,
        SyntaxError,
        IndexError,
        TypeError,
        struct.error,
        Image.DecompressionBombError,
    ) as error:
        raise DecompressionError(f"{type(error).__name__}: {error}") from error
    if samples.shape[:2] != (shape.rows, shape.columns):
        raise DecompressionError("the frame has another size than the object says")
    return samples, in_rgb


def _jpeg(frame: bytes | memoryview, shape: Shape) -> tuple[Samples, bool]:
    with Image.open(io.BytesIO(frame), formats=("JPEG",)) as image:
        if image.size != (shape.columns, shape.rows):
            raise ValueError("the frame has another size than the object says")
        if image.mode not in ("L", "RGB", "YCbCr"):
            raise ValueError(f"a JPEG of mode {image.mode}")
        return np.asarray(image.convert("RGB") if image.mode == "YCbCr" else image), True


def _jpeg_2000(frame: bytes | memoryview, shape: Shape) -> tuple[Samples, bool]:
    with Image.open(io.BytesIO(frame), formats=("JPEG2000",)) as image:
        if image.size != (shape.columns, shape.rows):
            raise ValueError("the frame has another size than the object says")
        samples: Samples = np.asarray(image)
    # Pillow stretches samples to whole bytes, and moves signed ones up by half of their range (ISO 15444-1, A.5.1).
    (described,) = struct.unpack_from("B", frame, bytes(frame[:_HEADERS]).index(_SIZ) + 40)
    precision = (described & 127) + 1
    samples = samples >> (8 * samples.itemsize - precision)
    if described & 128:
        samples = (samples.astype(np.int32) - (1 << (precision - 1))).astype(np.int16)
    return samples, True


def _rle(frame: bytes | memoryview, shape: Shape) -> tuple[Samples, bool]:
    """PS3.5 annex G: a segment for each byte of each sample, the most significant first."""
    count, *offsets = struct.unpack_from("<16I", frame)
    size = shape.bits_allocated // 8
    if size not in (1, 2) or count != size * shape.samples:
        raise ValueError(f"{count} segments")
    ends = [*offsets[1:count], len(frame)]
    planes = []
    for start, end in zip(offsets[:count], ends, strict=True):
        plane = Image.frombytes("L", (shape.rows * shape.columns, 1), bytes(frame[start:end]), "packbits", "L")
        planes.append(np.asarray(plane).reshape(shape.rows, shape.columns))
    samples: list[Samples] = []
    for place in range(0, count, size):
        if size == 1:
            samples.append(planes[place])
        else:
            samples.append((planes[place].astype(np.uint16) << 8) | planes[place + 1])
    return (samples[0] if shape.samples == 1 else np.stack(samples, axis=-1)), False


def _jpeg_lossless(frame: bytes | memoryview, shape: Shape) -> tuple[Samples, bool]:
    """Each sample is predicted from the one before it, those of the first column from the one above."""
    data = bytes(frame)
    counts, symbols = b"", b""
    precision, at = 0, 2
    while True:
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == _SOF3:
            precision, rows, columns, components = struct.unpack_from(">BHHB", body)
            if (rows, columns, components) != (shape.rows, shape.columns, 1):
                raise ValueError("another size than the object says, or more than one component")
        elif marker == _DHT:
            counts, symbols = body[1:17], body[17:]
        elif marker == _DRI and struct.unpack_from(">H", body)[0]:
            raise ValueError("restart intervals")
        elif marker == _SOS:
            if body[3] != 1 or body[5] & 15:
                raise ValueError("another predictor")
            break
    if not 2 <= precision <= 16:
        raise ValueError("no frame header")
    end = data.rfind(b"\xff\xd9")
    stream = data[at : end if end > at else len(data)].replace(b"\xff\x00", b"\xff")
    difference = _differences(stream, counts, symbols, shape.rows * shape.columns)
    difference = difference.reshape(shape.rows, shape.columns)
    difference[0, 0] += 1 << (precision - 1)
    difference[:, 0] = np.cumsum(difference[:, 0])
    samples = (np.cumsum(difference, axis=1, dtype=np.int64) & 0xFFFF).astype(np.uint16)
    return samples, False


def _differences(stream: bytes, counts: bytes, symbols: bytes, wanted: int) -> NDArray[np.int64]:
    """The Huffman-coded differences (ISO 10918-1, H.1.2.2)."""
    category, code_length = np.zeros(1 << _WINDOW, np.int64), np.zeros(1 << _WINDOW, np.int64)
    code, place = 0, 0
    for length, count in enumerate(counts, 1):
        for _ in range(count):
            low = code << (_WINDOW - length)
            high = low + (1 << (_WINDOW - length))
            category[low:high], code_length[low:high] = symbols[place], length
            code, place = code + 1, place + 1
        code <<= 1
    if not code_length.any() or category.max() > 16:
        raise ValueError("no table of codes")
    extra = np.where(category == 16, 0, category)
    step = (code_length + extra).astype(np.uint8)
    padded = np.frombuffer(stream + b"\xff\xff\xff\xff", np.uint8).astype(np.uint32)
    windows = (padded[:-2] << 16) | (padded[1:-1] << 8) | padded[2:]
    # How far it is to the next symbol, from each bit on: only some of them begin one.
    steps = np.empty(8 * len(windows), np.uint8)
    for bit in range(8):
        steps[bit::8] = step[(windows >> (8 - bit)) & 0xFFFF]
    starts = _starts(steps.tobytes(), wanted)

    def window(bits: NDArray[np.int64]) -> NDArray[np.int64]:
        within: NDArray[np.int64] = (windows[bits >> 3].astype(np.int64) >> (8 - (bits & 7))) & 0xFFFF
        return within

    found = window(starts)
    size = extra[found]
    value = window(starts + code_length[found]) >> (16 - size)
    half = (1 << size) >> 1
    difference: NDArray[np.int64] = np.where(value < half, value - (1 << size) + 1, value)
    difference[size == 0] = 0
    difference[category[found] == 16] = 32768
    return difference


def _starts(steps: bytes, wanted: int) -> NDArray[np.int64]:
    """Where symbols begin, following the steps from the first on."""
    found: list[int] = []
    append, at = found.append, 0
    for _ in range(wanted):
        append(at)
        at += steps[at] or len(steps)
    return np.array(found, np.int64)


_DECODERS: Final[dict[str, Callable[[bytes | memoryview, Shape], tuple[Samples, bool]]]] = {
    JPEG_BASELINE: _jpeg,
    JPEG_LOSSLESS: _jpeg_lossless,
    JPEG_2000_LOSSLESS: _jpeg_2000,
    JPEG_2000: _jpeg_2000,
    RLE: _rle,
}
