"""Messages cut between elements, as DCMTK 3.6.7 cuts them; the sizes were seen on its wire."""

from __future__ import annotations

import struct

import pytest

from dicomhawk.upperlayer import dimse
from dicomhawk.upperlayer.dimse import Key
from dicomhawk.upperlayer.fragments import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN as DEFLATED
from dicomhawk.upperlayer.fragments import Fragments, runs, whole_cuts, whole_fragments
from dicomhawk.upperlayer.headers import cuts
from tests.upperlayer.playbook import EXPLICIT, IMPLICIT, VERIFICATION

DCMTK = Fragments(overhead=12, smallest=14, below=False, largest=131072, even_from=24, whole_from=12)
ECHO_RSP = dimse.encode(
    {
        Key.AffectedSOPClassUID: VERIFICATION,
        Key.CommandField: 0x8030,
        Key.MessageIDBeingRespondedTo: 1,
        Key.CommandDataSetType: dimse.NO_DATA_SET,
        Key.Status: 0,
    }
)


@pytest.mark.parametrize(
    ("maximum", "sizes"),
    [
        (24, [12, 12, 12, 12, 10, 10, 10]),
        (25, [12, 12, 12, 12, 10, 10, 10]),
        (26, [12, 14, 12, 10, 10, 10, 10]),
        (28, [12, 16, 10, 10, 10, 10, 10]),
        (30, [12, 18, 18, 18, 12]),
        (32, [20, 18, 20, 20]),
        (36, [24, 24, 20, 10]),
        (40, [28, 28, 22]),
        (64, [48, 30]),
        (80, [68, 10]),
        (16384, [78]),
    ],
)
def test_the_pieces_of_an_echo_response(maximum: int, sizes: list[int]) -> None:
    parts = whole_fragments(1, ECHO_RSP, DCMTK.piece(maximum), IMPLICIT, command=True)
    assert [len(part) for part in parts[1::2]] == sizes
    assert b"".join(parts[1::2]) == ECHO_RSP
    assert [part[11] for part in parts[::2]] == [1] * (len(sizes) - 1) + [3]


@pytest.mark.parametrize(("maximum", "piece"), [(0, 131060), (1, 0), (13, 0), (14, 2), (15, 3), (23, 11), (24, 12)])
def test_how_much_fits(maximum: int, piece: int) -> None:
    assert DCMTK.piece(maximum) == piece
    assert DCMTK.piece(0xFFFFFFFF) == 131060


def element(tag: tuple[int, int], vr: bytes, value: bytes) -> bytes:
    if vr in (b"SQ", b"OW"):
        return struct.pack("<HH2sHL", *tag, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", *tag, vr, len(value)) + value


@pytest.mark.parametrize("piece", range(12, 80, 2))
def test_no_header_is_parted_and_nothing_is_lost(piece: int) -> None:
    inner = element((8, 0x1150), b"UI", b"1.2.840.10008.5.1.4") + element((8, 0x1155), b"UI", b"1.2")
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner
    parts = [
        element((8, 0x52), b"CS", b"STUDY "),
        element((8, 0x1115), b"SQ", item),
        element((0x10, 0x10), b"PN", b"NAME^A"),
        element((0x7FE0, 0x10), b"OW", bytes(100)),
    ]
    data = b"".join(parts)
    pieces = list(cuts(data, piece, explicit=True))
    assert [begin for begin, _ in pieces] == [0, *(end for _, end in pieces[:-1])] and pieces[-1][1] == len(data)
    assert all(0 < end - begin <= piece for begin, end in pieces)
    headers = [(0, 8), (14, 12), (26, 8), (34, 8), (61, 8), (72, 8), (86, 12)]
    for at, length in headers:
        assert not any(at < end < at + length for _, end in pieces), (at, pieces)
    assert whole_fragments(1, data, piece, EXPLICIT)[1::2] == [data[begin:end] for begin, end in pieces]


def test_what_has_no_elements_is_cut_anywhere() -> None:
    assert list(cuts(b"\xff" * 50, 20, explicit=True)) == [(0, 20), (20, 40), (40, 50)]
    assert list(cuts(b"", 20, explicit=False)) == [(0, 0)]


@pytest.mark.parametrize("most", [1, 2, 100])
def test_runs_are_of_one_length_but_for_a_shorter_last(most: int) -> None:
    lengths = [10, 10, 10, 4, 6, 10, 10, 3, 8, 8, 9, 5]
    ends = [sum(lengths[: n + 1]) for n in range(len(lengths))]
    pieces = [(end - length, end) for length, end in zip(lengths, ends, strict=True)]
    found = list(runs(pieces, most))
    assert [start for start, _, _ in found] == [0, *(stop for _, stop, _ in found[:-1])]
    assert found[-1][1] == ends[-1]
    cut = [(at, min(at + size, stop)) for start, stop, size in found for at in range(start, stop, size)]
    assert cut == pieces
    assert max(-(-(stop - start) // size) for start, stop, size in found) <= max(most, 1)
    assert list(runs([(0, 0)], most)) == [(0, 0, 0)]


def test_a_deflated_data_set_has_no_headers() -> None:
    data = element((8, 0x52), b"CS", b"STUDY ") * 5
    assert list(whole_cuts(data, 20, DEFLATED)) == [(0, 20), (20, 40), (40, 60), (60, 70)]
    assert list(whole_cuts(data, 20, EXPLICIT)) != list(whole_cuts(data, 20, DEFLATED))
