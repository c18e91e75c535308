"""The old DICOMHawk's simplified logs as events of ours."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dicomhawk.analyst.importing import events_from
from dicomhawk.evidence.documents import value_at

from .import_logs import write

Event = dict[str, Any]
START = datetime(2025, 1, 3, 9, 0, 0)
VISITOR = "203.0.113.9"


def events(path: Path) -> list[Event]:
    return list(events_from("dicomhawk-legacy", path, "hawk"))


def actions(found: list[Event]) -> list[str]:
    return [event["event"]["action"] for event in found if not event["event"]["action"].startswith("session.")]


class First:
    """The log of 2024: what it says of an association, with the request that comes again when it is released."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.at = START

    def log(self, key: str, level: str, message: str, **fields: object) -> None:
        self.at += timedelta(milliseconds=7)
        self.lines.append(
            {"session_id": key, "ID": key, **fields, "level": level, "msg": message, "timestamp": self.at.isoformat()}
        )

    def acse(self, address: str, port: int, version: str) -> str:
        key = str(int(self.at.timestamp() * 1e6))
        told = {"event": "Association requested", "IP": address, "Port": port}
        self.log(key, "warning", "Connection from", **told)
        self.log(key, "info", "Client", Version=version)
        return key

    def release(self, address: str, port: int, version: str = "OFFIS_DCMTK_368") -> None:
        key = self.acse(address, port, version)
        told = {"event": "Association released", "IP": address, "Port": port, "Status": "Finished"}
        self.log(key, "warning", "Connection", **told)

    def command(self, key: str, name: str, **fields: object) -> None:
        self.log(key, "info", "Received", event=f"{name} request received", Command=name, **fields)


IDENTIFIER = {
    "524370": "(0008, 0052) Query/Retrieve Level                CS: 'STUDY'",
    "1048592": "(0010, 0010) Patient's Name                      PN: '*'",
}


def test_an_association_of_2024_is_one_connection(tmp_path: Path) -> None:
    log = First()
    key = log.acse(VISITOR, 13887, "N/A")
    log.log(key, "info", "C-FIND Search", Term="*", Type="PatientName")
    log.command(key, "C-FIND", identifier=IDENTIFIER)
    log.log(key, "warning", "C-FIND Search result", Matches=5)
    log.release(VISITOR, 13887)
    found = events(write(tmp_path / "dicom_simplified.log", log.lines))
    assert actions(found) == [
        "connection.open",
        "dicom.association",
        "dicom.c-find",
        "dicom.c-find.end",
        "dicom.release",
        "connection.close",
    ]
    by_action = {event["event"]["action"]: event for event in found}
    assert value_at(by_action["dicom.association"], "dicom.implementation.version") == "OFFIS_DCMTK_368"
    assert by_action["dicom.c-find"]["dicom"]["query"] == {
        "keys": {"00080052": "STUDY", "00100010": "*"},
        "level": "STUDY",
        "wildcard": True,
    }
    assert value_at(by_action["dicom.c-find.end"], "dicom.query.matches") == 5
    assert by_action["connection.open"]["observer"]["product"] == "dicomhawk-legacy"


def test_a_port_that_is_silent_for_long_is_of_a_new_connection(tmp_path: Path) -> None:
    log = First()
    for _ in range(3):
        log.acse(VISITOR, 60000, "N/A")
        log.at += timedelta(seconds=121)
    assert actions(events(write(tmp_path / "log", log.lines))).count("connection.open") == 3


def test_a_port_that_was_released_is_of_a_new_connection(tmp_path: Path) -> None:
    log = First()
    for _ in range(3):
        key = log.acse(VISITOR, 60000, "N/A")
        log.command(key, "C-ECHO")
        log.release(VISITOR, 60000)
    assert actions(events(write(tmp_path / "log", log.lines))).count("connection.open") == 3


def test_the_first_logs_had_no_session(tmp_path: Path) -> None:
    log = First()
    key = log.acse(VISITOR, 13887, "N/A")
    stored = "(0008, 0018) SOP Instance UID                    UI: 1.2.826.7\n(0010, 0020) Patient ID   LO: '9'"
    log.command(key, "C-STORE", dataset=stored)
    log.lines.append({"ID": "1", "event": "Created fake DICOM file", "file": "x", "timestamp": log.at.isoformat()})
    log.release(VISITOR, 13887)
    lines = [{name: value for name, value in line.items() if name != "session_id"} for line in log.lines]
    imported = events_from("dicomhawk-legacy", write(tmp_path / "log", lines), "hawk")
    [stored_event] = [event for event in imported if event["event"]["action"] == "dicom.c-store"]
    assert stored_event["dicom"]["sop"] == {"instance_uid": "1.2.826.7"}
    assert imported.skipped == 0


