"""Each row of the table of known clients that can be had here: the program itself asks a sensor."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.persona.clients import load
from tests.sensor.conftest import DEPLOYMENT
from tests.sensor.proxy import Visitor
from tests.sensor.raw import ABORT, ECHO_RQ, RELEASE_RQ, RQ, connect, echoes, receive_all, receive_pdu, reset, say
from tests.sensor.test_dcmtk_store import sample
from tests.support import Sensor, at, dicomhawk, find_tool, run_tool, wait_until

NMAP = "nmap dicom-ping/dicom-brute or masscan with a dicom_hello"
STUDY = ("-k", "0008,0052=STUDY", "-k", "0020,000D=1.2.3")


@pytest.fixture(scope="module")
def sensor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sensor]:
    """A sensor with one worker: what it does for one connection, it has done before what it does for the next."""
    data = tmp_path_factory.mktemp("clients") / "data"
    data.mkdir()
    (data / "dicomhawk.toml").write_text(DEPLOYMENT)
    built = dicomhawk("hospital", "build", "--data", data, "--studies", 5)
    assert built.returncode == 0, built.stderr
    with Sensor(data, workers=1) as running:
        yield running


@pytest.fixture
def visitor(sensor: Sensor) -> Iterator[Visitor]:
    with Visitor(sensor) as proxy:
        yield proxy


def expect(visitor: Visitor, name: str, match: str = "dfp", after_ac: str = "dimse") -> None:
    """The visitor's first association, accepted or not, is by whom it should be, and went on as it should."""
    events = visitor.visit()
    asked = next(event for event in events if event["event"]["action"].startswith("dicom.association"))
    client = asked["dicom"]["client"]
    assert (client.get("name"), client.get("match")) == (name, match), client
    assert at(visitor.wait_event("connection.close"), "dicom.client.after_ac") == after_ac
    rows = [
        row for row in load().rows if row.name in name and (match == "properties" or client["fingerprint"] in row.dfp)
    ]
    assert rows
    assert all(after_ac in row.after_ac for row in rows if row.after_ac)


# DCMTK


def dcmtk(tool: str) -> str:
    if "3.6.7" not in run_tool(tool, "--version").output:
        pytest.skip(f"{tool} is of another version than 3.6.7, which the table has")
    return tool


