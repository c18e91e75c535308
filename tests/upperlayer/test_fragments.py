"""How messages are cut into P-DATA-TFs, read back by our own decoder and by pynetdicom's."""

from __future__ import annotations

import pytest
from pynetdicom.pdu import P_DATA_TF

from dicomhawk.upperlayer.fragments import HEADERS, fragments, packed

COMMAND, DATA = bytes(range(60)), bytes(range(200)) * 3


def pdus(pieces: list[bytes | memoryview]) -> list[bytes]:
    """The PDUs in a stream, by the lengths that they say they have."""
    stream, found = b"".join(pieces), []
    while stream:
        end = 6 + int.from_bytes(stream[2:6], "big")
        found.append(stream[:end])
        stream = stream[end:]
    return found


def values(found: list[bytes]) -> list[tuple[int, int, bytes]]:
    """Context identifier, message control header and data of each presentation data value, as pynetdicom reads it."""
    read = []
    for data in found:
        pdu = P_DATA_TF()
        pdu.decode(data)
        for item in pdu.presentation_data_value_items:
            value = item.presentation_data_value
            read.append((item.presentation_context_id, value[0], value[1:]))
    return read


@pytest.mark.parametrize(
    ("piece", "number"), [(1 << 20, 1), (666, 1), (665, 2), (300, 3), (67, 10), (66, 11), (30, 22)]
)
def test_a_packed_message_is_whole_and_never_too_long(piece: int, number: int) -> None:
    found = pdus(packed(5, COMMAND, DATA, piece))
    assert len(found) == number
    assert all(len(pdu) <= HEADERS + piece for pdu in found)
    read = values(found)
    assert {context for context, _, _ in read} == {5}
    assert b"".join(data for _, control, data in read if control & 1) == COMMAND
    assert b"".join(data for _, control, data in read if not control & 1) == DATA
    assert [control for _, control, _ in read if control & 2] == [3, 2]
    assert read[-1][1] == 2


def test_without_packing_command_and_data_set_have_pdus_of_their_own() -> None:
    apart = fragments(5, COMMAND, 1 << 20, command=True) + fragments(5, DATA, 1 << 20)
    assert [control for _, control, _ in values(pdus(apart))] == [3, 2]
    assert len(pdus(apart)) == 2