def second(key: str, told: str, at: str, **fields: object) -> dict[str, Any]:
    """A line of 2025."""
    common = {
        "query_level": "N/A",
        "session_parameters": "N/A",
        "log_level": "Info",
        "version": "N/A",
        "matches": "N/A",
    }
    return {
        "session_id": key,
        "request_type": told,
        **common,
        "ip": VISITOR,
        "port": 50998,
        **fields,
        "timestamp": at,
    }


def test_a_log_of_2025_is_in_copenhagens_time(tmp_path: Path) -> None:
    parameters = ["PatientName: Agnes Skov", "StudyInstanceUID: 1.3.6", "Requested: Modality, PatientID", "odd"]
    lines = [
        second("17", "Association Requested", "2025-06-16T21:20:10.182770"),
        second(
            "17",
            "C_FIND",
            "2025-06-16T21:20:10.251163",
            query_level="SERIES",
            session_parameters=parameters,
            matches=1,
        ),
        second("17", "C_GET", "2025-06-16T21:20:10.26", session_parameters="StudyInstanceUID: 1.3.6", matches=4),
        second("17", "Association Released", "2025-06-16T21:20:10.312905", version="SANTESOFT"),
    ]
    found = events(write(tmp_path / "simplified_logger.log", lines))
    assert actions(found) == [
        "connection.open",
        "dicom.association",
        "dicom.c-find",
        "dicom.c-find.end",
        "dicom.c-get",
        "dicom.c-get.end",
        "dicom.release",
        "connection.close",
    ]
    by_action = {event["event"]["action"]: event for event in found}
    query = by_action["dicom.c-find"]
    assert query["@timestamp"] == "2025-06-16T19:20:10.251Z"
    assert query["dicom"]["query"] == {
        "keys": {"00100010": "Agnes Skov", "0020000D": "1.3.6", "00080060": "", "00100020": ""},
        "level": "SERIES",
        "wildcard": False,
    }
    assert query["dicom"]["implementation"]["version"] == "SANTESOFT"
    assert value_at(by_action["dicom.c-get.end"], "dicom.suboperations.completed") == 4


def third(key: str, told: str, second_of: int, **fields: object) -> dict[str, Any]:
    """A line of 2026."""
    common: dict[str, Any] = dict.fromkeys(
        ("query_level", "session_parameters", "status", "version", "matches", "method", "path", "user_agent")
    )
    common |= {"channel": "DIMSE", "log_level": "INFO", "ip": VISITOR, "port": 50998, "local_port": 104}
    stamp = (START + timedelta(seconds=second_of)).isoformat()
    return {"session_id": key, "request_type": told, **common, **fields, "timestamp": stamp}


def test_a_log_of_2026_has_connections_without_associations(tmp_path: Path) -> None:
    status = "MOVE_DESTINATION_UNKNOWN (0xA801)"
    lines = [
        third("1", "Connection Opened", 0, port=1),
        third("2", "Connection Opened", 1),
        third("2", "Association Requested", 2, version="PYNETDICOM_202"),
        third("2", "C-MOVE", 3, session_parameters=["Destination: EVIL"], matches=7, status=status),
        third("2", "Association Aborted", 4),
        third("9", "GET", 5, channel="WEB"),
    ]
    found = events(write(tmp_path / "interactions.log", lines))
    assert actions(found) == [
        "connection.open",
        "connection.open",
        "dicom.association",
        "dicom.c-move",
        "dicom.c-move.end",
        "dicom.abort",
        "connection.close",
    ]
    by_action = {event["event"]["action"]: event for event in found}
    assert by_action["dicom.c-move"]["dicom"]["move"] == {"destination": "EVIL"}
    assert by_action["dicom.c-move.end"]["dicom"]["status"] == "0xA801"
    assert by_action["dicom.c-move.end"]["event"]["outcome"] == "failure"
    assert by_action["dicom.c-move"]["destination"] == {"port": 104}


