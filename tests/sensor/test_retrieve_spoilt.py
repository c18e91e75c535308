"""What comes in place of a C-STORE-RSP, as the measured personas take it.

What is expected here was seen of Orthanc 1.10.1 and of dcmqrscp 3.6.7, but for the times, which are theirs divided.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sensor.test_retrieve_personas import (
    THE_STUDY,
    commands,
    counters,
    fill,
    get,
    sensor_of,
    sent,
    status_of,
)

UNKNOWN_PDU, EMPTY_DATA = bytes.fromhex("080000000000"), bytes.fromhex("040000000000")
RELEASE_RQ = bytes.fromhex("05000000000400000000")
HASTY = "[get]\npatience = 0.6\n[wire]\npartial_pdu = 0.7\n"
"""Of a persona that waits a hundredth as long as the product."""


def archive(product: str, folder: Path) -> Iterator[int]:
    persona = folder / "hasty.toml"
    persona.write_text(f'name = "hasty"\nextends = "{product}"\n{HASTY}')
    with sensor_of(str(persona), folder) as sensor:
        fill(sensor.port)
        yield sensor.port


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    yield from archive("orthanc", tmp_path_factory.mktemp("orthanc"))


@pytest.fixture(scope="module")
def dcmqrscp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    yield from archive("dcmqrscp", tmp_path_factory.mktemp("dcmqrscp"))


@pytest.mark.parametrize("wrong", [UNKNOWN_PDU, RELEASE_RQ, EMPTY_DATA], ids=["unknown", "release", "no data"])
def test_what_is_no_answer_is_a_failed_one(orthanc: int, dcmqrscp: int, wrong: bytes) -> None:
    for port in (orthanc, dcmqrscp):
        units = get(port, THE_STUDY, answers=(wrong,))
        first = next(each for each in commands(units) if 0x0900 in each)
        assert (status_of(first), counters(first)) == (0xFF00, [2, 0, 1, 0])
        assert len(sent(units)) == (2 if wrong == RELEASE_RQ else 3)
    if wrong == RELEASE_RQ:  # nothing may follow it
        assert units[-1] == "07000000000400000202" or units[-2:] == ["07000000000400000202", "closed"]


def test_what_comes_behind_a_wrong_answer_counts_after_the_response(orthanc: int, dcmqrscp: int) -> None:
    """Orthanc gives the retrieval up; dcmqrscp agrees to a release, and aborts for what it can't read."""
    for wrong, orthancs, dcmqrscps in (
        (UNKNOWN_PDU * 2, [], ["07000000000400000000"]),
        (EMPTY_DATA + RELEASE_RQ, [], ["06000000000400000000"]),
        (EMPTY_DATA + RELEASE_RQ[:3], [], ["07000000000400000000"]),
    ):
        for port, expected in ((orthanc, orthancs), (dcmqrscp, dcmqrscps)):
            units = get(port, THE_STUDY, answers=(wrong,))
            assert [counters(each) for each in commands(units) if 0x0900 in each] == [[2, 0, 1, 0]]
            assert units[3:] == expected


def test_an_answer_that_only_begins_is_a_failed_one(orthanc: int) -> None:
    """The rest of a header is waited for as long as an answer, and that of a body longer; then both are forgotten."""
    units = get(orthanc, THE_STUDY, answers=(b"\4", UNKNOWN_PDU[:1], bytes.fromhex("040000000040")))
    responses = [counters(each) for each in commands(units) if 0x0900 in each]
    assert responses == [[2, 0, 1, 0], [1, 0, 2, 0], [0, 0, 3, 0], [None, 0, 3, 0]]


def test_without_an_answer_dcmqrscp_hangs_up(dcmqrscp: int) -> None:
    assert get(dcmqrscp, THE_STUDY, answers=(b"\4",))[2:] == ["closed"]
    units = get(dcmqrscp, THE_STUDY, answers=(bytes.fromhex("040000000040"),))
    assert next(counters(each) for each in commands(units) if 0x0900 in each) == [2, 0, 1, 0]
