"""Sessions are in their cookies alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.sensor.web.portal.session import Sessions, Spelling

NOW = 1_700_000_000.0


def made(seed: str = "aa" * 16, now: float = NOW, spelling: Spelling = "base64") -> Sessions:
    return Sessions(seed, lambda: now, seconds=600, spelling=spelling)


@pytest.mark.parametrize("spelling", ["base64", "hex", "HEX"])
def test_another_worker_reads_it(spelling: Spelling) -> None:
    session = made(spelling=spelling).begin("192.0.2.1", "ø" * 128, "reader", "Sørensen")
    cookie = made(spelling=spelling).write(session)
    assert cookie.isascii()
    assert made(spelling=spelling).read(cookie) == session
    assert made(spelling=spelling).is_of(session, "192.0.2.1")
    assert not made(spelling=spelling).is_of(session, "192.0.2.2")


def test_it_ends() -> None:
    cookie = made().write(made().begin("192.0.2.1"))
    assert made(now=NOW + 599).read(cookie) is not None
    assert made(now=NOW + 601).read(cookie) is None
    assert made(now=NOW - 60).read(cookie) is None


def test_another_deployment_does_not_read_it() -> None:
    assert made("bb" * 16).read(made().write(made().begin("192.0.2.1"))) is None


@given(st.text(max_size=300))
def test_what_is_none_is_none(text: str) -> None:
    for spelling in ("base64", "hex"):
        assert made(spelling=spelling).read(text) is None  # type: ignore[arg-type]


@given(st.integers(0, 150), st.integers(1, 255))
def test_no_byte_of_it_can_be_changed(place: int, change: int) -> None:
    sessions = made(spelling="hex")
    data = bytearray.fromhex(sessions.write(sessions.begin("192.0.2.1", "reader", "reader")))
    data[place % len(data)] ^= change
    assert sessions.read(data.hex()) is None


def test_forms_belong_to_their_session() -> None:
    sessions = made()
    one, other = sessions.begin("192.0.2.1"), sessions.begin("192.0.2.1")
    assert sessions.is_form_of(one, sessions.form_token(one))
    assert not sessions.is_form_of(one, sessions.form_token(other))
    assert not sessions.is_form_of(one, "\udcff")
