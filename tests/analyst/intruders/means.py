"""What scripted intruders have: a target, and ways to speak to it."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from pydicom.dataset import Dataset
from pynetdicom import build_context

from tests.sensor.scu import (
    STUDY_FIND,
    SYNTAXES,
    VERIFICATION,
    associate,
    encoded,
    find,
    keys,
    store_bytes,
)

PATIENCE = 30.0
"""Seconds that an answer may take."""
GET_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.1.1")
BORING = "1.2.840.10008.5.1.4.1.1."
ORTHANC = ("orthanc", "orthanc")


class Target(NamedTuple):
    """What is attacked. A port that is 0 isn't there."""

    host: str
    dicom: int
    web: int = 0
    web_tls: int = 0
    called: str = "ANY-SCP"

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.dicom


Intruder = Callable[[Target], None]


class Part(NamedTuple):
    """Somebody's part, and the persona that it is meant for."""

    play: Intruder
    persona: str = "plain"


class Answer(NamedTuple):
    """Of HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes


def connected(target: Target, port: int | None = None) -> socket.socket:
    """A connection to the DICOM port, or another."""
    return socket.create_connection((target.host, target.dicom if port is None else port), PATIENCE)


def sent(target: Target, data: bytes, port: int | None = None, wait: float = 1.0) -> bytes:
    """What comes for some bytes within `wait` seconds of silence."""
    found = b""
    with connected(target, port) as sock:
        sock.sendall(data)
        sock.settimeout(wait)
        try:
            while more := sock.recv(65536):
                found += more
        except OSError:
            pass
    return found


def asked(
    target: Target,
    method: str,
    path: str,
    body: bytes | str | dict[str, Any] | None = None,
    user: tuple[str, str] | None = None,
    **headers: str,
) -> Answer:
    """One HTTP request on a connection of its own; `path` goes out as it stands there."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if user is not None:
        fields["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    data = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    connection = http.client.HTTPConnection(target.host, target.web, timeout=PATIENCE)
    try:
        connection.request(method, path, data, fields)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def tool(name: str, *arguments: object, timeout: float = 100) -> None:
    """Run somebody else's program to its end, whatever that is. Raises FileNotFoundError where there is none, and
    TimeoutExpired after so many seconds."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(name)
    subprocess.run(
        [path, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=timeout,
        check=False,
    )


def request_pdu(called: str = "ANY-SCP", calling: str = "ECHOSCU", reserved: bytes = bytes(32)) -> bytes:
    """An A-ASSOCIATE-RQ for Verification, as nmap's (PS3.8 9.3.2)."""

    def item(kind: int, data: bytes) -> bytes:
        return bytes((kind, 0)) + len(data).to_bytes(2, "big") + data

    context = item(0x30, VERIFICATION.encode()) + item(0x40, b"1.2.840.10008.1.2")
    user = item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.276.0.7230010.3.0.3.6.2")
    user += item(0x55, b"OFFIS_DCMTK_362")
    body = b"\0\1\0\0" + called.encode().ljust(16) + calling.encode().ljust(16) + reserved
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, b"\1\0\0\0" + context) + item(0x50, user)
    return b"\1\0" + len(body).to_bytes(4, "big") + body


def probe(target: Target, called: str = "ANY-SCP", calling: str = "ECHOSCU") -> bytes:
    """An association, and nothing with it; the first bytes of the answer."""
    with connected(target) as sock:
        sock.sendall(request_pdu(called, calling))
        return sock.recv(4096)


def studies(target: Target, most: int) -> list[str]:
    """UIDs of some studies."""
    with associate(target.address, [STUDY_FIND], called=target.called) as association:
        matches, _ = find(association, keys(QueryRetrieveLevel="STUDY", StudyInstanceUID="", ModalitiesInStudy="CT"))
    return [str(match.StudyInstanceUID) for match in matches[:most]]


def stored(target: Target, data: Dataset, sop_class: str, raw: bytes | None = None, syntax: str = "") -> None:
    """C-STORE of a data set; `raw`: these bytes instead."""
    context = build_context(sop_class, [syntax or SYNTAXES[1]])
    with associate(target.address, [context], called=target.called) as association:
        accepted = association.accepted_contexts[0]
        store_bytes(association, accepted, sop_class, str(data.SOPInstanceUID), raw or encoded(data))


def posted(target: Target, path: str, files: Iterable[tuple[str, str, bytes]], **headers: str) -> Answer:
    """STOW-RS: parts with (name, type, bytes)."""
    lines = b""
    for name, kind, data in files:
        location = f"Content-Location: {name}\r\n" if name else ""
        lines += f"--frontier\r\nContent-Type: {kind}\r\n{location}\r\n".encode() + data + b"\r\n"
    return asked(
        target,
        "POST",
        path,
        lines + b"--frontier--\r\n",
        Content_Type='multipart/related; type="application/dicom"; boundary=frontier',
        **headers,
    )
