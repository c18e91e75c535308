"""Pixels that begin behind more than any head has."""

from __future__ import annotations

import pytest

from dicomhawk.hospital.elements import EXPLICIT_LE, Element, encode
from dicomhawk.hospital.pixels import HEAD, LONGEST_HEAD, PIXEL_DATA, Pixels, PixelsError


def image(before: int) -> memoryview:
    elements = (Element(0x00091001, "OB", bytes(before)), Element(PIXEL_DATA, "OB", b"ab"))
    return memoryview(encode({each.tag: each for each in elements}, EXPLICIT_LE))


def test_a_long_head() -> None:
    assert Pixels(image(2 * HEAD), EXPLICIT_LE).length == 2


def test_a_head_of_any_length() -> None:
    with pytest.raises(PixelsError):
        Pixels(image(LONGEST_HEAD), EXPLICIT_LE)
