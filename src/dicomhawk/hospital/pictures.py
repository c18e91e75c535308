"""Frames as pictures: samples through modality and VOI transformation to greys or colours (PS3.3 C.11, PS3.4 N.2).

Runs in a process of its own, with the image code; see `displays` for what can be asked.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .decompression import DecompressionError, Samples, decompressed
from .displays import (
    MAX_SIDE,
    MAX_VISITORS_BYTES,
    MAX_VISITORS_FRAMES,
    MAX_VISITORS_SIDE,
    VISITORS_SYNTAXES,
    DisplayError,
    Region,
    View,
    Window,
)
from .elements import EXPLICIT_BE, DataSet, Element
from .part10 import Part10Error, dataset_offset
from .pixels import PIXEL_DATA, Pixels, PixelsError, Shape, number_of, text_of, texts_of

MAX_TRUSTED_SIDE: Final = 32768
"""Rows and columns of the operator's own objects."""

_YBR: Final = frozenset(("YBR_FULL", "YBR_FULL_422"))
_PADDING: Final = 0x00280120

Grey = NDArray[np.float32]


def picture_of(path: str, syntax: str, view: View, *, trusted: bool) -> bytes:
    """See `displays.render`."""
    pixels = opened(path, syntax, view.frame, trusted=trusted)
    return _written(image_of(pixels, view, trusted=trusted), view)


def image_of(pixels: Pixels, view: View, *, trusted: bool) -> Image.Image:
    """The same, in memory, of pixels that are `bounded`. Raises `DisplayError`."""
    samples, in_rgb = stored_values(pixels, view.frame, trusted=trusted)
    try:
        return _placed(_image(samples, pixels, view, in_rgb=in_rgb), view)
    except (OSError, ValueError) as error:
        raise DisplayError(f"{type(error).__name__}: {error}") from None


def opened(path: str, syntax: str, frame: int, *, trusted: bool) -> Pixels:
    """The pixels of the object in a Part 10 file, which can be decoded and have that frame. Raises `DisplayError`."""
    if not trusted and syntax not in VISITORS_SYNTAXES:
        raise DisplayError(f"{syntax} isn't decoded")
    try:
        pixels = Pixels(_mapped(path, None if trusted else MAX_VISITORS_BYTES), syntax)
    except (OSError, ValueError, Part10Error, PixelsError) as error:
        raise DisplayError(f"{type(error).__name__}: {error}") from None
    bounded(pixels, trusted=trusted)
    if not 1 <= frame <= pixels.count:
        raise DisplayError(f"there is no frame {frame}", absent=True)
    return pixels


def _mapped(path: str, limit: int | None) -> memoryview:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        if not size or (limit is not None and size > limit):
            raise DisplayError(f"{size} bytes")
        content = memoryview(mmap.mmap(fd, size, access=mmap.ACCESS_READ))
    finally:
        os.close(fd)
    return content[dataset_offset(content) :]


def bounded(pixels: Pixels, *, trusted: bool) -> None:
    """Raise `DisplayError` for what isn't decoded, whatever the machine."""
    shape, side = pixels.shape, MAX_TRUSTED_SIDE if trusted else MAX_VISITORS_SIDE
    if not (0 < shape.rows <= side and 0 < shape.columns <= side):
        raise DisplayError(f"{shape.rows} x {shape.columns} pixels")
    if not trusted and shape.frames > MAX_VISITORS_FRAMES:
        raise DisplayError(f"{shape.frames} frames")
    if pixels.tag != PIXEL_DATA or shape.samples not in (1, 3) or shape.bits_allocated not in (1, 8, 16, 32):
        raise DisplayError(f"{shape.samples} samples of {shape.bits_allocated} bits")
    if not 1 <= shape.bits_stored <= shape.bits_allocated:
        raise DisplayError(f"{shape.bits_stored} bits stored of {shape.bits_allocated}")


def stored_values(pixels: Pixels, number: int, *, trusted: bool) -> tuple[Samples, bool]:
    """The samples of a frame, rows x columns (x 3), without what other bits there are; and whether they are in RGB
    whatever the object says. Raises `DisplayError`."""
    shape = pixels.shape
    try:
        frame = pixels.frame(number)
        if pixels.encapsulated:
            samples, in_rgb = decompressed(frame, pixels.syntax, shape, trusted=trusted)
        else:
            samples, in_rgb = _uncompressed(frame, shape, big_endian=pixels.syntax == EXPLICIT_BE), False
    except (ValueError, PixelsError, DecompressionError) as error:
        raise DisplayError(f"{type(error).__name__}: {error}") from None
    if samples.ndim == 2 and samples.dtype.kind == "u":
        samples = _without_other_bits(samples, shape)
    return samples, in_rgb


