"""Pictures of frames: what each transfer syntax, photometric interpretation and window comes to."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dicomhawk.hospital.displays import DisplayError, Pictures, Region, View, Window, render, uncompressed
from dicomhawk.hospital.elements import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, DataSet, Element, decode, encode
from dicomhawk.hospital.objects.compression import (
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_LOSSLESS,
    RLE,
    compressed,
    encapsulated,
)
from dicomhawk.hospital.part10 import file_meta

PNG = View(media="image/png")
ROWS, COLUMNS = 24, 40


def head(samples: np.ndarray[Any, Any], bits: int, photometric: str = "MONOCHROME2", **more: Any) -> DataSet:
    """Attributes of the Image Pixel module."""
    colours = samples.ndim == 3
    allocated = samples.dtype.itemsize * 8
    numbers = {
        0x00280002: 3 if colours else 1,
        0x00280010: samples.shape[0],
        0x00280011: samples.shape[1],
        0x00280100: allocated,
        0x00280101: bits,
        0x00280102: bits - 1,
        0x00280103: int(samples.dtype.kind == "i"),
    }
    found = {tag: Element(tag, "US", struct.pack("<H", number)) for tag, number in numbers.items()}
    found[0x00280004] = Element(0x00280004, "CS", photometric.encode())
    for name, value in more.items():
        tag = int(name.removeprefix("x"), 16)
        found[tag] = value if isinstance(value, Element) else Element(tag, "DS", str(value).encode())
    return found


def write(folder: Path, data_set: DataSet, frames: list[bytes], syntax: str = EXPLICIT_LE) -> str:
    """A file with these frames, encapsulated where the transfer syntax says so."""
    data_set = dict(data_set)
    data_set[0x00280008] = Element(0x00280008, "IS", str(len(frames)).encode())
    if syntax in (EXPLICIT_LE, EXPLICIT_BE, IMPLICIT_LE):
        data_set[0x7FE00010] = Element(0x7FE00010, "OW", b"".join(frames))
        data = encode(data_set, syntax)
    else:
        start = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
        data = encode(data_set, EXPLICIT_LE) + start + encapsulated(frames)
    path = folder / "object.dcm"
    path.write_bytes(file_meta("1.2.3", "1.2.4", syntax, "1.2.5") + data)
    return str(path)


def shown(path: str, syntax: str = EXPLICIT_LE, view: View = PNG, *, trusted: bool = True) -> np.ndarray[Any, Any]:
    """The picture's samples."""
    with Image.open(io.BytesIO(render(path, syntax, view, trusted))) as image:
        assert image.format == ("PNG" if view.media == "image/png" else "JPEG")
        return np.asarray(image)


def ramp(dtype: Any, low: int, high: int) -> np.ndarray[Any, Any]:
    return np.linspace(low, high, ROWS * COLUMNS).round().astype(dtype).reshape(ROWS, COLUMNS)


@pytest.mark.parametrize("syntax", [JPEG_LOSSLESS, JPEG_2000_LOSSLESS, RLE, EXPLICIT_LE, EXPLICIT_BE, IMPLICIT_LE])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_lossless_syntaxes_show_the_same(tmp_path: Path, syntax: str, bits: int) -> None:
    noise = np.random.default_rng(bits).integers(0, 1 << bits, (ROWS, COLUMNS)).astype(np.uint16)
    plain = syntax in (EXPLICIT_LE, EXPLICIT_BE, IMPLICIT_LE)
    frame = noise.tobytes() if plain else compressed(syntax, noise, bits)
    path = write(tmp_path, head(noise, bits), [frame], syntax)
    assert (shown(path, syntax, View(media="image/png", manner="uint16")) == noise).all()


