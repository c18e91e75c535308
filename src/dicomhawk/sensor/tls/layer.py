"""TLS between a transport and a protocol: asyncio's own would hide the ClientHello.

The protocol behind it is made when the handshake is over, and sees a transport as if there were no TLS; by
``get_extra_info("tls")`` it gets a `Handshake`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from ..addresses import Ends, ends
from . import hello as hellos
from .hello import ClientHello, HelloError

CHUNK = 1 << 16
"""Bytes decrypted at once."""


class Handshake(NamedTuple):
    """What was offered, and what was agreed to; None where it didn't come to that."""

    hello: ClientHello | None
    version: str | None = None
    cipher: str | None = None
    protocol: str | None = None
    failure: str | None = None
    """Why there is no connection: the TLS library's reason, or what came instead of a ClientHello."""
    first: bytes = b""
    """What came first, where that was no TLS."""
    raw: bytes = b""
    """What came of a handshake that failed, up to the end of the ClientHello."""


class Layer(asyncio.Protocol):
    """One connection. See the module's docstring.

    `failed` is told of those that never became one, with their two ends; what it returns is sent in the clear before
    the close, if the peer had not spoken TLS. `pending` has those whose handshake is under way, which may take
    `patience` seconds; there are no more than `most`.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        make: Callable[[], asyncio.Protocol],
        failed: Callable[[Ends, Handshake], bytes],
        patience: float,
        pending: dict[Layer, None],
        most: int,
    ) -> None:
        self._context = context
        self._make = make
        self._failed = failed
        self._patience = patience
        self._first: bytearray | None = bytearray()  # until the ClientHello is complete
        self._hello: ClientHello | None = None
        self._pending = pending
        self._most = most
        self._protocol: asyncio.Protocol | None = None
        self._raw = b""  # until the handshake is over
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A visitor is there."""
        self._transport = cast(asyncio.Transport, transport)
        self._ends = ends(transport)  # later the peer may have no name any more
        if len(self._pending) >= self._most:
            next(iter(self._pending)).give_way()
        self._pending[self] = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._patience, self._give_up, "the handshake took too long")

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._over:
            return
        if self._first is not None:
            self._first += data
            try:
                body = hellos.message(bytes(self._first))
                if body is None:
                    return
                self._hello = hellos.parse(body)
            except HelloError as error:
                if not self._first or self._first[0] != hellos.HANDSHAKE:
                    self._give_up(str(error), plain=bytes(self._first))
                    return
                # It is TLS, if of a kind that we can't read: let the library answer it as it does.
            data, self._first = bytes(self._first), None
            self._raw = data
        self._incoming.write(data)
        self._advance()

    def _advance(self) -> None:
        if self._protocol is None and not self._shake_hands():
            return
        protocol = self._protocol
        assert protocol is not None
        while not (self._over or self._ended or self._paused):
            try:
                data = self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                data = b""
            except ssl.SSLError:
                self.send()  # an alert
                self._transport.close()
                break
            if not data:
                self._end(protocol)
                break
            protocol.data_received(data)
        self.send()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self.send()
            return False
        except ssl.SSLError as error:
            self.send()
            self._give_up(error.reason or "TLS")
            return False
        self.send()
        self._stop_waiting()
        self._raw = b""
        cipher = self._tls.cipher()
        agreed = Handshake(
            self._hello, self._tls.version(), cipher[0] if cipher else None, self._tls.selected_alpn_protocol()
        )
        self._protocol = self._make()
        self._protocol.connection_made(Inside(self, self._transport, self._tls, agreed))
        return True

    def pause(self, paused: bool) -> None:
        """Keep what is decrypted from the protocol, or let it go on."""
        self._paused = paused
        if not paused:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        if not (self._over or self._paused):
            self._advance()

    def send(self) -> None:
        """Hand over what the TLS library wants sent."""
        data = self._outgoing.read()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def give_way(self) -> None:
        """A new visitor takes the place of the one whose handshake has taken longest."""
        self._give_up("capacity")

    def _stop_waiting(self) -> None:
        self._pending.pop(self, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self, why: str, plain: bytes = b"") -> None:
        self._over = True
        self._stop_waiting()
        answer = self._failed(self._ends, self._failure(why, plain))
        if plain and answer:
            self._transport.write(answer)
        self._transport.close()

    def _end(self, protocol: asyncio.Protocol) -> bool:
        """The peer sends nothing more: by close_notify, or by the end of its half of the connection."""
        if self._ended:
            return True
        self._ended = True
        stays = bool(protocol.eof_received())
        if not stays:
            self._transport.close()
        return stays

    def eof_received(self) -> bool:
        """As `_end`."""
        return self._protocol is not None and not self._over and self._end(self._protocol)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._stop_waiting()
        over, self._over = self._over, True
        if self._protocol is not None:
            self._protocol.connection_lost(exc)
        elif not over:
            first = bytes(self._first or b"")
            plain = first if first[:1] != bytes((hellos.HANDSHAKE,)) else b""
            self._failed(self._ends, self._failure("the peer left", plain))

    def _failure(self, why: str, plain: bytes) -> Handshake:
        raw = plain or self._raw or bytes(self._first or b"")
        return Handshake(self._hello, failure=why, first=plain, raw=raw)

    def pause_writing(self) -> None:
        """The transport has enough."""
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """It can take more."""
        if self._protocol is not None:
            self._protocol.resume_writing()


class Inside(asyncio.Transport):
    """What the protocol behind TLS writes to."""

    def __init__(self, layer: Layer, outer: asyncio.Transport, tls: ssl.SSLObject, agreed: Handshake) -> None:
        super().__init__()
        self._layer = layer
        self._outer = outer
        self._tls = tls
        self._agreed = agreed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As of the transport below, and ``tls``."""
        return self._agreed if name == "tls" else self._outer.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send: one record, or several, of its own."""
        if data and not self._outer.is_closing():
            self._tls.write(data)
            self._layer.send()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """As `write`, of all together."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Say that nothing more comes, and close when all is sent."""
        if not self._outer.is_closing():
            with contextlib.suppress(ssl.SSLError):  # the peer's part of it isn't waited for
                self._tls.unwrap()
            self._layer.send()
            self._outer.close()

    def abort(self) -> None:
        """End it at once."""
        self._outer.abort()

    def is_closing(self) -> bool:
        """Whether the end has begun."""
        return self._outer.is_closing()

    def pause_reading(self) -> None:
        """Let the peer wait."""
        self._layer.pause(True)
        self._outer.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        self._outer.resume_reading()
        self._layer.pause(False)

    def can_write_eof(self) -> bool:
        """TLS has no half-closed connections that every client would understand."""
        return False

    def get_write_buffer_size(self) -> int:
        """Encrypted bytes that wait."""
        return self._outer.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """As of the transport below."""
        return self._outer.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As of the transport below."""
        self._outer.set_write_buffer_limits(high, low)
