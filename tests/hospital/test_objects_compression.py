"""Encoders of compressed pixel data, read back with decoders that we did not write."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pydicom.pixels.decoders.rle import _rle_decode_segment

from dicomhawk.hospital.objects import compression
from dicomhawk.hospital.objects.attributes import Attributes
from dicomhawk.hospital.part10 import file_meta

SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 300))


def ramp(bits: int) -> NDArray[np.uint16]:
    """Smooth, noisy and extreme parts."""
    random = np.random.default_rng(bits)
    image = np.linspace(0, (1 << bits) - 1, 64 * 96).reshape(64, 96)
    image[10:20] += random.normal(0, 40, (10, 96))
    image[30] = np.where(np.arange(96) % 2, 0, (1 << bits) - 1)
    return np.clip(image, 0, (1 << bits) - 1).astype(np.uint16)


def as_file(syntax: str, values: NDArray[np.integer], bits: int) -> bytes:
    """A Secondary Capture image with these pixels."""
    made = Attributes("").set(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
        SOPInstanceUID="1.2.3",
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=values.shape[0],
        Columns=values.shape[1],
        BitsAllocated=16,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=0,
    )
    made.encapsulate(compression.encapsulated([compression.compressed(syntax, values, bits)]))
    return file_meta("1.2.840.10008.5.1.4.1.1.7", "1.2.3", syntax, "1.2.4") + made.encode()


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_dcmtk_reads_lossless_jpeg(bits: int, tmp_path: Path) -> None:
    if shutil.which("dcmdjpeg") is None:
        pytest.skip("dcmdjpeg (DCMTK) is not installed")
    (tmp_path / "in.dcm").write_bytes(as_file(compression.JPEG_LOSSLESS, ramp(bits), bits))
    subprocess.run(["dcmdjpeg", tmp_path / "in.dcm", tmp_path / "out.dcm"], check=True)
    assert np.array_equal(pydicom.dcmread(tmp_path / "out.dcm").pixel_array, ramp(bits))


@pytest.mark.parametrize("syntax", [compression.RLE, compression.JPEG_2000_LOSSLESS])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_pydicom_reads_lossless_images(syntax: str, bits: int) -> None:
    file = as_file(syntax, ramp(bits), bits)
    assert np.array_equal(pydicom.dcmread(io.BytesIO(file)).pixel_array, ramp(bits))


@settings(max_examples=60, deadline=None)
@given(SHAPES.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 3))))
def test_rle_segments_come_back(values: NDArray[np.uint8]) -> None:
    encoded = compression.rle(values)
    assert encoded[:4] == b"\1\0\0\0"
    decoded = bytes(_rle_decode_segment(encoded[64:]))
    assert decoded[: values.size] == values.tobytes()


def test_colours_of_baseline_jpeg_are_close() -> None:
    y, x = np.mgrid[:64, :80]
    image = np.stack([y * 3, x * 3, (x + y) % 200], -1).astype(np.uint8)
    encoded = compression.jpeg(image)
    assert encoded[:2] == b"\xff\xd8"
    with compression.Image.open(io.BytesIO(encoded)) as read:
        assert np.abs(np.asarray(read).astype(int) - image).mean() < 12


def test_fragments_have_even_lengths_and_an_offset_table() -> None:
    value = compression.encapsulated([b"abc", b"defg"])
    assert value == (
        b"\xfe\xff\x00\xe0\x08\0\0\0" + b"\0\0\0\0" + b"\x0c\0\0\0"
        b"\xfe\xff\x00\xe0\x04\0\0\0abc\0"
        b"\xfe\xff\x00\xe0\x04\0\0\0defg"
        b"\xfe\xff\xdd\xe0\0\0\0\0"
    )
    assert compression.encapsulated([b"ab"])[:8] == b"\xfe\xff\x00\xe0\0\0\0\0"


def test_unknown_syntaxes_are_refused() -> None:
    with pytest.raises(KeyError):
        compression.compressed("1.2.3", ramp(12), 12)