@pytest.mark.parametrize("hostile", ["' OR 1=1 --", "\x1b[2J", "<script>", "x" * 5000, "${jndi:ldap://x}"])
def test_what_strangers_sent_is_bounded_and_kept(tmp_path: Path, hostile: str) -> None:
    lines = [
        second("17", "Association Requested", "2025-06-16T21:20:10.18"),
        second("17", "C_FIND", "2025-06-16T21:20:10.2", session_parameters=[f"PatientName: {hostile}"], matches=0),
    ]
    found = events(write(tmp_path / "log", lines))
    [query] = [event for event in found if event["event"]["action"] == "dicom.c-find"]
    assert query["dicom"]["query"]["keys"] == {"00100010": hostile[:1024]}


def asked(calling: str, called: str, *, peer: str = "", version: str = "OFFIS_DCMTK_368") -> list[str]:
    """What pynetdicom logs of an A-ASSOCIATE-RQ."""
    return [
        "Request Parameters:",
        f"{'':=>23} INCOMING A-ASSOCIATE-RQ PDU {'':=>24}",
        "Their Implementation Class UID:      1.2.276.0.7230010.3.0.3.6.8",
        f"Their Implementation Version Name:   {version}",
        "Application Context Name:    1.2.840.10008.3.1.1.1",
        f"Calling Application Name:    {calling}",
        f"Called Application Name:     {called}",
        "Their Max PDU Receive Size:  16384",
        "Presentation Contexts:",
        "  Context ID:        1 (Proposed)",
        "    Abstract Syntax: =Verification SOP Class",
        "    Proposed SCP/SCU Role: Default",
        "    Proposed Transfer Syntax:",
        "      =Implicit VR Little Endian",
        "  Context ID:        3 (Proposed)",
        "    Abstract Syntax: =1.2.3.4",
        "    Proposed Transfer Syntaxes:",
        "      =Implicit VR Little Endian",
        "      =Explicit VR Little Endian",
        "Requested User Identity Negotiation: None",
        f"{'':=>26} END A-ASSOCIATE-RQ PDU {'':=>26}",
        *([f"Association requested from {peer}"] if peer else []),
        "Accepting Association",
        "Called Application Name:     NOT OF A REQUEST",
    ]


def test_pynetdicoms_log_of_2024_tells_who_called_whom(tmp_path: Path) -> None:
    log = First()
    log.acse("203.0.113.9", 13887, "N/A")
    log.acse("203.0.113.8", 13888, "N/A")
    log.release("203.0.113.9", 13887)
    folder = tmp_path / "logs"
    folder.mkdir()
    write(folder / "dicom_simplified.log", log.lines)
    dump = [
        *asked("SECOND", "PACS", peer="203.0.113.8:13888"),
        *asked("FIRST", "ORTHANC", peer="203.0.113.9:13887"),
        "Association requested from 203.0.113.9:13887",
        *asked("STRANGER", "X", peer="203.0.113.1:1"),
    ]
    (folder / "dicom_server.log").write_text("\n".join(dump))
    imported = events_from("dicomhawk-legacy", folder, "hawk")
    found = [event for event in imported if event["event"]["action"] == "dicom.association"]
    titles = {event["source"]["ip"]: event["dicom"]["ae"] for event in found}
    assert titles == {
        "203.0.113.9": {"calling": "FIRST", "called": "ORTHANC"},
        "203.0.113.8": {"calling": "SECOND", "called": "PACS"},
    }
    association = found[0]
    assert association["dicom"]["max_pdu"] == 16384
    assert association["dicom"]["contexts"] == [
        {"id": 1, "abstract_syntax": "1.2.840.10008.1.1", "transfer_syntaxes": ["1.2.840.10008.1.2"]},
        {
            "id": 3,
            "abstract_syntax": "1.2.3.4",
            "transfer_syntaxes": ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"],
        },
    ]
    assert imported.skipped == 0
    assert "1 requests of pynetdicom's log belong to no association" in imported.sentence


@pytest.mark.parametrize("missing", [0, 1])
def test_pynetdicoms_log_of_2025_names_nobody(tmp_path: Path, missing: int) -> None:
    lines = [second(str(key), "Association Requested", f"2025-06-16T21:2{key}:10.18", port=key) for key in range(3)]
    folder = tmp_path / "logs"
    folder.mkdir()
    write(folder / "simplified_logger.log", lines)
    dump = [line for key in range(3 - missing) for line in asked(f"AE{key}", "PACS")]
    (folder / "pynetdicom.log").write_text("\n".join(dump))
    imported = events_from("dicomhawk-legacy", folder, "hawk")
    found = [value_at(event, "dicom.ae.calling") for event in imported if "dicom" in event]
    assert found == ([] if missing else ["AE0", "AE1", "AE2"])
    assert ("2 requests" in imported.sentence) == bool(missing)
