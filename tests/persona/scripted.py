"""A DICOM server that does what a test tells it to: the upper layer of a persona on a thread, or bytes by rote."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Serve = Callable[[socket.socket], None]
ACCEPTED = bytes.fromhex("0200")


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
