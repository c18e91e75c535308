"""A DICOM server that does what a test tells it to: the upper layer of a persona on a thread, or bytes by rote."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

from dicomhawk.persona.model import Persona
from dicomhawk.settings import Deployment, Remote
from dicomhawk.upperlayer import dimse
from dicomhawk.upperlayer.dialect import Close
from dicomhawk.upperlayer.dimse import CommandField
from dicomhawk.upperlayer.errors import Quirk
from dicomhawk.upperlayer.indications import AssociateIndication, ReleaseIndication
from dicomhawk.upperlayer.message import CommandReceived
from dicomhawk.upperlayer.negotiation import Accepted, Rejected, negotiate
from dicomhawk.upperlayer.provider import Provider

Serve = Callable[[socket.socket], None]


@contextlib.contextmanager
def server(serve: Serve) -> Iterator[tuple[str, int]]:
    """Address of a server that hands each connection to `serve`, on a thread of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=guarded, args=(connection,), daemon=True).start()

    def guarded(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            serve(connection)

    threading.Thread(target=run, daemon=True).start()
    try:
        yield listening.getsockname()
    finally:
        ended.set()
        listening.close()


def receive_pdu(connection: socket.socket) -> bytes:
    """The next PDU; empty at the end."""
    data = b""
    needed = 6
    while len(data) < needed:
        more = connection.recv(needed - len(data))
        if not more:
            return b""
        data += more
        if len(data) == 6:
            needed = 6 + struct.unpack(">L", data[2:])[0]
    return data


def reset(connection: socket.socket) -> None:
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def upper_layer(persona: Persona, called: str = "ARCHIVE", calling: str = "TESTER") -> Serve:
    """A persona's upper layer with nothing above it but C-ECHO, and without timers."""
    own = Deployment(
        seed="5ee0d1c0a7b94e6f", hospital="A Hospital", locale="en_GB", ae_title=called, uid_root="1.2.826.0.1"
    )
    policy = persona.policy(own, [Remote.model_validate(calling)])
    dialect = persona.dialect()

    def serve(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        provider = Provider(dialect, time.monotonic())
        while provider.close is None:
            data = connection.recv(65536)
            now = time.monotonic()
            if data:
                provider.feed(data, now)
            else:
                provider.peer_closed(now)
            while provider.close is None and (indication := provider.poll(now)) is not None:
                react(provider, indication, now)
            connection.sendall(b"".join(bytes(part) for part in provider.take_output(now)))
        if provider.close is Close.RESET:
            reset(connection)

    def react(provider: Provider, indication: object, now: float) -> None:
        match indication:
            case AssociateIndication(rq):
                outcome = negotiate(rq, policy)
                if isinstance(outcome, Accepted):
                    provider.accept(outcome)
                elif isinstance(outcome, Rejected):
                    provider.reject(outcome.rj, now)
                else:
                    provider.leave_unanswered(now)
            case ReleaseIndication():
                provider.confirm_release(now)
            case CommandReceived(context_id, command):
                if command.command_field == CommandField.C_ECHO_RQ and not command.has_data_set and provider.can_send:
                    provider.send(context_id, dimse.encode(dimse.response(command, 0)))
                elif not provider.can_send:
                    provider.refuse(Quirk.PEER_MAXIMUM, "", now)

    return serve
