"""Transcripts: what was recorded of a connection is read back, whatever else its worker did."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomhawk.evidence.spool import MAX_HELD
from dicomhawk.evidence.transcript import (
    Framing,
    Reference,
    Sent,
    SentObject,
    Transcript,
    TranscriptError,
    TranscriptWriter,
    read_connection,
)

SOURCE, DESTINATION = ("2001:db8::5", 41822), ("203.0.113.10", 11112)
SHA = "ab" * 32
OBJECT = Reference("hospital", "1.2.3", "1.2.840.10008.1.2.1")


class Clock:
    """Advances by a microsecond with each look at it."""

    def __init__(self, now: int = 1_728_043_200 * 10**9) -> None:
        self.now = now

    def __call__(self) -> int:
        self.now += 1000
        return self.now


def read(folder: Path, transcript: Transcript, connection: str) -> list[Any]:
    return list(read_connection(folder, transcript.segment, transcript.offset, connection))


def bare(records: list[Any]) -> list[Any]:
    """Records without their moments."""
    return [
        (type(record).__name__, *(getattr(record, f) for f in record.__struct_fields__[1:])) for record in records
    ]


def test_a_connection_is_read_back(tmp_path: Path) -> None:
    writer = TranscriptWriter(tmp_path, "w0", 1 << 20, clock=Clock())
    one = writer.open("C1", SOURCE, DESTINATION)
    other = writer.open("C2", SOURCE, DESTINATION)
    one.received(b"\1\0rq")
    other.received(b"GET / HTTP/1.1\r\n")
    one.sent(memoryview(b"\2\0ac"))
    one.received_object(1, 0, 16000)
    one.received_object(1, 16000, 5)
    other.close("peer-reset")
    one.object_stored(1, SHA)
    one.sent_object(Reference("hospital", "1.2.3", "1.2.840.10008.1.2.1"), 70_000_000_000, 4096)
    one.close("peer-fin")
    writer.flush()
    records = read(tmp_path, one, "C1")
    assert bare(records) == [
        ("Opened", "C1", SOURCE, DESTINATION),
        ("Received", b"\1\0rq"),
        ("Sent", b"\2\0ac"),
        ("ReceivedObject", 1, 0, 16000),
        ("ReceivedObject", 1, 16000, 5),
        ("ObjectStored", 1, SHA),
        ("SentObject", Reference("hospital", "1.2.3", "1.2.840.10008.1.2.1"), 70_000_000_000, 4096),
        ("Ended", "peer-fin"),
    ]
    moments = [record.us for record in records]
    assert moments == sorted(set(moments))
    assert bare(read(tmp_path, other, "C2"))[1:] == [("Received", b"GET / HTTP/1.1\r\n"), ("Ended", "peer-reset")]


def test_nothing_is_there_before_it_is_flushed_and_a_flush_is_one_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = TranscriptWriter(tmp_path, "w0", 1 << 20)
    one = writer.open("C1", SOURCE, DESTINATION)
    one.received(b"x")
    with pytest.raises(TranscriptError):
        read(tmp_path, one, "C1")
    real, writes = os.write, []
    monkeypatch.setattr(os, "write", lambda fd, data: writes.append(len(data)) or real(fd, data))
    writer.flush()
    assert len(writes) == 1
    assert len(read(tmp_path, one, "C1")) == 2


operations = st.lists(
    st.tuples(
        st.integers(0, 3),  # the connection
        st.one_of(
            st.tuples(st.just("received"), st.binary(max_size=300)),
            st.tuples(st.just("sent"), st.binary(max_size=300)),
            st.tuples(st.just("flush"), st.just(b"")),
            st.tuples(st.just("close"), st.just(b"")),
        ),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(operations, st.integers(100, 2000))
def test_any_interleaving_over_any_segments(
    tmp_path_factory: pytest.TempPathFactory, script: list[Any], segment_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("transcripts")
    writer = TranscriptWriter(folder, "w0", segment_bytes, clock=Clock())
    transcripts: dict[str, Transcript] = {}
    expected: dict[str, list[Any]] = {}
    current: dict[int, str] = {}
    for slot, (what, data) in script:
        if what == "flush":
            writer.flush()
            continue
        name = current.get(slot)
        if name is None:
            name = current[slot] = f"C{len(transcripts)}"
            transcripts[name] = writer.open(name, SOURCE, DESTINATION)
            expected[name] = [("Opened", name, SOURCE, DESTINATION)]
        if what == "close":
            transcripts[name].close("closed")
            expected[name].append(("Ended", "closed"))
            del current[slot]
        else:
            getattr(transcripts[name], what)(data)
            expected[name].append((what.capitalize(), data))
    writer.close()
    for name, transcript in transcripts.items():
        assert bare(read(folder, transcript, name)) == expected[name]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400))
def test_a_segment_cut_anywhere_gives_what_is_whole(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("transcripts")
    writer = TranscriptWriter(folder, "w0", 1 << 20)
    one = writer.open("C1", SOURCE, DESTINATION)
    for number in range(8):
        one.received(bytes([number]) * 20)
    writer.close()
    path = folder / one.segment
    whole = bare(read(folder, one, "C1"))
    data = path.read_bytes()
    path.write_bytes(data[: max(0, len(data) - cut)])
    try:
        found = bare(read(folder, one, "C1"))
    except TranscriptError:
        found = []
    assert found == whole[: len(found)]
    assert len(found) >= len(whole) - 1 - cut // 37


def test_the_next_run_never_continues_a_segment_of_the_last(tmp_path: Path) -> None:
    first = TranscriptWriter(tmp_path, "w0", 1 << 20)
    one = first.open("C1", SOURCE, DESTINATION)
    first.flush()  # and then it is killed
    second = TranscriptWriter(tmp_path, "w0", 1 << 20)
    other = second.open("C2", SOURCE, DESTINATION)
    other.received(b"not of C1, though it has the same number")
    second.flush()
    assert one.segment != other.segment
    assert bare(read(tmp_path, one, "C1")) == [("Opened", "C1", SOURCE, DESTINATION)]
    assert len(read(tmp_path, other, "C2")) == 2


def test_a_connection_that_outlives_midnight(tmp_path: Path) -> None:
    clock = Clock()
    writer = TranscriptWriter(tmp_path, "w0", 1 << 20, clock=clock)
    one = writer.open("C1", SOURCE, DESTINATION)
    writer.flush()
    clock.now += 86_400 * 10**9
    one.received(b"next day")
    writer.flush()
    one.close("timeout")
    writer.flush()
    assert len(list(tmp_path.glob("*.dht"))) == 2
    assert bare(read(tmp_path, one, "C1"))[1:] == [("Received", b"next day"), ("Ended", "timeout")]


@pytest.mark.parametrize("where", ["missing.dht", "2024-10-04.w0.0009.dht", "../x", ""])
def test_a_segment_that_is_gone(tmp_path: Path, where: str) -> None:
    with pytest.raises(TranscriptError):
        list(read_connection(tmp_path, where, 0, "C1"))


@pytest.mark.parametrize("offset", [0, 5, 27, 60, 10**9])
def test_an_offset_that_is_wrong(tmp_path: Path, offset: int) -> None:
    writer = TranscriptWriter(tmp_path, "w0", 1 << 20)
    one = writer.open("C1", SOURCE, DESTINATION)
    one.received(b"x" * 1000)
    writer.close()
    with pytest.raises(TranscriptError):
        list(read_connection(tmp_path, one.segment, offset, "C1"))
    with pytest.raises(TranscriptError):
        read(tmp_path, one, "C2")


def test_what_a_full_disk_lost_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = TranscriptWriter(tmp_path, "w0", 1 << 30)
    one = writer.open("C1", SOURCE, DESTINATION)
    one.received(b"before")
    writer.flush()

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for _ in range(MAX_HELD // 10_000 + 10):
            one.received(b"x" * 10_000)
            writer.flush()
        assert writer.take_losses() is None
    one.received(b"after")
    one.close("closed")
    writer.flush()
    losses = writer.take_losses()
    assert losses is not None
    records = bare(read(tmp_path, one, "C1"))
    assert records[1] == ("Received", b"before")
    assert records[2] == ("Gap", losses[0])
    assert records[-2:] == [("Received", b"after"), ("Ended", "closed")]


def test_records_of_later_versions_are_passed_over(tmp_path: Path) -> None:
    writer = TranscriptWriter(tmp_path, "w0", 1 << 20)
    one = writer.open("C1", SOURCE, DESTINATION)
    one._record(200, b"news")
    one.received(b"x")
    writer.flush()
    assert bare(read(tmp_path, one, "C1"))[1:] == [("Received", b"x")]


@given(
    content=st.binary(max_size=200),
    piece=st.integers(1, 64),
    header=st.binary(max_size=20),
    last=st.binary(max_size=20),
)
def test_framed_bytes_are_read_as_they_were_sent(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, piece: int, header: bytes, last: bytes
) -> None:
    folder = tmp_path_factory.mktemp("framed")
    writer = TranscriptWriter(folder, "w0", 1 << 20)
    transcript = writer.open("C1", ("192.0.2.1", 1), ("192.0.2.2", 2))
    transcript.sent_object(OBJECT, 3, len(content), Framing(piece, header, last))
    transcript.close("peer-fin")
    writer.close()
    pieces = [content[at : at + piece] for at in range(0, len(content), piece)] or [b""]
    expected = b"".join(header + one for one in pieces[:-1]) + last + pieces[-1]
    padded = b"..." + content
    found = b""
    for record in read_connection(folder, transcript.segment, transcript.offset, "C1"):
        if isinstance(record, Sent):
            found += record.data
        elif isinstance(record, SentObject):
            assert record.reference == OBJECT
            found += padded[record.offset : record.offset + record.length]
    assert found == expected
