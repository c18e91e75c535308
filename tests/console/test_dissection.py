"""Transcripts taken apart: what came, in which direction, and what it says."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from dicomhawk.console.dissection import Unit, dissected
from dicomhawk.console.pdus import hexdump
from dicomhawk.evidence.transcript import (
    Ended,
    Gap,
    ObjectStored,
    Opened,
    Received,
    ReceivedObject,
    Record,
    Reference,
    Sent,
    SentObject,
)
from tests.outputs.test_pcap import DATA_SET, RELEASE_RP, RELEASE_RQ, STORE_RQ, STORE_RSP, associate, pdv

OPENED = Opened(1, "C", ("198.51.100.7", 4000), ("203.0.113.10", 104))
FIND = b"\x08\x00\x52\x00\x06\x00\x00\x00STUDY \x10\x00\x10\x00\x1a\x00\x00\x00<script>alert(1)</script>\x00"


def units(records: Iterable[Record], protocol: str = "dicom") -> list[Unit]:
    return list(dissected([OPENED, *records], protocol))


def test_a_whole_association() -> None:
    found = units(
        [
            Received(2, associate(1)),
            Sent(3, associate(2, accept=True)),
            Received(4, STORE_RQ),
            *(
                record
                for at in range(0, len(DATA_SET), 16378)
                for record in (
                    Received(5, pdv(DATA_SET[at : at + 16378], 2 if at + 16378 >= len(DATA_SET) else 0)),
                    ReceivedObject(5, 1, at, min(16378, len(DATA_SET) - at)),
                )
            ),
            ObjectStored(6, 1, "ab" * 32),
            Sent(7, STORE_RSP),
            Received(8, RELEASE_RQ),
            Sent(9, RELEASE_RP),
            Ended(10, "peer-fin"),
        ]
    )
    kinds = [unit.kind for unit in found]
    assert kinds == [
        "opened", "A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "P-DATA-TF", "P-DATA-TF", "stored", "P-DATA-TF", "A-RELEASE-RQ",
        "A-RELEASE-RP", "ended",
    ]  # fmt: skip
    request, answer, command, data, stored, response = found[1:7]
    assert request.summary == "STORESCU to ANY-SCP"
    assert ("Maximum length", "16384") in request.facts
    assert dict(answer.facts)["Context 1"] == "accepted, Implicit VR Little Endian"
    assert command.summary == "C-STORE-RQ"
    assert dict(command.facts)["AffectedSOPInstanceUID"] == "1.2.3.4.5"
    assert (data.of, data.times, data.inbound) == ("captured 1", 13, True)
    assert data.size == len(DATA_SET) + 13 * 12
    assert stored.summary == "ab" * 32
    assert (response.summary, response.inbound) == ("C-STORE-RSP", False)


def test_bytes_may_come_in_any_pieces() -> None:
    stream = associate(1) + STORE_RQ + RELEASE_RQ
    whole = [(unit.kind, unit.summary, unit.data) for unit in units([Received(2, stream)])]
    one_by_one = units([Received(2 + at, stream[at : at + 1]) for at in range(len(stream))])
    assert [(unit.kind, unit.summary, unit.data) for unit in one_by_one] == whole


def test_what_is_asked_is_decoded() -> None:
    found = units([Received(2, associate(1)), Sent(3, associate(2, accept=True)), Received(4, pdv(FIND, 2) + FIND)])
    assert dict(found[-1].facts) == {
        "QueryRetrieveLevel": "STUDY ".rstrip(),
        "PatientName": "<script>alert(1)</script>",
    }


def test_what_is_no_pdu_is_bytes() -> None:
    found = units([Received(2, b"GET / HTTP/1.0\r\n\r\n"), Received(3, b"more"), Sent(4, RELEASE_RQ)])
    assert [(unit.kind, unit.data) for unit in found[1:]] == [
        ("bytes", b"GET / HTTP/1.0\r\n\r\n"),
        ("bytes", b"more"),
        ("A-RELEASE-RQ", RELEASE_RQ),
    ]


def test_http_is_text() -> None:
    found = units(
        [
            Received(2, b"GET /x HTTP/1.1\r\n"),
            Received(3, b"Host: a\r\n\r\n"),
            Sent(4, b"HTTP/1.1 200 OK\r\n\r\n"),
            SentObject(5, Reference("hospital", "1.2.3", "1.2.840.10008.1.2.1"), 0, 500),
            Gap(6, 99),
            Ended(7, "closed"),
        ],
        "http",
    )
    assert [(unit.kind, unit.summary, unit.size) for unit in found] == [
        ("opened", "198.51.100.7:4000 to 203.0.113.10:104", 0),
        ("bytes", "GET /x HTTP/1.1", 28),
        ("bytes", "HTTP/1.1 200 OK", 19),
        ("bytes", "", 500),
        ("gap", "99 bytes could not be written at the time", 0),
        ("ended", "closed", 0),
    ]
    assert found[3].of == "hospital 1.2.3"


@pytest.mark.parametrize("seed", range(40))
def test_no_bytes_break_it(seed: int) -> None:
    draw = random.Random(seed)
    stream = bytearray(associate(1) + STORE_RQ + pdv(FIND, 2) + FIND + RELEASE_RQ)
    for _ in range(draw.randrange(1, 12)):
        stream[draw.randrange(len(stream))] = draw.randrange(256)
    pieces: list[Record] = []
    at = 0
    while at < len(stream):
        step = draw.randrange(1, 90)
        pieces.append(Received(at, bytes(stream[at : at + step])))
        at += step
    for protocol in ("dicom", "http"):
        assert all(isinstance(unit.summary, str) for unit in units(pieces, protocol))


def test_memory_is_bounded() -> None:
    long = b"\x04\x00\x7f\xff\xff\xff" + b"x" * (1 << 20)
    found = units([Received(2, long)] + [Received(3, b"y" * (1 << 20))] * 20 + [Ended(4, "peer-fin")])
    assert all(len(unit.data) <= 1 << 17 for unit in found)
    found = units([Received(2, b"z" * (1 << 20))] * 5, "http")
    assert [(len(unit.data), unit.size) for unit in found[1:]] == [(1 << 16, 5 << 20)]


def test_hexdump() -> None:
    assert hexdump(b"") == ""
    assert hexdump(bytes(range(18))) == (
        "000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................\n"
        "000010  10 11                                             .."
    )
    assert "\x1b" not in hexdump(b"\x1b[31m\xff<b>")
    assert hexdump(b"<b>").endswith("<b>")
