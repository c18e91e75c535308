"""Forms with files, whatever the pieces that they come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.sensor.web import formdata
from dicomhawk.sensor.web.formdata import FormError, boundary_of, parts
from dicomhawk.sensor.web.message import BodyBroken

FORM = (
    b'--xyz\r\nContent-Disposition: form-data; name="token"\r\n\r\nabc\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="f"; filename="a.dcm"\r\nContent-Type: application/dicom\r\n\r\n'
    b"\r\n--xy\r\n\r\n-\r\n"
    b'--xyz\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n'
    b"--xyz--\r\nepilogue"
)
EXPECTED = [("token", None, b"abc"), ("f", "a.dcm", b"\r\n--xy\r\n\r\n-"), ("f", "", b"")]


class Pieces:
    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    async def read(self, limit: int) -> bytes:
        return b"".join(self._pieces)


def read(*pieces: bytes) -> list[tuple[str, str | None, bytes]]:
    async def collect() -> list[tuple[str, str | None, bytes]]:
        found: list[tuple[str, str | None, bytes]] = []
        whole = b""
        async for part in parts(Pieces(*pieces), "xyz"):
            whole += part.data
            if part.last:
                found.append((part.name, part.filename, whole))
                whole = b""
        return found

    return asyncio.run(collect())


@given(st.lists(st.integers(0, len(FORM)), max_size=12))
def test_parts_are_the_same_however_they_come(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(FORM)]
    assert read(*(FORM[a:b] for a, b in pairwise(places))) == EXPECTED


@given(st.binary(max_size=400))
def test_nonsense_raises_nothing_else(data: bytes) -> None:
    with suppress(FormError, BodyBroken):
        read(data, b"--xyz", data)


@pytest.mark.parametrize("end", [0, 10, 60, 120, len(FORM) - 20])
def test_a_torn_form_is_told(end: int) -> None:
    with pytest.raises(BodyBroken):
        read(FORM[:end])


def test_heads_and_parts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FormError):
        read(b"--xyz\r\n" + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n")
    monkeypatch.setattr(formdata, "MAX_PARTS", 2)
    with pytest.raises(FormError):
        read(FORM)


def test_boundaries() -> None:
    assert boundary_of('multipart/form-data; boundary="a b"') == "a b"
    assert boundary_of("multipart/form-data; charset=x; boundary=----abc") == "----abc"
    assert boundary_of("multipart/mixed; boundary=a") is None
    assert boundary_of("multipart/form-data") is None
    assert boundary_of(None) is None
    assert boundary_of(f"multipart/form-data; boundary={'a' * 200}") in (None, "a" * 70)
