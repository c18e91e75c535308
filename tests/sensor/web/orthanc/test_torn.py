"""Visitors who leave in the middle of an upload leave nothing open."""

from __future__ import annotations

import socket

from dicomhawk.hospital.part10 import HEAD_SIZE
from tests.sensor.web.orthanc.client import Client, part10, secondary_capture
from tests.support import Sensor, wait_until


def test_an_upload_that_is_torn_off(orthanc: Sensor, client: Client) -> None:
    incoming = orthanc.data / "vault" / "objects" / "incoming"
    wait_until(lambda: not list(incoming.iterdir()), "end of other uploads")
    data = part10(secondary_capture(Rows=1024, Columns=1024, PixelData=bytes(1 << 20)))
    head = f"POST /instances HTTP/1.1\r\nHost: h\r\nAuthorization: {client.headers['Authorization']}\r\n"
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", client.port), source_address=(client.address, 0)) as sock:
            sock.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data[: 4 * HEAD_SIZE])
            wait_until(lambda: len(list(incoming.iterdir())) > 1, "body and object in the vault")
        wait_until(lambda: not list(incoming.iterdir()), "end of what was torn off")
