"""Compressed pixel data as devices store it (PS3.5 annex A.4): encoders that give the same bytes every time.

JPEG and JPEG 2000 are Pillow's; RLE (PS3.5 annex G) and lossless JPEG (ISO 10918-1, process 14, first-order
prediction) are written here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from struct import pack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RLE = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"

QUALITY = 88
"""Of JPEG: ultrasound machines compress by about 1:8."""

Samples = NDArray[np.uint8] | NDArray[np.uint16]

_LENGTHS = (2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
"""Bits of the Huffman codes, from the most to the least frequent of the 17 categories of differences."""
_LONGEST_RUN = 128


def encapsulated(frames: Sequence[bytes]) -> bytes:
    """The value of Pixel Data, delimiter included: a Basic Offset Table, then one fragment for each frame."""
    fragments = [frame + b"\0" * (len(frame) & 1) for frame in frames]
    offsets, at = [], 0
    for fragment in fragments:
        offsets.append(pack("<L", at))
        at += len(fragment) + 8
    items = [b"".join(offsets) if len(frames) > 1 else b"", *fragments]
    return (
        b"".join(b"\xfe\xff\x00\xe0" + pack("<L", len(item)) + item for item in items) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    )


def compressed(syntax: str, frame: Samples, bits: int) -> bytes:
    """One frame, rows x columns or rows x columns x 3, of `bits` stored. Raises KeyError for other syntaxes."""
    return _ENCODERS[syntax](frame, bits)


def jpeg(frame: Samples, bits: int = 8) -> bytes:
    """Baseline JPEG: YCbCr with half the chrominance across, as YBR_FULL_422 says."""
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=QUALITY, subsampling="4:2:2")
    return out.getvalue()


def jpeg_2000(frame: Samples, bits: int = 16) -> bytes:
    """A reversible JPEG 2000 code stream."""
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG2000", no_jp2=True, irreversible=False)
    return out.getvalue()


def rle(frame: Samples, bits: int = 16) -> bytes:
    """RLE segments: one for each byte of each sample, the most significant first."""
    planes = frame[..., None] if frame.ndim == 2 else frame
    segments = []
    for sample in np.moveaxis(planes, -1, 0):
        parts = np.ascontiguousarray(sample, sample.dtype.newbyteorder(">")).view(np.uint8)
        size = sample.dtype.itemsize
        segments += [_rle_segment(parts[:, byte::size]) for byte in range(size)]
    header, at = [len(segments)], 64
    for segment in segments:
        header.append(at)
        at += len(segment)
    header += [0] * (16 - len(header))
    return pack("<16L", *header) + b"".join(segments)


def _rle_segment(rows: NDArray[np.uint8]) -> bytes:
    out = bytearray()
    for row in rows:
        _rle_row(row, out)
    return bytes(out) + b"\0" * (len(out) & 1)


def _rle_row(row: NDArray[np.uint8], out: bytearray) -> None:
    """PackBits: runs of three and more are repeated, the rest is literal."""
    starts = np.concatenate(([0], np.nonzero(np.diff(row))[0] + 1, [len(row)]))
    data, literal = row.tobytes(), 0
    long = np.nonzero(np.diff(starts) >= 3)[0]
    for begin, end in zip(starts[long].tolist(), starts[long + 1].tolist(), strict=True):
        _rle_literal(data[literal:begin], out)
        left, value = end - begin, data[begin]
        while left:
            part = min(left, _LONGEST_RUN)
            if part == 1:
                out += bytes((0, value))
            else:
                out += bytes((257 - part, value))
            left -= part
        literal = end
    _rle_literal(data[literal:], out)


def _rle_literal(data: bytes, out: bytearray) -> None:
    for at in range(0, len(data), _LONGEST_RUN):
        part = data[at : at + _LONGEST_RUN]
        out.append(len(part) - 1)
        out += part


def jpeg_lossless(frame: Samples, bits: int) -> bytes:
    """Lossless JPEG of one component with `bits` of precision: each sample predicted from the one before it."""
    rows, columns = frame.shape
    samples = frame.astype(np.int32)
    predicted = np.empty_like(samples)
    predicted[:, 1:] = samples[:, :-1]
    predicted[1:, 0] = samples[:-1, 0]
    predicted[0, 0] = 1 << (bits - 1)
    difference = (samples - predicted).ravel()
    # Modulo 2^16, in -32767..32768 (ISO 10918-1, H.1.2.2).
    difference = (difference + 32767) % 65536 - 32767
    category = np.frexp(np.abs(difference).astype(np.float64))[1].astype(np.int64)
    order = np.argsort(-np.bincount(category, minlength=17), kind="stable")
    code, length = np.zeros(17, np.int64), np.zeros(17, np.int64)
    length[order] = _LENGTHS
    following, before = 0, 0
    for symbol, size in zip(order.tolist(), _LENGTHS, strict=True):
        following <<= size - before
        code[symbol] = following
        following, before = following + 1, size
    extra = np.where(category == 16, 0, category)
    value = np.where(difference < 0, difference + (1 << extra) - 1, difference) & ((1 << extra) - 1)
    data = _bits((code[category] << extra) | value, length[category] + extra)
    counts = [_LENGTHS.count(n) for n in range(1, 17)]
    table = bytes((0x00, *counts, *order.tolist()))
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xc4" + pack(">H", len(table) + 2) + table,
            b"\xff\xc3" + pack(">HBHHB", 11, bits, rows, columns, 1) + bytes((1, 0x11, 0)),
            b"\xff\xda" + pack(">HB", 8, 1) + bytes((1, 0x00, 1, 0, 0)),
            data.replace(b"\xff", b"\xff\x00"),
            b"\xff\xd9",
        )
    )


def _bits(values: NDArray[np.int64], lengths: NDArray[np.int64]) -> bytes:
    """Values of so many bits each (at most 32), one after the other, filled up with ones."""
    ends = np.cumsum(lengths)
    starts, total = ends - lengths, int(ends[-1])
    word, shift = starts >> 5, 64 - (starts & 31) - lengths
    wide = values.astype(np.uint64) << shift.astype(np.uint64)
    words = total // 32 + 2
    # Bits don't overlap, so that sums are exact in 53 bits.
    packed = np.bincount(word, (wide >> np.uint64(32)).astype(np.float64), words)
    packed += np.bincount(word + 1, (wide & np.uint64(0xFFFFFFFF)).astype(np.float64), words)
    data = packed.astype(np.uint64).astype(">u4").tobytes()[: (total + 7) // 8]
    fill = -total % 8
    return data[:-1] + bytes((data[-1] | ((1 << fill) - 1),)) if fill else data


_ENCODERS: dict[str, Callable[[Samples, int], bytes]] = {
    RLE: rle,
    JPEG_BASELINE: jpeg,
    JPEG_LOSSLESS: jpeg_lossless,
    JPEG_2000_LOSSLESS: jpeg_2000,
}
