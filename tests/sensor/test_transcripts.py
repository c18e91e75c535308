"""Transcripts are what passed, byte for byte in both directions, with objects put back where they are referred to."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

from dicomhawk.evidence.transcript import (
    Ended,
    ObjectStored,
    Opened,
    Received,
    ReceivedObject,
    Record,
    Reference,
    Sent,
    SentObject,
    read_connection,
)
from dicomhawk.outputs.objects import Resolver
from dicomhawk.settings import load
from tests.sensor.dcmtk import find, get, move, store
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Passed, Visitor
from tests.sensor.raw import STORE_COMMAND, STORE_DATA, STORE_RQ
from tests.sensor.scu import MR, STUDY_GET, VERIFICATION, associate, keys
from tests.sensor.scu import Received as Objects
from tests.sensor.scu import get as scu_get
from tests.sensor.test_dcmtk_store import copies, sample
from tests.support import Sensor, at, run_tool, wait_until
from tests.tells import assert_no_tell


def records(sensor: Sensor, passed: Passed) -> list[Record]:
    """The transcript of a connection that has ended."""
    source = {"source__ip": passed.ip, "source__port": passed.port}  # visitors have ports in common
    sensor.wait_event("connection.close", **source)
    event = sensor.wait_event("connection.open", **source)
    return list(
        read_connection(
            sensor.data / "vault" / "transcripts",
            at(event, "honeypot.transcript.segment"),
            at(event, "honeypot.transcript.offset"),
            at(event, "honeypot.connection"),
        )
    )


def both_ways(sensor: Sensor, passed: Passed) -> tuple[bytes, bytes]:
    """All bytes from and to the visitor, as the transcript and the vault have them."""
    found = records(sensor, passed)
    assert isinstance(found[0], Opened)
    assert isinstance(found[-1], Ended)
    assert all(one.us <= two.us for one, two in itertools.pairwise(found))
    resolver = Resolver(load(data=sensor.data))
    stored = {record.ordinal: record.sha256 for record in found if isinstance(record, ObjectStored)}
    incoming, outgoing = bytearray(), bytearray()
    for record in found:
        match record:
            case Received():
                incoming += record.data
            case Sent():
                outgoing += record.data
            case ReceivedObject():
                data = resolver(Reference("captured", stored[record.ordinal], ""))
                assert data is not None
                incoming += data[record.offset : record.offset + record.length]
            case SentObject():
                data = resolver(record.reference)
                assert data is not None
                outgoing += data[record.offset : record.offset + record.length]
    resolver.close()
    return bytes(incoming), bytes(outgoing)


def assert_recorded(visitor: Visitor, least: int = 0) -> None:
    """Every connection of the visitor is in the vault as it was, and at least so many bytes of it."""
    wait_until(lambda: all(passed.ended.is_set() for passed in visitor.connections), "end")
    for passed in visitor.connections:
        incoming, outgoing = both_ways(visitor.sensor, passed)
        assert incoming == passed.sent
        assert outgoing == passed.received
        assert len(incoming) + len(outgoing) > least
        assert_no_tell(outgoing)


def test_echo_and_find(visitor: Visitor) -> None:
    run_tool("echoscu", "--repeat", 5, *visitor.address)
    find(visitor, "-S", "QueryRetrieveLevel=STUDY", "PatientName", "StudyInstanceUID")
    find(visitor, "-W", "PatientName", "ScheduledProcedureStepSequence[0].Modality")
    assert_recorded(visitor)
    assert len(visitor.connections) == 3


def test_get_of_rendered_objects(visitor: Visitor, hospital: Hospital, tmp_path: Path) -> None:
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    got = get(
        visitor, tmp_path / "got", "-S", "QueryRetrieveLevel=SERIES", f"StudyInstanceUID={study['study_uid']}",
        f"SeriesInstanceUID={series['series_uid']}",
    )  # fmt: skip
    assert len(got.files) > 10
    assert_recorded(visitor, 1_000_000)
    found = records(visitor.sensor, visitor.connections[0])
    literal = sum(len(record.data) for record in found if isinstance(record, Sent))
    assert literal < 100_000, "rendered objects are not repeated in the transcript"


def test_get_of_transcoded_objects_in_small_pdus(visitor: Visitor, hospital: Hospital) -> None:
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    instance = hospital.instances(series["series_key"])[0]
    identifier = keys(
        QueryRetrieveLevel="IMAGE", StudyInstanceUID=study["study_uid"], SeriesInstanceUID=series["series_uid"],
        SOPInstanceUID=instance["sop_uid"],
    )  # fmt: skip
    received = Objects()
    with associate(
        visitor.address, [STUDY_GET, MR, VERIFICATION], scp=[MR], handlers=[received.handler], max_pdu=1024
    ) as association:
        scu_get(association, identifier)
        association.send_c_echo()
    assert len(received.objects) == 1
    assert_recorded(visitor, 100_000)


def test_store_and_get_back(visitor: Visitor, tmp_path: Path) -> None:
    store(visitor, *copies(tmp_path, 5), sample("MR_small.dcm"), sample("MR_small.dcm"))
    store(visitor, sample("waveform_ecg.dcm"), sample("MR_small_bigendian.dcm"), options=("-xb",))
    get(visitor, tmp_path / "got", "-P", "QueryRetrieveLevel=PATIENT", "PatientID=1CT1")
    assert_recorded(visitor)


def test_store_that_breaks_off(visitor: Visitor) -> None:
    fragment = bytearray(STORE_DATA)
    fragment[11] = 0
    with socket.create_connection(visitor.address) as sock:
        sock.sendall(STORE_RQ + STORE_COMMAND + bytes(fragment) + bytes(fragment)[:100])
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    assert_recorded(visitor)


def test_move(visitor: Visitor, hospital: Hospital) -> None:
    study = hospital.small_study("MR")
    keys = ("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study['study_uid']}")
    move(visitor, hospital.workstation()["ae_title"], "-S", *keys)
    move(visitor, "NOBODY", "-S", *keys)
    assert_recorded(visitor)


def test_what_is_not_dicom(visitor: Visitor) -> None:
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\0\1\0\1\xfc\3\3" + bytes(500), b"\0"):
        with socket.create_connection(visitor.address) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
    assert_recorded(visitor)
