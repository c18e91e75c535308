"""When the peer learns of the end of a connection: at once, not when the event loop comes to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from dicomhawk.sensor.dicom.outlet import Outlet
from dicomhawk.upperlayer.dialect import Close

PATIENCE = 5.0


def between_two(meeting: Callable[[Outlet, socket.socket], None]) -> None:
    """Run `meeting`, while the event loop does nothing else, with the outlet of a connection and its peer."""

    async def meet() -> None:
        loop = asyncio.get_running_loop()
        met = loop.create_future()

        class Server(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                assert isinstance(transport, asyncio.Transport)
                transport.pause_reading()
                met.set_result(transport)

        server = await loop.create_server(Server, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()) as peer:
            peer.settimeout(PATIENCE)
            transport = await met
            meeting(Outlet(transport, split=False, nodelay=True), peer)
            transport.abort()
        server.close()

    asyncio.run(meet())


def test_the_end_is_told_at_once_behind_what_is_written() -> None:
    def meeting(outlet: Outlet, peer: socket.socket) -> None:
        outlet.close(Close.FIN, [b"last"], 0.0)
        assert peer.recv(9) == b"last"
        assert peer.recv(9) == b""

    between_two(meeting)


def test_a_reset_for_unread_input_is_not_made_an_end_in_order() -> None:
    def meeting(outlet: Outlet, peer: socket.socket) -> None:
        peer.sendall(b"unread")
        outlet.close(Close.FIN, [], 0.0)
        peer.settimeout(0.1)
        with pytest.raises(TimeoutError):
            peer.recv(9)

    between_two(meeting)