def _uncompressed(frame: bytes | memoryview, shape: Shape, *, big_endian: bool) -> Samples:
    rows, columns = shape.rows, shape.columns
    if shape.bits_allocated == 1:
        return np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little").reshape(rows, columns)
    if shape.bits_allocated == 32 and shape.samples != 1:
        raise DisplayError("colours of 32 bits")
    kind = np.dtype(f"{'>' if big_endian else '<'}u{shape.bits_allocated // 8}")
    samples = np.frombuffer(frame, kind)
    if shape.photometric == "YBR_FULL_422":
        # Two pixels share their chrominance (PS3.3 C.7.6.3.1.2).
        pairs = samples.reshape(rows, columns // 2, 4)
        luminance = pairs[..., :2].reshape(rows, columns)
        blue, red = (np.repeat(pairs[..., place], 2, axis=1) for place in (2, 3))
        return np.stack((luminance, blue, red), axis=-1)
    if shape.samples == 1:
        return samples.reshape(rows, columns)
    if shape.planar:
        return np.moveaxis(samples.reshape(3, rows, columns), 0, -1)
    return samples.reshape(rows, columns, 3)


def _without_other_bits(samples: Samples, shape: Shape) -> Samples:
    stored = shape.bits_stored
    if stored < 8 * samples.itemsize:
        samples = samples & ((1 << stored) - 1)
    if not shape.signed:
        return samples
    sign = 1 << (stored - 1)
    signed = (samples.astype(np.int64) ^ sign) - sign
    return signed.astype(np.int16 if stored <= 16 else np.int32)


def _image(samples: Samples, pixels: Pixels, view: View, *, in_rgb: bool) -> Image.Image:
    shape, head = pixels.shape, pixels.head
    if samples.ndim == 3:
        if samples.dtype != np.uint8:
            samples = (samples >> (shape.bits_stored - 8)).astype(np.uint8) if shape.bits_stored > 8 else samples
            samples = samples.astype(np.uint8)
        if shape.photometric in _YBR and not in_rgb:
            return Image.fromarray(np.ascontiguousarray(samples), "YCbCr").convert("RGB")
        return Image.fromarray(np.ascontiguousarray(samples))
    if shape.photometric == "PALETTE COLOR" and view.manner == "window":
        return Image.fromarray(_painted(samples, head))
    return Image.fromarray(_greys(samples, head, view, inverse=shape.photometric == "MONOCHROME1"))


def _greys(samples: Samples, head: DataSet, view: View, *, inverse: bool) -> NDArray[np.uint8] | NDArray[np.uint16]:
    if view.manner == "uint8":
        return np.clip(samples, 0, 255).astype(np.uint8)
    if view.manner == "uint16":
        return np.clip(samples, 0, 65535).astype(np.uint16)
    if view.manner == "int16":
        return np.clip(samples, -32768, 32767).astype(np.int16).view(np.uint16)
    if view.manner == "stretch":
        greys = _stretched(samples.astype(np.float32), int(samples.min()), int(samples.max()))
    else:
        greys = _windowed(samples, head, view.window)
    return 255 - greys if inverse else greys


def _stretched(values: Grey, low: float, high: float) -> NDArray[np.uint8]:
    span = high - low or 1.0
    return _in_bytes((values - low) * (255.0 / span))


def _in_bytes(greys: Grey) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.clip(greys + 0.5, 0, 255).astype(np.uint8)
    return rounded


def _windowed(samples: Samples, head: DataSet, wanted: Window | int | None) -> NDArray[np.uint8]:
    slope, intercept = _float_of(head, 0x00281053, 1.0), _float_of(head, 0x00281052, 0.0)
    window = wanted if isinstance(wanted, Window) else _own_window(head, wanted or 0)
    table = _first_item(head, 0x00283010)
    if window is None and table is not None:
        looked_up = _looked_up(samples.astype(np.float32) * slope + intercept, table)
        if looked_up is not None:
            return looked_up
    if samples.size > 1 << 16 and samples.itemsize <= 2:
        return _by_table(samples, head, window, slope, intercept)
    return _through(
        samples.astype(np.float32) * slope + intercept, window or _all_of(samples, head, slope, intercept)
    )


def _by_table(
    samples: Samples, head: DataSet, window: Window | None, slope: float, intercept: float
) -> NDArray[np.uint8]:
    """The same as `_through` for each pixel, by way of a table of all values that there can be."""
    window = window or _all_of(samples, head, slope, intercept)
    signed = samples.dtype.kind == "i"
    stored = np.arange(1 << (8 * samples.itemsize), dtype=np.float32)
    if signed:
        half = len(stored) // 2
        stored[half:] -= len(stored)
    table = _through(stored * np.float32(slope) + np.float32(intercept), window)
    return np.take(table, samples.view(f"u{samples.itemsize}") if signed else samples)


def _through(values: Grey, window: Window) -> NDArray[np.uint8]:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    center, width, function = window
    if function == "SIGMOID":
        with np.errstate(over="ignore"):
            greys = 255.0 / (1.0 + np.exp(-4.0 * (values - center) / (width or 1.0)))
        return _in_bytes(greys)
    if function == "LINEAR":
        center, width = center - 0.5, width - 1.0
    if width <= 0:
        return np.where(values > center, 255, 0).astype(np.uint8)
    return _in_bytes(((values - center) / width + 0.5) * 255.0)


def _own_window(head: DataSet, number: int) -> Window | None:
    centers, widths = texts_of(head, 0x00281050), texts_of(head, 0x00281051)
    if number >= len(centers) or number >= len(widths):
        return None
    with contextlib.suppress(ValueError):
        center, width = float(centers[number]), float(widths[number])
        function = text_of(head, 0x00281056)
        if abs(center) < 1e9 and 0 < width < 1e9:
            if function == "SIGMOID":
                return Window(center, width, "SIGMOID")
            return Window(center, width, "LINEAR_EXACT" if function == "LINEAR_EXACT" else "LINEAR")
    return None


def _all_of(samples: Samples, head: DataSet, slope: float, intercept: float) -> Window:
    """The window of all values but the padding."""
    values = samples
    if _PADDING in head:
        padding = number_of(head, _PADDING, -1)
        kept = samples[samples != padding]
        values = kept if kept.size else samples
    ends = float(values.min()) * slope + intercept, float(values.max()) * slope + intercept
    low, high = min(ends), max(ends)
    return Window((low + high) / 2, max(high - low, 1.0), "LINEAR_EXACT")


def _float_of(head: DataSet, tag: int, default: float) -> float:
    with contextlib.suppress(ValueError, IndexError):
        value = float(texts_of(head, tag)[0])
        if 1e-6 < abs(value) < 1e6 or value == 0:
            return value
    return default


def _first_item(head: DataSet, tag: int) -> DataSet | None:
    element = head.get(tag)
    return element.value[0] if element is not None and isinstance(element.value, tuple) and element.value else None


def _table(data: Element | None, descriptor: Element | None) -> tuple[NDArray[np.uint16], int, int] | None:
    """The entries of a LUT, the first value that it is for, and their bits (PS3.3 C.11.1.1)."""
    if data is None or descriptor is None or isinstance(data.value, tuple) or isinstance(descriptor.value, tuple):
        return None
    if len(descriptor.value) < 6:
        return None
    count, first, bits = np.frombuffer(descriptor.value[:6], "<u2").tolist()
    count = count or 65536
    if descriptor.vr == "SS" and first > 32767:
        first -= 65536
    if len(data.value) >= 2 * count:
        entries = np.frombuffer(data.value[: 2 * count], "<u2")
    elif len(data.value) >= count:
        entries = np.frombuffer(data.value[:count], np.uint8).astype(np.uint16)
    else:
        return None
    return entries, first, bits if 8 <= bits <= 16 else 16


def _looked_up(values: Grey, item: DataSet) -> NDArray[np.uint8] | None:
    found = _table(item.get(0x00283006), item.get(0x00283002))
    if found is None:
        return None
    entries, first, bits = found
    places = np.clip(values - first, 0, len(entries) - 1).astype(np.int64)
    return (entries[places] >> (bits - 8)).clip(0, 255).astype(np.uint8)


def _painted(samples: Samples, head: DataSet) -> NDArray[np.uint8]:
    """PALETTE COLOR (PS3.3 C.7.6.3.1.5)."""
    planes = []
    for place in range(3):
        found = _table(head.get(0x00281201 + place), head.get(0x00281101 + place))
        if found is None:
            raise DisplayError("there is no palette")
        entries, first, bits = found
        if bits == 16 and entries.max(initial=0) < 256:
            bits = 8  # some say 16 and mean 8
        places = np.clip(samples.astype(np.int64) - first, 0, len(entries) - 1)
        planes.append((entries[places] >> (bits - 8)).clip(0, 255).astype(np.uint8))
    return np.stack(planes, axis=-1)


def _placed(image: Image.Image, view: View) -> Image.Image:
    """The part of it that is wanted, in its size."""
    if view.region is not None:
        image = image.crop(_within(view.region, image))
    columns, rows = min(view.columns, MAX_SIDE), min(view.rows, MAX_SIDE)
    if not columns and not rows and max(image.size) > MAX_SIDE:
        columns = rows = MAX_SIDE
    if columns or rows:
        scale = min(side / own for side, own in ((columns, image.width), (rows, image.height)) if side)
        size = tuple(min(MAX_SIDE, max(1, round(own * scale))) for own in image.size)
        if size != image.size:
            image = _resized(image, (size[0], size[1]))
    if view.mirror:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if view.flip:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return image


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.mode.startswith("I"):
        return image.resize(size, Image.Resampling.NEAREST)
    return image.resize(size, Image.Resampling.BILINEAR if size[0] > image.width else Image.Resampling.BOX)


def _within(region: Region, image: Image.Image) -> tuple[int, int, int, int]:
    left, top = max(0, region.left), max(0, region.top)
    right, bottom = min(image.width, region.left + region.columns), min(image.height, region.top + region.rows)
    if left >= right or top >= bottom:
        raise DisplayError("the region is outside the frame")
    return left, top, right, bottom


def _written(image: Image.Image, view: View) -> bytes:
    out = io.BytesIO()
    if view.media == "image/png":
        image.save(out, "PNG", compress_level=4)
    else:
        if image.mode.startswith("I"):
            raise DisplayError("JPEG has 8 bits")
        image.save(out, "JPEG", quality=min(100, max(1, view.quality)))
    return out.getvalue()