@given(st.integers(2, 16), st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_lossless_jpeg_of_any_precision(
    tmp_path_factory: pytest.TempPathFactory, bits: int, rows: int, columns: int, seed: int
) -> None:
    noise = np.random.default_rng(seed).integers(0, 1 << bits, (rows, columns)).astype(np.uint16)
    path = write(
        tmp_path_factory.mktemp("o"), head(noise, bits), [compressed(JPEG_LOSSLESS, noise, bits)], JPEG_LOSSLESS
    )
    assert (shown(path, JPEG_LOSSLESS, View(media="image/png", manner="uint16")) == noise).all()


def test_signed_values_pass_rescale_and_window(tmp_path: Path) -> None:
    values = ramp(np.int16, -1024, 1023)
    path = write(tmp_path, head(values, 16, x00281052=-100, x00281053=2), [values.tobytes()])
    found = shown(path, view=View(media="image/png", window=Window(0, 401)))
    rescaled = values.astype(float) * 2 - 100
    assert found[rescaled <= -200].max() == 0
    assert found[rescaled > 200].min() == 255
    assert abs(int(found[np.abs(rescaled) < 2][0]) - 128) <= 1
    assert (
        shown(path, view=View(media="image/png", manner="int16")).astype(np.uint16).view(np.int16) == values
    ).all()


def test_unused_high_bits_do_not_show(tmp_path: Path) -> None:
    values = ramp(np.uint16, 0, 4095)
    path = write(tmp_path, head(values, 12), [(values | 0xA000).tobytes()])
    assert (shown(path, view=View(media="image/png", manner="uint16")) == values).all()


def test_windows_of_the_object_by_number(tmp_path: Path) -> None:
    values = ramp(np.uint16, 0, 1000)
    path = write(tmp_path, head(values, 16, x00281050="100\\900", x00281051="200\\200"), [values.tobytes()])
    first, second = (shown(path, view=View(media="image/png", window=number)) for number in (0, 1))
    assert (first == shown(path)).all()
    assert first[values > 300].min() == 255
    assert second[values < 700].max() == 0
    assert shown(path, view=View(media="image/png", window=7))[values > 990].min() > 250, "all values, then"


def test_monochrome1_is_the_negative(tmp_path: Path) -> None:
    values = ramp(np.uint16, 0, 255)
    white = shown(write(tmp_path, head(values, 16, "MONOCHROME2"), [values.tobytes()]))
    black = shown(write(tmp_path, head(values, 16, "MONOCHROME1"), [values.tobytes()]))
    assert (white == 255 - black).all()


def test_padding_does_not_count_for_the_range(tmp_path: Path) -> None:
    values = ramp(np.uint16, 1000, 1100)
    values[0] = 0
    padding = Element(0x00280120, "US", b"\0\0")
    path = write(tmp_path, head(values, 16, x00280120=padding), [values.tobytes()])
    assert shown(path)[1:].min() < 10


def test_sigmoid_and_exact_functions(tmp_path: Path) -> None:
    values = ramp(np.uint16, 0, 1000)
    path = write(tmp_path, head(values, 16), [values.tobytes()])
    soft = shown(path, view=View(media="image/png", window=Window(500, 400, "SIGMOID")))
    assert 0 < soft[values < 300].max() < 40
    exact = shown(path, view=View(media="image/png", window=Window(500, 400, "LINEAR_EXACT")))
    assert exact[values <= 300].max() == 0
    assert exact[values >= 700].min() == 255


def test_colours_in_planes_pixels_and_ybr(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    colours = rng.integers(0, 256, (ROWS, COLUMNS, 3)).astype(np.uint8)
    assert (shown(write(tmp_path, head(colours, 8, "RGB"), [colours.tobytes()])) == colours).all()
    planar = head(colours, 8, "RGB") | {0x00280006: Element(0x00280006, "US", b"\1\0")}
    assert (shown(write(tmp_path, planar, [np.moveaxis(colours, -1, 0).tobytes()])) == colours).all()
    assert (shown(write(tmp_path, head(colours, 8, "RGB"), [compressed(RLE, colours, 8)], RLE), RLE) == colours).all()
    ybr = np.asarray(Image.fromarray(colours).convert("YCbCr"))
    found = shown(write(tmp_path, head(ybr, 8, "YBR_FULL"), [ybr.tobytes()]))
    assert np.abs(found.astype(int) - colours).max() <= 3


def test_half_the_chrominance(tmp_path: Path) -> None:
    grey = np.full((ROWS, COLUMNS), 128, np.uint8)
    grey[:, ::2] = 50
    pairs = np.full((ROWS, COLUMNS // 2, 4), 128, np.uint8)
    pairs[..., :2] = grey.reshape(ROWS, COLUMNS // 2, 2)
    found = shown(write(tmp_path, head(grey[..., None].repeat(3, 2), 8, "YBR_FULL_422"), [pairs.tobytes()]))
    assert np.abs(found.astype(int) - grey[..., None]).max() <= 1


def test_palette(tmp_path: Path) -> None:
    values = ramp(np.uint8, 0, 255)
    more = {}
    for place, turned in enumerate((False, True, False)):
        entries = np.arange(256, dtype="<u2")[:: -1 if turned else 1] * 257
        more[f"x{0x00281101 + place:08x}"] = Element(0x00281101 + place, "US", struct.pack("<3H", 256, 0, 16))
        more[f"x{0x00281201 + place:08x}"] = Element(0x00281201 + place, "OW", entries.tobytes())
    found = shown(write(tmp_path, head(values, 8, "PALETTE COLOR", **more), [values.tobytes()]))
    assert (found[..., 0] == values).all()
    assert (found[..., 1] == 255 - values).all()


def test_frames_regions_and_sizes(tmp_path: Path) -> None:
    frames = [np.full((ROWS, COLUMNS), value, np.uint8) for value in (0, 100, 200)]
    frames[1][:, COLUMNS // 2 :] = 7
    path = write(tmp_path, head(frames[0], 8), [frame.tobytes() for frame in frames])
    view = View(frame=2, media="image/png", manner="uint8")
    assert (shown(path, view=view) == frames[1]).all()
    right = View(frame=2, media="image/png", manner="uint8", region=Region(COLUMNS // 2, 0, 500, 500))
    assert set(shown(path, view=right).ravel().tolist()) == {7}
    small = shown(path, view=View(frame=2, media="image/png", manner="uint8", columns=10, rows=100))
    assert small.shape == (ROWS // 4, 10)
    mirrored = shown(path, view=View(frame=2, media="image/png", manner="uint8", mirror=True))
    assert (mirrored == frames[1][:, ::-1]).all()
    for absent in (0, 4):
        with pytest.raises(DisplayError) as raised:
            shown(path, view=View(frame=absent))
        assert raised.value.absent


def test_frames_of_several_fragments(tmp_path: Path) -> None:
    grey = np.full((ROWS, COLUMNS), 90, np.uint8)
    stream = compressed(JPEG_BASELINE, grey, 8)
    data = encode(head(grey, 8), EXPLICIT_LE) + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
    path = tmp_path / "object.dcm"
    halves = encapsulated([stream[:100], stream[100:]])
    halves = b"\xfe\xff\x00\xe0\0\0\0\0" + halves[8 + 8 :]  # one frame has no offsets
    path.write_bytes(file_meta("1.2.3", "1.2.4", JPEG_BASELINE, "1.2.5") + data + halves)
    assert (
        np.abs(shown(str(path), JPEG_BASELINE, View(media="image/png", manner="uint8")).astype(int) - 90).max() <= 2
    )


def test_what_strangers_store_is_decoded_only_if_it_is_simple(tmp_path: Path) -> None:
    grey = ramp(np.uint8, 0, 255)
    for syntax in (RLE, JPEG_LOSSLESS, JPEG_2000_LOSSLESS):
        path = write(tmp_path, head(grey, 8), [compressed(syntax, grey, 8)], syntax)
        with pytest.raises(DisplayError):
            shown(path, syntax, trusted=False)
    path = write(tmp_path, head(grey, 8), [compressed(JPEG_BASELINE, grey, 8)], JPEG_BASELINE)
    assert shown(path, JPEG_BASELINE, trusted=False).shape == (ROWS, COLUMNS)
    huge = head(grey, 8) | {0x00280010: Element(0x00280010, "US", b"\xff\xff")}
    with pytest.raises(DisplayError):
        shown(write(tmp_path, huge, [grey.tobytes()]), trusted=False)
    with pytest.raises(DisplayError):
        shown(write(tmp_path, head(grey, 8), [b""] * 2000), trusted=False)


@pytest.mark.parametrize(("syntax", "marked"), [(JPEG_BASELINE, b"01"), (JPEG_LOSSLESS, None), (RLE, None)])
def test_what_lossy_compression_has_done_is_told(tmp_path: Path, syntax: str, marked: bytes | None) -> None:
    grey = ramp(np.uint8, 0, 255)
    path = write(tmp_path, head(grey, 8), [compressed(syntax, grey, 8)], syntax)
    found = decode(uncompressed(path, syntax, trusted=True), EXPLICIT_LE)
    assert (found[0x00282110].value if 0x00282110 in found else None) == marked


def test_a_jpeg_larger_than_the_object_says_is_not_decoded(tmp_path: Path) -> None:
    small, large = ramp(np.uint8, 0, 255), np.zeros((4000, 4000), np.uint8)
    path = write(tmp_path, head(small, 8), [compressed(JPEG_BASELINE, large, 8)], JPEG_BASELINE)
    with pytest.raises(DisplayError):
        shown(path, JPEG_BASELINE, trusted=False)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_hostile_objects_raise_display_errors_only(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    grey = ramp(np.uint8, 0, 255)
    syntax = data.draw(st.sampled_from((EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, JPEG_BASELINE, RLE, JPEG_LOSSLESS)))
    plain = syntax in (EXPLICIT_LE, EXPLICIT_BE, IMPLICIT_LE)
    frame = grey.tobytes() if plain else compressed(syntax, grey, 8)
    path = Path(write(tmp_path_factory.mktemp("o"), head(grey, 8, x00281050=40, x00281051=400), [frame], syntax))
    content = bytearray(path.read_bytes())
    start = data.draw(st.sampled_from((132, 300, 350, len(content) - len(frame) - 20)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(start, min(start + 150, len(content) - 1)))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) - 40, len(content)))])
    for trusted in (False, True):
        try:
            shown(str(path), syntax, View(media="image/png", columns=16), trusted=trusted)
        except DisplayError:
            continue


def test_pictures_are_kept_up_to_a_size() -> None:
    kept = Pictures()
    for number in range(100):
        kept.put(number, bytes(1 << 20))
    assert kept.get(0) is None
    assert kept.get(99) is not None
    assert sum(kept.get(number) is not None for number in range(100)) == 16