@pytest.mark.parametrize(
    ("tool", "options"),
    [
        ("echoscu", ("-aet", "NOBODY", "-aec", "ANYBODY")),
        *(("findscu", (model, *STUDY)) for model in ("-P", "-S", "-O")),
        ("findscu", ("-W", "-k", "0010,0010")),
        *(("movescu", (model, *STUDY)) for model in ("-P", "-S", "-O")),
        *(("getscu", (model, *STUDY)) for model in ("-P", "-S", "-O")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_dcmtk(visitor: Visitor, tmp_path: Path, tool: str, options: tuple[str, ...]) -> None:
    folder = ("-od", tmp_path) if tool == "getscu" else ()
    run_tool(dcmtk(tool), *options, *folder, *visitor.address, status=None)
    # Whether there is a command depends on what is accepted; the request doesn't.
    accepted = visitor.wait_event("connection.close")["dicom"]["client"].get("after_ac")
    expect(visitor, f"DCMTK {tool}", after_ac=accepted)


def test_dcmtk_storescu(visitor: Visitor) -> None:
    run_tool(dcmtk("storescu"), *visitor.address, sample("CT_small.dcm"))
    expect(visitor, "DCMTK storescu")


def test_dcmtk_with_other_options(sensor: Sensor) -> None:
    for tool, name, options in (
        ("storescu", "DCMTK storescu", ("-R",)),
        ("dcmsend", "DCMTK dcmsend", ()),
        ("echoscu", "DCMTK, or built with it", ("-pdu", "32768")),
    ):
        with Visitor(sensor) as visitor:
            files = () if tool == "echoscu" else (sample("CT_small.dcm"),)
            run_tool(tool, *options, *visitor.address, *files)
            expect(visitor, name, "properties")


# pynetdicom


@pytest.mark.parametrize(
    ("tool", "options"),
    [
        ("echoscu", ()),
        ("findscu", ("-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.3")),
        ("getscu", ("-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.3")),
        ("movescu", ("-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.3")),
        ("storescu", (str(sample("CT_small.dcm")),)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pynetdicom(visitor: Visitor, tmp_path: Path, tool: str, options: tuple[str, ...]) -> None:
    import pynetdicom

    python(tmp_path, "-m", "pynetdicom", tool, *visitor.address, *options)
    if pynetdicom.__version__.startswith("3.0."):  # 3.0.4 says that it is that; its contexts are those of 3.0.2
        expect(visitor, f"pynetdicom {tool}")


def test_a_script_with_pynetdicom(visitor: Visitor, tmp_path: Path) -> None:
    script = (
        "from pynetdicom import AE; ae = AE(); ae.add_requested_context('1.2.840.10008.1.1'); "
        f"a = ae.associate('127.0.0.1', {visitor.port}); a.release()"
    )
    python(tmp_path, "-c", script)
    expect(visitor, "pynetdicom", "properties", "release")


def python(folder: Path, *arguments: object) -> None:
    subprocess.run([sys.executable, *map(str, arguments)], cwd=folder, capture_output=True, timeout=60, check=False)


# Others


def test_nmap(visitor: Visitor) -> None:
    version = run_tool("nmap", "--version").output
    if not any(Path(folder, "dicom-ping.nse").exists() for folder in _SCRIPTS):
        pytest.skip("nmap is here, its script dicom-ping is not")
    run_tool("nmap", "-Pn", "-n", "-sT", "-p", visitor.port, "--script", "+dicom-ping", "127.0.0.1")
    visitor.visit()
    asked = visitor.wait_event("dicom.association")
    major, minor = map(int, version.split("Nmap version ")[1].split()[0].split(".")[:2])
    mended = (major, int(str(minor)[:2])) >= (7, 96)
    assert at(asked, "dicom.client.name") == ("nmap dicom-ping/dicom-brute" if mended else NMAP)
    port = asked["source"]["port"]
    closed = visitor.wait_event("connection.close", source__port=port)
    assert at(closed, "dicom.client.after_ac") == "silent_fin"


_SCRIPTS = ("/usr/share/nmap/scripts", "/usr/local/share/nmap/scripts")


@pytest.mark.parametrize(
    "options",
    [
        ("--echo",),
        ("--find", "--patientroot", "--patient", "--key", "10,20=X"),
        ("--find", "--studyroot", "--study", "--key", "10,20=X"),
        ("--move", "--patientroot", "--patient", "--key", "10,20=X"),
        ("--move", "--studyroot", "--study", "--key", "20,d=1.2"),
    ],
    ids=" ".join,
)
def test_gdcm(visitor: Visitor, tmp_path: Path, options: tuple[str, ...]) -> None:
    find_tool("gdcmscu")
    if "3.0.21" not in run_tool("gdcmscu", "--version", status=None).output:
        pytest.skip("gdcmscu is of another version than 3.0.21, which the table has")
    if "--move" in options:  # then it waits for images, long
        options += ("--port-scp", str(free_port()), "-o", str(tmp_path))
        with subprocess.Popen(["gdcmscu", *options, *map(str, visitor.address)], stdout=subprocess.DEVNULL) as moves:
            visitor.wait_event("dicom.c-move")
            moves.kill()
    else:
        run_tool("gdcmscu", *options, *visitor.address, status=None)
    expect(visitor, "GDCM gdcmscu")


def test_gdcm_store(visitor: Visitor) -> None:
    run_tool("gdcmscu", "--store", "-i", sample("CT_small.dcm"), *visitor.address, status=None)
    expect(visitor, "GDCM", "properties")


def test_odil(sensor: Sensor) -> None:
    find_tool("odil")
    with Visitor(sensor) as visitor:
        run_tool("odil", "echo", *visitor.address, "ME", "THEM", status=None)
        expect(visitor, "odil echo")
    with Visitor(sensor) as visitor:
        run_tool("odil", "find", *visitor.address, "ME", "THEM", "study", "StudyInstanceUID=", status=None)
        expect(visitor, "odil", "properties")


def test_dcmjs_dimse(visitor: Visitor) -> None:
    node = find_tool("node")
    script = (
        "const d = require('dcmjs-dimse'); const c = new d.Client(); c.addRequest(new d.requests.CEchoRequest());"
        f"c.send('127.0.0.1', {visitor.port}, 'SCU', 'ANY');"
    )
    ran = subprocess.run([node, "-e", script], capture_output=True, text=True, timeout=60, check=False)
    if "Cannot find module" in ran.stderr:
        pytest.skip("node is here, its package dcmjs-dimse is not (NODE_PATH may say where)")
    expect(visitor, "dcmjs-dimse", "properties")


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Visitor, str, Any], None]]:
    """Makes Orthanc do something to a visitor's sensor, by its REST API: path below the modality, and body."""
    program = shutil.which("Orthanc", path=os.pathsep.join([*os.get_exec_path(), "/usr/sbin"]))
    if program is None:
        pytest.skip("Orthanc is not installed; `make packages` installs what the tests use")
    folder = tmp_path_factory.mktemp("orthanc")
    port = free_port()
    (folder / "orthanc.json").write_text(
        json.dumps(
            {
                "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "Plugins": [],
                "HttpPort": port, "DicomServerEnabled": False, "AuthenticationEnabled": False, "DicomScuTimeout": 5,
            }
        )
    )  # fmt: skip

    def rest(method: str, path: str, body: bytes) -> bytes:
        url = f"http://127.0.0.1:{port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=30) as answer:
            return bytes(answer.read())

    def make(visitor: Visitor, path: str, body: Any) -> None:
        modality = {"AET": "SENSOR", "Host": "127.0.0.1", "Port": visitor.port}
        rest("PUT", "/modalities/sensor", json.dumps(modality).encode())
        if path == "store":
            uploaded = rest("POST", "/instances", sample("CT_small.dcm").read_bytes())
            body = json.loads(uploaded)["ID"]
        try:
            rest("POST", f"/modalities/sensor/{path}", json.dumps(body).encode())
        except urllib.error.HTTPError:
            return  # what was asked for was refused

    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
    try:
        wait_until(lambda: process.poll() is not None or listens(port), "Orthanc that listens", 60)
        assert process.poll() is None, (folder / "log").read_text()
        version = json.loads(rest("GET", "/system", b""))["Version"]
        if not version.startswith("1.10."):
            pytest.skip(f"Orthanc is of version {version}, and the table has 1.10.1")
        yield make
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(
    ("path", "body", "match"),
    [
        ("echo", {}, "dfp"),
        ("query", {"Level": "Study", "Query": {"StudyInstanceUID": "1.2.3"}}, "dfp"),
        ("move", {"Level": "Study", "Resources": [{"StudyInstanceUID": "1.2.3"}]}, "dfp"),
        ("store", None, "properties"),
    ],
)
def test_orthanc(
    visitor: Visitor, orthanc: Callable[[Visitor, str, Any], None], path: str, body: Any, match: str
) -> None:
    orthanc(visitor, path, body)
    expect(visitor, "Orthanc", match)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


# What a client does after the accept, and in how many pieces it asks


def associated(sensor: Sensor, ip: str, *what: bytes, how: str = "fin") -> Any:
    """`dicom.client` of the connection's end, after an association, some PDUs, and an end by FIN or RST."""
    with connect(sensor, ip) as sock:
        sock.sendall(RQ)
        assert receive_pdu(sock)[:1] == b"\2"
        for data in what:
            sock.sendall(data)
            if data in (ECHO_RQ, RELEASE_RQ):
                receive_pdu(sock)
        if how == "rst":
            reset(sock)
        elif how == "fin":
            sock.shutdown(socket.SHUT_WR)
            receive_all(sock)
        else:
            receive_all(sock)
    return at(sensor.wait_event("connection.close", source__ip=ip), "dicom.client", {})


@pytest.mark.parametrize(
    ("what", "how", "after_ac"),
    [
        ((), "fin", "silent_fin"),
        ((), "rst", "rst"),
        ((ABORT,), "fin", "abort"),
        ((RELEASE_RQ,), "fin", "release"),
        ((ECHO_RQ,), "rst", "dimse"),
        ((ECHO_RQ, RELEASE_RQ), "fin", "dimse"),
        ((ECHO_RQ[:20],), "fin", None),  # neither silence nor a command
        ((b"\x08\0\0\0\0\4\0\0\0\0",), "fin", None),  # nonsense
    ],
)
def test_after_the_accept(
    sensor: Sensor, visitor: Visitor, what: tuple[bytes, ...], how: str, after_ac: str | None
) -> None:
    client = associated(sensor, visitor.ip, *what, how=how)
    assert client.get("after_ac") == after_ac
    assert client["segments"] == 1


def test_nothing_comes_after_a_request_that_is_not_accepted(sensor: Sensor, visitor: Visitor) -> None:
    say(sensor, RQ.replace(b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.3.1.1.2"), visitor.ip)
    closed = visitor.wait_event("connection.close")
    rejected = visitor.events(event__action="dicom.association.reject")
    assert at(closed, "dicom.client.after_ac") == (None if rejected else "silent_fin")
    assert at(closed, "dicom.client.segments") == 1


def test_a_request_in_pieces_is_by_the_same_client(sensor: Sensor, visitor: Visitor) -> None:
    with connect(sensor, visitor.ip) as sock:
        for piece in (RQ[:3], RQ[3:100], RQ[100:]):
            sock.sendall(piece)
            assert echoes(sensor)  # its worker has read the piece
        assert receive_pdu(sock)[:1] == b"\2"
    assert at(visitor.wait_event("dicom.association"), "dicom.client.name") == "DCMTK echoscu"
    assert at(visitor.wait_event("connection.close"), "dicom.client.segments") == 3
