"""Captures made from transcripts, as tshark sees them."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhawk.evidence.transcript import Reference, Transcript, TranscriptWriter
from dicomhawk.outputs.pcap import Export, _Pdus, export_session
from dicomhawk.outputs.summary import Where

VISITOR4, DOOR4 = ("198.51.100.7", 41822), ("203.0.113.10", 4242)
VISITOR6, DOOR6 = ("2001:db8::7", 41822), ("2001:db8::10", 4242)
ENDINGS = ("peer-fin", "peer-reset", "closed", "aborted", "timeout", "shutdown")
SYNTAX = "1.2.840.10008.1.2"
CT = "1.2.840.10008.5.1.4.1.1.2"


class Clock:
    """Moves on by a millisecond with each look at it."""

    def __init__(self) -> None:
        self.now = 1_728_043_200 * 10**9

    def __call__(self) -> int:
        self.now += 1_000_000
        return self.now


# A few PDUs, written down from PS3.8 section 9.3 and PS3.7 section 9.3.


def item(kind: int, data: bytes) -> bytes:
    return pack(">BxH", kind, len(data)) + data


def associate(kind: int, *, accept: bool = False) -> bytes:
    syntaxes = item(0x40, SYNTAX.encode())
    if accept:
        context = item(0x21, b"\1\0\0\0" + syntaxes)
    else:
        context = item(0x20, b"\1\0\0\0" + item(0x30, CT.encode()) + syntaxes)
    user = item(0x50, item(0x51, pack(">I", 16384)) + item(0x52, b"1.2.3.4"))
    body = pack(">HH16s16s32x", 1, 0, b"ANY-SCP".ljust(16), b"STORESCU".ljust(16))
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + context + user
    return pack(">BxI", kind, len(body)) + body


def pdv(data: bytes, flags: int) -> bytes:
    """The headers of a P-DATA-TF with one PDV, without its data."""
    return pack(">BxIIBB", 4, len(data) + 6, len(data) + 2, 1, flags)


def command(*elements: tuple[int, bytes]) -> bytes:
    body = b"".join(pack("<HHI", 0, element, len(value)) + value for element, value in elements)
    body = pack("<HHII", 0, 0, 4, len(body)) + body
    return pdv(body, 3) + body


def uid(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text) % 2)


STORE_RQ = command(
    (0x0002, uid(CT)),
    (0x0100, pack("<H", 1)),
    (0x0110, pack("<H", 1)),
    (0x0700, pack("<H", 0)),
    (0x0800, pack("<H", 0)),
    (0x1000, uid("1.2.3.4.5")),
)
STORE_RSP = command(
    (0x0002, uid(CT)),
    (0x0100, pack("<H", 0x8001)),
    (0x0120, pack("<H", 1)),
    (0x0800, pack("<H", 0x0101)),
    (0x0900, pack("<H", 0)),
    (0x1000, uid("1.2.3.4.5")),
)
DATA_SET = pack("<HHI", 0x0010, 0x0020, 200_000) + b"P" * 200_000
RELEASE_RQ, RELEASE_RP = b"\5\0\0\0\0\4\0\0\0\0", b"\6\0\0\0\0\4\0\0\0\0"
CAPTURED = "cd" * 32


def store(transcript: Transcript, *, inbound: bool) -> None:
    """A C-STORE of `DATA_SET`, by the visitor or (as in C-GET) by us."""
    asks, answers = (transcript.received, transcript.sent) if inbound else (transcript.sent, transcript.received)
    asks(STORE_RQ)
    for at in range(0, len(DATA_SET), 16378):
        piece = DATA_SET[at : at + 16378]
        asks(pdv(piece, 2 if at + 16378 >= len(DATA_SET) else 0))
        if inbound:
            transcript.received_object(1, at, len(piece))
        else:
            transcript.sent_object(Reference("hospital", "1.2.3.4.5", SYNTAX), at, len(piece))
    answers(STORE_RSP)


def visit(writer: TranscriptWriter, name: str, ending: str, *, ipv6: bool = False, inbound: bool = True) -> Where:
    """A whole association with a C-STORE in it."""
    source, destination = (VISITOR6, DOOR6) if ipv6 else (VISITOR4, DOOR4)
    transcript = writer.open(name, source, destination)
    us = writer._clock() // 1000
    transcript.received(associate(1))
    transcript.sent(associate(2, accept=True))
    store(transcript, inbound=inbound)
    if inbound:
        transcript.object_stored(1, CAPTURED)
    transcript.received(RELEASE_RQ)
    transcript.sent(RELEASE_RP)
    transcript.close(ending)
    return Where(name, transcript.segment, transcript.offset, us)


def resolve(reference: Reference) -> bytes | None:
    return DATA_SET if reference.key in (CAPTURED, "1.2.3.4.5") else None


def export(folder: Path, *where: Where, resolver=resolve) -> tuple[Export, Path]:
    target = folder / "x.pcap"
    with target.open("wb") as file:
        return export_session(folder, where, resolver, file), target


@pytest.fixture
def writer(tmp_path: Path) -> TranscriptWriter:
    return TranscriptWriter(tmp_path, "w0", 1 << 24, clock=Clock())


def tshark(path: Path, *more: str) -> list[str]:
    program = shutil.which("tshark")
    if program is None:
        pytest.skip("tshark is not installed")
    command = [program, "-r", str(path), "-d", "tcp.port==4242,dicom", "-o", "tcp.check_checksum:TRUE"]
    command += ["-o", "ip.check_checksum:TRUE", *more]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return result.stdout.splitlines()


def clean(path: Path) -> None:
    """Nothing in the capture is malformed, out of order, or has a wrong checksum."""
    faults = ("_ws.malformed", "tcp.analysis.flags", "tcp.checksum.status == 0", "ip.checksum.status == 0")
    assert tshark(path, "-Y", " || ".join((*faults, "_ws.expert.severity >= 0x600000"))) == []


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize("inbound", [False, True])
def test_tshark_dissects_an_association(tmp_path: Path, writer: TranscriptWriter, ipv6: bool, inbound: bool) -> None:
    where = visit(writer, "C1", "peer-fin", ipv6=ipv6, inbound=inbound)
    writer.flush()
    report, path = export(tmp_path, where)
    assert (report.connections, report.missing_objects, report.lost) == (1, {}, 0)
    clean(path)
    types = tshark(path, "-Y", "dicom", "-T", "fields", "-e", "dicom.pdu.type")
    flat = [kind for line in types for kind in line.split(",")]
    assert flat[:2] == ["0x01", "0x02"]
    assert flat[-2:] == ["0x05", "0x06"]
    assert flat.count("0x04") == 2 + -(-len(DATA_SET) // 16378)
    assert len(tshark(path)) == report.packets


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_connection_ends_as_it_did(tmp_path: Path, writer: TranscriptWriter, ending: str) -> None:
    where = visit(writer, "C1", ending)
    writer.flush()
    _, path = export(tmp_path, where)
    wanted = "tcp.flags.fin == 1 || tcp.flags.reset == 1"
    ends = tshark(path, "-Y", wanted, "-T", "fields", "-e", "ip.src", "-e", "tcp.flags.reset")
    first = VISITOR4[0] if ending.startswith("peer") else DOOR4[0]
    assert ends[0].split() == [first, "1" if ending in ("peer-reset", "aborted") else "0"]
    assert len(ends) == (1 if ending in ("peer-reset", "aborted") else 2)


def test_streams_come_out_byte_for_byte(tmp_path: Path, writer: TranscriptWriter) -> None:
    where = visit(writer, "C1", "closed", inbound=False)
    writer.flush()
    _, path = export(tmp_path, where)
    lines = tshark(path, "-q", "-z", "follow,tcp,raw,0")
    sent = b"".join(bytes.fromhex(line.strip()) for line in lines if line.startswith("\t"))
    received = b"".join(bytes.fromhex(line) for line in lines if line and set(line) <= set("0123456789abcdef"))
    expected = associate(2, accept=True) + STORE_RQ
    for at in range(0, len(DATA_SET), 16378):
        piece = DATA_SET[at : at + 16378]
        expected += pdv(piece, 2 if at + 16378 >= len(DATA_SET) else 0) + piece
    assert sent == expected + RELEASE_RP
    assert received == associate(1) + STORE_RSP + RELEASE_RQ


def test_connections_are_in_the_order_of_time(tmp_path: Path, writer: TranscriptWriter) -> None:
    long = writer.open("C0", ("198.51.100.7", 1), DOOR4)
    us = writer._clock() // 1000
    others = [visit(writer, f"C{number}", "peer-fin") for number in range(1, 4)]
    long.received(b"GET / HTTP/1.0\r\n\r\n")
    long.close("closed")
    writer.flush()
    report, path = export(tmp_path, *others, Where("C0", long.segment, long.offset, us))
    assert report.connections == 4
    moments = [float(line) for line in tshark(path, "-T", "fields", "-e", "frame.time_epoch")]
    assert moments == sorted(moments)
    assert moments[0] == pytest.approx(1_728_043_200.001)
    assert len(tshark(path, "-Y", "tcp.flags.syn == 1 && tcp.flags.ack == 0")) == 4


def test_bytes_that_are_not_to_be_had_are_zeros_and_reported(tmp_path: Path, writer: TranscriptWriter) -> None:
    where = visit(writer, "C1", "peer-fin", inbound=False)
    writer.flush()
    report, path = export(tmp_path, where, resolver=lambda _: DATA_SET[:1000])
    assert report.missing_objects == {Reference("hospital", "1.2.3.4.5", SYNTAX): len(DATA_SET) - 1000}
    clean(path)
    gone, _ = export(tmp_path, where, resolver=lambda _: None)
    assert list(gone.missing_objects.values()) == [len(DATA_SET)]
    assert gone.packets == report.packets


def test_an_upload_that_never_ended_is_zeros(tmp_path: Path, writer: TranscriptWriter) -> None:
    transcript = writer.open("C1", VISITOR4, DOOR4)
    transcript.received_object(1, 0, 3_000_000)
    writer.flush()
    report, path = export(tmp_path, Where("C1", transcript.segment, transcript.offset, 0))
    assert list(report.missing_objects.values()) == [3_000_000]
    assert path.stat().st_size > 3_000_000


def test_a_transcript_that_is_gone_is_reported(tmp_path: Path, writer: TranscriptWriter) -> None:
    where = visit(writer, "C1", "peer-fin")
    writer.flush()
    report, _ = export(tmp_path, where, Where("C2", "2024-10-04.w0.0009.dht", 28, 0))
    assert report.missing_connections == ["C2"]
    assert report.connections == 1


def test_an_export_is_the_same_each_time(tmp_path: Path, writer: TranscriptWriter) -> None:
    where = visit(writer, "C1", "peer-fin")
    writer.flush()
    one, two = io.BytesIO(), io.BytesIO()
    export_session(tmp_path, [where], resolve, one)
    export_session(tmp_path, [where], resolve, two)
    assert one.getvalue() == two.getvalue()
    assert len(one.getvalue()) > len(DATA_SET)


@given(st.lists(st.integers(0, 60), max_size=12), st.lists(st.integers(1, 25), min_size=1, max_size=40))
def test_the_ends_of_pdus_are_found_however_the_stream_is_cut(lengths: list[int], cuts: list[int]) -> None:
    stream, ends = b"", set()
    for length in lengths:
        stream += b"\x04\0" + length.to_bytes(4, "big") + bytes(length)
        ends.add(len(stream))
    pdus, at, found = _Pdus(), 0, set()
    for cut in cuts * (len(stream) // sum(cuts) + 1):
        last = pdus.advance(stream[at : at + cut])
        if last:
            found.add(at + last)
        inside = {end for end in ends if at < end <= at + cut}
        assert (at + last if last else None) == max(inside, default=None)
        at += cut
    assert found <= ends


def test_what_is_no_pdu_has_no_ends() -> None:
    assert _Pdus().advance(b"GET / HTTP/1.0\r\n\r\n" + bytes(100)) == 0
