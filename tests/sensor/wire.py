"""A few requests as bytes, for tests that hold sockets themselves."""

from __future__ import annotations

import socket
from typing import Self

from dicomhawk.upperlayer import dimse, pdu
from dicomhawk.upperlayer import items as it

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
SECONDS = 20.0
"""Patience with one answer."""

ASSOCIATE = pdu.encode(
    pdu.AssociateRQ(
        pdu.ae_title("ANY-SCP"),
        pdu.ae_title("WIRE"),
        (
            it.ApplicationContext("1.2.840.10008.3.1.1.1"),
            it.ProposedContext(1, (it.AbstractSyntax(VERIFICATION), it.TransferSyntax(IMPLICIT_LE))),
            it.UserInformation((it.MaximumLength(16384), it.ImplementationClassUID("1.2.3.4"))),
        ),
    )
)
RELEASE = pdu.encode(pdu.ReleaseRQ())


def echo(message_id: int = 1) -> bytes:
    """A C-ECHO request on context 1."""
    command = dimse.encode(
        {
            dimse.Key.AffectedSOPClassUID: VERIFICATION,
            dimse.Key.CommandField: 0x0030,
            dimse.Key.MessageID: message_id,
            dimse.Key.CommandDataSetType: dimse.NO_DATA_SET,
        }
    )
    return pdu.encode(pdu.PDataTF((pdu.PDV(1, 3, command),)))


class Wire:
    """A TCP connection that reads PDU by PDU."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """All of it."""
        self.socket.sendall(data)

    def receive(self) -> bytes:
        """The next PDU; empty if the connection was closed or reset instead."""
        head = self._exactly(6)
        return head and head + self._exactly(int.from_bytes(head[2:], "big"))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                more = self.socket.recv(size - len(data))
            except ConnectionResetError:
                return b""
            if not more:
                return b""
            data += more
        return data

    def associate(self) -> Self:
        """An association for Verification."""
        self.send(ASSOCIATE)
        assert self.receive()[:1] == b"\x02"
        return self

    def echo(self, message_id: int = 1) -> None:
        """A C-ECHO that succeeds."""
        self.send(echo(message_id))
        answer = self.receive()
        assert answer[:1] == b"\x04"
        assert dimse.decode(answer[12:]).status == 0
