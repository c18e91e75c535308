"""Answers that would be ready sooner than the product's wait, and nothing overtakes them."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from dicomhawk.persona.model.timing import Timing
from tests.sensor.raw import ECHO_RQ, RELEASE_RQ, RQ, connect, receive_all, receive_pdu
from tests.support import Sensor

PERSONA = """
name = "slow"
title = "Takes its time"

[identity]
called_ae_titles = ["ARCHIVE"]

[reject]
checks = [{ cause = "called-ae-title", answer = [1, 1, 7] }]

[wire]
after_reject = "fin"

[timing]
association = [150, 170]
echo = [250, 260]
"""
ASSOCIATION, ECHO = 0.15, 0.25
MARGIN = 0.005
"""Seconds: clocks of two processes, and an event loop that counts in milliseconds."""


@pytest.fixture(scope="module")
def slow(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    """A sensor that is slow."""
    folder = tmp_path_factory.mktemp("pace")
    persona = folder / "slow.toml"
    persona.write_text(PERSONA, encoding="utf-8")
    data = Path(shutil.copytree(template, folder / "data"))
    with Sensor(data, flags=("--persona", str(persona))) as running:
        yield running


def to_archive(rq: bytes) -> bytes:
    """The request with the called AE title that is accepted."""
    return rq[:10] + b"ARCHIVE".ljust(16) + rq[26:]


def seconds(sock: socket.socket, data: bytes) -> tuple[bytes, float]:
    """The PDU that answers, and how long it took."""
    begun = time.monotonic()
    sock.sendall(data)
    return receive_pdu(sock), time.monotonic() - begun


def test_answers_take_as_long_as_the_products(slow: Sensor) -> None:
    with connect(slow) as sock:
        answer, took = seconds(sock, to_archive(RQ))
        assert (answer[0], took >= ASSOCIATION - MARGIN) == (2, True)
        for _ in range(2):
            answer, took = seconds(sock, ECHO_RQ)
            assert (answer[0], took >= ECHO - MARGIN) == (4, True)
        answer, _ = seconds(sock, RELEASE_RQ)
        assert answer[0] == 6


def test_answers_to_requests_in_one_segment_come_in_order(slow: Sensor) -> None:
    with connect(slow) as sock:
        begun = time.monotonic()
        sock.sendall(to_archive(RQ) + ECHO_RQ + ECHO_RQ + RELEASE_RQ)
        assert [receive_pdu(sock)[0] for _ in range(4)] == [2, 4, 4, 6]
        assert time.monotonic() - begun >= ASSOCIATION - MARGIN


def test_a_rejection_waits_too_and_the_close_behind_it(slow: Sensor) -> None:
    with connect(slow) as sock:
        begun = time.monotonic()
        sock.sendall(RQ)
        received = receive_all(sock)
        assert received[0] == 3
        assert time.monotonic() - begun >= ASSOCIATION - MARGIN


def test_a_peer_that_leaves_meanwhile_is_let_go(slow: Sensor) -> None:
    for _ in range(3):
        with connect(slow) as sock:
            sock.sendall(to_archive(RQ) + ECHO_RQ)
    with connect(slow) as sock:
        assert seconds(sock, to_archive(RQ))[0][0] == 2


@pytest.mark.parametrize("wrong", [[5], [3, 2], [-1, 2], [1, 1e6]])
def test_a_distribution_has_ascending_quantiles(wrong: list[float]) -> None:
    with pytest.raises(ValidationError):
        Timing(echo=tuple(wrong))


def test_quantiles_are_drawn_by_their_probability() -> None:
    quantiles = (1.0, 2.0, 10.0)
    drawn = [Timing.drawn(quantiles, p) for p in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert drawn == [0.001, 0.0015, 0.002, 0.006, 0.01]
    assert Timing.drawn((), 0.5) == 0.0
