"""A door behind TLS: handshakes are made and put on record, what comes through is the door's."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import msgspec

from ...evidence import events as ev
from ...evidence.fields import text
from ...evidence.recorder import Recorder
from ...persona.model.tls import Tls
from ..addresses import Ends
from .fingerprint import ja3, ja4
from .layer import Handshake, Layer

FIRST_BYTES = 32
"""Of what was no TLS, in the event."""


class TlsDoor:
    """Makes the protocols of a listening socket. `plain`: what those get who don't speak TLS."""

    def __init__(
        self,
        context: ssl.SSLContext,
        tls: Tls,
        recorder: Recorder,
        make: Callable[[], asyncio.Protocol],
        *,
        capacity: int,
        plain: Callable[[], bytes] = bytes,
    ) -> None:
        """`capacity`: handshakes that may be under way at once."""
        self._context = context
        self._patience = tls.patience
        self._recorder = recorder
        self._make = make
        self._capacity = capacity
        self._plain = plain
        self._pending: dict[Layer, None] = {}

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return Layer(self._context, self._make, self._failed, self._patience, self._pending, self._capacity)

    def _failed(self, ends: Ends, handshake: Handshake) -> bytes:
        """Put a connection on record that never came through; returns what it gets in the clear."""
        record = self._recorder.open(*ends, protocol="tls")
        record.received(handshake.raw)
        record.emit(event_of(handshake))
        if handshake.first:
            shown = handshake.first[:FIRST_BYTES]
            record.emit(ev.ProtocolUnknown(guess="unknown", first_bytes=shown.hex()))
        answer = self._plain() if handshake.first else b""
        if answer:
            record.sent(answer)
        record.close("closed")
        self._recorder.flush()
        return answer


def event_of(handshake: Handshake) -> ev.TlsHandshake:
    """What is put on record of a handshake."""
    agreed = ev.TlsHandshake(
        outcome="success" if handshake.failure is None else "failure",
        reason=handshake.failure,
        version=(handshake.version or "").removeprefix("TLSv") or None,
        cipher=handshake.cipher,
        next_protocol=handshake.protocol,
    )
    hello = handshake.hello
    if hello is None:
        return agreed
    return msgspec.structs.replace(
        agreed,
        server_name=hello.server_name,
        ja3=ja3(hello),
        ja4=ja4(hello),
        ciphers=tuple(f"{each:04x}" for each in hello.ciphers),
        protocols=tuple(text(each) for each in hello.protocols),
    )
