"""Sessions exported as captures are what Wireshark expects of DICOM."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sensor.dcmtk import find, get, move, store
from tests.sensor.oracle import Hospital
from tests.sensor.proxy import Visitor
from tests.sensor.scu import MR, STUDY_GET, Received, associate, keys
from tests.sensor.scu import get as scu_get
from tests.sensor.test_dcmtk_store import copies, sample
from tests.support import dicomhawk, find_tool, run_tool, wait_until

KINDS = {
    "A-ASSOCIATE request": 1,
    "A-ASSOCIATE accept": 2,
    "P-DATA": 4,
    "A-RELEASE request": 5,
    "A-RELEASE response": 6,
}


def images(hospital: Hospital) -> tuple[str, ...]:
    """Keys of a series that is quickly rendered."""
    study = hospital.small_study("MR")
    series = hospital.series(study["study_key"])[0]
    return f"StudyInstanceUID={study['study_uid']}", f"SeriesInstanceUID={series['series_uid']}"


def visit_echo(visitor: Visitor, hospital: Hospital, folder: Path) -> None:
    run_tool("echoscu", "--repeat", 3, *visitor.address)


def visit_find(visitor: Visitor, hospital: Hospital, folder: Path) -> None:
    find(visitor, "-S", "QueryRetrieveLevel=STUDY", "PatientName", "StudyInstanceUID")
    find(visitor, "-W", "PatientName")


def visit_get(visitor: Visitor, hospital: Hospital, folder: Path) -> None:
    get(visitor, folder / "got", "-S", "QueryRetrieveLevel=SERIES", *images(hospital))


def visit_get_transcoded(visitor: Visitor, hospital: Hospital, folder: Path) -> None:
    study, series = (key.partition("=")[2] for key in images(hospital))
    received = Received()
    with associate(
        visitor.address, [STUDY_GET, MR], scp=[MR], handlers=[received.handler], max_pdu=4096
    ) as association:
        identifier = keys(QueryRetrieveLevel="SERIES", StudyInstanceUID=study, SeriesInstanceUID=series)
        scu_get(association, identifier)
    assert received.objects


def visit_move(visitor: Visitor, hospital: Hospital, folder: Path) -> None:
    move(visitor, hospital.workstation()["ae_title"], "-S", "QueryRetrieveLevel=SERIES", *images(hospital))
    move(visitor, "NOBODY", "-S", "QueryRetrieveLevel=SERIES", *images(hospital))


def visit_store(visitor: Visitor, hospital: Hospital, folder: Path) -> None:
    store(visitor, *copies(folder, 5), sample("MR_small.dcm"))
    get(visitor, folder / "got", "-P", "QueryRetrieveLevel=PATIENT", "PatientID=1CT1")


@pytest.mark.parametrize("visit", [visit_echo, visit_find, visit_get, visit_get_transcoded, visit_move, visit_store])
def test_sessions_are_dissected_as_dicom(
    visitor: Visitor, hospital: Hospital, tmp_path: Path, visit: Callable[[Visitor, Hospital, Path], None]
) -> None:
    find_tool("tshark")
    visit(visitor, hospital, tmp_path)
    wait_until(lambda: all(passed.ended.is_set() for passed in visitor.connections), "end")
    session = visitor.visit()[0]["session"]
    capture = tmp_path / "visit.pcap"
    exported = dicomhawk("export", "pcap", session, "-o", capture, "--data", visitor.sensor.data)
    assert exported.returncode == 0, exported.stderr + exported.stdout

    assert shark(visitor, capture, "-Y", "_ws.malformed || tcp.analysis.flags") == []
    streams = shark(visitor, capture, "-Y", "dicom", "-T", "fields", "-e", "dicom.pdu.type", "-E", "aggregator=,")
    seen = [int(kind, 0) for line in streams for kind in line.split(",") if kind]
    for kind in KINDS.values():
        expected = sum(
            pdu[0] == kind for passed, way in itertools.product(visitor.connections, "<>") for pdu in passed.pdus(way)
        )
        assert seen.count(kind) == expected, kind
    # The streams are the same bytes as those that passed.
    assert streams_of(visitor, capture) == [(passed.sent, passed.received) for passed in visitor.connections]


def shark(visitor: Visitor, capture: Path, *options: str) -> list[str]:
    """Lines of tshark, with the sensor's port as DICOM."""
    port = visitor.sensor.port
    ran = run_tool("tshark", "-r", capture, "-d", f"tcp.port=={port},dicom", *options)
    return [line for line in ran.output.splitlines() if line and not line.startswith("Running as user")]


def streams_of(visitor: Visitor, capture: Path) -> list[tuple[bytes, bytes]]:
    """The two directions of each TCP stream, as tshark puts them together."""
    numbers = range(len(visitor.connections))
    wanted = [part for number in numbers for part in ("-z", f"follow,tcp,raw,{number}")]
    found = {}
    lines = iter(shark(visitor, capture, "-q", *wanted))
    for line in lines:
        if line.startswith("Filter: tcp.stream eq "):
            sent, received = found[int(line.split()[-1])] = bytearray(), bytearray()
        elif line.strip("\t").isalnum():
            (received if line.startswith("\t") else sent).extend(bytes.fromhex(line.strip()))
    return [(bytes(found[number][0]), bytes(found[number][1])) for number in numbers]


def test_what_is_not_dicom_is_exported_too(visitor: Visitor, tmp_path: Path) -> None:
    find_tool("tshark")
    with socket.create_connection(visitor.address) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass
    session = visitor.visit()[0]["session"]
    capture = tmp_path / "visit.pcap"
    exported = dicomhawk("export", "pcap", session, "-o", capture, "--data", visitor.sensor.data)
    assert exported.returncode == 0, exported.stderr
    assert streams_of(visitor, capture)[0][0] == b"GET / HTTP/1.0\r\n\r\n"
