"""multipart/related from strangers: any chunking, hostile boundaries, bounded memory."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.sensor.web.dicomweb.multipart import (
    MAX_HEADER,
    Begin,
    Data,
    End,
    Event,
    MultipartError,
    Reader,
    closing,
    opening,
)

BOUNDARIES = st.text("0123456789abcXYZ'()+_,-./:=?", min_size=1, max_size=70)


def parts_of(events: list[Event]) -> list[tuple[dict[str, str], bytes]]:
    found: list[tuple[dict[str, str], bytes]] = []
    content = bytearray()
    for event in events:
        match event:
            case Begin(headers):
                content = bytearray()
                found.append((dict(headers), b""))
            case Data(data):
                content += data
            case End():
                found[-1] = (found[-1][0], bytes(content))
    return found


def read(body: bytes, boundary: str, cuts: list[int]) -> list[Event]:
    reader, events, at = Reader(boundary), list[Event](), 0
    for cut in [*sorted(cut % (len(body) + 1) for cut in cuts), len(body)]:
        events += reader.feed(body[at:cut])
        at = cut
    reader.finish()
    return events


CONTENTS = st.lists(
    st.one_of(
        st.binary(max_size=200), st.lists(st.sampled_from([b"\r\n", b"--", b"b", b"\r", b"\n", b"x"])).map(b"".join)
    ),
    max_size=5,
)


@given(
    BOUNDARIES, CONTENTS, st.lists(st.integers(0, 5000), max_size=30), st.binary(max_size=30), st.binary(max_size=30)
)
@settings(max_examples=150, deadline=None)
def test_parts_come_back_whatever_the_chunking(
    boundary: str, contents: list[bytes], cuts: list[int], preamble: bytes, epilogue: bytes
) -> None:
    delimiter = b"--" + boundary.encode()
    contents = [each.replace(delimiter, b"") for each in contents]
    if any(delimiter in each for each in (*contents, preamble)):
        return
    body = preamble + b"\r\n" if preamble else b""
    for number, content in enumerate(contents):
        body += opening(
            boundary, [("Content-Type", "application/dicom"), ("X-Number", str(number))], first=number == 0
        )
        body += content
    body += closing(boundary) + epilogue
    found = parts_of(read(body, boundary, cuts))
    assert [content for _, content in found] == contents
    assert [headers["X-Number"] for headers, _ in found] == [str(number) for number in range(len(contents))]


def test_the_same_as_the_standard_library() -> None:
    boundary = "a b-c"
    body = opening(boundary, [("Content-Type", "text/plain")], first=True) + b"one\r\n--a b\r\nstill"
    body += opening(boundary, [("Content-Type", "text/plain")], first=False) + b"two" + closing(boundary)
    head = f'Content-Type: multipart/related; boundary="{boundary}"\r\n\r\n'.encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    known = [part.get_payload(decode=True) for part in message.iter_parts()]
    assert [content for _, content in parts_of(read(body, boundary, []))] == known


def test_empty_parts_and_parts_without_a_header() -> None:
    body = b"--b\r\nA: 1\r\n\r\n\r\n--b\r\n\r\nx\r\n--b \t\r\nA: 2\r\n\r\n--b--"
    found = parts_of(read(body, "b", list(range(len(body)))))
    assert found == [({"A": "1"}, b""), ({}, b"x"), ({"A": "2"}, b"")]


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\nA: 1\r\n\r\nrest", b"--c--", b"\r\n" * 1000])
def test_without_its_end_it_is_an_error(body: bytes) -> None:
    with pytest.raises(MultipartError):
        read(body, "b", [])


@pytest.mark.parametrize("boundary", ["", "\r\n", "b\0", "x" * 300, "ü"])
def test_boundaries_that_are_none(boundary: str) -> None:
    with pytest.raises(MultipartError):
        Reader(boundary)


def test_a_header_without_an_end_is_an_error() -> None:
    reader = Reader("b")
    with pytest.raises(MultipartError):
        for _ in range(100):
            reader.feed(b"--b\r\n" + b"A: 1\r\n" * 1000)


def test_a_part_of_any_length_takes_no_memory() -> None:
    reader = Reader("b")
    reader.feed(b"--b\r\n\r\n")
    given_back = 0
    for _ in range(500):
        given_back += sum(len(event.data) for event in reader.feed(b"\r\n--" * 10_000) if isinstance(event, Data))
        assert len(reader._buffer) < MAX_HEADER
    assert given_back > 19_000_000


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
@settings(max_examples=150, deadline=None)
def test_hostile_bytes_end_in_events_or_in_an_error(noise: bytes, cuts: list[int]) -> None:
    body = noise.replace(b"\1", b"--b\r\n").replace(b"\2", b"--b--").replace(b"\3", b"\r\n\r\n")
    try:
        events = read(body, "b", cuts)
    except MultipartError:
        return
    assert sum(isinstance(event, Begin) for event in events) == sum(isinstance(event, End) for event in events)
    assert events == [] or isinstance(events[0], Begin)
